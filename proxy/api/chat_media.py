"""Images and videos asked for in a chat: a job, progress while it runs, Markdown at its end."""

import time
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from proxy.api.context import JSON, Encode, Headers, record_of, send_error, send_whole
from proxy.api.dialects import Spoken
from proxy.api.event_stream import EventStream, Watched
from proxy.api.generations import Generations, Refused, job_headers
from proxy.core.answer import Answer
from proxy.core.ask import InvalidRequest
from proxy.core.events import ChatEvent, Finished, ReasoningDelta, TextDelta
from proxy.core.jobs import Job
from proxy.core.products import Product
from proxy.core.tokens import count, count_prompt
from proxy.wire.answer_writer import AnswerWriter
from proxy.wire.chat_media import markdown, progress_text, read_chat_media
from proxy.wire.openai_completion import usage_of
from proxy.wire.openai_errors import INTERNAL

# A line of progress this often; in between, keep-alive comments as in any stream.
TELL_SECONDS: Final = 5.0


@dataclass(slots=True)
class ChatMedia:
    """One chat request whose answer is an image or a video."""

    generations: Generations
    spoken: Spoken
    product: Product
    send: Send
    encode: Encode

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
        try:
            jobs = await self._create()
        except Refused as refused:
            await self._refuse(refused)
            return
        stream = EventStream(self.send, time.monotonic, _headers(jobs))
        writer = self.spoken.writer()
        patience = services.settings.first_event_patience
        try:
            async with Watched(services.tasks, receive, stream, patience):
                done = await self._watch(jobs, stream, writer)
                await stream.start(_headers(done))
                await self._end(done, stream, writer)
        except Refused as refused:
            await self._refuse(refused, stream, writer)
        except Exception:
            # The front door logs why.
            if stream.is_open:
                await stream.end(writer.failure(INTERNAL))
            raise

    async def _create(self) -> list[Job]:
        try:
            asked = read_chat_media(self.spoken.ask, self.product)
        except InvalidRequest as error:
            raise self.spoken.renamed(error) from None
        jobs = await self.generations.create(asked)
        self.generations.note(jobs)
        return jobs

    async def _watch(self, jobs: list[Job], stream: EventStream, writer: AnswerWriter) -> list[Job]:
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

    async def _end(self, done: list[Job], stream: EventStream, writer: AnswerWriter) -> None:
        answer, events = _answer(await self._text(done))
        told = writer.write(events)
        await stream.end(told + writer.end(answer, self._usage(answer), ""))

    async def _send_whole(self, done: list[Job]) -> None:
        answer, _ = _answer(await self._text(done))
        body = self.spoken.whole(answer, self._usage(answer))
        await send_whole(self.send, 200, [JSON, *_headers(done)], msgspec.json.encode(body))

    async def _text(self, done: list[Job]) -> str:
        """Links on our own host. A poster beside its player would only repeat it."""
        views = await self.generations.views(done)
        links = [(url, None) for view in views for url in view.urls]
        return markdown(self.product, links, done[0].ask.terms.prompt)

    def _usage(self, answer: Answer) -> dict[str, Any]:
        prompt = count_prompt(self.spoken.ask.turns)
        usage = usage_of(prompt, count(answer.output_text()))
        record = record_of(self.generations.request.scope)
        record.prompt_tokens = usage["prompt_tokens"]
        record.completion_tokens = usage["completion_tokens"]
        return usage

    async def _refuse(
        self,
        refused: Refused,
        stream: EventStream | None = None,
        writer: AnswerWriter | None = None,
    ) -> None:
        record = record_of(self.generations.request.scope)
        record.failure = refused.failure
        if stream is not None and writer is not None and not stream.claim():
            await stream.end(writer.failure(refused.reply))
            return
        await send_error(self.send, refused.reply, encode=self.encode)


def _answer(text: str) -> tuple[Answer, list[ChatEvent]]:
    events: list[ChatEvent] = [TextDelta(text), Finished("stop")]
    answer = Answer()
    for event in events:
        answer.add(event)
    return answer, events


def _headers(jobs: list[Job]) -> Headers:
    return [(name.encode(), value.encode("latin-1")) for name, value in job_headers(jobs).items()]


async def chat_media(
    scope: Scope, receive: Receive, send: Send, spoken: Spoken, product: Product, encode: Encode
) -> None:
    """Answer a chat request that names a model of images or videos."""
    generations = Generations.of(Request(scope, receive))
    chat = ChatMedia(generations, spoken, product, send, encode)
    await (chat.streamed if spoken.ask.stream else chat.plain)(receive)
