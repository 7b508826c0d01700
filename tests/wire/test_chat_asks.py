"""What the three wires send: the whole history, nothing that costs, no caller's secret fields."""

import json
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import ChatAsk, InvalidRequest
from proxy.core.catalogue import Candidate
from proxy.core.products import Route
from proxy.wire import genspark_cookie_ask, genspark_key_ask, genspark_legacy
from proxy.wire.genspark_cookie_ask import WebTerms
from proxy.wire.openai_request import read_chat

COOKIE = Candidate(Route.COOKIE, "gpt-5.4")
MIXTURE = Candidate(Route.COOKIE, "a", ("a", "b"), search=True)
LEGACY = Candidate(Route.LEGACY, "gpt-5.2")
KEY = Candidate(Route.KEY, "claude-opus-5")


def _ask(*messages: dict[str, Any], **fields: Any) -> ChatAsk:
    given = messages or ({"role": "user", "content": "Hi"},)
    return read_chat(json.dumps({"model": "m", "messages": given, **fields}).encode())


def _cookie(ask: ChatAsk, candidate: Candidate = COOKIE, project: str | None = None) -> Any:
    terms = WebTerms(project, recaptcha="token")
    return json.loads(genspark_cookie_ask.body(ask, candidate, terms))


def test_a_cookie_ask_is_a_private_fresh_conversation() -> None:
    body = _cookie(_ask())
    assert (body["type"], body["ai_chat_model"]) == ("ai_chat", "gpt-5.4")
    assert (body["project_id"], body["is_private"]) == (None, True)
    assert (body["use_moa_proxy"], body["moa_models"]) == (False, [])
    assert body["g_recaptcha_token"] == "token"
    assert "model" not in body, "its presence is charged for"


def test_a_mixture_names_its_members_and_its_lead() -> None:
    body = _cookie(_ask(), MIXTURE, "project-7")
    assert (body["use_moa_proxy"], body["moa_models"]) == (True, ["a", "b"])
    assert (body["ai_chat_model"], body["ai_chat_enable_search"]) == ("a", True)
    assert body["project_id"] == "project-7"


@QUICK
@given(
    st.lists(
        st.tuples(st.sampled_from(["system", "developer", "user", "assistant"]), texts), min_size=1
    )
)
def test_the_whole_history_travels_in_the_roles_the_route_takes(
    history: list[tuple[str, str]],
) -> None:
    ask = _ask(*({"role": role, "content": text} for role, text in history))
    sent = _cookie(ask)["messages"]
    named = {"developer": "system"}
    assert sent == [{"role": named.get(r, r), "content": t} for r, t in history if t]
    assert _cookie(ask)["user_s_input"] == next((t for r, t in history[::-1] if r == "user"), "")


def test_tool_traffic_becomes_text() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    ask = _ask(
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
    )
    for sent in (_cookie(ask)["messages"], json.loads(_legacy(ask))["messages"]):
        assert [message["role"] for message in sent] == ["user", "assistant", "user"]
        assert '"f"' in sent[1]["content"]
        assert '{"a":1}' in sent[1]["content"].replace(" ", "")
        assert "42" in sent[2]["content"]
        assert all(set(message) == {"role", "content"} for message in sent)


def test_web_headers_have_all_that_the_edge_wants() -> None:
    headers = genspark_cookie_ask.headers("https://g.test", "session_id=a", "Agent/1")
    assert headers["User-Agent"] == "Agent/1"
    assert headers["Cookie"] == "session_id=a"
    assert (headers["Origin"], headers["Content-Type"]) == ("https://g.test", "application/json")
    assert headers["Referer"] == "https://g.test/agents?type=ai_chat"


def _legacy(ask: ChatAsk, candidate: Candidate = LEGACY, project: str | None = None) -> bytes:
    return genspark_legacy.body(ask, candidate, WebTerms(project, recaptcha="token"))


def test_a_legacy_ask_names_its_project_in_the_query() -> None:
    fresh, continued = json.loads(_legacy(_ask())), json.loads(_legacy(_ask(), project="p7"))
    assert fresh["current_query_string"] == "type=COPILOT_MOA_CHAT"
    assert continued["current_query_string"] == "id=p7&type=COPILOT_MOA_CHAT"
    assert fresh["extra_data"]["models"] == ["gpt-5.2"]


