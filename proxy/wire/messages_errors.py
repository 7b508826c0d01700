"""Anthropic's error object for our replies, at our own status codes.

Types: ``anthropic.types.shared.error_type`` and ``request_too_large`` of Anthropic's documentation.
"""

from typing import Any, Final

import msgspec

from proxy.wire.openai_errors import ErrorReply

# Anthropic's code for it, at which its SDK's tool runner goes on without threads.
THREAD_UNSUPPORTED: Final = "thread_unsupported_request"

_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def error_type(status: int, reply: ErrorReply) -> str:
    """Anthropic's word for a failure with this HTTP status.

    A 503 that waiting helps is an overload, by which clients know to come back; another is not.
    """
    if status == 503 and reply.retry_after is not None and not reply.final:
        return "overloaded_error"
    return _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")


def error_body(reply: ErrorReply, request_id: str = "") -> bytes:
    """``{"type": "error", "error": {type, message}}`` as JSON, with the request's id if given.

    ``error.details.error_code`` is there where Anthropic's clients act on it.
    """
    error: dict[str, Any] = {
        "type": error_type(reply.status, reply),
        "message": reply.message,
    }
    if reply.code == THREAD_UNSUPPORTED:
        error["details"] = {"error_code": reply.code}
    body: dict[str, Any] = {"type": "error", "error": error}
    if request_id:
        body["request_id"] = request_id
    return msgspec.json.encode(body)
