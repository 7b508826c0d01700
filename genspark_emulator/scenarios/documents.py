"""Refusals that arrive as a whole HTTP answer instead of a stream.

Each is named after what it means; the sources are field reports of 2026-02 to 2026-09.
"""

from dataclasses import replace

from genspark_emulator.events import JsonObject
from genspark_emulator.reply import HTML, PLAIN, Reply

CHALLENGE_PAGE = """<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title>
<meta http-equiv="refresh" content="390"></head><body><div class="main-wrapper">
<noscript>Enable JavaScript and cookies to continue</noscript></div>
<script>window._cf_chl_opt={cvId:'3',cType:'managed'};</script>
<script src="/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1"></script></body></html>"""

BLOCK_PAGE = """<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head>
<body><h1>Sorry, you have been blocked</h1><p>You are unable to access genspark.ai</p></body>
</html>"""

OUTAGE_PAGE = """<!DOCTYPE html><html><head><title>Genspark</title></head><body>
<img src="/genspark_logo.png"><h1>Service Unavailable</h1><p>We will be back soon.</p></body>
</html>"""

ALLOWED_PREFIX = "Allowed models: "

DEFAULT_RETRY_AFTER = 30
"""Seconds; about what an account took to recover (measured 2026-09-23)."""


def text(status: int, body: str) -> Reply:
    """A plain-text answer."""
    return Reply(body=body, status=status, content_type=PLAIN)


def refusal(code: int, message: str, *, status: int = 200) -> Reply:
    """The JSON envelope of the web routes, with an application code in ``status``."""
    return Reply(body={"status": code, "message": message, "data": {}}, status=status)


def validation_failed(errors: list[JsonObject]) -> Reply:
    """HTTP 422 for a body the web routes do not accept (observed 2026-09-23)."""
    body = {"status": -2, "message": "Request parameter validation failed", "errors": errors}
    return Reply(body=body, status=422)


def key_error(status: int, message: str, kind: str, code: str | None = None) -> Reply:
    """An OpenAI-style error object of the key route."""
    error = {"message": message, "type": kind, "param": None, "code": code or str(status)}
    return Reply(body={"error": error}, status=status, spaced=False)


def allowed_models(models: tuple[str, ...], asked: str) -> Reply:
    """HTTP 400 whose text lists what is offered (observed 2026-09-25)."""
    message = f"Model '{asked}' is not allowed. {ALLOWED_PREFIX}{', '.join(models)}"
    return key_error(400, message, "invalid_request_error")


NOT_LOGIN = refusal(-5, "not login")
BAD_REQUEST_CF = text(400, "bad request cf")
INTERNAL_ERROR = text(500, "Internal Server Error")
RETIRED = text(200, "This feature has been retired. Please use AI Chat instead.")
TASK_NOT_FOUND = Reply(body={"status": -2, "message": "task not found"})

_TASK_FAILED = {
    "status": 0,
    "message": "success",
    "data": {"status": "FAILED", "error_message": "The request was blocked by moderation."},
}

_RATE_LIMITED = {
    "version": 1,
    "status": "error",
    "message": "Too many requests for this key",
    "error_code": "rate_limited",
    "retry_after": DEFAULT_RETRY_AFTER,
    "instruction_for_agent": "Wait before the next call.",
}

_TOOL_WALL = {
    "version": 1,
    "status": "error",
    "message": "The Genspark CLI requires a paid plan or a credit balance of at least 500.",
    "data": {"code": "free_plan_block", "upgrade_url": "https://www.genspark.ai/pricing"},
}

_CHALLENGE = Reply(body=CHALLENGE_PAGE, status=403, content_type=HTML)
_OUTAGE = Reply(body=OUTAGE_PAGE, status=503, content_type=HTML)
_TOO_MANY = Reply(body={"detail": "Too many requests"}, status=429)
_VALIDATION = validation_failed(
    [{"type": "enum", "loc": ["body", "messages"], "msg": "Input not valid", "input": None}]
)

DOCUMENTS: dict[str, Reply] = {
    "rate_limit_cf1": text(429, "Rate limit exceeded cf1"),
    "rate_limit_cf1_200": text(200, "Rate limit exceeded cf1"),
    "rate_limit_cf2": text(429, "Rate limit exceeded cf2"),
    "too_many_requests": _TOO_MANY,
    "too_quickly": text(429, "You are sending requests too quickly."),
    "not_login": NOT_LOGIN,
    "not_login_401": replace(NOT_LOGIN, status=401),
    "user_not_found": refusal(-5, "user not found"),
    "bad_request_cf": BAD_REQUEST_CF,
    "session_rejected_401": text(401, "Unauthorized"),
    "session_rejected_419": text(419, "Session expired"),
    "forbidden_json": Reply(body={"detail": "Forbidden"}, status=403),
    "challenge_page": _CHALLENGE,
    "challenge_page_200": replace(_CHALLENGE, status=200),
    "challenge_page_503": replace(_CHALLENGE, status=503),
    "edge_block": Reply(body=BLOCK_PAGE, status=403, content_type=HTML),
    "bot_check_418": text(418, "I'm a teapot"),
    "outage_page": _OUTAGE,
    "outage_page_200": replace(_OUTAGE, status=200),
    "internal_error": INTERNAL_ERROR,
    "validation_failed": _VALIDATION,
    "out_of_credits": refusal(-8, "You've run out of credits"),
    "retired": RETIRED,
    "retired_json": Reply(body={"status": -1, "message": RETIRED.body}),
    "task_failed": Reply(body=_TASK_FAILED),
    "task_not_found": TASK_NOT_FOUND,
    "payment_402": key_error(402, "Payment required", "payment_required"),
    "bad_key_401": key_error(401, "Invalid API key", "authentication_error"),
    "forbidden_403": key_error(403, "This key may not use this resource", "permission_error"),
    "key_rate_limited": Reply(body=_RATE_LIMITED, status=429),
    "key_rate_limited_header": Reply(
        body={name: value for name, value in _RATE_LIMITED.items() if name != "retry_after"},
        status=429,
        headers=(("retry-after", str(DEFAULT_RETRY_AFTER)),),
    ),
    "allowed_models": allowed_models(("gpt-5.4", "claude-opus-4-7"), "the-model-asked"),
    "litellm_401": key_error(
        401,
        "litellm.AuthenticationError: AnthropicException - invalid x-api-key",
        "authentication_error",
    ),
    "tool_free_plan": Reply(body=_TOOL_WALL),
}

RETRY_AFTER = frozenset(
    {"too_many_requests", "too_quickly", "key_rate_limited", "key_rate_limited_header"}
)
"""Scenarios that take ``retry_after``: in the body where it already is, else as a header."""


def document(name: str, retry_after: float | None) -> Reply | None:
    """The refusal of that name, with the asked waiting time, or None for a stream scenario."""
    reply = DOCUMENTS.get(name)
    if reply is None or retry_after is None:
        return reply
    if isinstance(reply.body, dict) and "retry_after" in reply.body:
        return replace(reply, body={**reply.body, "retry_after": retry_after})
    kept = tuple(header for header in reply.headers if header[0] != "retry-after")
    return replace(reply, headers=(*kept, ("retry-after", f"{retry_after:g}")))
