"""What a reply of the key routes means when it is a refusal (as observed 2026-08/09).

Structured signs come first: the wall header, ``x_genspark.code``, envelope codes; then the status.
"""

import re
from typing import Any, Final

from proxy.core.failures import Failure, Kind
from proxy.wire import canned
from proxy.wire.genspark_failures import Reply, classify, message_of, validation_detail
from proxy.wire.json_values import number_at, text_at

WALL_HEADER: Final = "x-genspark-credit-wall"

_CODES: Final = {
    "free_plan_block": Kind.PLAN_REQUIRED,
    "credit_exhausted": Kind.FUNDS,
    "rate_limited": Kind.RATE_LIMITED,
}
_BY_STATUS: Final = {
    400: Kind.BAD_REQUEST,
    401: Kind.DEAD_CREDENTIAL,
    402: Kind.FUNDS,
    403: Kind.ACCOUNT_FORBIDDEN,
    404: Kind.REJECTED,
    413: Kind.BAD_REQUEST,
    422: Kind.BAD_REQUEST,
    429: Kind.RATE_LIMITED,
}
_PROVIDERS: Final = re.compile(r"litellm", re.IGNORECASE)
_INNARDS: Final = re.compile(r"traceback|stack trace|\.py\b|<html|<!doctype", re.IGNORECASE)
_SECRETISH: Final = re.compile(r"(gsk[-_]\S+|sk-\S+|session_id=\S+|https?://\S+|\S+@\S+)")


def wall(headers: dict[str, str], body: Any = None) -> Failure | None:
    """A refusal that arrives as HTTP 200: by header, or by the body's structured code."""
    sign = headers.get(WALL_HEADER, "") or text_at(body, "x_genspark", "code")
    if not sign:
        return None
    return Failure(_CODES.get(sign, Kind.PLAN_REQUIRED), f"wall: {sign[:40]}")


def classify_key(reply: Reply) -> Failure | None:
    """What went wrong, or None for a 200 that says nothing known."""
    body = reply.json
    found = wall(reply.headers, body) or _from_codes(reply, body)
    if found is not None:
        return found
    if reply.is_html or reply.said.lower().startswith("rate limit exceeded"):
        return classify(reply)
    return None if reply.status == 200 else _from_status(reply, body)


def _from_codes(reply: Reply, body: Any) -> Failure | None:
    code = text_at(body, "error_code") or text_at(body, "data", "code")
    code = code or text_at(body, "detail", "code") or text_at(body, "error", "code")
    if code in _CODES:
        return Failure(_CODES[code], f"code: {code}", reply.retry_after())
    message = message_of(body)
    return canned.recognise(message, canned.KEY) if message else None


def _from_status(reply: Reply, body: Any) -> Failure:
    said = message_of(body) or reply.text
    if "allowed models" in said.lower():
        return Failure(Kind.MODEL_UNKNOWN, "not on the upstream's list", told=scrubbed(said))
    if reply.status == 401 and _PROVIDERS.search(said):
        # The provider behind one model is broken; the operator's key is not at fault.
        return Failure(Kind.MODEL_BROKEN, "the provider behind this model refused Genspark")
    kind = _BY_STATUS.get(reply.status)
    if kind is Kind.BAD_REQUEST:
        if number_at(body, "status") == -2:
            return Failure(kind, validation_detail(body))
        return Failure(kind, f"HTTP {reply.status}", told=scrubbed(said))
    if kind is None:
        kind = Kind.UPSTREAM_BROKEN if reply.status >= 500 else Kind.REJECTED
        kind = Kind.OUTAGE if reply.status == 503 else kind
    return Failure(kind, f"HTTP {reply.status}", reply.retry_after())


def from_error(error: Any) -> Failure:
    """An ``error`` object inside a 200 answer or stream."""
    body = error if isinstance(error, dict) else {"message": str(error)}
    said = text_at(body, "message")
    if (refused := canned.recognise(said, canned.KEY)) is not None:
        return refused
    code = text_at(body, "code")
    if code in _CODES:
        return Failure(_CODES[code], f"code: {code}")
    return Failure(Kind.ERROR_FRAME, "the upstream sent an error frame")


def scrubbed(text: str) -> str:
    """An upstream's explanation of our own bad request, without anything that could be a secret.

    Its inner workings (a stack trace, a page) explain nothing to the caller.
    """
    if _INNARDS.search(text):
        return ""
    return _SECRETISH.sub("…", text)[:2000].strip()