def test_a_legacy_model_without_system_turns_gets_them_from_the_user() -> None:
    ask = _ask({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"})
    sent = json.loads(_legacy(ask, Candidate(Route.LEGACY, "deep-seek-r1")))
    assert [message["role"] for message in sent["messages"]] == ["user", "user"]


def _key(ask: ChatAsk, candidate: Candidate = KEY) -> Any:
    return json.loads(genspark_key_ask.body(ask, candidate))


def test_a_key_ask_is_the_callers_own_under_the_upstreams_model_name() -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    body = _key(_ask(tools=tools, seed=7, top_p=None, vendor_extra={"a": 1}))
    assert body["model"] == "claude-opus-5"
    assert (body["tools"], body["seed"], body["vendor_extra"]) == (tools, 7, {"a": 1})
    assert "top_p" not in body, "null means absent"


def test_usage_is_asked_for_whenever_it_can_be() -> None:
    assert _key(_ask(stream=True))["stream_options"] == {"include_usage": True}
    assert "stream_options" not in _key(_ask(stream_options={"include_usage": True}))


@pytest.mark.parametrize(
    ("model", "kept"),
    [("gpt-5.4", False), ("openai/gpt-6-sol", False), ("kimi-k3", False), ("Kimi-K3", False),
     ("claude-opus-5", True), ("kimi-k2p6", True), ("my-gpt-5", True)],
)  # fmt: skip
def test_a_temperature_goes_only_to_models_that_take_one(model: str, kept: bool) -> None:
    ask, candidate = _ask(temperature=0.2), Candidate(Route.KEY, model)
    assert ("temperature" in _key(ask, candidate)) is kept
    assert genspark_key_ask.ignored(ask, candidate) == ([] if kept else ["temperature"])


@QUICK
@given(st.dictionaries(texts, st.none() | texts | st.integers(), max_size=4))
def test_any_extra_field_can_be_sent(extra: dict[str, Any]) -> None:
    extra = {name: value for name, value in extra.items() if name.isupper()}
    try:
        ask = _ask(**extra)
    except InvalidRequest:
        return
    wanted = {name: value for name, value in extra.items() if value is not None}
    assert wanted.items() <= _key(ask).items()


def test_turns_that_say_nothing_are_left_out() -> None:
    ask = _ask({"role": "assistant", "content": ""}, {"role": "user", "content": "Hi"})
    assert _cookie(ask)["messages"] == [{"role": "user", "content": "Hi"}]


def test_a_continued_project_gets_only_what_it_does_not_hold() -> None:
    history = ("user", "1"), ("assistant", "2"), ("user", "3"), ("user", "4")
    ask = _ask(*({"role": role, "content": text} for role, text in history))
    body = json.loads(genspark_cookie_ask.body(ask, COOKIE, WebTerms("p7", known=2)))
    assert body["project_id"] == "p7"
    assert [message["content"] for message in body["messages"]] == ["3", "4"]


def test_attachments_stand_before_the_text_of_their_own_turn() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}
    text = {"type": "text", "text": "What is it?"}
    ask = _ask({"role": "user", "content": [text, image]}, {"role": "user", "content": [image]})
    [one], [two] = (turn.attachments for turn in ask.turns)
    parts = {one: {"type": "a"}, two: {"type": "b"}}
    sent = json.loads(genspark_cookie_ask.body(ask, COOKIE, WebTerms(parts=parts)))["messages"]
    assert [message["content"] for message in sent] == [[{"type": "a"}, text], [{"type": "b"}]]


def test_web_search_can_be_asked_for_as_openai_does() -> None:
    assert _cookie(_ask(web_search_options={}))["ai_chat_enable_search"] is True
    assert _cookie(_ask())["ai_chat_enable_search"] is False


def test_what_only_openais_models_take_goes_to_them_alone() -> None:
    ask = _ask(verbosity="low", prompt_cache_key="k", n=2)
    openai, other = Candidate(Route.KEY, "gpt-5.4"), KEY
    assert {"verbosity", "prompt_cache_key", "n"} <= _key(ask, openai).keys()
    assert not {"verbosity", "prompt_cache_key", "n"} & _key(ask, other).keys()
    assert genspark_key_ask.ignored(ask, other) == ["prompt_cache_key", "verbosity"]
    assert genspark_key_ask.ignored(ask, openai) == []


def test_no_reasoning_is_never_turned_into_some() -> None:
    ask = _ask(reasoning_effort="none")
    without = Candidate(Route.KEY, "claude-opus-5", efforts=("low", "high"))
    assert "reasoning_effort" not in _key(ask, without)
    assert genspark_key_ask.ignored(ask, without) == ["reasoning_effort"]
    takes = Candidate(Route.KEY, "gpt-5.4", efforts=("none", "low"))
    assert _key(ask, takes)["reasoning_effort"] == "none"
