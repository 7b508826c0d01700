"""What goes upstream for a conversation, what is left there afterwards, and what callers may set.

Genspark keeps a project per conversation. Ours are whole each time: full history, a fresh project.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from conformance.raw_http import AUTH, chat_body, connected
from conformance.sides import eventually
from conformance.sse_reading import read_stream
from conftest import Serve, Upstream
from live import LiveServer

ENDLESS = {"answer": {"deltas": ["word "] * 2000}, "frame_delay_s": 0.05, "chunk_bytes": 200}
SOON = 5.0
PROMPT_LEAVING = 2.0
CHAT = "/v1/chat/completions"

HISTORY = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "One?"},
    {"role": "assistant", "content": "1"},
    {"role": "user", "content": "Two?"},
]


def sent(upstream: Upstream, flow: str = "chat") -> list[dict[str, Any]]:
    """The bodies of the asks, in order."""
    return [entry["body"] for entry in upstream.log(flow)]


def settled(server: LiveServer) -> None:
    """Until everything that follows an answer has been done."""
    services = server.application.services
    eventually(lambda: services.health.in_flight == 0, SOON)
    server.call(services.chat.conversations.aftermath.settle(SOON))


def deletions(upstream: Upstream) -> list[tuple[str, str]]:
    """Account and project of every deletion."""
    return [(e["account"], e["query"]["project_id"]) for e in upstream.log("delete")]


@contextmanager
def streaming(server: LiveServer, **fields: Any) -> Iterator[Any]:
    """A stream that has begun and goes on until the block ends."""
    body = {"model": "gpt-5.4", "stream": True, "messages": HISTORY[1:2], **fields}
    with server.client.stream("POST", CHAT, json=body) as reply:
        lines = reply.iter_lines()
        next(lines)
        yield reply


# The whole history, every time.


@pytest.mark.parametrize("stream", [False, True])
def test_every_ask_carries_the_whole_history_and_no_project(
    server: LiveServer, upstream: Upstream, stream: bool
) -> None:
    for end in (2, 4, 4):
        assert server.chat(messages=HISTORY[:end], stream=stream).status_code == 200

    assert [body["messages"] for body in sent(upstream)] == [HISTORY[:2], HISTORY, HISTORY]
    assert [body["project_id"] for body in sent(upstream)] == [None] * 3
    assert all(body["is_private"] is True for body in sent(upstream))
    assert len(upstream.projects()) == 3


def test_the_sticky_setting_of_genspark2api_stays_stateless(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(auto_model_chat_map_type=1)

    server.chat("one")
    server.chat("one")

    assert [body["project_id"] for body in sent(upstream)] == [None, None]


def test_a_model_field_never_goes_to_the_cookie_route(
    server: LiveServer, upstream: Upstream
) -> None:
    server.chat()
    server.chat(model="gpt-5.4-search")
    server.chat(model="mixture-of-agents")
    server.chat(model="nobody-knows")

    assert len(sent(upstream)) == 4
    assert all("model" not in body for body in sent(upstream))
    assert all(body["ai_chat_model"] for body in sent(upstream))


def test_developer_is_system(server: LiveServer, upstream: Upstream) -> None:
    server.chat(messages=[{"role": "developer", "content": "Obey."}, HISTORY[1]])

    assert sent(upstream)[0]["messages"] == [{"role": "system", "content": "Obey."}, HISTORY[1]]


def test_the_operators_messages_come_first(serve: Serve, upstream: Upstream) -> None:
    opening = [{"role": "system", "content": "House rules."}, {"role": "user", "content": "Hm."}]
    server = serve(pre_messages_json=json.dumps(opening), gsk_api_key=["gsk-a"])

    server.chat(messages=HISTORY)
    upstream.script({"flow": "key_chat", "scenario": "payment_402"})
    server.chat(messages=HISTORY)

    assert sent(upstream, "key_chat")[0]["messages"] == [*opening, *HISTORY]
    assert sent(upstream)[0]["messages"] == [*opening, *HISTORY]


def test_a_tool_transcript_reaches_the_cookie_route_as_text(
    server: LiveServer, upstream: Upstream
) -> None:
    call = {
        "id": "call_7",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city":"Oslo"}'},
    }
    messages = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_7", "content": "4 degrees"},
        {"role": "assistant", "content": "", "function_call": {"name": "a", "arguments": "{}"}},
        {"role": "function", "name": "a", "content": "done"},
    ]

    assert server.chat(messages=messages).status_code == 200

    said = sent(upstream)[0]["messages"]
    assert [turn["role"] for turn in said] == ["user", "assistant", "user", "assistant", "user"]
    assert all(set(turn) == {"role", "content"} for turn in said)
    texts = [turn["content"] for turn in said]
    assert '"weather"' in texts[1]
    assert "Oslo" in texts[1]
    assert "call_7" in texts[2]
    assert "4 degrees" in texts[2]
    assert '"a"' in texts[3]
    assert "done" in texts[4]


# Deletion.


@pytest.mark.parametrize("stream", [False, True])
def test_a_conversation_is_deleted_after_its_answer(
    serve: Serve, upstream: Upstream, stream: bool
) -> None:
    server = serve(gs_cookie="ann\nbob", account_policy="round_robin", auto_del_chat=True)

    for _ in range(2):
        assert server.chat(stream=stream).status_code == 200
    settled(server)

    projects = upstream.projects()
    assert [project["account"] for project in projects] == ["ann", "bob"]
    assert all(project["deleted"] for project in projects)
    assert deletions(upstream) == [(p["account"], p["id"]) for p in projects]
    ends = [entry["ended"] for entry in upstream.log("chat")]
    for end, deletion in zip(ends, upstream.log("delete"), strict=True):
        assert end <= deletion["started"], "only when the stream has ended"
    assert upstream.log("abort") == []


def test_conversations_stay_unless_deletion_is_wanted(
    server: LiveServer, upstream: Upstream
) -> None:
    server.chat()
    settled(server)

    assert deletions(upstream) == []
    assert [project["deleted"] for project in upstream.projects()] == [False]


@pytest.mark.parametrize("scenario", ["empty_stream", "daily_quota", "error_frame"])
def test_failed_attempts_leave_no_conversation_behind(
    serve: Serve, upstream: Upstream, scenario: str
) -> None:
    server = serve(gs_cookie="ann\nbob", account_policy="round_robin", auto_del_chat=True)
    upstream.script({"flow": "chat", "scenario": scenario})

    assert server.chat().status_code == 200
    settled(server)

    projects = upstream.projects()
    assert [project["account"] for project in projects] == ["ann", "bob"]
    assert sorted(deletions(upstream)) == sorted((p["account"], p["id"]) for p in projects)
    assert upstream.log("abort") == []


def test_a_conversation_that_fails_after_text_is_deleted_too(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(gs_cookie="ann", auto_del_chat=True)
    upstream.script({"flow": "chat", "scenario": "error_frame_mid"})

    assert read_stream(server.chat(stream=True).content).errors
    settled(server)

    assert [project["deleted"] for project in upstream.projects()] == [True]


def test_a_deletion_that_fails_troubles_nobody(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="ann", auto_del_chat=True)
    upstream.script({"flow": "delete", "scenario": "rate_limit_cf1", "times": None})

    assert [server.chat().status_code for _ in range(2)] == [200, 200]
    settled(server)

    assert len(deletions(upstream)) == 2


def test_the_key_route_has_nothing_to_delete(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="ann", gsk_api_key=["gsk-a"], auto_del_chat=True)

    assert server.chat().headers["x-genspark2api-route"] == "key"
    settled(server)

    assert upstream.log("delete") == []


# Projects of the operator's own.


@pytest.fixture
def project(upstream: Upstream) -> str:
    """A project of ann's."""
    wish = {"name": "mine", "type": "ai_chat"}
    headers = {"Cookie": "session_id=ann", "User-Agent": "test"}
    reply = upstream._client.post("/api/project/create", json=wish, headers=headers)
    found: str = reply.json()["data"]["id"]
    return found


