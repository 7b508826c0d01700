"""OpenAI error objects: which status, type, code and words stand for which failure.

Upstream trouble never borrows the words or types by which gateways switch a channel off for good
(``insufficient_quota``, "credit", "balance", "permission denied"): those are for the caller's own
key. Texts that users of Genspark2API search for are kept letter by letter.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from proxy.core.ask import InvalidRequest
from proxy.core.failures import Failure, Kind

# SDKs ignore a Retry-After above a minute and ask again at once, unless told not to.
LONGEST_RETRY_AFTER: Final = 60

ALL_COOKIES: Final = "All cookies are temporarily unavailable."
CHALLENGE: Final = "Detected Cloudflare Challenge Page"
OUTAGE: Final = "Genspark Service Unavailable"


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """What the caller is told: an HTTP status, the error object, and when to come back."""

    status: int
    message: str
    type: str = "server_error"
    code: str = "upstream_error"
    param: str | None = None
    retry_after: float | None = None
    final: bool = False

    def body(self) -> dict[str, Any]:
        """``{"error": {message, type, param, code}}``, all four keys always there."""
        error = {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }
        return {"error": error}

    def encoded(self) -> bytes:
        """The body as JSON."""
        return msgspec.json.encode(self.body())

    def headers(self) -> list[tuple[bytes, bytes]]:
        """``Retry-After`` where a wait helps; no SDK retries where one cannot."""
        found: list[tuple[bytes, bytes]] = []
        if self.retry_after is not None:
            seconds = max(1, round(self.retry_after))
            found.append((b"retry-after", str(seconds).encode()))
        if self.final or (self.retry_after or 0) > LONGEST_RETRY_AFTER:
            found.append((b"x-should-retry", b"false"))
        return found


INTERNAL: Final = ErrorReply(
    500, "The server made a mistake; its log has the details.", code="internal_error"
)
DRAINING: Final = ErrorReply(
    503, "The server is shutting down.", code="shutting_down", retry_after=5
)


def invalid(error: InvalidRequest) -> ErrorReply:
    """The caller's own mistake."""
    kind = "timeout_error" if error.status == 408 else "invalid_request_error"
    return ErrorReply(error.status, error.message, kind, error.code, error.param)


def model_not_found(model: str) -> ErrorReply:
    """No route serves this name. A name may hold any word, so it is quoted only when harmless."""
    rest = "does not exist on this server; GET /v1/models lists all."
    message = quiet(f"The model '{model[:200]}' {rest}", f"The model {rest}")
    return ErrorReply(404, message, "invalid_request_error", "model_not_found", "model")


@dataclass(frozen=True, slots=True)
class _Row:
    status: int
    message: str
    code: str = "upstream_error"
    type: str = "server_error"
    retry_after: float | None = None
    final: bool = False


_LIMITED: Final = _Row(429, ALL_COOKIES, "rate_limit_exceeded", "rate_limit_error")
_UNUSABLE: Final = _Row(503, ALL_COOKIES, "no_upstream_available")
_BROKEN: Final = _Row(502, "Genspark gave a broken answer.", "bad_upstream_response")
_NOT_OURS: Final = _Row(
    502, "Genspark refused the request without a reason.", "bad_upstream_response"
)

