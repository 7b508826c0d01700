"""The dialects in which a chat can be asked for: how each is read, and how it is answered."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from proxy.api.context import Services
from proxy.core.answer import Answer
from proxy.core.ask import ChatAsk, InvalidRequest
from proxy.core.reasoning import ReasoningStyle
from proxy.core.tokens import count_prompt
from proxy.telemetry import RequestRecord
from proxy.wire.answer_writer import AnswerWriter
from proxy.wire.completions import chat_of as read_prompt
from proxy.wire.completions import completion_object
from proxy.wire.completions_chunks import CompletionWriter
from proxy.wire.messages_events import MessageWriter
from proxy.wire.messages_object import message_object, token_count_object
from proxy.wire.messages_request import chat_of as read_messages
from proxy.wire.openai_chunks import ChunkWriter, StreamOptions
from proxy.wire.openai_completion import completion
from proxy.wire.openai_request import chat_from
from proxy.wire.responses_events import ResponseWriter
from proxy.wire.responses_object import response_object
from proxy.wire.responses_request import chat_of as read_response_request
from proxy.wire.text_turns import text_turns


@dataclass(frozen=True, slots=True)
class Spoken:
    """One request in its dialect.

    ``writer`` makes the stream's writer, ``whole`` a complete answer from all that was said and an
    OpenAI ``usage`` object. ``ignored`` are parameters that had no effect already here.
    ``renamed`` puts a complaint about the ask into this dialect's words.
    """

    ask: ChatAsk
    writer: Callable[[], AnswerWriter]
    whole: Callable[[Answer, dict[str, Any]], dict[str, Any]]
    ignored: tuple[str, ...] = ()
    renamed: Callable[[InvalidRequest], InvalidRequest] = field(default=lambda error: error)


class _Translated(Protocol):
    @property
    def chat(self) -> dict[str, Any]: ...
    def renamed(self, error: InvalidRequest) -> InvalidRequest: ...


# Raises ``InvalidRequest``.
Dialect = Callable[[Services, RequestRecord, dict[str, Any]], Spoken]


def chat(services: Services, record: RequestRecord, request: dict[str, Any]) -> Spoken:
    """OpenAI's ``POST /v1/chat/completions``."""
    ask, settings = _ask(services, request), services.settings
    name, created = f"chatcmpl-{_id(record)}", int(time.time())
    legacy = ask.wishes.tools is not None and ask.wishes.tools.legacy
    style = settings.reasoning()
    if ask.wishes.structure is not None and style.in_content:
        # What is to be parsed as JSON holds nothing else.
        style = ReasoningStyle.FIELD
    options = StreamOptions(
        reasoning=style,
        errors_as_content=settings.errors_as_content,
        include_usage=ask.include_usage,
        legacy_calls=legacy,
    )

    whole = partial(completion, name, created, ask.model, reasoning=style, legacy_calls=legacy)
    return Spoken(ask, partial(ChunkWriter, name, created, ask.model, options), whole)


def completions(services: Services, record: RequestRecord, request: dict[str, Any]) -> Spoken:
    """OpenAI's legacy ``POST /v1/completions``."""
    prompted = read_prompt(request)
    ask, name, created = _ask(services, prompted.chat), f"cmpl-{_id(record)}", int(time.time())
    writer = partial(
        CompletionWriter, name, created, ask.model,
        include_usage=ask.include_usage, echo=prompted.echo,
    )  # fmt: skip
    whole = partial(completion_object, name, created, ask.model, echo=prompted.echo)
    return Spoken(ask, writer, whole)


def responses(services: Services, record: RequestRecord, request: dict[str, Any]) -> Spoken:
    """OpenAI's ``POST /v1/responses``; nothing is kept for a later one."""
    translated = read_response_request(request)
    ask = _translated_ask(services, translated)
    name, created = f"resp_{_id(record)}", int(time.time())
    hidden = services.settings.reasoning_hide
    writer = partial(ResponseWriter, name, created, ask.model, translated, hide_reasoning=hidden)
    whole = partial(response_object, name, created, ask.model, translated, hide_reasoning=hidden)
    return Spoken(ask, writer, whole, translated.ignored, translated.renamed)


def messages(services: Services, record: RequestRecord, request: dict[str, Any]) -> Spoken:
    """Anthropic's ``POST /v1/messages``."""
    translated = read_messages(request)
    ask, name = _translated_ask(services, translated), f"msg_{_id(record)}"
    hidden = services.settings.reasoning_hide or not translated.shows_thinking

    def writer() -> MessageWriter:
        return MessageWriter(name, ask.model, count_prompt(text_turns(ask)), hide_reasoning=hidden)

    whole = partial(message_object, name, ask.model, hide_reasoning=hidden)
    return Spoken(ask, writer, whole, translated.ignored, translated.renamed)


def message_tokens(services: Services, request: dict[str, Any]) -> dict[str, int]:
    """Anthropic's ``POST /v1/messages/count_tokens``, by our own count."""
    ask = _translated_ask(services, read_messages(request))
    return token_count_object(count_prompt(text_turns(ask)))


def _id(record: RequestRecord) -> str:
    return record.request_id[:24]


def _translated_ask(services: Services, translated: "_Translated") -> ChatAsk:
    """The ask of a translated request; complaints about it name the original's fields."""
    try:
        return _ask(services, translated.chat)
    except InvalidRequest as error:
        raise translated.renamed(error) from None


def _ask(services: Services, request: dict[str, Any]) -> ChatAsk:
    settings = services.settings
    return chat_from(request, settings.opening_messages(), tools=settings.tool_calling_enabled)
