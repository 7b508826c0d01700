"""Assertions 11 to 16: what a request may hold, and what makes it a 400."""

from typing import Any

import pytest
from conformance.error_objects import error_of
from conformance.raw_http import ask, chat_body
from conformance.sides import COOKIE, KEY, Side, Start

CHAT = "/v1/chat/completions"
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)

IGNORED: dict[str, Any] = {
    "user": "u-1",
    "safety_identifier": "s-1",
    "metadata": {"trace": "t-1"},
    "store": True,
    "service_tier": "auto",
    "seed": 7,
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "top_logprobs": 2,
    "prediction": {"type": "content", "content": "guess"},
    "prompt_cache_key": "k",
    "prompt_cache_options": {"ttl": "5m"},
    "prompt_cache_retention": "24h",
    "verbosity": "low",
    "moderation": {"mode": "auto"},
    "reasoning_effort": "low",
    "web_search_options": {"search_context_size": "low"},
    "stream_options": {"include_usage": True, "include_obfuscation": False},
    "temperature": 0.5,
    "top_p": 0.9,
    "presence_penalty": -1,
    "frequency_penalty": 1.5,
    "max_tokens": 4000,
    "max_completion_tokens": 4000,
    "stop": ["never-said"],
    "modalities": ["text"],
    "parallel_tool_calls": True,
    "top_k": 40,
    "enable_thinking": False,
    "thinking": {"type": "disabled"},
    "repetition_penalty": 1.1,
    "chat_template_kwargs": {"a": 1},
    "num_ctx": 8192,
    "an_unheard_of_field": [{"deep": None}],
}

OPTIONAL = [
    *(name for name in IGNORED if name != "an_unheard_of_field"),
    *("stream", "n", "tools", "tool_choice", "functions", "function_call", "response_format"),
    *("audio", "extra_body", "min_p", "conversation_id"),
]


def _messages(*messages: Any) -> bytes:
    return chat_body(messages=list(messages))


def _user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def test_c11_all_ignored_fields_together_change_nothing(side: Side) -> None:
    side.script(answer={"text": "All fine."}, times=2)

    whole = side.whole(**IGNORED)
    streamed = side.stream(**IGNORED)

    assert whole["choices"][0]["message"]["content"] == "All fine."
    assert streamed.text() == "All fine."


def test_c11_each_ignored_field_alone_changes_nothing(side: Side) -> None:
    for name, value in IGNORED.items():
        assert side.chat(**{name: value}).status_code == 200, name


def test_c11_what_a_route_cannot_honour_is_named_in_a_header(cookie: Side) -> None:
    tools = [{"type": "web_search"}, {"type": "function", "function": {"name": "f"}}]
    reply = cookie.chat(temperature=0.3, seed=5, max_tokens=50, stop="x", tools=tools)

    ignored = reply.headers["x-genspark2api-ignored"].split(",")
    assert ignored == ["temperature", "seed", "tools.web_search"]


@pytest.mark.parametrize(("count", "route_name"), [(5, COOKIE), (5, KEY), (100, KEY), (0, KEY)])
def test_c11_more_than_four_choices_are_400(open_side: Start, count: int, route_name: str) -> None:
    reply = ask(open_side(route_name).url, "POST", CHAT, body=chat_body(n=count))

    error = error_of(reply, 400)
    assert (error["param"], error["code"]) == ("n", "unsupported_value")


def test_c11_several_choices_come_together(side: Side) -> None:
    # OpenAI's own models do it themselves on the key route, in one ask.
    choices = side.whole(n=3, model="claude-sonnet-4-6")["choices"]
    streamed = side.stream(n=2, model="claude-sonnet-4-6")

    assert [choice["index"] for choice in choices] == [0, 1, 2]
    assert all(choice["message"]["content"] for choice in choices)
    assert [streamed.finishes(choice) for choice in (0, 1)] == [["stop"], ["stop"]]
    assert len(side.log()) == 5
    assert all(entry["body"].get("n") is None for entry in side.log())


def test_c12_null_is_the_same_as_absent(side: Side) -> None:
    nothing: Any = dict.fromkeys(OPTIONAL)

    assert ask(side.url, "POST", CHAT, body=chat_body(**nothing)).status == 200
    assert ask(side.url, "POST", CHAT, body=chat_body(**{**nothing, "stream": True})).status == 200


def test_c12_each_optional_field_may_be_null(side: Side) -> None:
    for name in OPTIONAL:
        nothing: Any = {name: None}
        body = chat_body(**nothing)
        assert ask(side.url, "POST", CHAT, body=body).status == 200, name


