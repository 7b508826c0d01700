"""A chat in any dialect: a plain ASGI endpoint, as it is the hot path."""

import asyncio
import time
from typing import Any

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.api.chat_media import chat_media
from proxy.api.context import (
    JSON,
    Encode,
    Headers,
    Services,
    header,
    read_body,
    record_of,
    send_error,
    send_whole,
    services_of,
    text_header,
)
from proxy.api.dialects import Dialect, Spoken
from proxy.api.event_stream import EventStream, Watched
from proxy.core.ask import InvalidRequest
from proxy.core.catalogue import Candidate
from proxy.core.events import ChatEvent
from proxy.services.answering import Answering
from proxy.services.attempts import GaveUp
from proxy.services.chat import UnknownModelAsked
from proxy.services.sticky import ANONYMOUS
from proxy.telemetry import RequestRecord
from proxy.wire.answer_writer import AnswerWriter
from proxy.wire.openai_errors import (
    DRAINING,
    INTERNAL,
    ErrorReply,
    for_failure,
    invalid,
    model_not_found,
)
from proxy.wire.openai_request import read_object


class Chat:
    """One request's way from its body to its answer."""

    def __init__(
        self, services: Services, record: RequestRecord, spoken: Spoken, send: Send, encode: Encode
    ) -> None:
        self._services = services
        self._settings = services.settings
        self._record = record
        self._spoken = spoken
        self._ask = spoken.ask
        self._send = send
        self._encode = encode
        self._answer: Answering | None = None
        self._head: list[ChatEvent] = []

    async def plain(self, receive: Receive, caller: str) -> None:
        """A whole answer as JSON."""
        try:
            async with Watched(self._services.tasks, receive):
                answer = await self._open(self._services.chat.plan(self._ask), caller)
                self._first_seen()
                await self._send_whole(answer)
        except Refused as refused:
            await self._refuse(refused)
        finally:
            await self._close()

    async def _send_whole(self, answer: Answering) -> None:
        while not answer.ended:
            await answer.next_events()
        if answer.failure is not None:
            self._record.failure = answer.failure.kind.value
            reply = for_failure(answer.failure, answer.retry_after)
            await send_error(self._send, reply, self._headers(answer), self._encode)
            return
        body = self._spoken.whole(answer.full, self._finish(answer))
        await send_whole(self._send, 200, [JSON, *self._headers(answer)], msgspec.json.encode(body))

    async def streamed(self, receive: Receive, caller: str) -> None:
        """An answer as it comes, once its first visible event is there or patience has ended."""
        try:
            plan = self._services.chat.plan(self._ask)
        except Refused as refused:
            await self._refuse(refused)
            return
        stream = EventStream(self._send, time.monotonic, _early_headers(plan))
        writer = self._spoken.writer()
        patience = self._settings.first_event_patience
        try:
            async with Watched(self._services.tasks, receive, stream, patience):
                answer = await self._open(plan, caller)
                await stream.start(self._headers(answer))
                await self._send_events(answer, stream, writer)
        except Refused as refused:
            await self._refuse(refused, stream, writer)
        except Exception:
            # The front door logs why.
            if stream.is_open:
                await stream.end(writer.failure(INTERNAL))
            raise
        except asyncio.CancelledError:
            # The drain time is over.
            if self._services.health.draining and stream.is_open:
                await stream.end(writer.failure(DRAINING))
            raise
        finally:
            await self._close()

    async def _send_events(
        self, answer: Answering, stream: EventStream, writer: AnswerWriter
    ) -> None:
        out = writer.write(self._head)
        # A structured answer is seen when it is whole, a call when it is known to be one.
        while not out and not answer.ended:
            out = writer.write(await answer.next_events())
        self._first_seen()
        while not answer.ended:
            if out:
                await stream.write(out)
            out = writer.write(await answer.next_events())
        if answer.failure is not None:
            self._record.failure = answer.failure.kind.value
            await stream.end(out + writer.failure(for_failure(answer.failure, answer.retry_after)))
            return
        usage = self._finish(answer)
        # The served model of a cookie stream is known only now, too late for a header.
        note = f"served-model {answer.served_model}" if answer.substituted else ""
        await stream.end(out + writer.end(answer.full, usage, note))

    async def _open(self, plan: list[Candidate], caller: str) -> Answering:
        answer = self._answer = await self._services.chat.open(self._ask, plan, caller)
        self._head = await answer.begin()
        record = self._record
        record.account = answer.account
        record.route = answer.route.value
        record.attempts = answer.attempts
        record.served_model = answer.served_model
        return answer

    def _first_seen(self) -> None:
        self._record.ttft = time.monotonic() - self._record.started

    async def _close(self) -> None:
        """After the caller's part is over, so that its leaving does not cut the tidying short."""
        if self._answer is not None:
            await self._answer.aclose()

    def _finish(self, answer: Answering) -> dict[str, Any]:
        """The usage, once all is said; the log learns what only the end tells."""
        usage = answer.usage()
        self._record.served_model = answer.served_model
        if self._settings.debug_log_body:
            said = answer.full.output_text().encode()
            self._services.bodies.log(self._record.request_id, "answer", said)
        self._record.prompt_tokens = usage["prompt_tokens"]
        self._record.completion_tokens = usage["completion_tokens"]
        return usage

    async def _refuse(
        self,
        refused: Exception,
        stream: EventStream | None = None,
        writer: AnswerWriter | None = None,
    ) -> None:
        if isinstance(refused, InvalidRequest):
            refused = self._spoken.renamed(refused)
        reply, failure, attempts = _told(refused)
        self._record.failure = failure
        # With several choices the first may have been answered already.
        self._record.attempts += attempts
        if stream is not None and writer is not None and not stream.claim():
            await stream.end(writer.failure(reply))
            return
        headers = [text_header("x-genspark2api-attempts", self._record.attempts)]
        await send_error(self._send, reply, headers, self._encode)

    def _headers(self, answer: Answering) -> Headers:
        headers = [
            text_header("x-genspark2api-attempts", answer.attempts),
            text_header("x-genspark2api-account", answer.account),
            text_header("x-genspark2api-route", answer.route.value),
        ]
        if answer.served_model:
            headers.append(text_header("x-genspark2api-served-model", answer.served_model))
        ignored = [*self._spoken.ignored, *answer.ignored]
        if ignored:
            headers.append(text_header("x-genspark2api-ignored", ",".join(ignored)))
        return headers


