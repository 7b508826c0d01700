"""Input items as messages: turns, calls inside them, results behind them."""

import json
from typing import Any

import pytest

from proxy.core.ask import InvalidRequest, Role
from proxy.wire.openai_request import chat_from
from proxy.wire.responses_items import MAX_PARTS, Transcript
from proxy.wire.responses_request import chat_of

PIXEL = "data:image/png;base64,iVBORw0KGgo="
USER = {"role": "user", "content": "Hi"}


def _transcript(*items: Any) -> Transcript:
    transcript = Transcript()
    for number, item in enumerate(items):
        transcript.add(item, f"input.{number}")
    transcript.close()
    return transcript


def _messages(*items: Any) -> list[dict[str, Any]]:
    return _transcript(*items).messages


def _refusal(*items: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        _transcript(*items)
    return caught.value


def _call(call_id: str = "call_1", name: str = "f", arguments: str = "{}") -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def _result(call_id: str = "call_1", output: Any = "done") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def _chat_call(call_id: str = "call_1", name: str = "f", arguments: str = "{}") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


@pytest.mark.parametrize("role", ["user", "system", "developer", "assistant"])
@pytest.mark.parametrize("extra", [{}, {"type": "message"}, {"type": None}])
def test_messages_in_their_easy_form(role: str, extra: dict[str, Any]) -> None:
    assert _messages({"role": role, "content": "Hi", **extra}) == [{"role": role, "content": "Hi"}]


def test_parts_keep_their_places() -> None:
    parts = [
        {"type": "input_text", "text": "Look: "},
        {"type": "input_image", "image_url": PIXEL, "detail": "low"},
        {"type": "input_image", "image_url": "https://a.example/b.png", "detail": "original"},
        {
            "type": "input_file",
            "file_data": "data:application/pdf;base64,AA==",
            "filename": "a.pdf",
        },
        {"type": "input_file", "file_url": "https://a.example/b.pdf"},
        {"type": "input_image", "image_url": PIXEL, "file_id": None},
    ]
    assert _messages({"role": "user", "content": parts}) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look: "},
                {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}},
                {
                    "type": "file",
                    "file": {"file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"},
                },
                {"type": "file", "file": {"file_data": "https://a.example/b.pdf"}},
                {"type": "image_url", "image_url": {"url": PIXEL}},
            ],
        }
    ]


@pytest.mark.parametrize("role", ["user", "developer", "assistant"])
def test_a_single_text_needs_no_list(role: str) -> None:
    item = {"role": role, "content": [{"type": "input_text", "text": "Hi"}]}
    assert _messages(item) == [{"role": role, "content": "Hi"}]


def test_what_the_assistant_said_and_refused_is_text() -> None:
    content = [
        {"type": "output_text", "text": "Well. ", "annotations": []},
        {"type": "refusal", "refusal": "No."},
    ]
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    assert _messages({**item, "content": content}) == [
        {"role": "assistant", "content": "Well. No."}
    ]


def test_calls_in_a_row_are_one_turn_with_the_text_before_them() -> None:
    said = {"role": "assistant", "content": "Let me look."}
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}
    items = [USER, said, thought, _call("a"), thought, _call("b"), _result("a"), _result("b")]
    assert _messages(*items) == [
        USER,
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [_chat_call("a"), _chat_call("b")],
        },
        {"role": "tool", "tool_call_id": "a", "content": "done"},
        {"role": "tool", "tool_call_id": "b", "content": "done"},
    ]


def test_a_call_after_a_result_is_a_turn_of_its_own() -> None:
    messages = _messages(USER, _call("a"), _result("a"), _call("b"), _result("b"))
    assert [message["role"] for message in messages] == [
        "user", "assistant", "tool", "assistant", "tool",
    ]  # fmt: skip
    assert messages[1]["content"] is None


def test_nothing_comes_between_a_call_and_its_result() -> None:
    text = {"role": "assistant", "content": "And so"}
    messages = _messages(_call(), text, {**text, "content": " on."}, _result())
    assert [message["role"] for message in messages] == ["assistant", "tool"]
    assert messages[0]["content"] == "And so on."
    assert messages[0]["tool_calls"] == [_chat_call()]


def test_freeform_calls_and_their_results() -> None:
    patch = '*** Begin Patch\n"世"'
    items = [
        {"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": patch},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "Success."},
    ]
    call, result = _messages(*items)
    (made,) = call["tool_calls"]
    assert made["function"]["name"] == "apply_patch"
    assert json.loads(made["function"]["arguments"]) == {"input": patch}
    assert result == {"role": "tool", "tool_call_id": "c", "content": "Success."}


def test_a_namespaced_call_has_the_name_of_its_function_in_the_chat() -> None:
    (message,) = _messages({**_call(name="list"), "namespace": "mcp__files"})
    assert message["tool_calls"][0]["function"]["name"] == "mcp__files__list"


