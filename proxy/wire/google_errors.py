"""What a refusal of Google's means: the Gemini API and Vertex AI share one error body.

``{"error": {code, message, status, details}}``, at the front end wrapped in a list; ``code`` is a
string in the Interactions API. The HTTP status decides, then ``details`` and the canonical word;
a text is looked at only inside its status (Google's error tables and public clients, 2026-11).
"""

import re
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from proxy.core.failures import DAY, HOUR, Failure, Kind
from proxy.wire.genspark_failures import Reply
from proxy.wire.genspark_key_failures import scrubbed
from proxy.wire.json_values import child, list_at, number_at, text_at

# google.rpc.Code as HTTP, by the comments of Google's own code.proto.
_HTTP_OF_RPC: Final = {
    1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400,
    12: 501, 13: 500, 14: 503, 15: 500, 16: 401,
}  # fmt: skip

LONGEST_EXPLANATION: Final = 450
_MOST_DETAILS: Final = 20

_BAD_KEY: Final = re.compile(r"api key (?:not valid|not found|expired)", re.IGNORECASE)
_BLOCKED_KEY: Final = re.compile(r"reported as leaked|has been suspended", re.IGNORECASE)
_BILLING: Final = re.compile(r"billing|free tier", re.IGNORECASE)
# "Please check your plan and billing details" is part of every 429, so "billing" says nothing.
_FUNDS: Final = re.compile(r"prepayment|are depleted|spend(?:ing)? (?:cap|limit)", re.IGNORECASE)
_NO_QUOTA: Final = re.compile(r"limit: 0(?![.\d])")
_PER_DAY: Final = re.compile(r"per[ _]?day", re.IGNORECASE)
_RETRY_DELAY: Final = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s")
_RETRY_IN: Final = re.compile(r"retry in (\d{1,6}(?:\.\d{1,9})?)s", re.IGNORECASE)
_OVERLOADED: Final = re.compile(r"overloaded|high demand", re.IGNORECASE)
_GONE_AT_VERTEX: Final = re.compile(r"aiplatform\.endpoints\.predict|/publishers/google/models/")
_UNKNOWN_TASK: Final = re.compile(r"invalid interaction name", re.IGNORECASE)

_POLICY: Final = re.compile(
    r"support codes?:|responsible ai|usage guidelines|\bsafety\b|sensitive words|content polic"
    r"|prohibited (?:content|use)|violat.{0,60}(?:polic|guideline|practice|terms)",
    re.IGNORECASE,
)
_SUPPORT_CODES: Final = re.compile(r"support codes?:\s*\d{5,12}(?:,\s*\d{5,12}){0,9}", re.I)
# Keys old and new, access tokens, signed tokens; places in the operator's own project.
_PRIVATE: Final = re.compile(
    r"AIza\S+|\bAQ\.\S+|ya29\.\S+|\beyJ\S+|bearer\s+\S+|\bkey=\S+|gs://\S+|//\S+|\bprojects/\S+",
    re.IGNORECASE,
)

# Reasons of google.rpc.ErrorInfo under HTTP 403.
_DISABLED_API: Final = frozenset({"SERVICE_DISABLED", "accessNotConfigured"})
_NO_BILLING: Final = frozenset({"BILLING_DISABLED", "BILLING_NOT_ACTIVE"})

# A task may have failed, and its answer tells the error: the request itself was answered.
_SIGNS_OF_A_TASK: Final = ("name", "id", "done")

# Daily quotas begin anew at midnight Pacific time. Half of the year that is 07:00 UTC, an hour
# before this.
_MIDNIGHT_PACIFIC: Final = 8 * HOUR


class _Refusal(Struct, frozen=True):
    """One error body. ``status`` is HTTP's, or what the body says under a 200."""

    reply: Reply
    status: int
    word: str
    message: str
    details: list[Any]

    @property
    def reasons(self) -> set[str]:
        return {text_at(detail, "reason") for detail in self.details}