def _early_headers(plan: list[Candidate]) -> Headers:
    """What is known before any account was asked: a mixture is never silent."""
    mixture = plan[0].mixture
    return [text_header("x-genspark2api-served-model", ",".join(mixture))] if mixture else []


Refused = (GaveUp, UnknownModelAsked, InvalidRequest)


def _told(refused: Exception) -> tuple[ErrorReply, str, int]:
    """What the caller is told, the log's word for it, and how many attempts were made."""
    if isinstance(refused, GaveUp):
        reply = for_failure(refused.failure, refused.retry_after)
        return reply, refused.failure.kind.value, refused.attempts
    if isinstance(refused, UnknownModelAsked):
        return model_not_found(str(refused)), "model_not_found", 0
    assert isinstance(refused, InvalidRequest)
    return invalid(refused), refused.code, 0


def chat_door(dialect: Dialect, encode: Encode = ErrorReply.encoded) -> ASGIApp:
    """The endpoint of a dialect; ``encode`` writes its error objects."""

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        services, record = services_of(scope), record_of(scope)
        try:
            spoken = dialect(services, record, read_object(await chat_body(scope, receive)))
        except InvalidRequest as error:
            record.failure = error.code
            await send_error(send, invalid(error), encode=encode)
            return
        record.model = spoken.ask.model
        product = services.media.plans.kind(spoken.ask.model)
        if product is not None:
            await chat_media(scope, receive, send, spoken, product, encode)
            return
        chat = Chat(services, record, spoken, send, encode)
        caller = _caller(services, scope)
        await (chat.streamed if spoken.ask.stream else chat.plain)(receive, caller)

    return door


async def chat_body(scope: Scope, receive: Receive) -> bytes:
    """The request's body, within its limit. Raises ``InvalidRequest``."""
    services = services_of(scope)
    limit = services.settings.max_body_mb * 1_000_000
    body = await read_body(receive, limit, header(scope, b"content-length"))
    if services.settings.debug_log_body:
        services.bodies.log(record_of(scope).request_id, "request", body)
    return body


def _caller(services: Services, scope: Scope) -> str:
    """Whose conversation this is; a key that is not checked tells nobody apart."""
    told_apart = services.chat.sticky.enabled and services.settings.api_secret
    return services.callers.caller(scope["headers"]) if told_apart else ANONYMOUS
