"""The key route's dialect: OpenAI chat completions as LiteLLM writes them (2026-09)."""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from genspark_emulator.answer import Answer, ToolCall, count_tokens, words
from genspark_emulator.events import Frame, JsonObject

ARGUMENT_FRAGMENT = 8
"""Most characters of tool-call arguments per chunk; short, so that reassembly is exercised."""

STREAM_ERROR = {"error": {"message": "The upstream model failed.", "type": "upstream_error"}}


def _completion_id() -> str:
    return f"chatcmpl-{uuid.uuid4().hex}"


@dataclass(frozen=True, slots=True)
class Completion:
    """One completion to tell, whole or in chunks. ``extra`` keys go to the top level."""

    model: str
    answer: Answer
    prompt_text: str
    include_usage: bool = False
    extra: JsonObject = field(default_factory=dict)
    id: str = field(default_factory=_completion_id)
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def finish_reason(self) -> str:
        """``tool_calls`` or ``stop`` unless scripted."""
        return self.answer.finish_reason or ("tool_calls" if self.answer.tool_calls else "stop")

    @property
    def usage(self) -> JsonObject:
        """Token counts in the normal OpenAI places."""
        if self.answer.usage is not None:
            return self.answer.usage
        reasoning = count_tokens(self.answer.reasoning)
        spoken = self.answer.text + "".join(call.arguments for call in self.answer.tool_calls)
        asked, answered = count_tokens(self.prompt_text), count_tokens(spoken) + reasoning
        return {
            "prompt_tokens": asked,
            "completion_tokens": answered,
            "total_tokens": asked + answered,
            "completion_tokens_details": {"reasoning_tokens": reasoning},
        }

    def whole(self) -> JsonObject:
        """The non-streaming body."""
        choice = {"index": 0, "message": self._message(), "finish_reason": self.finish_reason}
        return {**self._head("chat.completion"), "choices": [choice], "usage": self.usage}

    def chunk(self, delta: JsonObject, finish_reason: str | None = None) -> JsonObject:
        """One streaming chunk."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
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
        if answer.tool_calls:
            message["tool_calls"] = [_whole_call(call) for call in answer.tool_calls]
        return message


def _whole_call(call: ToolCall) -> JsonObject:
    return {"id": _call_id(), "type": "function", "function": _function(call.name, call.arguments)}


def _call_id() -> str:
    return f"call_{uuid.uuid4().hex[:24]}"


def _function(name: str, arguments: str) -> JsonObject:
    return {"name": name, "arguments": arguments}


def tool_fragments(answer: Answer) -> Iterator[JsonObject]:
    """Each call as OpenAI streams it: id and name first, then pieces of the arguments."""
    for index, call in enumerate(answer.tool_calls):
        opening = {"index": index, "id": _call_id(), "type": "function"}
        yield {**opening, "function": _function(call.name, "")}
        size = max(1, min(ARGUMENT_FRAGMENT, len(call.arguments) // 2))
        for start in range(0, len(call.arguments), size):
            piece = call.arguments[start : start + size]
            yield {"index": index, "function": {"arguments": piece}}


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
    """Tool calls, one fragment per chunk."""
    fragments = tool_fragments(completion.answer)
    return (completion.chunk({"tool_calls": [fragment]}) for fragment in fragments)


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


def told(parts: tuple[Chunks, ...], completion: Completion) -> tuple[Frame, ...]:
    """All frames of a stream made of these parts."""
    return tuple(frame for part in parts for frame in part(completion))