def test_an_operators_project_is_used_and_never_deleted(
    serve: Serve, upstream: Upstream, project: str
) -> None:
    server = serve(gs_cookie="ann", auto_del_chat=True, model_chat_map={"gpt-5.4": project})

    server.chat()
    upstream.script({"flow": "chat", "scenario": "error_frame"}, {"flow": "chat"})
    server.chat()
    server.chat(model="gpt-5.5")
    settled(server)

    used = [body["project_id"] for body in sent(upstream)]
    assert used[0] == used[1] == project
    assert used[-1] is None
    assert project not in [deleted for _, deleted in deletions(upstream)]
    assert not upstream.projects()[0]["deleted"]


def test_an_operators_project_has_one_conversation_at_a_time(
    serve: Serve, upstream: Upstream, project: str
) -> None:
    server = serve(gs_cookie="ann", model_chat_map={"gpt-5.4": project})
    upstream.script({"flow": "chat", **ENDLESS})

    with streaming(server):
        assert server.chat().status_code == 200
    settled(server)
    assert server.chat().status_code == 200

    assert [body["project_id"] for body in sent(upstream)] == [project, None, project]


def test_a_caller_who_leaves_an_operators_project_stops_the_run_and_keeps_the_project(
    serve: Serve, upstream: Upstream, project: str
) -> None:
    server = serve(gs_cookie="ann", auto_del_chat=True, model_chat_map={"gpt-5.4": project})
    upstream.script({"flow": "chat", **ENDLESS})

    with streaming(server):
        pass
    settled(server)

    assert [entry["query"]["project_id"] for entry in upstream.log("abort")] == [project]
    assert deletions(upstream) == []


