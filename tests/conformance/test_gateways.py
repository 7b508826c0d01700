"""Assertions 56 to 60: one-api and NextChat as callers."""

import json
import time
from typing import Any

import pytest
from conformance.error_objects import assert_quiet, error_of
from conformance.gateways import (
    NEXTCHAT_HEADERS,
    ONE_API_HEADERS,
    nextchat_body,
    nextchat_stream,
    nextchat_url,
    one_api_accepts,
    one_api_stream,
    one_api_test_body,
    one_api_whole,
)
from conformance.raw_http import AUTH, RawReply, ask, chat_body
from conformance.sides import COOKIE, Side, Start

CHAT = "/v1/chat/completions"
PIXEL = "data:image/png;base64,iVBORw0KGgo="
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "search_web",
            "description": "Search",
            "parameters": {
                "type": "object",
                "properties": {"query": {"type": "string"}},
                "required": ["query"],
            },
        },
    }
]


def _user(text: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def _one_api(side: Side, body: bytes, target: str = CHAT, **headers: str) -> RawReply:
    return ask(side.url, "POST", target, {**ONE_API_HEADERS, **headers}, body)


def _nextchat(side: Side, body: bytes, target: str = CHAT) -> RawReply:
    return ask(side.url, "POST", target, NEXTCHAT_HEADERS, body)


@pytest.mark.parametrize("model", ["gpt-5.4", "claude-opus-4-7", "gemini-3.1-pro-preview"])
def test_c56_one_apis_channel_test_passes(side: Side, model: str) -> None:
    started = time.monotonic()

    seen = one_api_whole(_one_api(side, one_api_test_body(model)))

    assert time.monotonic() - started < 5
    assert model in seen.text


def test_c56_one_api_relays_a_stream_whole(side: Side) -> None:
    side.script(answer={"deltas": ["你好 ", "🦊\n", "x" * 200_000]})

    body = chat_body(stream=True, stream_options={"include_usage": True})
    seen = one_api_stream(_one_api(side, body, Accept="text/event-stream"))

    assert seen.text == "你好 🦊\n" + "x" * 200_000
    assert seen.ended
    assert seen.usage


def test_c56_one_api_counts_by_itself_when_no_usage_was_asked(side: Side) -> None:
    seen = one_api_stream(_one_api(side, chat_body(stream=True), Accept="text/event-stream"))

    assert seen.text
    assert seen.usage is None


def test_c56_one_api_can_parse_our_errors(side: Side) -> None:
    side.script(scenario="payment_402")

    error = error_of(_one_api(side, one_api_test_body("gpt-5.4")), 503)

    # Go strings; any of these words or types would switch the channel off.
    assert all(isinstance(error[name], str | None) for name in ("message", "type", "param"))
    assert error["type"] not in ("insufficient_quota", "authentication_error", "permission_error")
    assert error["code"] not in ("invalid_api_key", "account_deactivated")
    assert_quiet(error["message"])


@pytest.mark.parametrize("accept", [{}, {"Accept": "application/json"}, {"Accept": "*/*"}], ids=str)
def test_c57_one_api_never_gets_a_document_for_a_stream(side: Side, accept: dict[str, str]) -> None:
    one_api_accepts(_one_api(side, chat_body(stream=True), **accept), stream=True)


BILLING = ["/dashboard/billing/subscription", "/dashboard/billing/usage"]


@pytest.mark.parametrize("prefix", ["/v1", "", "/v1/v1", "/"])
@pytest.mark.parametrize("target", BILLING)
def test_c58_balance_buttons_get_zeros(side: Side, prefix: str, target: str) -> None:
    query = "?start_date=2026-11-01&end_date=2026-11-30"

    reply = ask(side.url, "GET", prefix + target + query)

    assert reply.status == 200
    found = reply.json()
    if target.endswith("usage"):
        assert found["total_usage"] == 0
    else:
        assert isinstance(found["has_payment_method"], bool)
        assert found["hard_limit_usd"] == 0


@pytest.mark.parametrize("prefix", ["/v1", ""])
@pytest.mark.parametrize("target", BILLING)
def test_c58_or_404_where_the_operator_wants_that(start: Start, prefix: str, target: str) -> None:
    silent = start(COOKIE, dashboard_billing="off")

    error_of(ask(silent.url, "GET", prefix + target), 404)


def test_c58_balance_buttons_need_the_callers_key(cookie: Side) -> None:
    for target in BILLING:
        error_of(ask(cookie.url, "GET", target, {}), 401)


HISTORY = [
    {"role": "system", "content": "\nYou are ChatGPT.\nCurrent time: Sat Nov 21 2026\n"},
    {"role": "user", "content": "你好"},
    {"role": "assistant", "content": "你好！👋"},
    {"role": "user", "content": "Tell me a joke"},
]
NEXTCHAT_BODIES = {
    "usual": nextchat_body("claude-opus-4-7", HISTORY),
    "gpt-5": nextchat_body("gpt-5.4", HISTORY, temperature=1, max_completion_tokens=4000),
    "o-series": nextchat_body(
        "gpt-5.4",
        [{"role": "developer", "content": "Formatting re-enabled"}, *HISTORY[1:]],
        max_completion_tokens=4000,
    ),
    "visual model with text": nextchat_body(
        "gemini-3.1-pro-preview", _user([{"type": "text", "text": "Hi"}]), max_tokens=4000
    ),
}


@pytest.mark.parametrize("body", NEXTCHAT_BODIES.values(), ids=NEXTCHAT_BODIES.keys())
def test_c59_nextchat_gets_a_complete_answer(side: Side, body: bytes) -> None:
    side.script(answer={"deltas": ["Why did ", "the 🐔", " cross?\n\n", "- To…"]})

    seen = nextchat_stream(_nextchat(side, body))

    assert seen.text == "Why did the 🐔 cross?\n\n- To…"
    assert seen.ended


def test_c59_nextchat_sends_an_image(key: Side) -> None:
    image = {"type": "image_url", "image_url": {"url": PIXEL}}
    parts = [{"type": "text", "text": "What is it?"}, image]

    seen = nextchat_stream(_nextchat(key, nextchat_body("gpt-5.4", _user(parts), max_tokens=4000)))

    assert "Images received: 1." in seen.text


def test_c59_nextchats_plugins_get_their_calls(key: Side) -> None:
    calls = [{"name": "search_web", "arguments": {"query": q}} for q in ("snow", "ice")]
    key.script(answer={"tool_calls": calls})

    seen = nextchat_stream(_nextchat(key, nextchat_body("gpt-5.4", HISTORY, tools=TOOLS)))

    assert [json.loads(call["arguments"]) for call in seen.calls] == [
        {"query": "snow"},
        {"query": "ice"},
    ]


def test_c59_nextchat_shows_reasoning_and_keeps_the_answer(side: Side) -> None:
    if side.name == COOKIE:
        side.script(scenario="answerthink")
    else:
        side.script(answer={"text": "42.", "reasoning": "Six by nine."})

    seen = nextchat_stream(_nextchat(side, nextchat_body("claude-opus-4-7", HISTORY)))

    assert seen.reasoning
    assert seen.text


# What users type as the base, with the server's own address in place of {}.
BASES = ["{}", "{}/", "{}/v1", "{}/v1/", "{}//"]


@pytest.mark.parametrize("typed", BASES)
def test_c60_any_base_works_in_nextchat(side: Side, typed: str) -> None:
    target = nextchat_url(typed.format(side.url)).removeprefix(side.url)

    assert nextchat_stream(_nextchat(side, NEXTCHAT_BODIES["usual"], target)).text


@pytest.mark.parametrize("typed", BASES)
@pytest.mark.parametrize("path", [CHAT, "/chat/completions"])
def test_c60_any_base_works_in_one_api(side: Side, typed: str, path: str) -> None:
    # The second path is what its type "OpenAI compatible" leaves of ours.
    target = (typed.format(side.url) + path).removeprefix(side.url)

    reply = ask(side.url, "POST", target, AUTH, one_api_test_body("gpt-5.4"))

    assert one_api_whole(reply).text
