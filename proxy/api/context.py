"""What a request carries through the doors: its record, its services, its reply headers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send

from proxy.api.auth import Callers
from proxy.core.accounts import Account
from proxy.core.ask import InvalidRequest
from proxy.core.catalogue import Catalogue
from proxy.services.chat import ChatService
from proxy.services.desk import Desk
from proxy.services.health import Health
from proxy.services.media import Media
from proxy.settings import Settings
from proxy.telemetry import BodyLog, Metrics, RequestRecord
from proxy.wire.openai_errors import ErrorReply

Headers = list[tuple[bytes, bytes]]
# A dialect's way of writing an error object.
Encode = Callable[[ErrorReply], bytes]

# A body of the largest size at 600 kB/s.
BODY_SECONDS: Final = 60.0

JSON: Final = (b"content-type", b"application/json")


@dataclass(slots=True)
class Services:
    """Everything the doors lead to, built once in the lifespan."""

    settings: Settings
    chat: ChatService
    media: Media
    callers: Callers
    desk: Desk
    catalogue: Catalogue
    metrics: Metrics
    health: Health
    bodies: BodyLog
    tasks: asyncio.TaskGroup
    started: int

    @property
    def accounts(self) -> list[Account]:
        """The operator's accounts, in order."""
        return [seat.account for seat in self.desk.pool.seats()]


def services_of(scope: Scope) -> Services:
    """The services of this application."""
    services: Services = scope["state"]["services"]
    return services


def record_of(scope: Scope) -> RequestRecord:
    """The record that becomes the request's log line."""
    record: RequestRecord = scope["record"]
    return record


async def send_whole(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """A complete reply."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def send_error(
    send: Send,
    reply: ErrorReply,
    headers: Headers | None = None,
    encode: Encode = ErrorReply.encoded,
) -> None:
    """An error object, as ``encode`` writes it, with the headers that belong to it."""
    await send_whole(send, reply.status, [JSON, *(headers or []), *reply.headers()], encode(reply))


async def read_body(receive: Receive, limit: int, declared: bytes | None) -> bytes:
    """The request's body. Raises ``InvalidRequest`` (413) beyond ``limit`` bytes."""
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise too_large(limit)
    message = await _next(receive)
    body = message.get("body", b"")
    if not message.get("more_body"):
        return _within(body, limit)
    parts, size = [body], len(body)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while message.get("more_body"):
                message = await _next(receive)
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > limit:
                    raise too_large(limit)
    except TimeoutError:
        raise InvalidRequest(
            "The request body did not arrive in time.", code="request_timeout", status=408
        ) from None
    return b"".join(parts)


async def _next(receive: Receive) -> Message:
    """The next part of the body. Half a request is none: what came of it may look complete."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise InvalidRequest("The request body broke off.", code="request_incomplete")
    return message


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise too_large(limit)
    return body


def too_large(limit: int) -> InvalidRequest:
    """The refusal of an oversized body."""
    return InvalidRequest(
        f"The request body is larger than {limit // 1_000_000} MB.",
        code="request_too_large",
        status=413,
    )


def header(scope: Scope, name: bytes) -> bytes | None:
    """A request header, or None."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return next((value for key, value in headers if key == name), None)


def text_header(name: str, value: Any) -> tuple[bytes, bytes]:
    """A reply header; what does not fit latin-1 is escaped, line ends cannot get in."""
    text = str(value).replace("\r", " ").replace("\n", " ")
    return name.encode(), text.encode("latin-1", "backslashreplace")
