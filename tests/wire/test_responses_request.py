"""Responses requests as chat requests: parameters, what is refused, and whose words errors use."""

from collections.abc import Callable
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import InvalidRequest
from proxy.wire.openai_request import chat_from
from proxy.wire.responses_request import MAX_IGNORED, MAX_ITEMS, chat_of
from proxy.wire.responses_tools import Offered

BARE: dict[str, Any] = {"model": "gpt-5.4", "input": "Hello"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def _chat(**given: Any) -> dict[str, Any]:
    return chat_of(BARE | given).chat


def _refusal(**given: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        chat_of(BARE | given)
    return caught.value


def test_a_text_is_the_users_turn() -> None:
    assert _chat() == {"model": "gpt-5.4", "messages": [{"role": "user", "content": "Hello"}]}


def test_instructions_come_first() -> None:
    messages = _chat(instructions="Be brief.", input=[{"role": "user", "content": "Hi"}])[
        "messages"
    ]
    assert messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]
    assert len(_chat(instructions="")["messages"]) == 1


def test_parameters_get_the_chats_names() -> None:
    chat = _chat(
        stream=True,
        temperature=0.5,
        top_p=0.9,
        user="u",
        metadata={"a": "b"},
        prompt_cache_key="k",
        safety_identifier="s",
        max_output_tokens=100,
        reasoning={"effort": "high", "summary": "auto"},
        text={"verbosity": "low"},
    )
    del chat["messages"]
    assert chat == {
        "model": "gpt-5.4",
        "stream": True,
        "temperature": 0.5,
        "top_p": 0.9,
        "user": "u",
        "metadata": {"a": "b"},
        "prompt_cache_key": "k",
        "safety_identifier": "s",
        "max_completion_tokens": 100,
        "reasoning_effort": "high",
        "verbosity": "low",
    }


NULLABLE = (
    "instructions", "tools", "tool_choice", "parallel_tool_calls", "text", "reasoning", "stream",
    "temperature", "top_p", "user", "metadata", "max_output_tokens", "previous_response_id",
    "conversation", "background", "prompt", "store", "include", "truncation", "service_tier",
    "max_tool_calls", "top_logprobs", "prompt_cache_key", "safety_identifier", "stream_options",
)  # fmt: skip


def test_null_is_absent_everywhere() -> None:
    assert chat_of(BARE | dict.fromkeys(NULLABLE)) == chat_of(BARE)
    nested = {"text": {"format": None, "verbosity": None}, "reasoning": {"effort": None}}
    assert _chat(**nested) == _chat()


def test_what_has_no_effect_is_accepted() -> None:
    unheeded = {
        "store": True,
        "include": ["reasoning.encrypted_content"],
        "truncation": "auto",
        "service_tier": "auto",
        "background": False,
        "stream_options": {"include_obfuscation": False},
        "client_metadata": {"x": "y"},
    }
    assert chat_of(BARE | unheeded).chat == _chat()
    assert chat_of(BARE | unheeded).ignored == ()


def test_what_is_lost_is_listed() -> None:
    items = [
        {"role": "user", "content": "Hi"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "local_shell_call", "id": "ls_1"},
        {"type": "local_shell_call", "id": "ls_2"},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "Odd, type\r\n", "id": "x"},
    ]
    tools = [{"type": "local_shell"}, {"type": "mcp", "server_label": "x"}]
    translated = chat_of(BARE | {"input": items, "tools": tools, "max_tool_calls": 3})
    assert translated.ignored == (
        "tools.local_shell",
        "tools.mcp",
        "input.web_search_call",
        "input.local_shell_call",
        "input",
        "max_tool_calls",
    )


def test_the_list_of_losses_is_short_enough_for_a_header() -> None:
    tools = [{"type": f"kind_{number}"} for number in range(MAX_IGNORED + 5)]
    assert len(chat_of(BARE | {"tools": tools}).ignored) == MAX_IGNORED


