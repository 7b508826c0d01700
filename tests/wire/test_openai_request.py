"""Reading a request: any JSON at all is a request or the caller's mistake, never a crash."""

import json
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import InvalidRequest, Need, Role
from proxy.wire.openai_request import read_chat

PNG = "data:image/png;base64,iVBORw0KGgo="

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
parts = st.fixed_dictionaries(
    {"type": st.sampled_from(
        ["text", "image_url", "file", "refusal", "input_text", "input_audio", "x", 7, None]
    )},
    optional={
        "text": json_values,
        "refusal": json_values,
        "image_url": st.sampled_from([PNG, {"url": PNG}, {"url": 7}, "ftp://x", {}, None, 7]),
    },
)  # fmt: skip
calls = st.lists(
    st.fixed_dictionaries({"id": json_values, "function": json_values}) | json_values, max_size=2
)
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(
        ["system", "developer", "user", "assistant", "tool", "function", "robot", None, 7]
    )},
    optional={
        "content": st.lists(parts | json_values, max_size=3) | json_values,
        "tool_calls": calls | json_values,
        "function_call": json_values,
        "tool_call_id": json_values,
        "name": json_values,
    },
)  # fmt: skip
NUMBERS = [
    "temperature", "top_p", "n", "max_tokens", "max_completion_tokens", "presence_penalty",
    "frequency_penalty", "stop", "seed", "logit_bias", "modalities", "stream", "stream_options",
    "response_format", "tools", "functions", "tool_choice", "function_call", "audio",
]  # fmt: skip
requests = st.fixed_dictionaries(
    {"messages": st.lists(messages | json_values, max_size=3) | json_values},
    optional={
        "model": st.sampled_from(["gpt-5.4", "", " ", "x" * 201, 7, None]),
        **{
            name: json_values
            | st.sampled_from(
                [0, 1, 2.5, -1, 10**30, [], {}, "none", ["audio"], [{"type": "function"}],
                 {"type": "json_schema"}, {"include_usage": True}, {"type": "json_object"}]
            )
            for name in NUMBERS
        },
    },
)  # fmt: skip


def _read(request: Any, **options: Any) -> Any:
    try:
        return read_chat(json.dumps(request).encode(), **options)
    except InvalidRequest as error:
        return error


@QUICK
@given(requests | json_values, st.booleans())
def test_any_json_is_a_request_or_the_callers_mistake(request: Any, tools: bool) -> None:
    read = _read(request, tools=tools)
    if isinstance(read, InvalidRequest):
        assert read.status == 400
        assert read.message
    else:
        assert read.turns


@QUICK
@given(st.binary(max_size=60))
def test_any_bytes_are_the_callers_mistake(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read_chat(body)


def test_json_nested_beyond_reason_is_the_callers_mistake() -> None:
    with pytest.raises(InvalidRequest):
        read_chat(b'{"messages":' + b"[" * 200_000)


@pytest.mark.parametrize("modalities", [5, True, "audio", {"audio": 1}])
def test_modalities_of_a_wrong_type_are_the_callers_mistake(modalities: Any) -> None:
    asked = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    error = _read({**asked, "modalities": modalities})
    assert isinstance(error, InvalidRequest)
    assert error.param == "modalities"


@QUICK
@given(st.lists(texts, min_size=1, max_size=4))
def test_the_texts_of_parts_are_joined_unchanged(pieces: list[str]) -> None:
    content = [{"type": "text", "text": piece} for piece in pieces]
    ask = _read({"model": "m", "messages": [{"role": "user", "content": content}]})
    assert ask.turns[0].text == "".join(pieces)


@QUICK
@given(st.lists(st.sampled_from(["system", "developer", "user", "assistant"]), min_size=1))
def test_the_whole_history_is_kept_in_order(roles: list[str]) -> None:
    history = [{"role": role, "content": f"{n}"} for n, role in enumerate(roles)]
    ask = _read({"model": "m", "messages": history})
    assert [turn.text for turn in ask.turns] == [str(n) for n in range(len(roles))]
    wanted = [Role.SYSTEM if role == "developer" else Role(role) for role in roles]
    assert [turn.role for turn in ask.turns] == wanted


def test_the_operators_messages_come_first() -> None:
    before = ({"role": "system", "content": "Be brief."},)
    ask = _read({"model": "m", "messages": [{"role": "user", "content": "x"}]}, before=before)
    assert [turn.text for turn in ask.turns] == ["Be brief.", "x"]
    assert [message["content"] for message in ask.native["messages"]] == ["Be brief.", "x"]


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({}, set()),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, {Need.TOOLS}),
        ({"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "none"},
         set()),
        ({"functions": [{"name": "f"}]}, {Need.TOOLS}),
        ({"response_format": {"type": "json_object"}}, {Need.STRUCTURE}),
        ({"response_format": {"type": "text"}}, set()),
        ({"n": 2}, {Need.SEVERAL}),
        ({"n": 1}, set()),
        ({"tools": None, "n": None, "response_format": None}, set()),
    ],
)  # fmt: skip
def test_what_a_request_needs(fields: dict[str, Any], needs: set[Need]) -> None:
    ask = _read({"model": "m", "messages": [{"role": "user", "content": "x"}], **fields})
    assert ask.needs == needs


def test_parts_make_needs_too() -> None:
    content = [
        {"type": "image_url", "image_url": {"url": PNG}},
        {"type": "file", "file": {"file_data": PNG}},
    ]
    ask = _read({"model": "m", "messages": [{"role": "user", "content": content}]})
    assert ask.needs == {Need.IMAGES, Need.FILES}
    assert ask.turns[0].images == (PNG,)
