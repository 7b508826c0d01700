"""What a client asks for in the words of its prompt, on routes that only take text.

The conventions are public ones: functions between ``<tools>`` tags, calls in ``<tool_call>`` and
results in ``<tool_response>`` tags (Nous Research, Hermes function calling, 2024), a JSON Schema
between ``<schema>`` tags (the same, JSON mode). Read back into an OpenAI request, such a prompt is
answered by the same rules as a request of the key route.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from genspark_emulator.answer import Answer, ToolCall, words
from genspark_emulator.events import JsonObject
from genspark_emulator.question import content_text, objects

MUST_CALL = "must be called now"
ONE_CALL = "at most one call"
"""Said of the functions offered, they do what ``tool_choice`` and ``parallel_tool_calls`` do."""

ANY_OBJECT: JsonObject = {"type": "object"}
"""The schema that stands for ``json_object``."""

_CALL_TAG = "<tool_call>"
_TOOLS = re.compile(r"<tools>(.*?)</tools>", re.DOTALL)
_SCHEMA = re.compile(r"<schema>(.*?)</schema>", re.DOTALL)
_CALL = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)
_RESULT = re.compile(r"<tool_response>\s*(.*?)\s*</tool_response>", re.DOTALL)


def unfolded(messages: list[JsonObject]) -> JsonObject:
    """The OpenAI request that the texts stand for, without a model."""
    reading = _Reading()
    for turn in messages:
        reading.hear(turn)
    return reading.request()


def in_text(answer: Answer) -> Answer:
    """The answer with its tool calls written as text, after what is said anyway."""
    if not answer.tool_calls:
        return answer
    blocks = "\n".join(_call_block(call) for call in answer.tool_calls)
    called = words(f"\n{blocks}" if answer.deltas else blocks)
    return replace(answer, tool_calls=(), deltas=(*answer.deltas, *called))


def _call_block(call: ToolCall) -> str:
    """Arguments that are no JSON stand there as they are, as a careless model writes them."""
    name = json.dumps(call.name, ensure_ascii=False)
    return f'<tool_call>\n{{"name": {name}, "arguments": {call.arguments or "{}"}}}\n</tool_call>'


@dataclass(slots=True)
class _Reading:
    """What was understood of the turns so far; of several instructions the last one holds.

    ``reminded``: the last user turn was no question but asked for a call that was missing or wrong.
    """

    turns: list[JsonObject] = field(default_factory=list)
    functions: list[JsonObject] = field(default_factory=list)
    schema: JsonObject | None = None
    must_call: bool = False
    one_call: bool = False
    reminded: bool = False

    def hear(self, turn: JsonObject) -> None:
        """Take in one more turn."""
        role, text = turn.get("role"), content_text(turn.get("content"))
        if role == "user":
            self._hear_user(turn, text)
        elif role == "assistant":
            self.turns.append({**turn, "tool_calls": list(_calls_in(text))})
        elif role != "system" or not self._instructed_by(text):
            self.turns.append(turn)

    def _hear_user(self, turn: JsonObject, text: str) -> None:
        instructed, results = self._instructed_by(text), _RESULT.findall(text)
        self.reminded = not (instructed or results) and self._is_reminder(text)
        if self.reminded:
            return
        if not (instructed or results):
            self.turns.append(turn)
            return
        told = [{"role": "tool", "content": _result_content(result)} for result in results]
        rest, attached = _without_blocks(text), _other_parts(turn.get("content"))
        if rest:
            parts = [*attached, {"type": "text", "text": rest}]
            self.turns += [*told, {"role": "user", "content": parts}]
        else:
            self.turns += [{"role": "tool", "content": attached}, *told] if told else []

    def _is_reminder(self, text: str) -> bool:
        answered = bool(self.turns) and self.turns[-1].get("role") == "assistant"
        return bool(self.functions) and answered and (_CALL_TAG in text or MUST_CALL in text)

    def _instructed_by(self, text: str) -> bool:
        """Whether the text offers functions or wants a document; a mere mention does neither."""
        functions = [f for block in _TOOLS.findall(text) for f in _functions_in(block)]
        schemas = [s for block in _SCHEMA.findall(text) if (s := _json_object(block)) is not None]
        if functions:
            self.functions = functions
            self.must_call, self.one_call = MUST_CALL in text, ONE_CALL in text
        if schemas:
            self.schema = schemas[-1]
        return bool(functions or schemas)

    def request(self) -> JsonObject:
        """All of it as an OpenAI request."""
        request: JsonObject = {"messages": self.turns}
        if self.functions:
            must = self.must_call or self.reminded
            request["tools"] = [{"type": "function", "function": f} for f in self.functions]
            request["tool_choice"] = "required" if must else "auto"
            request["parallel_tool_calls"] = not self.one_call
        if self.schema is not None:
            request["response_format"] = _response_format(self.schema)
        return request


def _without_blocks(text: str) -> str:
    for block in (_TOOLS, _SCHEMA, _RESULT):
        text = block.sub("", text)
    return text.strip()


def _other_parts(content: Any) -> list[JsonObject]:
    parts = content if isinstance(content, list) else []
    return [part for part in objects(parts) if "text" not in part]


def _functions_in(block: str) -> list[JsonObject]:
    """One JSON object a line, as OpenAI writes a tool; lines of another kind are passed over."""
    entries = [_json_object(line) for line in block.splitlines()]
    functions = [entry.get("function") for entry in entries if entry is not None]
    return [function for function in functions if isinstance(function, dict)]


def _calls_in(text: str) -> Iterator[JsonObject]:
    calls = (_json_object(block) for block in _CALL.findall(text))
    return ({"type": "function", "function": call} for call in calls if call is not None)


def _json_object(text: str) -> JsonObject | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _result_content(result: str) -> str:
    """The ``content`` of a result that is a JSON object, else the whole of it."""
    content = (_json_object(result) or {}).get("content", result)
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _response_format(schema: JsonObject) -> JsonObject:
    if schema == ANY_OBJECT:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"schema": schema}}