def test_structured_output_moves_from_flat_to_nested() -> None:
    wanted = {"type": "json_schema", "name": "place", "schema": SCHEMA, "strict": True}
    assert _chat(text={"format": wanted})["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "place", "schema": SCHEMA, "strict": True},
    }
    described = wanted | {"description": "A place", "strict": None}
    assert _chat(text={"format": described})["response_format"]["json_schema"] == {
        "name": "place",
        "schema": SCHEMA,
        "description": "A place",
    }
    assert _chat(text={"format": {"type": "json_object"}})["response_format"] == {
        "type": "json_object"
    }
    assert "response_format" not in _chat(text={"format": {"type": "text"}})


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ({"input": None}, "input", "missing_required_parameter"),
        ({"input": []}, "input", "invalid_value"),
        ({"input": 5}, "input", "invalid_value"),
        ({"input": [{}] * (MAX_ITEMS + 1)}, "input", "invalid_value"),
        ({"input": [{"type": "reasoning", "summary": []}]}, "input", "invalid_value"),
        ({"instructions": "x", "input": [{"type": "reasoning"}]}, "input", "invalid_value"),
        ({"instructions": ["x"]}, "instructions", "invalid_value"),
        ({"previous_response_id": "resp_1"}, "previous_response_id", "unsupported_value"),
        ({"conversation": "conv_1"}, "conversation", "unsupported_value"),
        ({"conversation": {"id": "conv_1"}}, "conversation", "unsupported_value"),
        ({"background": True}, "background", "unsupported_value"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt", "unsupported_value"),
        ({"reasoning": "high"}, "reasoning", "invalid_value"),
        ({"reasoning": {"effort": 3}}, "reasoning.effort", "invalid_value"),
        ({"text": "json"}, "text", "invalid_value"),
        ({"text": {"verbosity": "loud"}}, "text.verbosity", "invalid_value"),
        ({"text": {"verbosity": ["low"]}}, "text.verbosity", "invalid_value"),
        ({"text": {"format": "json"}}, "text.format.type", "invalid_value"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type", "invalid_value"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema",
         "invalid_value"),
        ({"text": {"format": {"type": "json_schema", "schema": SCHEMA}}}, "text.format.name",
         "invalid_value"),
        ({"tools": {}}, "tools", "invalid_value"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(given: dict[str, Any], param: str, code: str) -> None:
    refusal = _refusal(**given)
    assert (refusal.param, refusal.code, refusal.status) == (param, code, 400)
    assert f"'{param}'" in refusal.message


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"model": None}, "model"),
        ({"temperature": 3}, "temperature"),
        ({"stream": "yes"}, "stream"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_output_tokens": "many"}, "max_output_tokens"),
        (
            {
                "instructions": "Look.",
                "input": [
                    {"role": "assistant", "content": "Show me."},
                    {"type": "reasoning", "summary": []},
                    {
                        "role": "user",
                        "content": [
                            {"type": "input_text", "text": "Here:"},
                            {"type": "input_image", "image_url": "data:image/png;base64,%%%"},
                        ],
                    },
                ],
            },
            "input.2.content.1.image_url",
        ),
    ],
)
def test_the_chat_readers_complaints_are_put_into_these_words(
    given: dict[str, Any], param: str
) -> None:
    translated = chat_of(BARE | given)
    with pytest.raises(InvalidRequest) as caught:
        chat_from(translated.chat)
    renamed = translated.renamed(caught.value)
    assert renamed.param == param
    assert f"'{param}'" in renamed.message
    assert (renamed.code, renamed.status) == (caught.value.code, caught.value.status)
    assert "messages" not in renamed.message


def test_tools_may_come_with_the_input() -> None:
    """The shape of Codex 0.150's first item, from public reports of it."""
    exec_tool = {"type": "custom", "name": "exec", "description": "Runs JavaScript."}
    tools = [
        {"type": "namespace", "name": "functions", "tools": [exec_tool]},
        {"type": "namespace", "name": "collaboration", "tools": []},
    ]
    item = {"type": "additional_tools", "role": "developer", "id": "at_1", "tools": tools}
    translated = chat_of(BARE | {"input": [item, {"role": "user", "content": "Go."}]})

    [tool] = translated.chat["tools"]
    assert tool["function"]["name"] == "functions__exec"
    assert translated.offered["functions__exec"] == Offered("exec", "functions", custom=True)
    assert translated.chat["messages"] == [{"role": "user", "content": "Go."}]
    assert translated.ignored == ()
    wrong = [{"role": "user", "content": "Go."}, {**item, "tools": 5}]
    assert _refusal(input=wrong).param == "input.1.tools"
    assert _refusal(input=[item]).param == "input"