def test_c12_optional_fields_of_messages_may_be_null(side: Side) -> None:
    said = {"role": "assistant", "content": "Yes.", "name": None, "tool_calls": None}
    body = _messages(
        {"role": "user", "content": "Well?", "name": None},
        {**said, "refusal": None, "audio": None, "function_call": None, "reasoning_content": None},
        {"role": "user", "content": [{"type": "text", "text": "So?", "cache_control": None}]},
    )

    assert ask(side.url, "POST", CHAT, body=body).status == 200


@pytest.mark.parametrize(
    "messages", [None, [], {}, "Hello", 5, True, [[]], ["Hello"], [None]], ids=repr
)
@pytest.mark.parametrize("stream", [False, True])
def test_c13_messages_must_be_a_list_of_objects(side: Side, messages: Any, stream: bool) -> None:
    reply = ask(side.url, "POST", CHAT, body=chat_body(messages=messages, stream=stream))

    assert error_of(reply, 400)["param"].startswith("messages")
    assert side.log() == []


def test_c13_missing_messages_are_named(side: Side) -> None:
    error = error_of(ask(side.url, "POST", CHAT, body=b'{"model":"gpt-5.4"}'), 400)

    assert error["param"] == "messages"


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "wizard", "content": "x"}, "messages.1.role"),
        ({"role": "User", "content": "x"}, "messages.1.role"),
        ({"role": None, "content": "x"}, "messages.1.role"),
        ({"role": 7, "content": "x"}, "messages.1.role"),
        ({"content": "x"}, "messages.1.role"),
        ({"role": "user", "content": 5}, "messages.1.content"),
        ({"role": "user", "content": {"text": "x"}}, "messages.1.content"),
        (_user([{"type": "video_url"}]), "messages.1.content.0"),
        (_user([{"type": "text", "text": "x"}, {"type": "hologram"}]), "messages.1.content.1"),
        (_user([{"text": "no type"}]), "messages.1.content.0"),
        (_user(["bare text"]), "messages.1.content.0"),
        (_user([None]), "messages.1.content.0"),
        (_user([{"type": "input_audio", "input_audio": {}}]), "messages.1.content.0"),
        ({"role": "tool", "content": "x"}, "messages.1.tool_call_id"),
        ({"role": "assistant", "tool_calls": "f"}, "messages.1.tool_calls"),
    ],
    ids=str,
)
def test_c13_a_bad_message_is_named(side: Side, message: dict[str, Any], param: str) -> None:
    reply = ask(side.url, "POST", CHAT, body=_messages(_user("Good."), message))

    assert error_of(reply, 400)["param"] == param
    assert side.log() == []


@pytest.mark.parametrize(
    "model", [None, "", "  ", 5, ["gpt-5.4"], "m" * 5000], ids=lambda m: str(m)[:9]
)
def test_c13_the_model_must_be_a_name(side: Side, model: Any) -> None:
    reply = ask(side.url, "POST", CHAT, body=chat_body(model=model))

    assert error_of(reply, 400)["param"] == "model"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 2.5),
        ("temperature", "hot"),
        ("top_p", -0.1),
        ("presence_penalty", 3),
        ("frequency_penalty", -2.1),
        ("max_tokens", 0),
        ("max_completion_tokens", "many"),
        ("stop", ["a", "b", "c", "d", "e"]),
        ("response_format", {"type": "yaml"}),
        ("stream", "yes"),
        ("modalities", ["text", "audio"]),
    ],
)
def test_c13_a_parameter_out_of_range_is_named(side: Side, name: str, value: Any) -> None:
    reply = ask(side.url, "POST", CHAT, body=chat_body(**{name: value}))

    assert error_of(reply, 400)["param"] == name


def test_c14_a_list_of_text_parts_is_read_whole(side: Side) -> None:
    parts = [{"type": "text", "text": "First. "}, {"type": "text", "text": "Second."}]

    said = side.whole(messages=[_user(parts)])["choices"][0]["message"]["content"]

    assert said.index("First.") < said.index("Second.")


@pytest.mark.parametrize(
    "image",
    [
        {"url": "https://example.com/cat.png"},
        {"url": "https://example.com/cat.png", "detail": "low"},
        {"url": "https://example.com/cat.png", "detail": None},
        {"url": PIXEL},
        "https://example.com/cat.png",
        PIXEL,
    ],
    ids=lambda image: str(image)[:60],
)
def test_c14_an_image_part_in_any_usual_form_is_taken(key: Side, image: Any) -> None:
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": image}]

    whole = key.whole(messages=[_user(parts)])

    assert "Images received: 1." in whole["choices"][0]["message"]["content"]


