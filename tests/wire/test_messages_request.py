"""A Messages request as a chat request: who says what in which order, and the parameters."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from fixtures.genspark.properties import QUICK, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import InvalidRequest, Need, Role
from proxy.wire.messages_blocks import ATTACHED
from proxy.wire.messages_request import chat_of
from proxy.wire.openai_request import chat_from

PNG = "iVBORw0KGgo="
HELLO = {"role": "user", "content": "Hello"}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
IMAGE_PART = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}

# The shape of what Claude Code sends, typed by hand from its public descriptions.
CLAUDE_CODE: dict[str, Any] = {
    "model": "claude-sonnet-4-5-20250929",
    "max_tokens": 32000,
    "stream": True,
    "temperature": 1,
    "metadata": {"user_id": "user_" + "0123456789abcdef" * 4 + "_account__session_0-1-2"},
    "thinking": {"type": "enabled", "budget_tokens": 31999},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "system": [
        {"type": "text", "text": "You are a coding assistant."},
        {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
    ],
    "tools": [
        {
            "name": "Read",
            "description": "Reads a file.",
            "input_schema": {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "type": "object",
                "properties": {"file_path": {"type": "string"}},
                "required": ["file_path"],
                "additionalProperties": False,
            },
        }
    ],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "<note>\nToday is Monday.\n</note>\n"},
                {"type": "text", "text": "What is in a.txt?"},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "I must read it.", "signature": "Eo8B"},
                {"type": "text", "text": "I will look."},
                {"type": "tool_use", "id": "toolu_01", "name": "Read", "input": {"file_path": "a"}},
                {"type": "tool_use", "id": "toolu_02", "name": "Read", "input": {"file_path": "b"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_01", "content": "1\tHello"},
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_02",
                    "content": [{"type": "text", "text": "No such file."}],
                    "is_error": True,
                    "cache_control": {"type": "ephemeral"},
                },
                {"type": "text", "text": "Go on."},
            ],
        },
    ],
}  # fmt: skip


def _chat(**fields: Any) -> dict[str, Any]:
    return chat_of({"model": "m", "max_tokens": 9, "messages": [HELLO], **fields}).chat


def _ignored(**fields: Any) -> tuple[str, ...]:
    return chat_of({"model": "m", "messages": [HELLO], **fields}).ignored


def _said(*messages: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = _chat(messages=list(messages), **fields)["messages"]
    return said


def _refused(**fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        _chat(**fields)
    assert caught.value.status == 400
    return caught.value


def test_what_claude_code_sends() -> None:
    translated = chat_of(CLAUDE_CODE)
    call = {"id": "toolu_01", "type": "function"}
    assert translated.chat["messages"] == [
        {"role": "system", "content": "You are a coding assistant.\n\nBe brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "<note>\nToday is Monday.\n</note>\n"},
                {"type": "text", "text": "What is in a.txt?"},
            ],
        },
        {
            "role": "assistant",
            "content": "I will look.",
            "tool_calls": [
                call | {"function": {"name": "Read", "arguments": '{"file_path":"a"}'}},
                call
                | {
                    "id": "toolu_02",
                    "function": {"name": "Read", "arguments": '{"file_path":"b"}'},
                },
            ],
        },
        {"role": "tool", "tool_call_id": "toolu_01", "content": "1\tHello"},
        {"role": "tool", "tool_call_id": "toolu_02", "content": "Error: No such file."},
        {"role": "user", "content": "Go on."},
    ]
    assert translated.chat | {"messages": 0, "tools": 0} == {
        "model": "claude-sonnet-4-5-20250929",
        "stream": True,
        "temperature": 1,
        "max_completion_tokens": 32000,
        "reasoning_effort": "high",
        "user": ("user_" + "0123456789abcdef" * 4)[:64],
        "messages": 0,
        "tools": 0,
    }
    assert translated.ignored == ("context_management",)
    assert translated.shows_thinking


def test_the_chat_reader_takes_what_claude_code_sends() -> None:
    ask = chat_from(chat_of(CLAUDE_CODE).chat)
    assert [turn.role for turn in ask.turns] == [
        Role.SYSTEM,
        Role.USER,
        Role.ASSISTANT,
        Role.TOOL,
        Role.TOOL,
        Role.USER,
    ]
    assert (ask.stream, ask.wishes.limit, ask.wishes.effort) == (True, 32000, "high")
    assert Need.TOOLS in ask.needs


def test_a_small_request_stays_small() -> None:
    assert chat_of({"model": "m", "messages": [HELLO]}).chat == {"model": "m", "messages": [HELLO]}


def test_null_is_the_same_as_nothing() -> None:
    fields = (
        "system", "tools", "tool_choice", "stop_sequences", "temperature", "top_p", "top_k",
        "thinking", "output_config", "output_format", "metadata", "stream", "max_tokens",
        "context_management", "compaction",
    )  # fmt: skip
    translated = chat_of({"model": "m", "messages": [HELLO], **dict.fromkeys(fields)})
    assert translated.chat == {"model": "m", "messages": [HELLO]}
    assert translated.ignored == ()


@pytest.mark.parametrize("system", ["Be brief.", [{"type": "text", "text": "Be brief."}]])
def test_the_system_prompt_comes_first(system: Any) -> None:
    assert _said(HELLO, system=system) == [{"role": "system", "content": "Be brief."}, HELLO]


@pytest.mark.parametrize("system", ["", []])
def test_an_empty_system_prompt_is_none(system: Any) -> None:
    assert _said(HELLO, system=system) == [HELLO]


def test_a_system_prompt_may_come_later() -> None:
    later = {"role": "system", "content": [{"type": "text", "text": "Be brief from now on."}]}
    said = _said(HELLO, later, HELLO, system="You are kind.")
    assert [message["role"] for message in said] == ["system", "user", "system", "user"]


def test_one_role_may_speak_twice_and_the_assistant_last() -> None:
    said = [HELLO, HELLO, {"role": "assistant", "content": "The answer is ("}]
    assert _said(*said) == said


def _uses(*ids: str) -> dict[str, Any]:
    uses = [{"type": "tool_use", "id": name, "name": "f", "input": {}} for name in ids]
    return {"role": "assistant", "content": uses}


def _result(name: str, content: Any = "done") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": name, "content": content}


def _user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def _outline(said: list[dict[str, Any]]) -> list[str]:
    return [message.get("tool_call_id") or message["role"] for message in said]


def test_a_call_without_words_has_no_content() -> None:
    _, message, _ = _said(HELLO, _uses("a"), _user(_result("a")))
    assert message["content"] is None


def test_results_follow_their_calls_whatever_the_user_says_before_them() -> None:
    text = {"type": "text", "text": "Look:"}
    said = _said(HELLO, _uses("a", "b"), _user(text, _result("b"), _result("a")))
    assert _outline(said) == ["user", "assistant", "b", "a", "user"]

    apart = _said(HELLO, _uses("a", "b"), HELLO, _user(_result("a")), _user(_result("b")), HELLO)
    assert _outline(apart) == ["user", "assistant", "a", "b", "user", "user"]

    reminded = {"role": "system", "content": "Be brief."}
    said = _said(HELLO, _uses("a"), reminded, _user(_result("a")), _uses("b"), _user(_result("b")))
    assert _outline(said) == ["user", "assistant", "a", "system", "assistant", "b"]


def test_results_that_nobody_called_for_stand_behind_the_system_prompt() -> None:
    said = _said(_user(_result("a"), {"type": "text", "text": "So?"}), system="Be brief.")
    assert _outline(said) == ["system", "a", "user"]


def test_images_of_results_come_before_the_users_own_words() -> None:
    blocks = [_result("a", [IMAGE]), _result("b", "done"), {"type": "text", "text": "Well?"}]
    *_, first, second, user = _said(HELLO, _uses("a", "b"), _user(*blocks))
    assert (first["content"], second["content"]) == (ATTACHED, "done")
    assert user == _user(IMAGE_PART, {"type": "text", "text": "Well?"})


def test_turns_of_which_nothing_is_left_are_left_out() -> None:
    thought = {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}]}
    assert _said(HELLO, thought, {"role": "user", "content": ""}, HELLO) == [HELLO, HELLO]
    assert _refused(messages=[thought]).param == "messages"


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        (None, "messages"),
        ([], "messages"),
        ("Hello", "messages"),
        ([HELLO, "Hello"], "messages.1.role"),
        ([{"role": "tool", "content": "a"}], "messages.0.role"),
        ([{"content": "a"}], "messages.0.role"),
        ([{"role": "user"}], "messages.0.content"),
        ([HELLO, _user({"type": "unheard_of"})], "messages.1.content.0"),
    ],
)
def test_wrong_messages_are_named(messages: Any, param: str) -> None:
    refused = _refused(messages=messages)
    assert refused.param == param
    assert f"'{param}'" in refused.message


def test_a_wrong_system_prompt_is_named() -> None:
    assert _refused(system=5).param == "system"
    assert _refused(system=[{"type": "image"}]).param == "system.0"


@pytest.mark.parametrize("name", ["temperature", "top_p", "stream"])
def test_parameters_of_the_same_name_go_on_unchanged(name: str) -> None:
    value = {"temperature": 0.5, "top_p": 0.9, "stream": True}[name]
    assert _chat(**{name: value})[name] == value


@pytest.mark.parametrize("limit", [0, -1, 1.5, "9", True])
def test_a_wrong_limit_is_named(limit: Any) -> None:
    assert _refused(max_tokens=limit).param == "max_tokens"


def test_stop_sequences_beyond_the_fourth_have_no_effect() -> None:
    assert _chat(stop_sequences=["a", "", "b"])["stop"] == ["a", "b"]
    assert "stop" not in _chat(stop_sequences=[])
    assert _chat(stop_sequences=list("abcdef"))["stop"] == list("abcd")
    assert _ignored(stop_sequences=list("abcdef")) == ("stop_sequences[4:]",)
    for wrong in ("a", [5]):
        assert _refused(stop_sequences=wrong).param == "stop_sequences"


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({}, None),
        ({"thinking": {"type": "disabled"}}, "none"),
        ({"thinking": {"type": "adaptive"}}, "medium"),
        ({"thinking": {"type": "between_tools"}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 4095}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 4096}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 16383}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 16384}}, "high"),
        ({"thinking": {"type": "enabled"}}, "medium"),
        ({"thinking": {"type": "unheard of"}}, None),
        ({"output_config": {"effort": "max"}}, "max"),
        ({"output_config": {"effort": "low"}, "thinking": {"type": "adaptive"}}, "low"),
        ({"output_config": {"effort": "high"}, "thinking": {"type": "disabled"}}, "none"),
        ({"output_config": {"effort": None}}, None),
    ],
)
def test_thinking_and_effort_are_one_level(fields: dict[str, Any], effort: str | None) -> None:
    assert _chat(**fields).get("reasoning_effort") == effort


@pytest.mark.parametrize(
    ("thinking", "shown"),
    [
        (None, False),
        ({"type": "disabled"}, False),
        ({"type": "enabled", "budget_tokens": 1024}, True),
        ({"type": "adaptive"}, True),
        ({"type": "adaptive", "display": "summarized"}, True),
        ({"type": "adaptive", "display": "omitted"}, False),
    ],
)
def test_thinking_is_shown_to_those_who_asked(thinking: Any, shown: bool) -> None:
    request = {"model": "m", "messages": [HELLO], "thinking": thinking}
    assert chat_of(request).shows_thinking is shown


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
FORMAT = {"type": "json_schema", "schema": SCHEMA}


@pytest.mark.parametrize(
    "fields", [{"output_config": {"format": FORMAT}}, {"output_format": FORMAT}]
)
def test_a_format_is_a_json_schema(fields: dict[str, Any]) -> None:
    assert _chat(**fields)["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": SCHEMA},
    }
    ask = chat_from(_chat(**fields))
    assert ask.wishes.structure is not None
    assert ask.wishes.structure.schema == SCHEMA


@pytest.mark.parametrize("wrong", [5, {"type": "text"}, {"type": "json_schema"}, {"schema": {}}])
def test_a_wrong_format_is_named(wrong: Any) -> None:
    assert _refused(output_config={"format": wrong}).param == "output_config.format"
    assert _refused(output_format=wrong).param == "output_format"


def test_what_has_no_effect_is_told() -> None:
    sent = {
        "top_k": 5,
        "mcp_servers": [],
        "container": "c",
        "service_tier": "auto",
        "speed": "fast",
    }
    assert set(_ignored(**sent)) == sent.keys()
    assert _ignored(cache_control={"type": "ephemeral"}, unheard_of=1) == ()


def test_what_claude_code_tells_anthropics_billing_is_no_instruction() -> None:
    billing = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.37; cch=fa690;"}
    told = {"type": "text", "text": "You are Claude Code."}
    request = {"model": "m", "messages": [HELLO], "system": [billing, told]}
    assert chat_of(request).chat["messages"][0] == {
        "role": "system",
        "content": "You are Claude Code.",
    }
    assert chat_of({**request, "system": [billing]}).chat["messages"] == [
        {"role": "user", "content": "Hello"}
    ]


@pytest.mark.parametrize("kind", [{"type": "create"}, {"type": "continue"}])
def test_a_thread_is_refused_by_the_code_that_sdks_know(kind: dict[str, str]) -> None:
    refused = _refused(thread=kind)
    assert (refused.param, refused.code) == ("thread", "thread_unsupported_request")


def test_a_summary_of_the_conversation_cannot_be_asked_for() -> None:
    refused = _refused(compaction={})
    assert (refused.param, refused.code) == ("compaction", "unsupported_value")


def test_the_prompt_has_no_place_in_a_log() -> None:
    assert "Hello" not in repr(chat_of({"model": "m", "messages": [HELLO]}))


scalars = st.none() | st.booleans() | st.integers(-5, 5) | texts
KEYS = [
    "type", "text", "source", "content", "data", "media_type", "url", "id", "name", "input",
    "tool_use_id", "title", "context", "is_error", "role", "schema",
]  # fmt: skip
WORDS = [
    "text", "image", "document", "tool_use", "tool_result", "search_result", "thinking", "base64",
    "content", "user", "assistant", "system", "image/png", PNG, "https://a", "json_schema", "tool",
]  # fmt: skip
json_like = st.recursive(
    scalars | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)
blocks = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": texts}),
    st.just(IMAGE),
    st.builds(_result, st.sampled_from(["a", "b"]), st.just([IMAGE]) | texts),
    st.fixed_dictionaries({"type": st.just("document"), "source": json_like}),
    json_like,
)
message = st.one_of(
    st.fixed_dictionaries({"role": st.just("user"), "content": st.lists(blocks, max_size=3)}),
    st.builds(_uses, st.sampled_from(["a", "b"])),
    st.just(HELLO),
    json_like,
)
FIELDS = [
    "system", "tools", "tool_choice", "stop_sequences", "thinking", "output_config",
    "output_format", "metadata", "max_tokens", "stream", "temperature", "top_k", "compaction",
]  # fmt: skip


def _refusal(work: Callable[[dict[str, Any]], Any], request: dict[str, Any]) -> str | None:
    """Which parameter is named; None when all is well."""
    try:
        work(request)
    except InvalidRequest as refused:
        return refused.param or "nothing"
    return None


# All that is left to the chat reader has the same name in both dialects.
CHECKED_LATER = {None, "temperature", "top_p", "stream", "tools", "response_format"}


@QUICK
@given(st.lists(message, max_size=4), st.dictionaries(st.sampled_from(FIELDS), json_like))
def test_any_request_is_translated_or_refused(messages: list[Any], fields: dict[str, Any]) -> None:
    request = {"model": "m", "messages": messages, **fields}
    before = msgspec.json.encode(request)
    refused = _refusal(chat_of, request)
    assert msgspec.json.encode(request) == before, "the request itself is left alone"
    assert refused != "nothing"
    if refused is None:
        assert _refusal(chat_from, chat_of(request).chat) in CHECKED_LATER


@QUICK
@given(st.lists(st.sampled_from(["words", "call", "result", "system"]), min_size=1, max_size=10))
def test_a_result_is_never_parted_from_its_call(plan: list[str]) -> None:
    messages: list[dict[str, Any]] = [HELLO]
    number = 0
    for step in plan:
        if step == "call":
            number += 1
            messages.append(_uses(str(number)))
        elif step == "result" and number:
            messages.append(_user({"type": "text", "text": "So:"}, _result(str(number))))
        elif step == "system":
            messages.append({"role": "system", "content": "Be brief."})
        else:
            messages.append(HELLO)
    said = _said(*messages)
    for at, each in enumerate(said):
        if each["role"] == "tool":
            before = next(m for m in reversed(said[:at]) if m["role"] != "tool")
            assert before["tool_calls"][0]["id"] == each["tool_call_id"]