def test_complaints_without_a_place_and_of_files_are_renamed_too() -> None:
    translated = chat_of(BARE)
    bare = translated.renamed(InvalidRequest("Too much.", code="request_too_large", status=413))
    assert (bare.message, bare.param, bare.code, bare.status) == (
        "Too much.", None, "request_too_large", 413,
    )  # fmt: skip
    param = "messages.0.content.2.file.file_data"
    of_file = translated.renamed(InvalidRequest(f"'{param}' is empty.", param=param))
    assert of_file.param == "input.content.2.file_data"
    assert of_file.message == "'input.content.2.file_data' is empty."
    schema = InvalidRequest(
        "The JSON Schema of response_format is not valid: type: 5",
        param="response_format.json_schema.schema",
    )
    of_schema = translated.renamed(schema)
    assert of_schema.param == "text.format.schema"
    assert of_schema.message == "The JSON Schema of text.format is not valid: type: 5"
    beyond = translated.renamed(InvalidRequest("x", param="messages.7"))
    assert beyond.param == "input"


def test_a_response_can_repeat_its_request() -> None:
    tools = [{"type": "web_search"}]
    echo = chat_of(
        BARE | {"tools": tools, "metadata": {"a": "b", "c": 1}, "text": {"verbosity": "low"},
                "parallel_tool_calls": False, "tool_choice": "none", "top_logprobs": 2}
    ).echo  # fmt: skip
    assert echo["tools"] == tools
    assert echo["metadata"] == {"a": "b"}
    assert echo["text"] == {"format": {"type": "text"}, "verbosity": "low"}
    assert (echo["parallel_tool_calls"], echo["tool_choice"]) == (False, "none")
    assert (echo["store"], echo["top_logprobs"]) == (False, 2)


def test_no_prompt_shows_in_a_repr() -> None:
    assert "Hello" not in repr(chat_of(BARE | {"instructions": "Hello"}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["type", "role", "content", "text", "name", "id", "call_id", "output", "arguments",
             "tools", "mode", "format", "schema", "effort", "image_url", "file_data", "input"]
        ),
        inner
        | st.sampled_from(["message", "user", "assistant", "function", "custom", "namespace",
                           "function_call", "custom_tool_call", "function_call_output",
                           "input_text", "input_image", "input_file", "json_schema",
                           "allowed_tools", "auto", "web_search"]),
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
FIELDS = [
    *("input", "instructions", "tools", "tool_choice", "text", "reasoning", "metadata"),
    *("prompt", "background", "max_output_tokens", "parallel_tool_calls", "max_tool_calls"),
]


def _mistake(read: Callable[[], object]) -> InvalidRequest | None:
    try:
        read()
    except InvalidRequest as mistake:
        return mistake
    return None


@QUICK
@given(st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=6))
def test_foreign_json_is_translated_or_refused(given: dict[str, Any]) -> None:
    mistake = _mistake(lambda: chat_of(BARE | given))
    if mistake is not None:
        assert mistake.param
        return
    translated = chat_of(BARE | given)
    assert len(translated.places) == len(translated.chat["messages"]) > 0
    assert all(message["role"] for message in translated.chat["messages"])
    complaint = _mistake(lambda: chat_from(translated.chat))
    if complaint is not None:
        assert "messages" not in (translated.renamed(complaint).param or "")


def test_pictures_in_the_last_result_reach_the_chat() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "view", "arguments": "{}"}
    picture = {"type": "input_image", "image_url": "https://a.example/b.png"}
    result = {"type": "function_call_output", "call_id": "c", "output": [picture]}
    messages = _chat(input=[call, result])["messages"]
    assert [message["role"] for message in messages] == ["assistant", "tool", "user"]
