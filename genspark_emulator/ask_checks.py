"""What the cookie chat route rejects before it answers (observed 2026-09-23)."""

from collections.abc import Iterator
from typing import Any

from genspark_emulator.calls import Call
from genspark_emulator.endpoint import anonymous
from genspark_emulator.events import JsonObject
from genspark_emulator.reply import Reply
from genspark_emulator.scenarios.documents import INTERNAL_ERROR, validation_failed
from genspark_emulator.state import EmulatorState

ROLES = ("system", "user", "assistant")
EMULATED_TYPES = ("ai_chat",)


def refuse_ask(call: Call, state: EmulatorState) -> Reply | None:
    """No user agent, no session, a malformed body, or a project that is not the caller's."""
    return anonymous(call, state) or _malformed(call) or _strange_project(call, state)


def _malformed(call: Call) -> Reply | None:
    if not isinstance(call.payload, dict):
        return validation_failed([_problem("model_attributes_type", ["body"], None)])
    errors = [*_type_problems(call.payload), *_message_problems(call.payload.get("messages"))]
    return validation_failed(errors) if errors else None


def _strange_project(call: Call, state: EmulatorState) -> Reply | None:
    """A random, deleted or foreign project id gives HTTP 500, not a clear message."""
    project_id = call.fields.get("project_id")
    owned = project_id is None or state.projects.owned(project_id, call.account)
    return None if owned else INTERNAL_ERROR


def _type_problems(body: JsonObject) -> Iterator[JsonObject]:
    if body.get("type") not in EMULATED_TYPES:
        yield _problem("enum", ["body", "type"], body.get("type"))
    if not isinstance(body.get("project_id"), str | None):
        yield _problem("string_type", ["body", "project_id"], body["project_id"])


def _message_problems(messages: Any) -> Iterator[JsonObject]:
    if not isinstance(messages, list):
        yield _problem("list_type", ["body", "messages"], messages)
        return
    for index, message in enumerate(messages):
        where: list[str | int] = ["body", "messages", index]
        if not isinstance(message, dict):
            yield _problem("model_attributes_type", where, message)
        elif message.get("role") not in ROLES:
            yield _problem("literal_error", [*where, "role"], message.get("role"))
        elif "tool_calls" in message:
            yield _problem("extra_forbidden", [*where, "tool_calls"], message["tool_calls"])
        elif not isinstance(message.get("content"), str | list):
            yield _problem("string_type", [*where, "content"], message.get("content"))


def _problem(kind: str, where: list[str | int], value: object) -> JsonObject:
    return {"type": kind, "loc": where, "msg": "Input should be valid", "input": value}