def test_c14_a_bare_image_url_reaches_the_upstream_in_the_standard_form(key: Side) -> None:
    key.whole(messages=[_user([{"type": "image_url", "image_url": PIXEL}])])

    part = key.log()[0]["body"]["messages"][0]["content"][0]
    assert part["image_url"] == {"url": PIXEL}


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,not*base64",
        "data:image/png;base64,",
        "data:image/png;base64,abc",
        "data:image/png,raw",
        "data:text/html;base64,PGI+",
        "data:,x",
        "ftp://example.com/cat.png",
        "file:///etc/passwd",
        "cat.png",
        "",
    ],
)
@pytest.mark.parametrize("bare", [False, True])
def test_c14_a_malformed_image_url_is_400(side: Side, url: str, bare: bool) -> None:
    part = {"type": "image_url", "image_url": url if bare else {"url": url}}
    reply = ask(side.url, "POST", CHAT, body=_messages(_user([part])))

    assert error_of(reply, 400)["param"] == "messages.0.content.0.image_url"
    assert side.log() == []


CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
HISTORIES: dict[str, list[dict[str, Any]]] = {
    "developer": [{"role": "developer", "content": "Be brief."}, _user("Hi")],
    "several system": [
        {"role": "system", "content": "One."},
        {"role": "system", "content": "Two."},
        _user("Hi"),
        {"role": "system", "content": "Three."},
    ],
    "tool replies": [
        _user("Call f."),
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "42"},
    ],
    "tool replies in parts": [
        _user("Call f."),
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "42"}]},
        {"role": "assistant", "content": "It is 42."},
        _user("Thanks"),
    ],
    "legacy function": [
        _user("Call f."),
        {"role": "assistant", "content": None, "function_call": CALL["function"]},
        {"role": "function", "name": "f", "content": "42"},
    ],
    "same role twice": [_user("One."), _user("Two.")],
    "assistant first": [{"role": "assistant", "content": "Hello!"}, _user("Hi")],
    "assistant last": [_user("Hi"), {"role": "assistant", "content": "Hello, I"}],
    "empty text": [_user(""), {"role": "assistant", "content": ""}, _user("Hi")],
    "refusal": [
        _user("Bad."),
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        _user("Why?"),
    ],
    "reasoning": [
        _user("Hi"),
        {"role": "assistant", "content": "Yo", "reasoning_content": "Hm.", "name": "bot"},
        _user("And?"),
    ],
}


@pytest.mark.parametrize("messages", HISTORIES.values(), ids=HISTORIES.keys())
@pytest.mark.parametrize("stream", [False, True])
def test_c15_every_usual_history_is_taken(
    side: Side, messages: list[dict[str, Any]], stream: bool
) -> None:
    reply = side.chat(messages=messages, stream=stream)

    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize("stream", [False, True])
def test_c16_an_unknown_model_is_404_where_the_operator_wants_that(
    start: Start, route: str, stream: bool
) -> None:
    strict = start(route, unknown_model="reject")

    reply = ask(strict.url, "POST", CHAT, body=chat_body(model="gpt-99", stream=stream))

    error = error_of(reply, 404)
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert "gpt-99" in error["message"]
    assert strict.log() == []


@pytest.mark.parametrize("stream", [False, True])
def test_c16_the_default_mixture_is_never_silent(cookie: Side, stream: bool) -> None:
    reply = cookie.chat(model="gpt-99", stream=stream)

    assert reply.status_code == 200
    members = cookie.log()[0]["body"]["moa_models"]
    assert members
    assert reply.headers["x-genspark2api-served-model"] == ",".join(members)


def test_c16_the_mixture_is_not_silent_either_when_it_thinks_for_long(start: Start) -> None:
    hasty = start(COOKIE, first_event_patience=0.05)
    hasty.script(delay_s=0.2)

    reply = hasty.chat(model="gpt-99", stream=True)

    members = hasty.log()[0]["body"]["moa_models"]
    assert reply.headers["x-genspark2api-served-model"] == ",".join(members)


def test_c16_a_forwarded_name_that_is_served_by_another_model_is_told(start: Start) -> None:
    forwarding = start(COOKIE, unknown_model="forward")

    reply = forwarding.chat(model="gpt-99")

    assert reply.headers["x-genspark2api-served-model"] == "claude-sonnet-4-5"


@pytest.mark.parametrize("stream", [False, True])
def test_c16_a_model_that_the_key_route_does_not_offer_is_404(key: Side, stream: bool) -> None:
    reply = ask(key.url, "POST", CHAT, body=chat_body(model="gpt-99", stream=stream))

    assert error_of(reply, 404)["code"] == "model_not_found"