def test_the_project_is_free_again_only_when_its_run_has_been_stopped(
    serve: Serve, upstream: Upstream, project: str
) -> None:
    server = serve(gs_cookie="ann", model_chat_map={"gpt-5.4": project})
    upstream.script({"flow": "chat", **ENDLESS}, {"flow": "abort", "delay_s": 0.5})

    with streaming(server):
        pass
    eventually(lambda: len(upstream.log("abort")) == 1, SOON)
    server.chat()
    settled(server)
    server.chat()

    assert [body["project_id"] for body in sent(upstream)] == [project, None, project]


# Leaving.


@pytest.mark.parametrize("stream", [False, True])
def test_leaving_cancels_the_ask_and_aborts_the_run_once(
    serve: Serve, upstream: Upstream, stream: bool
) -> None:
    server = serve(gs_cookie="ann", auto_del_chat=True)
    upstream.script({"flow": "chat", **ENDLESS})

    with connected(server.url) as connection:
        connection.send("POST", CHAT, AUTH, chat_body(stream=stream))
        eventually(lambda: any(e["bytes_sent"] > 3000 for e in upstream.log("chat")), SOON)

    took = eventually(lambda: bool(upstream.log("chat")[0]["cancelled"]), PROMPT_LEAVING)
    assert took < PROMPT_LEAVING
    settled(server)
    [left] = upstream.projects()
    aborts = upstream.log("abort")
    assert [(e["account"], e["query"]["project_id"]) for e in aborts] == [("ann", left["id"])]
    assert deletions(upstream) == [("ann", left["id"])]
    assert aborts[0]["started"] <= upstream.log("delete")[0]["started"]


