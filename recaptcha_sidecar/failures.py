"""Why there is no token: one vocabulary, one table of HTTP statuses."""

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """The ``code`` of an error reply."""

    BAD_REQUEST = "bad_request"
    UNAUTHORISED = "unauthorised"
    TOO_LARGE = "too_large"
    NOT_FOUND = "not_found"
    BUSY = "busy"
    SHUTTING_DOWN = "shutting_down"
    CHALLENGE = "challenge"
    BLOCKED = "blocked"
    PAGE_FAILED = "page_failed"
    NO_RECAPTCHA = "no_recaptcha"
    REJECTED = "rejected"
    STALE_TOKEN = "stale_token"  # noqa: S105 (a reason, not a secret)
    BROWSER_FAILED = "browser_failed"
    TIMEOUT = "timeout"


STATUS: Final = {
    Reason.BAD_REQUEST: 400,
    Reason.UNAUTHORISED: 401,
    Reason.NOT_FOUND: 404,
    Reason.TOO_LARGE: 413,
    Reason.BUSY: 503,
    Reason.SHUTTING_DOWN: 503,
    Reason.CHALLENGE: 503,
    Reason.BLOCKED: 503,
    Reason.PAGE_FAILED: 502,
    Reason.NO_RECAPTCHA: 502,
    Reason.REJECTED: 502,
    Reason.STALE_TOKEN: 502,
    Reason.BROWSER_FAILED: 502,
    Reason.TIMEOUT: 504,
}

# Another page, context or browser may do better; a page that says no will say it again.
WORTH_A_SECOND_TRY: Final = frozenset(
    {Reason.PAGE_FAILED, Reason.NO_RECAPTCHA, Reason.STALE_TOKEN, Reason.BROWSER_FAILED}
)


class Failure(Exception):
    """No token. The message is for the caller and holds no secret."""

    def __init__(self, reason: Reason, message: str, retry_after: int | None = None) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """The HTTP status of ``POST /token``."""
        return STATUS[self.reason]