_ROWS: Final[dict[Kind, _Row]] = {
    Kind.RATE_LIMITED: _LIMITED,
    Kind.DAILY_QUOTA: _LIMITED,
    Kind.WINDOW_QUOTA: _LIMITED,
    Kind.FUNDS: _UNUSABLE,
    Kind.PLAN_REQUIRED: _UNUSABLE,
    Kind.ACCOUNT_FORBIDDEN: _UNUSABLE,
    Kind.DEAD_CREDENTIAL: _UNUSABLE,
    Kind.NO_ACCOUNT: _UNUSABLE,
    Kind.ALL_BUSY: _Row(
        503, f"{ALL_COOKIES} Every account is busy.", "no_upstream_available", retry_after=5
    ),
    Kind.SETTING_REQUIRED: _Row(
        503,
        "This model needs AI Data Retention to be enabled in the Genspark account's settings;"
        " choose another model or ask the operator.",
        "account_setting_required",
        final=True,
    ),
    Kind.FORBIDDEN: _NOT_OURS,
    Kind.CHALLENGE: _Row(503, CHALLENGE, "upstream_challenge"),
    Kind.EDGE_BLOCK: _Row(
        503, f"{CHALLENGE}: the edge blocks this server's address.", "upstream_challenge"
    ),
    Kind.OUTAGE: _Row(503, OUTAGE, "upstream_unavailable", retry_after=10),
    Kind.OVERLOADED: _Row(
        503, f"{OUTAGE}: the upstream is overloaded.", "upstream_unavailable", retry_after=5
    ),
    Kind.UNREACHABLE: _Row(
        502, "Genspark could not be reached.", "upstream_unreachable", retry_after=5
    ),
    Kind.STALE_PROJECT: _Row(502, "Genspark failed to open the conversation."),
    Kind.UPSTREAM_BROKEN: _Row(502, "Genspark failed to answer the request."),
    Kind.ERROR_FRAME: _Row(502, "Genspark reported an error while answering."),
    Kind.REJECTED: _NOT_OURS,
    Kind.BAD_REQUEST: _Row(
        400, "Genspark found the request invalid", "invalid_value", "invalid_request_error"
    ),
    Kind.MODEL_UNKNOWN: _Row(
        404, "The model is not offered", "model_not_found", "invalid_request_error"
    ),
    Kind.MODEL_BROKEN: _Row(
        502, "The provider behind this model is failing; other models may work."
    ),
    Kind.RETIRED: _Row(
        501, "Genspark has retired this way of chatting.", "flow_retired", final=True
    ),
    Kind.EMPTY: _Row(502, "Genspark gave an empty answer.", "empty_response"),
    Kind.BROKEN_STREAM: _Row(502, "The answer broke off before its end.", "bad_upstream_response"),
    Kind.UNREADABLE: _BROKEN,
    Kind.TIMEOUT: _Row(504, "Genspark did not answer in time.", "upstream_timeout"),
    Kind.NO_TOKEN: _Row(
        503,
        "Genspark wants a reCAPTCHA token for this and none could be had; see docs/recaptcha.md.",
        "recaptcha_unavailable",
        retry_after=30,
    ),
    Kind.UPLOAD_FAILED: _Row(502, "Genspark did not take an image or a file.", "upload_failed"),
    Kind.TASK_FAILED: _Row(502, "The generation failed.", "generation_failed", final=True),
    Kind.TASK_UNKNOWN: _Row(502, "Genspark does not know the task.", "task_not_found", final=True),
    Kind.POLICY: _Row(
        400,
        "The provider's content rules refused this prompt or image",
        "content_policy_violation",
        "invalid_request_error",
        final=True,
    ),
    Kind.UNCONFIRMED: _Row(
        502,
        "The connection broke while the request was being sent: it may have been accepted and"
        " charged, so it is not sent again. Look at the provider's own page before you repeat it.",
        "submission_unconfirmed",
        final=True,
    ),
    Kind.NOT_UNDERSTOOD: _Row(
        502,
        "Genspark took the request, but its answer named no task; it may have been charged. The"
        " answer is kept for the operator. The sure way is an API key (GSK_API_KEY).",
        "result_not_understood",
        final=True,
    ),
    Kind.RESULT_LOST: _Row(
        502,
        "The result was made but could not be fetched; the operator finds its task in the job's"
        " history.",
        "result_unavailable",
        final=True,
    ),
    Kind.OVERDUE: _Row(
        504,
        "The generation did not end in time; the operator finds its task in the job's history.",
        "generation_timeout",
        final=True,
    ),
    Kind.CANCELLED: _Row(400, "The job was cancelled.", "cancelled", "invalid_request_error"),
    Kind.BROKEN: _Row(
        500, "The server made a mistake; its log has the details.", "internal_error", final=True
    ),
}

_TELLS_DETAIL: Final = frozenset({Kind.BAD_REQUEST, Kind.MODEL_UNKNOWN})
_TELLS_REASON: Final = frozenset({Kind.TASK_FAILED, Kind.POLICY})
_FORBIDDEN_WORDS: Final = (
    "credit", "balance", "permission denied", "access was terminated", "violation of our policies",
    "organization has been", "api key not valid", "api key expired", "已欠费",
)  # fmt: skip


_PROVIDERS: Final = {
    "runway": "Runway",
    "gemini": "Google",
    "vertex": "Vertex AI",
    "apimart": "APIMart",
    "openai": "The video server",
}


def for_failure(
    failure: Failure, retry_after: float | None = None, provider: str = ""
) -> ErrorReply:
    """What the caller is told of an upstream's failure.

    ``retry_after`` is the soonest moment (in seconds from now) at which an account is free again;
    ``provider`` is whose failure it was, when it was not Genspark's.
    """
    row = _ROWS[failure.kind]
    if provider in _PROVIDERS:
        row = replace(row, message=_of_provider(row.message, _PROVIDERS[provider]))
    wait = retry_after if retry_after is not None else failure.retry_after or row.retry_after
    if row.status == 429:
        wait = wait or LONGEST_RETRY_AFTER
    message = row.message
    said = failure.told or failure.detail
    if failure.kind in _TELLS_DETAIL and said:
        message = f"{message}: {said}"
    elif failure.kind in _TELLS_REASON and failure.told:
        message = f"{message.removesuffix('.')}. {failure.told}"
    return ErrorReply(
        row.status, quiet(message, row.message), row.type, row.code, None, wait, row.final
    )


def _of_provider(message: str, name: str) -> str:
    """The sentence with the name of the provider that it is about."""
    unusable = message.replace(ALL_COOKIES, f"{name} cannot be used at present.")
    return unusable.replace("Genspark", name)


def quiet(message: str, instead: str) -> str:
    """The message, unless it holds words that make a gateway disable its channel."""
    lowered = message.lower()
    return instead if any(word in lowered for word in _FORBIDDEN_WORDS) else message
