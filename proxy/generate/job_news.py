"""A job as ``GET /v1/jobs`` describes it, read with care: the server may be another version."""

from typing import Any, Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from proxy.core.jobs import JobState
from proxy.wire.json_values import list_at, number_at, object_at, text_at

ENDS: Final = frozenset({"completed", "failed", "cancelled"})


class JobNews(Struct, frozen=True, kw_only=True):
    """What is known of a job now; times in seconds. ``link`` is its first result's address,
    ``size`` and ``sha256`` belong to that result where the server has a copy.
    """

    id: str
    kind: str
    model: str
    state: str
    progress: int = 0
    elapsed: float = 0.0
    expected: float | None = None
    account: str = ""
    error: str = ""
    link: str = ""
    size: int | None = None
    sha256: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in ENDS

    @property
    def good(self) -> bool:
        """Whether there is a result."""
        return self.state == JobState.COMPLETED and bool(self.link)

    @property
    def doing(self) -> str:
        """The state in a word for people: Genspark's tools work while the request is open."""
        return "running" if self.state == JobState.SUBMITTING else self.state

    @property
    def suffix(self) -> str:
        """The extension that fits the result: ``.mp4``."""
        return "." + file_name(self.link).rpartition(".")[2]


def read_job(shown: Any) -> JobNews:
    """The news in a decoded job; what is missing or of a wrong type is left out."""
    link = next((url for url in list_at(shown, "urls") if isinstance(url, str)), "")
    state = text_at(shown, "state")
    file = _file(shown, file_name(link))
    size = number_at(file, "bytes")
    return JobNews(
        id=text_at(shown, "id"),
        kind=text_at(shown, "kind") or "job",
        model=text_at(shown, "model"),
        state=state,
        progress=max(0, min(100, int(number_at(shown, "progress") or 0))),
        elapsed=max(0.0, number_at(shown, "elapsed_seconds") or 0.0),
        expected=number_at(shown, "expected_seconds"),
        account=text_at(shown, "account"),
        error="" if state == JobState.CANCELLED else _error(shown),
        link=link,
        size=None if size is None else int(size),
        sha256=text_at(file, "sha256"),
    )


def _file(shown: Any, name: str) -> dict[str, Any]:
    """The copy that a link leads to. A poster's file is not in the list."""
    files = (object_at(file) for file in list_at(shown, "files"))
    return next((file for file in files if text_at(file, "name") == name), {})


def _error(shown: Any) -> str:
    message, code = text_at(shown, "error", "message"), text_at(shown, "error", "code")
    return f"{message} ({code})" if message and code else message or code


def file_name(link: str) -> str:
    """The last part of a link's path."""
    return unquote(path_of(link)).rpartition("/")[2]


def path_of(link: str) -> str:
    """A link's path as it is written; empty where the link is none."""
    try:
        return urlsplit(link).path
    except ValueError:
        return ""
