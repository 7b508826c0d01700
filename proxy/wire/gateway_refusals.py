"""What a refusal means that looks like OpenAI's: OpenAI's own, LiteLLM's, new-api's, APIMart's.

A code or type comes first, then the status, which some gateways put into the body of an HTTP 200.
The words of a message decide only where nothing else can.
"""

import re
from typing import Any, Final

from proxy.core.failures import Failure, Kind
from proxy.wire.genspark_failures import Reply, message_of
from proxy.wire.genspark_key_failures import scrubbed
from proxy.wire.genspark_tasks import is_policy
from proxy.wire.json_values import child, list_at, number_at, object_at, text_at

# By the codes and types of error objects, of 2026 and before.
_BY_CODE: Final = {
    # OpenAI
    "invalid_api_key": Kind.DEAD_CREDENTIAL,
    "account_deactivated": Kind.DEAD_CREDENTIAL,
    "insufficient_quota": Kind.FUNDS,
    "billing_hard_limit_reached": Kind.FUNDS,
    "billing_not_active": Kind.FUNDS,
    "model_not_found": Kind.MODEL_UNKNOWN,
    "content_policy_violation": Kind.POLICY,
    "moderation_blocked": Kind.POLICY,
    "sentinel_block": Kind.POLICY,
    # new-api and one-api
    "insufficient_user_quota": Kind.FUNDS,
    "pre_consume_token_quota_failed": Kind.FUNDS,
    "quota_not_enough": Kind.FUNDS,
    "task_not_exist": Kind.TASK_UNKNOWN,
    # LiteLLM; a key that lacks one model is refused with 401 in some versions
    "budget_exceeded": Kind.FUNDS,
    "auth_error": Kind.DEAD_CREDENTIAL,
    "key_model_access_denied": Kind.FORBIDDEN,
    "team_model_access_denied": Kind.FORBIDDEN,
    # APIMart
    "authentication_error": Kind.DEAD_CREDENTIAL,
    "payment_required": Kind.FUNDS,
}
# A refusal under HTTP 200 that names no status.
_UNSAID: Final = 0
_BY_STATUS: Final = {
    _UNSAID: Kind.ERROR_FRAME,
    400: Kind.BAD_REQUEST,
    401: Kind.DEAD_CREDENTIAL,
    402: Kind.FUNDS,
    403: Kind.FORBIDDEN,
    405: Kind.RETIRED,
    408: Kind.TIMEOUT,
    410: Kind.RETIRED,
    413: Kind.BAD_REQUEST,
    415: Kind.BAD_REQUEST,
    422: Kind.BAD_REQUEST,
    429: Kind.RATE_LIMITED,
    501: Kind.RETIRED,
    503: Kind.OUTAGE,
    529: Kind.OVERLOADED,
}
_EXPLAINED: Final = frozenset({Kind.BAD_REQUEST, Kind.POLICY, Kind.MODEL_UNKNOWN})

_DAILY: Final = re.compile(r"\bdaily\b|per day|24.?hour", re.IGNORECASE)
# Only what stands at the beginning: a quoted prompt comes later.
_ABSENT: Final = {
    Kind.MODEL_UNKNOWN: re.compile(
        r"(?:the |this |unknown |unsupported )?(?:requested )?model\b.{0,200}?"
        r"(?:no longer|deprecated|retired|not available|not found|not support|not exist|unknown)"
        r"|(?:unknown|unsupported) model\b",
        re.IGNORECASE | re.DOTALL,
    ),
    Kind.TASK_UNKNOWN: re.compile(
        r"(?:the |this )?(?:task|video)\b.{0,200}?(?:not found|not exist|unknown)",
        re.IGNORECASE | re.DOTALL,
    ),
}
_LONGEST_TOLD: Final = 500
_CODE: Final = re.compile(r"[a-z][a-z0-9_.-]{0,59}")
# Whole files travel in data URLs, and some servers repeat what they were sent.
_SECRETISH: Final = re.compile(r"bearer\s+\S+|data:\S+", re.IGNORECASE)


def refused(reply: Reply, missing: Kind) -> Failure | None:
    """Why the request was refused, or None when it was not. ``missing`` is what a 404 means:
    ``MODEL_UNKNOWN`` for a new task, ``TASK_UNKNOWN`` for an old one.
    """
    status = _status(reply)
    if 200 <= status < 300:
        return None
    codes = _codes(reply.json)
    said = "" if reply.is_html else message_of(reply.json)
    kind = _by_code(codes, status) or _by_status(reply.json, status, said, missing)
    told = told_of(said) if kind in _EXPLAINED else ""
    code = next(filter(_CODE.fullmatch, codes), "")
    detail = f"HTTP {reply.status}{code and f', {code}'}"
    return Failure(kind, detail, reply.retry_after(), told=told)


def told_of(said: str) -> str:
    """A server's own words as a caller may read them."""
    return scrubbed(_SECRETISH.sub("…", said))[:_LONGEST_TOLD]


def is_policy_code(code: str) -> bool:
    """Whether an error's code alone says that its content was refused."""
    return _BY_CODE.get(code.lower()) is Kind.POLICY or is_policy(code)


def _status(reply: Reply) -> int:
    """The status that is meant."""
    body = reply.json
    if not 200 <= reply.status < 300:
        return reply.status
    if (own := _number(body, "code")) is not None:
        return own
    if _names_something(body):
        return reply.status
    refusal = object_at(body, "error") or text_at(body, "error") or child(body, "success") is False
    return _number(body, "error", "code") or (_UNSAID if refusal else reply.status)


def _number(body: Any, *path: str) -> int | None:
    """A status of refusal among the body's own codes."""
    found = number_at(body, *path)
    return int(found) if found is not None and 400 <= found < 600 else None


def _names_something(body: Any) -> bool:
    """Whether there is a task or a result in it: a failed task has an ``error`` as well."""
    names = (text_at(body, "id"), text_at(body, "task_id"), text_at(body, "status"))
    return any(names) or bool(object_at(body, "data") or list_at(body, "data"))


def _codes(body: Any) -> list[str]:
    places = (("error", "code"), ("error", "type"), ("code",), ("type",))
    return [found.lower() for place in places if (found := text_at(body, *place))]


def _by_code(codes: list[str], status: int) -> Kind | None:
    kind = next((_BY_CODE[code] for code in codes if code in _BY_CODE), None)
    # new-api's "no channel for this model right now" is a 503 with the code of a missing model.
    return None if kind is Kind.MODEL_UNKNOWN and status >= 500 else kind


def _by_status(body: Any, status: int, said: str, missing: Kind) -> Kind:
    if status == 404:
        return missing
    kind = _BY_STATUS.get(status)
    if kind is Kind.BAD_REQUEST:
        return _kind_of_bad_request(body, said, missing)
    if kind is Kind.RATE_LIMITED and _DAILY.search(said):
        return Kind.DAILY_QUOTA
    if kind is not None:
        return kind
    return Kind.UPSTREAM_BROKEN if status >= 500 else Kind.REJECTED


def _kind_of_bad_request(body: Any, said: str, missing: Kind) -> Kind:
    """A 400 is also the answer to a model or a task that is gone, and to forbidden content."""
    gone = _ABSENT.get(missing)
    if gone is not None and gone.match(said.strip()):
        return missing
    faulty = text_at(body, "error", "param")
    return Kind.POLICY if is_policy(said) and not faulty else Kind.BAD_REQUEST
