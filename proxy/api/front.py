"""The front door: one pure ASGI layer that every request passes.

In order: CORS preflight, path, blacklist, drain, rate limit, key; then the endpoint. It adds the
headers that every reply carries, turns exceptions into error objects and writes the one log line.
"""

import asyncio
import random
import time
import traceback
from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proxy.api.auth import UNAUTHORISED, Keys
from proxy.api.context import Headers, Services, send_error
from proxy.api.doors import encoder
from proxy.api.limits import CallerLimit, Networks, caller_address
from proxy.api.paths import EXEMPT, SIGNED, resolve
from proxy.core.ask import InvalidRequest
from proxy.telemetry import RequestRecord, finish, log
from proxy.wire.openai_errors import DRAINING, INTERNAL, ErrorReply, invalid

_EXPOSED: Final = b", ".join(
    name.encode()
    for name in (
        "x-request-id", "retry-after", "retry-after-ms", "x-should-retry", "openai-poll-after-ms",
        "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests", "x-genspark2api-attempts", "x-genspark2api-account",
        "x-genspark2api-route", "x-genspark2api-served-model", "x-genspark2api-ignored",
        "x-genspark2api-demo", "x-genspark2api-job", "request-id",
    )
)  # fmt: skip

BLACKLISTED: Final = ErrorReply(
    403, "Requests from your address are refused.", "permission_error", "address_refused"
)
NOT_FOUND: Final = ErrorReply(
    404, "There is no such path; chat is at /v1/chat/completions.", "invalid_request_error",
    "not_found",
)  # fmt: skip


def too_many(wait: float) -> ErrorReply:
    """The caller's own limit, not an upstream's."""
    return ErrorReply(
        429,
        "Too many requests from your address; slow down.",
        "rate_limit_error",
        "rate_limit_exceeded",
        retry_after=wait,
    )


class Front:
    """See the module docstring. ``direct`` holds plain ASGI endpoints by path."""

    def __init__(
        self,
        routes: ASGIApp,
        direct: Mapping[str, ASGIApp],
        services: Services,
        limit: CallerLimit,
        *,
        demo: bool,
    ) -> None:
        settings = services.settings
        self._routes = routes
        self._direct = direct
        self._services = services
        self._limit = limit
        secrets = [secret.get_secret_value() for secret in settings.api_secret]
        self._keys = Keys(secrets)
        # The first key is the operator's own; the others may be in anybody's hands.
        self._operator = Keys(secrets[:1])
        self._refused = Networks(settings.ip_black_list)
        self._trusted = Networks(settings.forwarded_allow_ips)
        # Names a request in logs; it is no secret, so no system call is spent on it.
        self._ids = random.Random()  # noqa: S311
        self._prefix = settings.route_prefix
        self._demo: Headers = [(b"x-genspark2api-demo", b"1")] if demo else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        record = RequestRecord(
            f"{self._ids.getrandbits(128):032x}", time.monotonic(), scope["path"]
        )
        scope["record"] = record
        scope["state"] = {"services": self._services}
        reply = _Reply(send, record, [*self._demo, *_always(scope, record.request_id)])
        metrics, health = self._services.metrics, self._services.health
        health.in_flight += 1
        metrics.in_flight.inc()
        try:
            await self._serve(scope, receive, reply)
        finally:
            health.in_flight -= 1
            metrics.in_flight.dec()
            if record.path not in EXEMPT:
                finish(record, metrics, time.monotonic())

    async def _serve(self, scope: Scope, receive: Receive, reply: "_Reply") -> None:
        try:
            await self._admit(scope, receive, reply)
        except asyncio.CancelledError:
            # The drain time is over; the server below would say 500 in plain text.
            if self._services.health.draining and not reply.started:
                reply.record.failure = DRAINING.code
                await send_error(reply, DRAINING, encode=encoder(scope["path"]))
            raise
        except InvalidRequest as error:
            reply.record.failure = error.code
            await send_error(reply, invalid(error), encode=encoder(scope["path"]))
        except Exception:
            # The traceback names code, not data; exception texts may quote a request.
            where = traceback.format_exc(limit=-4, chain=False).rsplit("\n", 2)[0]
            log.error("request.crashed", request_id=reply.record.request_id, where=where)
            reply.record.failure = "internal_error"
            if not reply.started:
                await send_error(reply, INTERNAL, encode=encoder(scope["path"]))

    async def _admit(self, scope: Scope, receive: Receive, reply: "_Reply") -> None:
        if scope["method"] == "OPTIONS":
            # A 204 has no body and must not announce the length of one (RFC 9110 §8.6).
            await reply(
                {"type": "http.response.start", "status": 204, "headers": _preflight(scope)}
            )
            await reply({"type": "http.response.body"})
            return
        path = resolve(scope["path"], self._prefix)
        refusal = None if path in EXEMPT else await self._refusal(scope, path)
        if path is None or refusal is not None:
            reply.record.failure = (refusal or NOT_FOUND).code
            await send_error(reply, refusal or NOT_FOUND, encode=encoder(path or ""))
            return
        direct = self._direct.get(path)
        if direct is not None and scope["method"] == "POST":
            await direct(scope, receive, reply)
            return
        await self._routes({**scope, "path": path, "raw_path": path.encode()}, receive, reply)

    async def _refusal(self, scope: Scope, path: str | None) -> ErrorReply | None:
        address = self._address(scope)
        if address in self._refused:
            return BLACKLISTED
        if self._services.health.draining:
            return DRAINING
        if path and path.startswith(SIGNED):
            return None
        wait = await self._limit.hit(address)
        if wait is not None:
            return too_many(wait)
        keys = self._operator if path and path.startswith("/admin/") else self._keys
        if not keys.admits(scope["headers"]):
            return UNAUTHORISED
        return NOT_FOUND if path is None else None

    def _address(self, scope: Scope) -> str:
        client = scope.get("client")
        peer = client[0] if client else ""
        forwarded = b",".join(v for k, v in scope["headers"] if k == b"x-forwarded-for")
        return caller_address(peer, forwarded.decode("latin-1"), self._trusted)


class _Reply:
    """``send`` with the headers that every reply carries; remembers the status for the log."""

    __slots__ = ("_headers", "_send", "record", "started")

    def __init__(self, send: Send, record: RequestRecord, headers: Headers) -> None:
        self._send = send
        self._headers = headers
        self.record = record
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.record.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._headers]
        await self._send(message)


def _always(scope: Scope, request_id: str) -> Headers:
    """Every reply, errors and streams included, names its request and opens itself to browsers."""
    origin = next((value for name, value in scope["headers"] if name == b"origin"), None)
    return [
        (b"x-request-id", request_id.encode()),
        # Anthropic's clients look for it under this name.
        *([(b"request-id", request_id.encode())] if "/messages" in scope["path"] else []),
        (b"access-control-allow-origin", origin or b"*"),
        (b"access-control-expose-headers", _EXPOSED),
        *([(b"vary", b"Origin")] if origin else []),
    ]


def _preflight(scope: Scope) -> Headers:
    """Headers are echoed: in the Fetch standard ``*`` does not cover ``Authorization``."""
    asked = dict(scope["headers"])
    headers = [
        (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
        (b"access-control-max-age", b"86400"),
    ]
    if wanted := asked.get(b"access-control-request-headers"):
        headers.append((b"access-control-allow-headers", wanted))
    if asked.get(b"access-control-request-private-network") == b"true":
        headers.append((b"access-control-allow-private-network", b"true"))
    return headers