def test_pictures_in_results_follow_the_results() -> None:
    picture = {"type": "input_image", "image_url": PIXEL}
    text = {"type": "input_text", "text": "Seen."}
    items = [_call("a"), _call("b"), _result("a", [picture]), _result("b", [text, picture]), USER]
    transcript = _transcript(*items)
    shown = {"type": "image_url", "image_url": {"url": PIXEL}}
    assert transcript.messages[1:] == [
        {
            "role": "tool",
            "tool_call_id": "a",
            "content": "The result is attached to the next message.",
        },
        {"role": "tool", "tool_call_id": "b", "content": "Seen."},
        {"role": "user", "content": [shown, shown]},
        USER,
    ]
    assert transcript.places == ["input.0", "input.2", "input.3", "input.2", "input.4"]


def test_pictures_in_the_last_result_are_not_forgotten() -> None:
    picture = {"type": "input_image", "image_url": PIXEL}
    messages = _messages(_call(), _result(output=[picture]))
    assert [message["role"] for message in messages] == ["assistant", "tool", "user"]
    again = _messages(_call("a"), _result("a", [picture]), _call("b"), _result("b"))
    assert [message["role"] for message in again] == [
        "assistant", "tool", "user", "assistant", "tool",
    ]  # fmt: skip


def test_the_chat_reader_takes_a_whole_round_of_codex() -> None:
    items = [
        {"type": "message", "role": "developer",
         "content": [{"type": "input_text", "text": "<permissions>"}]},
        {"type": "message", "role": "user",
         "content": [{"type": "input_text", "text": "<environment_context>"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Fix it"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}],
         "content": None, "encrypted_content": None},
        {"type": "message", "role": "assistant",
         "content": [{"type": "output_text", "text": "Looking."}]},
        {"type": "function_call", "name": "shell", "arguments": '{"command":["ls"]}',
         "call_id": "call_1"},
        {"type": "function_call_output", "call_id": "call_1", "output": "a.py\n"},
        {"type": "custom_tool_call", "status": "completed", "call_id": "call_2",
         "name": "apply_patch", "input": "*** Begin Patch"},
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "Success."},
    ]  # fmt: skip
    request = {"model": "gpt-5.4", "instructions": "You are Codex.", "input": items, "store": False}
    ask = chat_from(chat_of(request).chat)
    assert [turn.role for turn in ask.turns] == [
        Role.SYSTEM, Role.SYSTEM, Role.USER, Role.USER, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT,
        Role.TOOL,
    ]  # fmt: skip
    assert [turn.call_id for turn in ask.turns if turn.role is Role.TOOL] == ["call_1", "call_2"]


@pytest.mark.parametrize(
    ("item", "param", "code"),
    [
        ("text", "input.0", "invalid_value"),
        ({}, "input.0.role", "invalid_value"),
        ({"type": 5}, "input.0.type", "invalid_value"),
        ({"type": ""}, "input.0.type", "invalid_value"),
        ({"role": "tool", "content": "x"}, "input.0.role", "invalid_value"),
        ({"role": "user"}, "input.0.content", "missing_required_parameter"),
        ({"role": "user", "content": 5}, "input.0.content", "invalid_value"),
        ({"role": "user", "content": [{}] * (MAX_PARTS + 1)}, "input.0.content", "invalid_value"),
        ({"role": "user", "content": ["x"]}, "input.0.content.0", "invalid_value"),
        ({"role": "user", "content": [{"type": "video"}]}, "input.0.content.0", "invalid_value"),
        ({"role": "user", "content": [{"type": "input_audio"}]}, "input.0.content.0",
         "unsupported_value"),
        ({"role": "user", "content": [{"type": "input_image", "file_id": "file_1"}]},
         "input.0.content.0.file_id", "unsupported_value"),
        ({"role": "user", "content": [{"type": "input_file", "file_id": "file_1"}]},
         "input.0.content.0.file_id", "unsupported_value"),
        ({"role": "user", "content": [{"type": "input_image"}]}, "input.0.content.0.image_url",
         "missing_required_parameter"),
        ({"role": "user", "content": [{"type": "input_file", "filename": "a"}]},
         "input.0.content.0.file_data", "missing_required_parameter"),
        ({"type": "item_reference", "id": "msg_1"}, "input.0", "unsupported_value"),
        ({"type": "compaction_trigger"}, "input.0", "unsupported_value"),
        ({"id": "msg_1"}, "input.0", "unsupported_value"),
        ({**_call(), "name": None}, "input.0.name", "missing_required_parameter"),
        ({**_call(), "name": ""}, "input.0.name", "invalid_value"),
        ({**_call(), "call_id": None}, "input.0.call_id", "missing_required_parameter"),
        ({**_call(), "arguments": {}}, "input.0.arguments", "invalid_value"),
        ({"type": "custom_tool_call", "call_id": "c", "name": "n"}, "input.0.input",
         "missing_required_parameter"),
        (_result(output=None), "input.0.output", "missing_required_parameter"),
        (_result(output={"content": "x"}), "input.0.output", "invalid_value"),
        ({**_result(), "call_id": None}, "input.0.call_id", "missing_required_parameter"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(item: Any, param: str, code: str) -> None:
    refusal = _refusal(item)
    assert (refusal.param, refusal.code) == (param, code)
    assert f"'{param}'" in refusal.message


def test_an_empty_payload_is_no_mistake() -> None:
    (message,) = _messages(_call(arguments=""))
    assert message["tool_calls"] == [_chat_call(arguments="")]
