"""Two rounds of what coding agents send, in the dialect of each, on both routes.

The shapes are typed by hand, Claude Code's from public descriptions of its requests, Codex's from
its source (``codex-rs/core/src/client.rs`` and ``protocol/src/models.rs``).
"""

import json
from typing import Any

import pytest
from conformance.dialects import CLAUDE, MESSAGES, MODEL
from conformance.raw_http import ask
from conformance.sides import COOKIE, Side, Start
from fixtures.messages_stream import Reading as Told
from fixtures.messages_stream import final_message, read
from fixtures.responses_stream import read as read_responses
from live import SECRET

CACHED = {"cache_control": {"type": "ephemeral"}}
BILLING = "x-anthropic-billing-header:"
MANY = 60

CLAUDE_HEADERS = {
    "authorization": f"Bearer {SECRET}",
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14",
    "anthropic-dangerous-direct-browser-access": "true",
    "user-agent": "claude-cli/2.0.14 (external, cli)",
    "x-app": "cli",
    "x-stainless-lang": "js",
    "content-type": "application/json",
}
CODEX_HEADERS = {
    "authorization": f"Bearer {SECRET}",
    "accept": "text/event-stream",
    "originator": "codex_cli_rs",
    "session_id": "0199e0a1-0000-7000-8000-000000000000",
    "user-agent": "codex_cli_rs/0.50.0 (Debian 12; x86_64)",
    "content-type": "application/json",
}


def _schema(*fields: str) -> dict[str, Any]:
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {field: {"type": "string", "description": "A text."} for field in fields},
        "required": list(fields),
        "additionalProperties": False,
    }


def _claude_code(messages: list[Any]) -> dict[str, Any]:
    tools = [
        {
            "name": "Bash",
            "description": "Runs a command.\n" * 40,
            "input_schema": _schema("command"),
        },
        {"name": "Read", "description": "Reads a file.", "input_schema": _schema("file_path")},
        *(
            {
                "name": f"mcp__server__tool_{n}",
                "description": f"The tool {n}.",
                "input_schema": {"type": "object", "properties": {}},
            }
            for n in range(MANY)
        ),
    ]
    return {
        "model": CLAUDE,
        "max_tokens": 32_000,
        "temperature": 1,
        "stream": True,
        "system": [
            {
                "type": "text",
                "text": f"{BILLING} cc_version=2.1.37; cc_entrypoint=cli; cch={len(messages):05x};",
            },
            {"type": "text", "text": "You are Claude Code, Anthropic's official CLI.", **CACHED},
            {"type": "text", "text": "Be concise.\n<env>\nPlatform: linux\n</env>", **CACHED},
        ],
        "messages": messages,
        "tools": tools,
        "metadata": {"user_id": f"user_{'0' * 64}_account__session_{'1' * 36}"},
        "thinking": {"type": "enabled", "budget_tokens": 31_999},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    }


def _claude_code_asks(side: Side, messages: list[Any]) -> bytes:
    body = json.dumps(_claude_code(messages)).encode()
    reply = ask(side.url, "POST", "/v1/messages?beta=true", CLAUDE_HEADERS, body)
    assert reply.status == 200, reply.body
    assert reply.headers["request-id"]
    assert "context_management" in reply.headers["x-genspark2api-ignored"].split(",")
    told: Told = read(reply.body)
    assert told.names[-1] == "message_stop"
    # It shows how full its context is by this.
    assert told.message["usage"]["input_tokens"] > MANY
    return reply.body


