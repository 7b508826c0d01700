"""``POST /v1/chat/completions``: a plain ASGI endpoint, as it is the hot path."""

import asyncio
import time
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from proxy.api.chat_media import chat_media
from proxy.api.context import (
    JSON,
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
from proxy.api.event_stream import EventStream, Watched
from proxy.core.ask import ChatAsk, InvalidRequest
from proxy.core.catalogue import Candidate
from proxy.core.events import ChatEvent
from proxy.services.attempts import GaveUp
from proxy.services.chat import UnknownModelAsked
from proxy.services.chat_answer import ChatAnswer
from proxy.telemetry import RequestRecord
from proxy.wire.openai_chunks import DONE, ChunkWriter, StreamOptions, comment
from proxy.wire.openai_completion import completion
from proxy.wire.openai_errors import (
    DRAINING,
    INTERNAL,
    ErrorReply,
    for_failure,
    invalid,
    model_not_found,
)
from proxy.wire.openai_request import read_chat


class Chat:
    """One request's way from its body to its answer."""

    def __init__(self, services: Services, record: RequestRecord, send: Send) -> None:
        self._services = services
        self._settings = services.settings
        self._record = record
        self._send = send
        self._id = f"chatcmpl-{record.request_id[:24]}"
        self._created = int(time.time())
        self._answer: ChatAnswer | None = None
        self._head: list[ChatEvent] = []

    async def plain(self, ask: ChatAsk, receive: Receive) -> None:
        """A whole answer as JSON."""
        try:
            async with Watched(self._services.tasks, receive):
                answer = await self._open(ask, self._services.chat.plan(ask))
                await self._send_whole(ask, answer)
        except Refused as refused:
            await self._refuse(refused)
        finally:
            await self._close()

    async def _send_whole(self, ask: ChatAsk, answer: ChatAnswer) -> None:
        while not answer.ended:
            await answer.next_events()
        if answer.failure is not None:
            self._record.failure = answer.failure.kind.value
            reply = for_failure(answer.failure, answer.retry_after)
            await send_error(self._send, reply, self._headers(answer))
            return
        usage = self._finish(answer)
        body = completion(
            self._id,
            self._created,
            ask.model,
            answer.full,
            usage,
            hide_reasoning=self._settings.reasoning_hide,
        )
        await send_whole(self._send, 200, [JSON, *self._headers(answer)], msgspec.json.encode(body))

    async def streamed(self, ask: ChatAsk, receive: Receive) -> None:
        """An answer as it comes, once its first visible event is there or patience has ended."""
        try:
            plan = self._services.chat.plan(ask)
        except Refused as refused:
            await self._refuse(refused)
            return
        stream = EventStream(self._send, time.monotonic, _early_headers(plan))
        options = StreamOptions(self._settings.reasoning_hide, self._settings.errors_as_content)
        writer = ChunkWriter(self._id, self._created, ask.model, options)
        patience = self._settings.first_event_patience
        try:
            async with Watched(self._services.tasks, receive, stream, patience):
                answer = await self._open(ask, plan)
                await stream.start(self._headers(answer))
                await self._send_events(ask, answer, stream, writer)
        except Refused as refused:
            await self._refuse(refused, stream, writer)
        except Exception:
            # A stream that merely stops is taken for a finished one; the front door logs why.
            if stream.started and not stream.ended:
                await stream.end(writer.failure(INTERNAL))
            raise
        except asyncio.CancelledError:
            await self._say_goodbye(stream, writer)
            raise
        finally:
            await self._close()

    async def _send_events(
        self, ask: ChatAsk, answer: ChatAnswer, stream: EventStream, writer: ChunkWriter
    ) -> None:
        out = writer.write(self._head)
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
        note = comment(f"served-model {answer.served_model}") if answer.substituted else b""
        counts = writer.usage(usage) if ask.include_usage else b""
        await stream.end(out + note + counts + DONE)

    async def _say_goodbye(self, stream: EventStream, writer: ChunkWriter) -> None:
        """The drain time is over: even then a stream ends honestly."""
        if self._services.health.draining and stream.started and not stream.ended:
            await stream.end(writer.failure(DRAINING))

    async def _open(self, ask: ChatAsk, plan: list[Candidate]) -> ChatAnswer:
        answer = self._answer = await self._services.chat.open(ask, plan)
        self._head = await answer.begin()
        record = self._record
        record.ttft = time.monotonic() - record.started
        record.account = answer.account
        record.route = answer.route.value
        record.attempts = answer.attempts
        record.served_model = answer.served_model
        return answer

    async def _close(self) -> None:
        """After the caller's part is over, so that its leaving does not cut the tidying short."""
        if self._answer is not None:
            await self._answer.aclose()

    def _finish(self, answer: ChatAnswer) -> dict[str, Any]:
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
        writer: ChunkWriter | None = None,
    ) -> None:
        reply, failure, attempts = _told(refused)
        self._record.failure = failure
        self._record.attempts = attempts
        if stream is not None and writer is not None and not stream.claim():
            await stream.end(writer.failure(reply))
            return
        headers = [text_header("x-genspark2api-attempts", attempts)]
        await send_error(self._send, reply, headers)

    def _headers(self, answer: ChatAnswer) -> Headers:
        headers = [
            text_header("x-genspark2api-attempts", answer.attempts),
            text_header("x-genspark2api-account", answer.account),
            text_header("x-genspark2api-route", answer.route.value),
        ]
        if answer.served_model:
            headers.append(text_header("x-genspark2api-served-model", answer.served_model))
        if answer.ignored:
            headers.append(text_header("x-genspark2api-ignored", ",".join(answer.ignored)))
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


async def chat_completions(scope: Scope, receive: Receive, send: Send) -> None:
    """The endpoint. Errors of the request itself are answered by the caller of this function."""
    services, record = services_of(scope), record_of(scope)
    settings = services.settings
    limit = settings.max_body_mb * 1_000_000
    body = await read_body(receive, limit, header(scope, b"content-length"))
    if settings.debug_log_body:
        services.bodies.log(record.request_id, "request", body)
    opening = settings.opening_messages()
    ask = read_chat(body, opening, tools=settings.tool_calling_enabled)
    record.model = ask.model
    product = services.media.plans.kind(ask.model)
    if product is not None:
        await chat_media(scope, receive, send, ask, product)
        return
    chat = Chat(services, record, send)
    await (chat.streamed if ask.stream else chat.plain)(ask, receive)
