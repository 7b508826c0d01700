"""Assertions 9, 10 and 17: the whole answer."""

from typing import Any

import pytest
from conformance.error_objects import error_of
from conformance.raw_http import ask, chat_body
from conformance.sides import COOKIE, KEY, Side

CHAT = "/v1/chat/completions"
FINISH_REASONS = {"stop", "length", "tool_calls", "content_filter", "function_call"}


def test_c09_an_answer_has_one_choice_with_text(side: Side) -> None:
    side.script(answer={"text": "Good day."})

    whole = side.whole()

    assert whole["object"] == "chat.completion"
    assert whole["id"].startswith("chatcmpl-")
    assert type(whole["created"]) is int
    [choice] = whole["choices"]
    assert choice["index"] == 0
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"] == "Good day."
    assert choice["finish_reason"] in FINISH_REASONS


@pytest.mark.parametrize("model", ["gpt-5.4", "GPT-5.4", "claude-opus-4-7"])
@pytest.mark.parametrize("stream", [False, True])
def test_c09_the_model_is_echoed_as_it_was_asked(side: Side, model: str, stream: bool) -> None:
    if stream:
        assert {chunk["model"] for chunk in side.stream(model=model).chunks} == {model}
    else:
        assert side.whole(model=model)["model"] == model


@pytest.mark.parametrize("stream", [False, True])
def test_c09_another_model_behind_the_scenes_does_not_change_the_echo(
    side: Side, stream: bool
) -> None:
    side.script(scenario="other_model")

    if stream:
        assert {chunk["model"] for chunk in side.stream().chunks} == {"gpt-5.4"}
    else:
        assert side.whole()["model"] == "gpt-5.4"


@pytest.mark.parametrize("reason", ["length", "content_filter", "end_turn", "STOP", "max_tokens"])
def test_c09_the_finish_reason_is_one_that_clients_know(key: Side, reason: str) -> None:
    key.script(answer={"text": "Half an", "finish_reason": reason}, times=2)

    whole = key.whole()["choices"][0]["finish_reason"]
    [streamed] = key.stream().finishes()

    assert whole == streamed
    assert whole in FINISH_REASONS
    assert reason not in FINISH_REASONS or whole == reason


def test_c09_content_is_a_string_even_when_the_upstream_says_null(key: Side) -> None:
    message = {"role": "assistant", "content": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    key.script(reply={"body": {"id": "x", "object": "chat.completion", "choices": [choice]}})

    reply = key.chat()

    assert reply.status_code != 200 or reply.json()["choices"][0]["message"]["content"] == ""


USAGES: dict[str, Any] = {
    "good": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    "none": None,
    "zeros": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    "no total": {"prompt_tokens": 3, "completion_tokens": 4},
    "wrong total": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 99},
    "floats": {"prompt_tokens": 3.0, "completion_tokens": 4.5, "total_tokens": 7.5},
    "negative": {"prompt_tokens": -3, "completion_tokens": 4, "total_tokens": 1},
    "strings": {"prompt_tokens": "3", "completion_tokens": "4", "total_tokens": "7"},
    "float details": {
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "total_tokens": 7,
        "completion_tokens_details": {"reasoning_tokens": 1.0},
    },
}


def _numbers(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [number for inner in value.values() for number in _numbers(inner)]
    return [] if value is None else [value]


def _check_usage(usage: dict[str, Any]) -> None:
    counts = [usage[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")]
    assert all(type(count) is int and count >= 0 for count in counts), usage
    assert counts[2] == counts[0] + counts[1] > 0, usage
    assert all(type(number) is int for number in _numbers(usage)), f"Go clients fail: {usage}"


@pytest.mark.parametrize("given", USAGES.values(), ids=USAGES.keys())
def test_c10_usage_adds_up_whatever_the_upstream_counts(
    side: Side, given: dict[str, Any] | None
) -> None:
    side.script(answer={"text": "A few words."} | ({"usage": given} if given else {}), times=2)

    _check_usage(side.whole()["usage"])
    [streamed] = side.stream(stream_options={"include_usage": True}).usages
    _check_usage(streamed)


def test_c10_a_longer_prompt_and_a_longer_answer_count_more(side: Side) -> None:
    side.script(answer={"text": "Short."})
    short = side.whole("Hi")["usage"]
    side.script(answer={"text": "Long and winding, with many more words than that. " * 20})
    long = side.whole("Tell me everything about it, please. " * 20)["usage"]

    assert long["prompt_tokens"] > short["prompt_tokens"]
    assert long["completion_tokens"] > short["completion_tokens"]


def test_c10_the_upstreams_own_counts_are_passed_on(key: Side) -> None:
    counted = {"prompt_tokens": 111, "completion_tokens": 222, "total_tokens": 333}
    key.script(answer={"text": "Yes.", "usage": counted}, times=2)

    assert key.whole()["usage"] == counted
    assert key.stream(stream_options={"include_usage": True}).usages == [counted]


ERRORS_IN_200: list[tuple[str, Any]] = [
    (KEY, {"error": {"message": "It broke.", "type": "server_error", "code": 500}}),
    (KEY, {"error": "It broke."}),
    (KEY, {"id": "x", "choices": [], "error": {"message": "It broke.", "type": "api_error"}}),
    (KEY, {"detail": "It broke."}),
    (KEY, {}),
    (KEY, []),
    (COOKIE, {"error": {"message": "It broke.", "type": "server_error"}}),
    (COOKIE, {"status": -1, "message": "It broke."}),
    (COOKIE, {"status": 0, "data": {}}),
    (COOKIE, "It broke."),
]


@pytest.mark.parametrize(("name", "body"), ERRORS_IN_200, ids=str)
@pytest.mark.parametrize("stream", [False, True])
def test_c17_an_error_under_http_200_is_an_error_here(
    request: pytest.FixtureRequest, name: str, body: Any, stream: bool
) -> None:
    side: Side = request.getfixturevalue(name)
    side.script(reply={"status": 200, "body": body})

    error_of(ask(side.url, "POST", CHAT, body=chat_body(stream=stream)), 502)


def test_c17_a_good_answer_has_no_error_key(side: Side) -> None:
    assert "error" not in side.whole()
    assert "error" not in side.whole(model="claude-opus-4-7", messages=[{"role": "user"}])
