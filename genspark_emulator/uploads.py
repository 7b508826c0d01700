"""Files that clients upload, for use in later asks of the same account."""

import secrets
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LIFETIME_SECONDS = 15 * 60
"""An upload link is short-lived; for how long is not known."""

KEPT_UPLOADS = 100_000
KEPT_BYTES = 256 * 1024 * 1024
"""Beyond either limit the oldest are forgotten."""

DEFAULT_TYPE = "application/octet-stream"


@dataclass(slots=True)
class Upload:
    """A place for one file. ``content`` is None until the file has arrived."""

    id: str
    token: str
    account: str
    name: str
    content_type: str
    opened: float
    content: bytes | None = None


class Uploads:
    """All uploads of all accounts, oldest first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._by_id: OrderedDict[str, Upload] = OrderedDict()
        self._bytes = 0

    def open(self, account: str, name: str = "", content_type: str = "") -> Upload:
        """A new place, to be filled once within ``LIFETIME_SECONDS``."""
        upload = Upload(
            id=uuid.uuid4().hex,
            token=secrets.token_urlsafe(32),
            account=account,
            name=name or "upload",
            content_type=content_type or DEFAULT_TYPE,
            opened=self._clock(),
        )
        self._by_id[upload.id] = upload
        self._shrink()
        return upload

    def awaited(self, upload_id: str, token: str) -> Upload | None:
        """The place a link leads to, if it is still open and empty."""
        upload = self._by_id.get(upload_id)
        if upload is None or upload.content is not None or upload.token != token:
            return None
        return upload if self._clock() - upload.opened <= LIFETIME_SECONDS else None

    def fill(self, upload: Upload, content: bytes) -> None:
        """Keep what arrived."""
        upload.content = content
        self._bytes += len(content)
        self._shrink()

    def filled(self, upload_id: Any, account: str | None) -> Upload | None:
        """The account's upload, once its file has arrived."""
        upload = self._by_id.get(upload_id) if isinstance(upload_id, str) else None
        if upload is None or upload.content is None or upload.account != account:
            return None
        return upload

    def find(self, upload_id: str) -> Upload | None:
        """Any account's upload, filled or not."""
        return self._by_id.get(upload_id)

    def _shrink(self) -> None:
        while len(self._by_id) > KEPT_UPLOADS or self._bytes > KEPT_BYTES:
            _, oldest = self._by_id.popitem(last=False)
            self._bytes -= len(oldest.content or b"")

    def clear(self) -> None:
        """Forget everything."""
        self._by_id.clear()
        self._bytes = 0
