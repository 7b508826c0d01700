"""Images and videos asked for in a chat: a job, progress while it runs, Markdown at its end."""

import time
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from proxy.api.context import JSON, Headers, record_of, send_error, send_whole
from proxy.api.event_stream import EventStream, Watched
from proxy.api.generations import Generations, Refused, job_headers
from proxy.core.answer import Answer
from proxy.core.ask import ChatAsk
from proxy.core.events import ChatEvent, Finished, ReasoningDelta, TextDelta
from proxy.core.jobs import Job
from proxy.core.products import Product
from proxy.core.tokens import count, count_prompt
from proxy.wire.chat_media import markdown, progress_text, read_chat_media
from proxy.wire.openai_chunks import DONE, ChunkWriter, StreamOptions
from proxy.wire.openai_completion import completion, usage_of

# A line of progress this often; in between, keep-alive comments as in any stream.
TELL_SECONDS: Final = 5.0


@dataclass(slots=True)
class ChatMedia:
    """One chat request whose answer is an image or a video."""

    generations: Generations
    ask: ChatAsk
    product: Product
    send: Send
    id: str
    created: int = field(default_factory=lambda: int(time.time()))

    async def plain(self, receive: Receive) -> None:
        """A whole answer as JSON."""
        try:
            jobs = await self._create()
            async with self.generations.watched():
                done = await self.generations.finished(jobs)
                await self._send_whole(done)
        except Refused as refused:
            await self._refuse(refused)

    async def streamed(self, receive: Receive) -> None:
        """Reasoning deltas tell of progress; the last delta is the result."""
        services = self.generations.services
        settings = services.settings
        try:
            jobs = await self._create()
        except Refused as refused:
            await self._refuse(refused)
            return
        stream = EventStream(self.send, time.monotonic, _headers(jobs))
        options = StreamOptions(settings.reasoning_hide, settings.errors_as_content)
        writer = ChunkWriter(self.id, self.created, self.ask.model, options)
        patience = settings.first_event_patience
        try:
            async with Watched(services.tasks, receive, stream, patience):
                done = await self._watch(jobs, stream, writer)
                await stream.start(_headers(done))
                await self._end(done, stream, writer)
        except Refused as refused:
            await self._refuse(refused, stream, writer)

    async def _create(self) -> list[Job]:
        jobs = await self.generations.create(read_chat_media(self.ask, self.product))
        self.generations.note(jobs)
        return jobs

    async def _watch(self, jobs: list[Job], stream: EventStream, writer: ChunkWriter) -> list[Job]:
        """The finished jobs; says now and then how far they are, once the stream is open."""
        generations, service = self.generations, self.generations.media.jobs
        patience = generations.services.settings.first_event_patience
        limit = generations.services.settings.video_sync_timeout
        began, wait = time.monotonic(), patience
        while True:
            now = await service.wait(jobs, wait)
            elapsed = time.monotonic() - began
            leaving = generations.services.health.leaving
            if all(job.ended for job in now) or elapsed > limit or leaving:
                return await generations.finished(now)
            wait = TELL_SECONDS
            view = (await generations.views(now[:1]))[0]
            told = progress_text(self.product, view.progress, elapsed, view.expected_seconds)
            await stream.start()
            if out := writer.write([ReasoningDelta(told)]):
                await stream.write(out)

    async def _end(self, done: list[Job], stream: EventStream, writer: ChunkWriter) -> None:
        text = await self._text(done)
        events: list[ChatEvent] = [TextDelta(text), Finished("stop")]
        usage = self._usage(text)
        counts = writer.usage(usage) if self.ask.include_usage else b""
        await stream.end(writer.write(events) + counts + DONE)

    async def _send_whole(self, done: list[Job]) -> None:
        text = await self._text(done)
        answer = Answer()
        answer.add(TextDelta(text))
        body = completion(
            self.id, self.created, self.ask.model, answer, self._usage(text), hide_reasoning=True
        )
        await send_whole(self.send, 200, [JSON, *_headers(done)], msgspec.json.encode(body))

    async def _text(self, done: list[Job]) -> str:
        """Links on our own host. A poster beside its player would only repeat it."""
        views = await self.generations.views(done)
        links = [(url, None) for view in views for url in view.urls]
        return markdown(self.product, links, done[0].ask.terms.prompt)

    def _usage(self, text: str) -> dict[str, Any]:
        usage = usage_of(count_prompt(self.ask), count(text))
        record = record_of(self.generations.request.scope)
        record.prompt_tokens = usage["prompt_tokens"]
        record.completion_tokens = usage["completion_tokens"]
        return usage

    async def _refuse(
        self,
        refused: Refused,
        stream: EventStream | None = None,
        writer: ChunkWriter | None = None,
    ) -> None:
        record = record_of(self.generations.request.scope)
        record.failure = refused.failure
        if stream is not None and writer is not None and not stream.claim():
            await stream.end(writer.failure(refused.reply))
            return
        await send_error(self.send, refused.reply)


def _headers(jobs: list[Job]) -> Headers:
    return [(name.encode(), value.encode("latin-1")) for name, value in job_headers(jobs).items()]


async def chat_media(
    scope: Scope, receive: Receive, send: Send, ask: ChatAsk, product: Product
) -> None:
    """Answer a chat request that names a model of images or videos."""
    generations = Generations.of(Request(scope, receive))
    record = record_of(scope)
    chat = ChatMedia(generations, ask, product, send, f"chatcmpl-{record.request_id[:24]}")
    await (chat.streamed if ask.stream else chat.plain)(receive)