def failure_of(reply: Reply, gone: Kind) -> Failure | None:
    """Why there is no answer, or None for an answer: JSON under a 2xx, even when it tells of a
    failed task. ``gone`` is the kind of a 404.
    """
    error = error_of(reply.json)
    if _is_good(reply.status):
        if not isinstance(reply.json, dict | list):
            return Failure(Kind.UNREADABLE, "Google's answer is no JSON")
        if not error or any(child(reply.json, key) for key in _SIGNS_OF_A_TASK):
            return None
    refusal = _Refusal(
        reply,
        _status(reply.status, error),
        text_at(error, "status"),
        text_at(error, "message"),
        list_at(error, "details")[:_MOST_DETAILS],
    )
    if refusal.status == 404 or (refusal.status == 400 and _UNKNOWN_TASK.search(refusal.message)):
        return Failure(gone, "Google does not know it (any longer)")
    return _HANDLERS.get(refusal.status, _other)(refusal)


def error_of(body: Any) -> dict[str, Any]:
    """The error object of a body, or {}."""
    first = body[0] if isinstance(body, list) and body else body
    error = child(first, "error")
    if isinstance(error, str):
        return {"message": error}
    return error if isinstance(error, dict) else {}


def _is_good(status: int) -> bool:
    return 200 <= status < 300


def _status(status: int, error: dict[str, Any]) -> int:
    if not _is_good(status):
        return status
    code = number_at(error, "code") or 0
    return int(code) if 400 <= code < 600 else _HTTP_OF_RPC.get(int(code), 500)


def _bad_request(refusal: _Refusal) -> Failure:
    message = refusal.message
    if "API_KEY_INVALID" in refusal.reasons or _BAD_KEY.match(message):
        return Failure(
            Kind.DEAD_CREDENTIAL,
            "Google does not know this API key; AI Studio lists the valid ones",
        )
    if refusal.word == "FAILED_PRECONDITION":
        if _BILLING.search(message):
            return Failure(
                Kind.PLAN_REQUIRED, "the key's project needs billing; AI Studio, Billing"
            )
        return Failure(
            Kind.ACCOUNT_FORBIDDEN, "Google does not serve this project, or not from this country"
        )
    if is_policy(message):
        return Failure(Kind.POLICY, "refused by Google's content rules", told=explanation(message))
    told = explanation("; ".join([message, *_violations(refusal)]))
    return Failure(Kind.BAD_REQUEST, "Google found the request invalid", told=told)


def _violations(refusal: _Refusal) -> list[str]:
    """Where the request was found invalid, by google.rpc.BadRequest."""
    found = [each for d in refusal.details for each in list_at(d, "fieldViolations")[:3]]
    return [text for each in found if (text := text_at(each, "description"))]


def _dead(refusal: _Refusal) -> Failure:
    return Failure(
        Kind.DEAD_CREDENTIAL,
        "Google does not accept this credential; see AI Studio (API keys) or the Cloud console"
        " (IAM, service accounts)",
    )


def _forbidden(refusal: _Refusal) -> Failure:
    if refusal.reasons & _DISABLED_API:
        detail = "the API is not enabled; Cloud console, APIs & Services"
    elif refusal.reasons & _NO_BILLING:
        return Failure(Kind.PLAN_REQUIRED, "billing is off in this project; Cloud console, Billing")
    elif _BLOCKED_KEY.search(refusal.message) or "CONSUMER_SUSPENDED" in refusal.reasons:
        return Failure(Kind.DEAD_CREDENTIAL, "Google has blocked this key; make a new one")
    elif _GONE_AT_VERTEX.search(refusal.message):
        # The same words for a retired model and for a service account without its role.
        return Failure(Kind.MODEL_UNKNOWN, "retired, or not for this project (Vertex AI User role)")
    else:
        detail = "the key is restricted, or belongs to another project; Cloud console, Credentials"
    return Failure(Kind.ACCOUNT_FORBIDDEN, detail)


