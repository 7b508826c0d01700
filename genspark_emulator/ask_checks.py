"""What the cookie route rejects before it answers (observed 2026-09-23).

What the media agents check is not known beyond the silent replacement of unknown image models;
wrong types are rejected here so that they do not pass unnoticed.
"""

from collections.abc import Iterator
from typing import Any

from genspark_emulator.calls import Call
from genspark_emulator.endpoint import anonymous
from genspark_emulator.events import JsonObject
from genspark_emulator.file_service import id_in
from genspark_emulator.reply import Reply
from genspark_emulator.scenarios.documents import INTERNAL_ERROR, validation_failed
from genspark_emulator.state import EmulatorState

ROLES = ("system", "user", "assistant")
AGENTS = {"image_generation_agent": "image", "video_generation_agent": "video"}
"""Flows of the media agents, by the ``type`` of the ask."""

EMULATED_TYPES = ("ai_chat", *AGENTS)


def refuse_ask(call: Call, state: EmulatorState) -> Reply | None:
    """No user agent, no session, a malformed body, or a file or project of somebody else."""
    return (
        anonymous(call, state)
        or _malformed(call)
        or _strange_file(call, state)
        or _strange_project(call, state)
    )


def _malformed(call: Call) -> Reply | None:
    if not isinstance(call.payload, dict):
        return validation_failed([_problem("model_attributes_type", ["body"], None)])
    errors = [
        *_type_problems(call.payload),
        *_message_problems(call.payload.get("messages")),
        *_agent_problems(call.payload),
    ]
    return validation_failed(errors) if errors else None


def _strange_file(call: Call, state: EmulatorState) -> Reply | None:
    """An attachment has to be uploaded by the same account first (seen 2026-04)."""
    where: list[str | int] = ["body", "messages", "private_file", "private_storage_url"]
    for address in private_files(call.fields["messages"]):
        if state.uploads.filled(id_in(address), call.account) is None:
            return validation_failed([_problem("value_error", where, address)])
    return None


def private_files(messages: list[JsonObject]) -> Iterator[str]:
    """The storage addresses of all attached files."""
    for message in messages:
        parts = message["content"] if isinstance(message["content"], list) else []
        for part in parts:
            file = part.get("private_file") if isinstance(part, dict) else None
            if isinstance(file, dict):
                yield str(file.get("private_storage_url"))


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


def _agent_problems(body: JsonObject) -> Iterator[JsonObject]:
    """``model_params`` is optional for images (seen 2026-03); durations are texts."""
    kind = AGENTS.get(str(body.get("type")))
    params = body.get("model_params")
    if kind is None or (kind == "image" and params is None):
        return
    where: list[str | int] = ["body", "model_params"]
    if not isinstance(params, dict):
        yield _problem("model_attributes_type", where, params)
        return
    if params.get("type") != kind:
        yield _problem("literal_error", [*where, "type"], params.get("type"))
    for name in ("model", "duration") if kind == "video" else ("model",):
        if not isinstance(params.get(name), str):
            yield _problem("string_type", [*where, name], params.get(name))


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