def test_claude_code_calls_a_tool_and_answers(side: Side) -> None:
    reminder = "<system-reminder>\nNothing is to be mentioned.\n</system-reminder>"
    asked: list[Any] = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": reminder},
                {"type": "text", "text": "Use Bash to list the files.", **CACHED},
            ],
        }
    ]
    first = final_message(_claude_code_asks(side, asked))
    assert first.stop_reason == "tool_use"
    [call] = [block for block in first.content if block.type == "tool_use"]
    assert (call.name, call.input) == ("Bash", {"command": "example"})

    result = {
        "type": "tool_result",
        "tool_use_id": call.id,
        "content": "a.py\nb.py",
        "is_error": False,
        **CACHED,
    }
    said = [block.model_dump(exclude_none=True) for block in first.content]
    asked += [{"role": "assistant", "content": said}, {"role": "user", "content": [result]}]
    second = final_message(_claude_code_asks(side, asked))

    assert second.stop_reason == "end_turn"
    assert "a.py\nb.py" in second.content[-1].text
    assert BILLING not in json.dumps([entry["body"] for entry in side.log()])
    kinds = [block.type for block in second.content]
    assert kinds == (["text"] if side.name == COOKIE else ["thinking", "text"])


def test_claude_code_goes_on_in_one_conversation_of_the_upstream(start: Start) -> None:
    side = start(COOKIE, auto_model_chat_map_type=1)
    asked: list[Any] = [{"role": "user", "content": "Use Bash to list the files."}]
    for result in ("a.py", "b.py"):
        said = final_message(_claude_code_asks(side, asked)).content
        answers = [
            {"type": "tool_result", "tool_use_id": block.id, "content": result}
            if block.type == "tool_use"
            else {"type": "text", "text": "Go on."}
            for block in said
        ]
        told = [block.model_dump(exclude_none=True) for block in said]
        asked += [{"role": "assistant", "content": told}, {"role": "user", "content": answers}]
    _claude_code_asks(side, asked)

    first, *others = [entry["body"]["project_id"] for entry in side.log()]
    assert first is None
    assert len(set(others)) == 1
    assert others[0] is not None


def test_claude_code_asks_small_things_first(side: Side) -> None:
    """A count, its quota check and the title of a conversation."""
    counting = {key: _claude_code([])[key] for key in ("model", "system", "tools", "thinking")}
    counting["messages"] = [{"role": "user", "content": "foo"}]
    client = side.live.client
    counted = client.post("/v1/messages/count_tokens?beta=true", json=counting)
    assert counted.status_code == 200
    assert counted.json()["input_tokens"] > MANY

    quota = MESSAGES.whole(side, max_tokens=1, messages=[{"role": "user", "content": "quota"}])
    assert quota["stop_reason"] in ("max_tokens", "end_turn")

    title = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    named = MESSAGES.whole(
        side,
        model="claude-haiku-4-5-20251001",
        temperature=0,
        output_config={"format": {"type": "json_schema", "schema": title}},
    )
    assert json.loads(named["content"][0]["text"]).keys() == {"title"}


def _codex(given: list[Any]) -> dict[str, Any]:
    shell = _schema("cmd")
    shell["properties"]["yield_time_ms"] = {"type": "number"}
    return {
        "model": MODEL,
        "instructions": "You are Codex, a coding agent.\n" * 30,
        "input": given,
        "tools": [
            {"type": "function", "name": "exec_command", "description": "Runs a command.",
             "strict": False, "parameters": shell},
            {"type": "function", "name": "update_plan", "description": "Updates the plan.",
             "strict": False, "parameters": _schema("explanation")},
            {"type": "custom", "name": "apply_patch", "description": "Edits files.",
             "format": {"type": "grammar", "syntax": "lark", "definition": "start: begin hunk+"}},
            {"type": "web_search", "external_web_access": False},
            {"type": "namespace", "name": "mcp__notes__", "description": "Notes.", "tools": [
                {"type": "function", "name": "find", "description": "Finds.", "strict": False,
                 "parameters": _schema("text")}]},
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "0199e0a1-0000-7000-8000-000000000000",
        "text": {"verbosity": "low"},
    }  # fmt: skip


def _message(role: str, text: str) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}