def _limited(refusal: _Refusal) -> Failure:
    quotas = [each for detail in refusal.details for each in list_at(detail, "violations")]
    if _FUNDS.search(refusal.message):
        return Failure(
            Kind.FUNDS, "the project's prepaid amount or spending cap is used up; AI Studio"
        )
    if _NO_QUOTA.search(refusal.message) or any(number_at(q, "quotaValue") == 0 for q in quotas):
        return Failure(
            Kind.PLAN_REQUIRED, "the project's tier has no quota for this model; AI Studio, Billing"
        )
    said = [refusal.message, *(text_at(quota, "quotaId") for quota in quotas)]
    if any(map(_PER_DAY.search, said)):
        # A RetryInfo of some seconds comes with these as well, and means nothing.
        return Failure(
            Kind.DAILY_QUOTA, "the day's quota is used up", until=_next_day(refusal.reply.now)
        )
    return Failure(Kind.RATE_LIMITED, "Google's rate limit", _delay(refusal))


def _delay(refusal: _Refusal) -> float | None:
    """Seconds to wait: google.rpc.RetryInfo, the header, or the message's own words."""
    delays = (_RETRY_DELAY.fullmatch(text_at(d, "retryDelay")) for d in refusal.details)
    found = next((delay for delay in delays if delay), None)
    if found is None and (asked := refusal.reply.retry_after()) is not None:
        return asked
    found = found or _RETRY_IN.search(refusal.message)
    return float(found[1]) if found else None


def _next_day(now: float) -> float:
    return ((now - _MIDNIGHT_PACIFIC) // DAY + 1) * DAY + _MIDNIGHT_PACIFIC


def _unavailable(refusal: _Refusal) -> Failure:
    if _OVERLOADED.search(refusal.message):
        return Failure(Kind.OVERLOADED, "the model is overloaded")
    return Failure(Kind.OUTAGE, "HTTP 503", refusal.reply.retry_after())


def _conflict(refusal: _Refusal) -> Failure:
    return Failure(Kind.OVERLOADED, "HTTP 409: a conflict with another request")


def _timed_out(refusal: _Refusal) -> Failure:
    return Failure(Kind.TIMEOUT, "HTTP 408")


def _other(refusal: _Refusal) -> Failure:
    kind = Kind.UPSTREAM_BROKEN if refusal.status >= 500 else Kind.REJECTED
    return Failure(kind, f"HTTP {refusal.status}")


_HANDLERS: Final[dict[int, Callable[[_Refusal], Failure]]] = {
    400: _bad_request,
    401: _dead,
    403: _forbidden,
    408: _timed_out,
    409: _conflict,
    413: _bad_request,
    422: _bad_request,
    429: _limited,
    503: _unavailable,
}


def is_policy(text: str) -> bool:
    """Whether a refusal's words speak of content rules; Google's support codes always do."""
    return _POLICY.search(text) is not None


def explanation(text: str) -> str:
    """Google's words for the caller: without credentials, addresses and names of the operator's
    projects, at most ``LONGEST_EXPLANATION`` characters, support codes never cut off.
    """
    plain = _PRIVATE.sub("…", scrubbed(text))
    if len(plain) <= LONGEST_EXPLANATION:
        return plain
    codes = _SUPPORT_CODES.search(plain)
    end = f"… {codes[0]}" if codes else "…"
    return plain[: LONGEST_EXPLANATION - len(end)] + end


def reason_of(text: str, *, filtered: bool = False) -> str:
    """The reason of a failed task. One that is about content rules says so at its beginning, as
    Google's own sentences often do not; ``filtered``: that is known from elsewhere.
    """
    plain = explanation(text)
    if filtered or is_policy(text):
        return f"Content policy: {plain or 'Google filtered the result.'}"
    return plain
