"""What a caller is shown of a job, whatever contract it asks by."""

from enum import StrEnum
from typing import Any, Final

from msgspec import Struct, field

from proxy.core.products import Product

# The error code of a job that was called off; some contracts have a status of their own for it.
CANCELLED_CODE: Final = "cancelled"


class JobStatus(StrEnum):
    """OpenAI's four states; its poll loop ends at any other word."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


class JobView(Struct, frozen=True, kw_only=True):
    """One job, as of now.

    ``id`` is 32 hexadecimal digits, as is ``remixed_from``; times are epoch seconds. ``error`` is a
    code and a message. ``urls`` are the results' absolute addresses, once there are any, and
    ``posters`` their still images. ``ignored`` names the fields that no use was made of,
    ``metadata`` is the caller's own. ``seconds`` and ``expected_seconds`` are the length of the
    clip and the wall time that its generation usually takes; ``cost`` is an estimate in US dollars,
    ``provider`` who was paid.
    """

    id: str
    product: Product
    model: str
    status: JobStatus
    prompt: str
    created_at: int
    progress: int = 0
    completed_at: int | None = None
    expires_at: int | None = None
    seconds: float | None = None
    size: str | None = None
    ratio: str | None = None
    resolution: str | None = None
    remixed_from: str | None = None
    error: tuple[str, str] | None = None
    urls: tuple[str, ...] = ()
    posters: tuple[str, ...] = ()
    provider: str = "genspark"
    cost: float | None = None
    route: str = ""
    account: str = ""
    served_model: str = ""
    attempts: int = 0
    ignored: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    expected_seconds: float | None = None