def test_an_answer_that_takes_too_long_is_stopped_upstream(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(gs_cookie="ann", answer_timeout=0.2)
    upstream.script({"flow": "chat", **ENDLESS})

    assert server.chat().status_code == 504

    eventually(lambda: bool(upstream.log("chat")[0]["cancelled"]), PROMPT_LEAVING)
    eventually(lambda: len(upstream.log("abort")) == 1, PROMPT_LEAVING)


def test_one_callers_leaving_does_not_touch_anothers_answer(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(gs_cookie="ann")
    words = [f"word{n} " for n in range(30)]
    upstream.script(
        {"flow": "chat", **ENDLESS},
        {"flow": "chat", "answer": {"deltas": words}, "frame_delay_s": 0.02},
    )

    with ThreadPoolExecutor(1) as pool:
        with streaming(server):
            other = pool.submit(server.chat, "stay", stream=True)
            eventually(lambda: len(upstream.log("chat")) == 2, SOON)
        reading = read_stream(other.result(SOON).content)

    assert reading.text() == "".join(words)
    assert reading.errors == []


# Models.


def test_search_is_a_suffix_of_the_model(server: LiveServer, upstream: Upstream) -> None:
    reply = server.chat(model="gpt-5.4-search")
    server.chat()

    first, second = sent(upstream)
    assert (first["ai_chat_model"], first["ai_chat_enable_search"]) == ("gpt-5.4", True)
    assert second["ai_chat_enable_search"] is False
    assert reply.json()["model"] == "gpt-5.4-search"


def test_search_goes_to_the_cookie_route_even_where_keys_come_first(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(gs_cookie="ann", gsk_api_key=["gsk-a"])

    assert server.chat(model="gpt-5.4-search").headers["x-genspark2api-route"] == "cookie"
    assert sent(upstream, "key_chat") == []


@pytest.mark.parametrize("stream", [False, True])
def test_search_without_a_cookie_is_the_official_tools(
    key_server: LiveServer, upstream: Upstream, stream: bool
) -> None:
    reply = key_server.chat("Who won\n the match?", model="gpt-5.4-search", stream=stream)

    assert reply.status_code == 200
    assert [entry["body"] for entry in upstream.log("key_search")] == [{"q": "Who won the match?"}]
    [asked] = sent(upstream, "key_chat")
    assert [turn["role"] for turn in asked["messages"]] == ["system", "user"]
    assert "https://example.com/search/1" in asked["messages"][0]["content"]
    if not stream:
        notes = reply.json()["choices"][0]["message"]["annotations"]
        assert [note["url_citation"]["url"] for note in notes] == [
            f"https://example.com/search/{number}" for number in (1, 2, 3)
        ]
    assert b"https://example.com/search/3" in reply.content


def test_a_search_that_fails_is_an_attempt_that_failed(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie=None, gsk_api_key=["gsk-a", "gsk-b"])
    upstream.script({"flow": "key_search", "scenario": "key_rate_limited"})

    reply = server.chat(model="gpt-5.4-search")

    assert (reply.status_code, reply.headers["x-genspark2api-attempts"]) == (200, "2")
    assert len(sent(upstream, "key_chat")) == 1


def test_a_plain_model_searches_nothing_with_a_key(
    key_server: LiveServer, upstream: Upstream
) -> None:
    key_server.chat(web_search_options={})

    assert upstream.log("key_search") == []
    assert sent(upstream, "key_chat")[0]["web_search_options"] == {}


@pytest.mark.parametrize("model", ["nobody-knows", "mixture-of-agents"])
@pytest.mark.parametrize("stream", [False, True])
def test_the_mixture_answers_for_unknown_models_and_says_so(
    server: LiveServer, upstream: Upstream, model: str, stream: bool
) -> None:
    reply = server.chat(model=model, stream=stream)

    members = sent(upstream)[0]["moa_models"]
    assert len(members) > 1
    assert sent(upstream)[0]["use_moa_proxy"] is True
    assert reply.headers["x-genspark2api-served-model"] == ",".join(members)
    told = read_stream(reply.content).chunks[0] if stream else reply.json()
    assert told["model"] == model


def test_unknown_models_can_be_refused_or_forwarded(serve: Serve, upstream: Upstream) -> None:
    refused = serve(unknown_model="reject").chat(model="nobody-knows")
    assert refused.status_code == 404
    assert refused.json()["error"]["code"] == "model_not_found"
    assert upstream.log() == []

    forwarded = serve(unknown_model="forward").chat(model="nobody-knows")
    assert sent(upstream)[0]["ai_chat_model"] == "nobody-knows"
    # The emulator, like Genspark, serves another one without a word; the header tells.
    assert forwarded.headers["x-genspark2api-served-model"] == "claude-sonnet-4-5"


def test_aliases_are_public_names_for_other_models(serve: Serve, upstream: Upstream) -> None:
    server = serve(model_aliases={"gpt-4o-mini": "gpt-5.4-mini", "Clever": "gpt-5.4-search"})

    mini = server.chat(model="gpt-4o-mini")
    server.chat(model="clever")
    listed = {model["id"] for model in server.client.get("/v1/models").json()["data"]}

    assert mini.json()["model"] == "gpt-4o-mini"
    first, second = sent(upstream)
    assert first["ai_chat_model"] == "gpt-5.4-mini"
    assert (second["ai_chat_model"], second["ai_chat_enable_search"]) == ("gpt-5.4", True)
    assert "gpt-4o-mini" in listed


@pytest.mark.parametrize("name", ["server", "key_server"])
def test_a_substituted_model_is_shown(
    name: str, request: pytest.FixtureRequest, upstream: Upstream
) -> None:
    live: LiveServer = request.getfixturevalue(name)
    flow = {"server": "chat", "key_server": "key_chat"}[name]
    upstream.script({"flow": flow, "scenario": "other_model", "times": 2})

    whole = live.chat()
    streamed = live.chat(stream=True)
    honest = live.chat(stream=True)

    served = whole.headers["x-genspark2api-served-model"]
    assert served != "gpt-5.4"
    assert whole.json()["model"] == "gpt-5.4"
    assert f": served-model {served}\n\n" in streamed.text
    assert read_stream(streamed.content).finishes() == ["stop"]
    assert "served-model" not in honest.text


# Other settings and parameters.


@pytest.mark.parametrize("stream", [False, True])
def test_reasoning_is_shown_unless_it_is_to_be_hidden(
    serve: Serve, upstream: Upstream, stream: bool
) -> None:
    rule = {"answer": {"text": "42", "reasoning": "Let me think."}, "times": None}
    upstream.script({"flow": "chat", **rule}, {"flow": "key_chat", **rule})

    for credentials in ({}, {"gs_cookie": None, "gsk_api_key": ["gsk-a"]}):
        shown = serve(**credentials).chat(stream=stream)
        hidden = serve(**credentials, reasoning_hide=True).chat(stream=stream)

        assert "Let me think." in _reasoning(shown, stream=stream)
        assert "think" not in hidden.text
        assert "42" in hidden.text


def _reasoning(reply: Any, *, stream: bool) -> str:
    if stream:
        return read_stream(reply.content).reasoning()
    found: str = reply.json()["choices"][0]["message"]["reasoning_content"]
    return found


TOOLS = {
    "tools": [{"type": "function", "function": {"name": "weather", "parameters": {}}}],
    "tool_choice": "auto",
}


def test_tools_can_be_switched_off(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie=None, gsk_api_key=["gsk-a"], tool_calling_enabled=False)

    reply = server.chat("Call weather", **TOOLS)

    assert not {"tools", "tool_choice"} & set(sent(upstream, "key_chat")[0])
    assert "tool_calls" not in reply.json()["choices"][0]["message"]
    assert reply.json()["choices"][0]["finish_reason"] == "stop"


def test_switched_off_tools_are_no_reason_to_refuse_the_cookie_route(
    serve: Serve, upstream: Upstream
) -> None:
    assert serve(tool_calling_enabled=False).chat("weather", **TOOLS).status_code == 200
    assert "tools" not in sent(upstream)[0]


def test_tools_go_through_on_the_key_route(key_server: LiveServer, upstream: Upstream) -> None:
    reply = key_server.chat("Call weather", **TOOLS)

    assert sent(upstream, "key_chat")[0]["tools"] == TOOLS["tools"]
    [call] = reply.json()["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "weather"


@pytest.mark.parametrize("model", ["gpt-5.4", "kimi-k3", "gpt-6-sol"])
def test_a_temperature_that_a_model_refuses_is_left_out_and_listed(
    key_server: LiveServer, upstream: Upstream, model: str
) -> None:
    reply = key_server.chat(model=model, temperature=0.3, top_p=0.9)

    assert reply.status_code == 200
    body = sent(upstream, "key_chat")[0]
    assert "temperature" not in body
    assert body["top_p"] == 0.9
    assert reply.headers["x-genspark2api-ignored"] == "temperature"


def test_a_temperature_that_a_model_takes_goes_through(
    key_server: LiveServer, upstream: Upstream
) -> None:
    reply = key_server.chat(model="claude-opus-4-7", temperature=0.3)

    assert sent(upstream, "key_chat")[0]["temperature"] == 0.3
    assert "x-genspark2api-ignored" not in reply.headers


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_cookie_route_cannot_honour_is_listed(
    server: LiveServer, upstream: Upstream, stream: bool
) -> None:
    reply = server.chat(temperature=0.3, max_tokens=50, stream=stream)

    assert reply.headers["x-genspark2api-ignored"] == "temperature"
    assert not {"temperature", "max_tokens"} & set(sent(upstream)[0])