def _codex_asks(side: Side, request: dict[str, Any]) -> list[Any]:
    reply = ask(side.url, "POST", "/v1/responses", CODEX_HEADERS, json.dumps(request).encode())
    assert reply.status == 200, reply.body
    response = read_responses(reply.body).response
    assert (response["status"], response["store"]) == ("completed", False)
    output: list[Any] = response["output"]
    return output


def _sent_back(items: list[Any]) -> list[Any]:
    """Codex sends items back without ids, reasoning with its encrypted content, if any."""
    return [
        {key: item[key] for key in item.keys() - {"id", "status"}}
        | ({"encrypted_content": None} if item["type"] == "reasoning" else {})
        for item in items
    ]


CODEX_CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("exec_command", "exec_command", {"type": "function_call", "arguments": {"cmd": "example"}}),
    ("apply_patch", "apply_patch", {"type": "custom_tool_call", "input": "example"}),
    (
        "mcp__notes__find",
        "find",
        {"type": "function_call", "namespace": "mcp__notes__", "arguments": {"text": "example"}},
    ),
]


@pytest.mark.parametrize(("asked_for", "name", "expected"), CODEX_CALLS, ids=lambda v: str(v)[:20])
def test_codex_calls_a_tool_and_answers(
    side: Side, asked_for: str, name: str, expected: dict[str, Any]
) -> None:
    given = [
        _message("developer", "<permissions>read-only</permissions>"),
        _message("user", "<environment_context>\n<cwd>/tmp</cwd>\n</environment_context>"),
        _message("user", f"Use {asked_for} once."),
    ]
    first = _codex_asks(side, _codex(given))
    [call] = [item for item in first if item["type"] != "reasoning"]
    assert call["name"] == name
    if "arguments" in call:
        call = {**call, "arguments": json.loads(call["arguments"])}
    assert call.items() >= expected.items()

    kind = f"{call['type']}_output"
    output = {"type": kind, "call_id": call["call_id"], "output": '{"output":"a.py","exit":0}'}
    second = _codex_asks(side, _codex([*given, *_sent_back(first), output]))

    [answer] = [item for item in second if item["type"] == "message"]
    assert '{"output":"a.py","exit":0}' in answer["content"][0]["text"]


def test_codex_offers_its_tools_within_the_input(side: Side) -> None:
    """Since 0.147; the shape is that of public reports."""
    tools = [
        {"type": "namespace", "name": "functions", "description": "", "tools": [
            {"type": "custom", "name": "exec", "description": "Runs JavaScript.",
             "format": {"type": "text"}},
            {"type": "function", "name": "wait", "strict": False, "parameters": _schema("id")}]},
        {"type": "namespace", "name": "collaboration", "tools": []},
    ]  # fmt: skip
    given = [
        {"type": "additional_tools", "role": "developer", "id": "at_1", "tools": tools},
        _message("developer", "<permissions>read-only</permissions>"),
        _message("user", "Use functions__exec once."),
    ]
    bare = {key: value for key, value in _codex([]).items() if key not in ("tools", "instructions")}

    first = _codex_asks(side, {**bare, "input": given})
    [call] = [item for item in first if item["type"] != "reasoning"]
    assert (call["type"], call["namespace"], call["name"]) == (
        "custom_tool_call", "functions", "exec",
    )  # fmt: skip
    output = {"type": "custom_tool_call_output", "call_id": call["call_id"], "output": "Done."}
    second = _codex_asks(side, {**bare, "input": [*given, *_sent_back(first), output]})

    [answer] = [item for item in second if item["type"] == "message"]
    assert "The tool returned: “Done.”" in answer["content"][0]["text"]


def test_codex_sees_only_searches_that_it_allows(cookie: Side) -> None:
    asked = _codex([_message("user", "Hello")])
    _codex_asks(cookie, asked)
    _codex_asks(cookie, {**asked, "tools": [{"type": "web_search", "external_web_access": True}]})

    searched = [entry["body"]["ai_chat_enable_search"] for entry in cookie.log()]
    assert searched == [False, True]
