"""The key route's dialect: OpenAI chat completions as LiteLLM writes them (2026-09)."""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from genspark_emulator.answer import Answer, ToolCall, count_tokens, words
from genspark_emulator.events import Frame, JsonObject

ARGUMENT_FRAGMENT = 8
"""Most characters of tool-call arguments per chunk; short, so that reassembly is exercised."""

STREAM_ERROR = {"error": {"message": "The upstream model failed.", "type": "upstream_error"}}


def _completion_id() -> str:
    return f"chatcmpl-{uuid.uuid4().hex}"


@dataclass(frozen=True, slots=True)
class Completion:
    """One completion to tell, whole or in chunks. ``extra`` keys go to the top level.

    Its ``choices`` all say the same; ``index`` is the one that a chunk is about. ``functions``: the
    caller spoke of functions and hears of one ``function_call``.
    """

    model: str
    answer: Answer
    prompt_text: str
    include_usage: bool = False
    choices: int = 1
    index: int = 0
    functions: bool = False
    extra: JsonObject = field(default_factory=dict)
    id: str = field(default_factory=_completion_id)
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def finish_reason(self) -> str:
        """``tool_calls`` (or ``function_call``) or ``stop`` unless the answer says another."""
        called = "function_call" if self.functions else "tool_calls"
        return self.answer.finish_reason or (called if self.answer.tool_calls else "stop")

    @property
    def usage(self) -> JsonObject:
        """Token counts in the normal OpenAI places."""
        if self.answer.usage is not None:
            return self.answer.usage
        reasoning = count_tokens(self.answer.reasoning)
        spoken = self.answer.text + "".join(call.arguments for call in self.answer.tool_calls)
        asked = count_tokens(self.prompt_text)
        answered = (count_tokens(spoken) + reasoning) * self.choices
        return {
            "prompt_tokens": asked,
            "completion_tokens": answered,
            "total_tokens": asked + answered,
            "completion_tokens_details": {"reasoning_tokens": reasoning},
        }

    def whole(self) -> JsonObject:
        """The non-streaming body."""
        choices = [
            {"index": index, "message": self._message(), "finish_reason": self.finish_reason}
            for index in range(self.choices)
        ]
        return {**self._head("chat.completion"), "choices": choices, "usage": self.usage}

    def chunk(self, delta: JsonObject, finish_reason: str | None = None) -> JsonObject:
        """One streaming chunk."""
        choice = {"index": self.index, "delta": delta, "finish_reason": finish_reason}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def usage_chunk(self) -> JsonObject:
        """The last chunk, without choices."""
        return {**self._head("chat.completion.chunk"), "choices": [], "usage": self.usage}

    def _head(self, kind: str) -> JsonObject:
        head = {"id": self.id, "object": kind, "created": self.created, "model": self.model}
        return {**head, **self.extra}

    def _message(self) -> JsonObject:
        answer = self.answer
        spoken = answer.text or (None if answer.tool_calls else "")
        message: JsonObject = {"role": "assistant", "content": spoken}
        if answer.reasoning:
            message["reasoning_content"] = answer.reasoning
        if answer.tool_calls and self.functions:
            message["function_call"] = _function(answer.tool_calls[0])
        elif answer.tool_calls:
            message["tool_calls"] = [_whole_call(call) for call in answer.tool_calls]
        return message


def _whole_call(call: ToolCall) -> JsonObject:
    return {"id": _call_id(), "type": "function", "function": _function(call)}


def _call_id() -> str:
    return f"call_{uuid.uuid4().hex[:24]}"


def _function(call: ToolCall) -> JsonObject:
    return {"name": call.name, "arguments": call.arguments}


def tool_fragments(answer: Answer) -> Iterator[JsonObject]:
    """Each call as OpenAI streams it: id and name first, then pieces of the arguments."""
    for index, call in enumerate(answer.tool_calls):
        opening = {"index": index, "id": _call_id(), "type": "function"}
        first, *others = function_fragments(call)
        yield {**opening, "function": first}
        for fragment in others:
            yield {"index": index, "function": fragment}


def function_fragments(call: ToolCall) -> Iterator[JsonObject]:
    """The name first, then pieces of the arguments."""
    yield {"name": call.name, "arguments": ""}
    size = max(1, min(ARGUMENT_FRAGMENT, len(call.arguments) // 2))
    for start in range(0, len(call.arguments), size):
        yield {"arguments": call.arguments[start : start + size]}


Chunks = Callable[[Completion], Iterator[Frame]]


def role(completion: Completion) -> Iterator[Frame]:
    """The opening chunk."""
    yield completion.chunk({"role": "assistant", "content": ""})


def reasoning(completion: Completion) -> Iterator[Frame]:
    """The reasoning text, word by word."""
    pieces = words(completion.answer.reasoning)
    return (completion.chunk({"reasoning_content": piece}) for piece in pieces)


def content(completion: Completion) -> Iterator[Frame]:
    """The answer, word by word."""
    return (completion.chunk({"content": text}) for text in completion.answer.deltas)


def first_content(completion: Completion) -> Iterator[Frame]:
    """The first half of the answer."""
    half = (len(completion.answer.deltas) + 1) // 2
    return (completion.chunk({"content": text}) for text in completion.answer.deltas[:half])


def tools(completion: Completion) -> Iterator[Frame]:
    """Tool calls, one fragment per chunk; of functions one call only."""
    if completion.functions:
        for call in completion.answer.tool_calls[:1]:
            for fragment in function_fragments(call):
                yield completion.chunk({"function_call": fragment})
        return
    fragments = tool_fragments(completion.answer)
    yield from (completion.chunk({"tool_calls": [fragment]}) for fragment in fragments)


def paired_tools(completion: Completion) -> Iterator[Frame]:
    """Tool calls, two fragments per chunk; some pairs belong to different calls."""
    fragments = list(tool_fragments(completion.answer))
    for start in range(0, len(fragments), 2):
        yield completion.chunk({"tool_calls": fragments[start : start + 2]})


def finish(completion: Completion) -> Iterator[Frame]:
    """The chunk with the finish reason."""
    yield completion.chunk({}, completion.finish_reason)


def usage(completion: Completion) -> Iterator[Frame]:
    """Token counts, only when the request asked for them."""
    if completion.include_usage:
        yield completion.usage_chunk()


def error(_completion: Completion) -> Iterator[Frame]:
    """An error object instead of a chunk."""
    yield STREAM_ERROR


def done(_completion: Completion) -> Iterator[Frame]:
    """The end marker."""
    yield "[DONE]"


OF_THE_STREAM = (usage, done)
"""Parts that come once, however many choices there are."""


def told(parts: tuple[Chunks, ...], completion: Completion) -> tuple[Frame, ...]:
    """All frames of a stream made of these parts; several choices take turns, chunk by chunk."""
    own = [part for part in parts if part not in OF_THE_STREAM]
    last = [part for part in parts if part in OF_THE_STREAM]
    ways = [_frames(own, replace(completion, index=index)) for index in range(completion.choices)]
    turns = (frame for frames in zip_longest(*ways) for frame in frames if frame is not None)
    return (*turns, *_frames(last, completion))


def _frames(parts: Sequence[Chunks], completion: Completion) -> Iterator[Frame]:
    return (frame for part in parts for frame in part(completion))
