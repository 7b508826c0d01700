"""The doors on the hot path: plain ASGI endpoints by path, each for POST only."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.api import dialects
from proxy.api.chat import chat_body, chat_door
from proxy.api.context import JSON, Encode, record_of, send_error, send_whole, services_of
from proxy.core.ask import InvalidRequest
from proxy.wire.json_values import text_at
from proxy.wire.messages_errors import error_body
from proxy.wire.openai_errors import ErrorReply, invalid
from proxy.wire.openai_request import read_object

# With any ROUTE_PREFIX in front, and with or without ``/v1``.
_MESSAGES: Final = re.compile(r"/messages(?:/count_tokens)?/?$")


def doors() -> Mapping[str, ASGIApp]:
    """Every dialect's door."""
    return {
        "/v1/chat/completions": chat_door(dialects.chat),
        "/v1/completions": chat_door(dialects.completions),
        "/v1/responses": chat_door(dialects.responses),
        "/v1/messages": chat_door(dialects.messages, error_body),
        "/v1/messages/count_tokens": count_tokens,
    }


async def count_tokens(scope: Scope, receive: Receive, send: Send) -> None:
    """``POST /v1/messages/count_tokens``: nothing is asked upstream."""
    try:
        request = read_object(await chat_body(scope, receive))
        record_of(scope).model = text_at(request, "model")
        counted = dialects.message_tokens(services_of(scope), request)
    except InvalidRequest as error:
        record_of(scope).failure = error.code
        await send_error(send, invalid(error), encode=error_body)
        return
    await send_whole(send, 200, [JSON], msgspec.json.encode(counted))


def encoder(path: str) -> Encode:
    """How errors are written for whoever asks at this path."""
    return error_body if _MESSAGES.search(path) else ErrorReply.encoded
