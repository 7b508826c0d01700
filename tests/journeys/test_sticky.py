"""Sticky conversations (``AUTO_MODEL_CHAT_MAP_TYPE=1``): in their own project, or in a fresh one.

Genspark2API kept one project per cookie and model and told every caller's words to all of them.
"""

import dataclasses
import random
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conformance.sides import eventually
from conftest import Serve, Upstream
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live import SECRET, LiveServer, live, settings_for

BOB = "other-secret"
CALLERS = {"alice": SECRET, "bob": BOB}
Message = dict[str, Any]
TOOL = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object"}}}


@pytest.fixture
def sticky(serve: Serve) -> LiveServer:
    """Two cookies, two callers, sticky."""
    return serve(
        auto_model_chat_map_type=1,
        api_secret=[SECRET, BOB],
        gs_cookie="session_id=one\nsession_id=two",
    )


class Talk:
    """A conversation as a client keeps it."""

    def __init__(self, server: LiveServer, caller: str = "alice", **fields: Any) -> None:
        self.server = server
        self.caller = caller
        self.fields = fields
        self.messages: list[Message] = []

    def ask(self, text: str, **fields: Any) -> httpx2.Response:
        """One more question; the answer is kept."""
        self.messages.append({"role": "user", "content": text})
        return self.send(**fields)

    def send(self, **fields: Any) -> httpx2.Response:
        """The conversation as it stands."""
        body = {"model": "gpt-5.4", "messages": self.messages, **self.fields, **fields}
        headers = {"Authorization": f"Bearer {CALLERS[self.caller]}"}
        reply = self.server.client.post("/v1/chat/completions", json=body, headers=headers)
        assert reply.status_code == 200, reply.text
        message = reply.json()["choices"][0]["message"]
        self.messages.append({k: v for k, v in message.items() if v is not None})
        return reply


def asks(upstream: Upstream) -> list[dict[str, Any]]:
    """The chat asks that reached Genspark, in order."""
    return upstream.log("chat")


def texts(ask: dict[str, Any]) -> list[str]:
    """What an ask told."""
    return [message["content"] for message in ask["body"]["messages"]]


def test_a_follow_up_goes_on_in_its_project_with_only_the_new_words(
    sticky: LiveServer, upstream: Upstream
) -> None:
    talk = Talk(sticky)
    for question in ("One?", "Two?", "Three?"):
        talk.ask(question)

    sent = asks(upstream)
    assert [texts(ask) for ask in sent] == [["One?"], ["Two?"], ["Three?"]]
    assert len({ask["project"] for ask in sent}) == 1
    assert len({ask["account"] for ask in sent}) == 1
    assert sent[0]["body"]["project_id"] is None
    assert "One?" in talk.messages[3]["content"], "the model remembers"


def test_without_the_setting_nothing_is_gone_on_with(serve: Serve, upstream: Upstream) -> None:
    talk = Talk(serve())
    talk.ask("One?")
    talk.ask("Two?")
    assert [ask["body"]["project_id"] for ask in asks(upstream)] == [None, None]


def test_what_is_to_be_deleted_is_not_gone_on_with(serve: Serve, upstream: Upstream) -> None:
    talk = Talk(serve(auto_model_chat_map_type=1, auto_del_chat=True))
    talk.ask("One?")
    talk.ask("Two?")
    assert [len(texts(ask)) for ask in asks(upstream)] == [1, 3]


def test_callers_without_a_checked_key_are_told_apart_by_nothing(
    serve: Serve, upstream: Upstream
) -> None:
    talk = Talk(serve(auto_model_chat_map_type=1, api_secret=[]))
    talk.ask("One?")
    talk.ask("Two?")
    assert [ask["body"]["project_id"] for ask in asks(upstream)] == [None, None]


def test_the_same_history_of_another_caller_is_another_conversation(
    sticky: LiveServer, upstream: Upstream
) -> None:
    alice, bob = Talk(sticky), Talk(sticky, "bob")
    alice.ask("One?")
    bob.messages = [*alice.messages]
    bob.ask("Two?")
    alice.ask("Two?")

    first, foreign, own = asks(upstream)
    assert foreign["project"] != first["project"]
    assert own["project"] == first["project"]
    assert len(texts(foreign)) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"model": "gpt-5.4-search"},
        {"tools": [TOOL]},
        {"response_format": {"type": "json_object"}},
    ],
    ids=["model", "tools", "structure"],
)
def test_another_request_is_another_conversation(
    sticky: LiveServer, upstream: Upstream, change: dict[str, Any]
) -> None:
    talk = Talk(sticky)
    talk.ask("One?")
    talk.ask("Two?", **change)
    assert asks(upstream)[-1]["body"]["project_id"] is None


def test_an_edited_history_is_another_conversation(sticky: LiveServer, upstream: Upstream) -> None:
    talk = Talk(sticky)
    talk.ask("One?")
    talk.messages[1] = {"role": "assistant", "content": "Something else."}
    talk.ask("Two?")
    assert asks(upstream)[-1]["body"]["project_id"] is None


def test_asking_again_is_a_fresh_conversation(sticky: LiveServer, upstream: Upstream) -> None:
    """The project has moved on: the other branch is not told in it."""
    talk = Talk(sticky)
    talk.ask("One?")
    other = Talk(sticky)
    other.messages = [*talk.messages]
    talk.ask("Two?")
    other.ask("Or three?")

    first, second, third = asks(upstream)
    assert first["project"] == second["project"] != third["project"]
    assert len(texts(third)) == 3


def test_two_questions_at_once_do_not_share_a_project(
    sticky: LiveServer, upstream: Upstream
) -> None:
    talk = Talk(sticky)
    talk.ask("One?")
    twins = [Talk(sticky) for _ in range(2)]
    for twin in twins:
        twin.messages = [*talk.messages]
    upstream.script({"flow": "chat", "first_event_delay_s": 0.3, "times": 2})
    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda twin: twin.ask("Two?"), twins))

    _, one, two = asks(upstream)
    assert one["project"] != two["project"]


def test_a_lost_project_costs_one_attempt_and_no_answer(
    sticky: LiveServer, upstream: Upstream
) -> None:
    talk = Talk(sticky)
    talk.ask("One?")
    upstream.script({"flow": "chat", "reply": {"status": 500, "body": {"detail": "gone"}}})
    reply = talk.ask("Two?")

    assert reply.headers["x-genspark2api-attempts"] == "2"
    lost, fresh = asks(upstream)[1:]
    assert lost["body"]["project_id"] is not None
    assert (fresh["body"]["project_id"], len(texts(fresh))) == (None, 3)
    talk.ask("Three?")
    assert asks(upstream)[-1]["project"] == fresh["project"]


def test_a_resting_account_is_left_alone(sticky: LiveServer, upstream: Upstream) -> None:
    talk = Talk(sticky)
    reply = talk.ask("One?")
    label = reply.headers["x-genspark2api-account"]
    path = f"/admin/accounts/{label}/lock"
    assert sticky.client.post(path, json={"minutes": 5}).status_code == 200
    assert talk.ask("Two?").headers["x-genspark2api-account"] != label
    assert len(texts(asks(upstream)[-1])) == 3


@pytest.mark.parametrize("fields", [{"stop": ["emulator"]}, {"max_tokens": 3}])
def test_what_the_caller_did_not_see_whole_is_not_gone_on_with(
    sticky: LiveServer, upstream: Upstream, fields: dict[str, Any]
) -> None:
    talk = Talk(sticky)
    talk.ask("One?", **fields)
    talk.ask("Two?")
    assert asks(upstream)[-1]["body"]["project_id"] is None


def test_who_leaves_half_way_starts_afresh(sticky: LiveServer, upstream: Upstream) -> None:
    talk = Talk(sticky)
    talk.ask("One?")
    question = {"role": "user", "content": "Two?"}
    upstream.script({"answer": {"deltas": ["word "] * 400}, "frame_delay_s": 0.05})
    body = {"model": "gpt-5.4", "stream": True, "messages": [*talk.messages, question]}
    with sticky.client.stream("POST", "/v1/chat/completions", json=body) as reply:
        next(reply.iter_lines())
    services = sticky.application.services
    eventually(lambda: services.health.in_flight == 0, 5)
    talk.ask("Two?")
    assert asks(upstream)[-1]["body"]["project_id"] is None


def test_a_tool_loop_goes_on_in_its_project(sticky: LiveServer, upstream: Upstream) -> None:
    talk = Talk(sticky, tools=[TOOL])
    talk.ask("Please use get_time.")
    [call] = talk.messages[-1]["tool_calls"]
    talk.messages.append({"role": "tool", "tool_call_id": call["id"], "content": "12:34"})
    talk.send()

    first, second = asks(upstream)
    assert first["project"] == second["project"]
    [told] = texts(second)
    assert "12:34" in told
    assert "12:34" in talk.messages[-1]["content"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_project_that_begins_anew_is_not_taken_for_the_old_one(
    sticky: LiveServer, upstream: Upstream, stream: bool
) -> None:
    talk = Talk(sticky)
    talk.ask("One?")
    said = {"type": "message_field_delta", "message_id": "m", "field_name": "content"}
    result = {"type": "message_result", "message": {"role": "assistant", "content": "What?"}}
    start = {"type": "project_start", "id": "another"}
    upstream.script({"flow": "chat", "frames": [start, {**said, "delta": "What?"}, result]})
    messages = [*talk.messages, {"role": "user", "content": "Two?"}]
    reply = sticky.chat(messages=messages, stream=stream)

    assert reply.headers["x-genspark2api-attempts"] == "2"
    assert "What?" not in reply.text
    lost, fresh = asks(upstream)[1:]
    assert (len(texts(lost)), len(texts(fresh))) == (1, 3)


def test_all_attempts_are_told_of_when_none_works(serve: Serve, upstream: Upstream) -> None:
    server = serve(auto_model_chat_map_type=1, max_attempts=1)
    talk = Talk(server)
    talk.ask("One?")
    upstream.script({"flow": "chat", "scenario": "internal_error", "times": 2})
    reply = server.chat(messages=[*talk.messages, {"role": "user", "content": "Two?"}])
    assert reply.status_code == 502
    assert reply.headers["x-genspark2api-attempts"] == "2"
    assert len(asks(upstream)) == 3


GIVEN_CALL = '<tool_call>{"name": "get_time", "arguments": {}}</tool_call>'


@pytest.mark.parametrize(
    ("answers", "known"),
    [
        ([GIVEN_CALL], True),
        ([f"{GIVEN_CALL}\nThe time is 12:00."], False),
        (['<tool_call>{"name": "get_tim"}</tool_call>', GIVEN_CALL], False),
        (['<tool_call>{"name": "get_tim"}</tool_call>'] * 2, False),
    ],
    ids=["as it came", "a result made up", "repaired", "repaired in vain"],
)
def test_only_an_answer_that_was_told_as_it_came_is_gone_on_with(
    sticky: LiveServer, upstream: Upstream, answers: list[str], known: bool
) -> None:
    upstream.script(*({"flow": "chat", "answer": {"text": text}} for text in answers))
    talk = Talk(sticky, tools=[TOOL])
    talk.ask("What time is it?")
    for call in talk.messages[-1].get("tool_calls", []):
        talk.messages.append({"role": "tool", "tool_call_id": call["id"], "content": "12:34"})
    talk.ask("And?")
    last = asks(upstream)[-1]
    assert (last["body"]["project_id"] is not None) == known


def test_visible_thoughts_do_not_change_a_conversation(serve: Serve, upstream: Upstream) -> None:
    server = serve(auto_model_chat_map_type=1, reasoning_style="think")
    talk = Talk(server)
    upstream.script({"flow": "chat", "scenario": "answerthink"})
    talk.ask("One?")
    assert talk.messages[-1]["content"].startswith("<think>")
    talk.ask("Two?")
    assert texts(asks(upstream)[-1]) == ["Two?"]


@pytest.mark.parametrize("how", ["removed", "disabled"])
def test_an_account_that_is_gone_takes_its_projects_along(
    sticky: LiveServer, upstream: Upstream, how: str
) -> None:
    talk = Talk(sticky)
    label = talk.ask("One?").headers["x-genspark2api-account"]
    desk = sticky.application.services.desk
    accounts = [seat.account for seat in desk.pool.seats()]
    gone = next(account for account in accounts if account.label == label)
    rest = [account for account in accounts if account is not gone]
    kept = [dataclasses.replace(gone, disabled=True)] if how == "disabled" else []

    async def replace() -> None:
        desk.replace([*rest, *kept])

    sticky.call(replace())
    assert talk.ask("Two?").headers["x-genspark2api-account"] != label
    assert len(texts(asks(upstream)[-1])) == 3


def test_the_key_may_answer_a_question_in_between(serve: Serve, upstream: Upstream) -> None:
    server = serve(auto_model_chat_map_type=1, gsk_api_key=["gsk-a"], route_order=["cookie", "key"])
    talk = Talk(server)
    label = talk.ask("One?").headers["x-genspark2api-account"]
    path = f"/admin/accounts/{label}/lock"
    assert server.client.post(path, json={"minutes": 5}).status_code == 200
    assert talk.ask("Two?").headers["x-genspark2api-route"] == "key"
    assert server.client.post(f"/admin/accounts/{label}/unlock").status_code == 200
    talk.ask("Three?")
    assert asks(upstream)[-1]["body"]["project_id"] is None
    assert len(texts(asks(upstream)[-1])) == 5


def test_the_operators_project_is_nobodys_own(serve: Serve, upstream: Upstream) -> None:
    server = serve(auto_model_chat_map_type=1)
    Talk(server).ask("One?")
    given = asks(upstream)[0]["project"]
    server.application.services.chat.conversations.projects["gpt-5.4"] = given
    talk = Talk(server)
    talk.ask("Two?")
    talk.ask("Three?")
    # As without sticky conversations: all of it, each time.
    assert [ask["body"]["project_id"] for ask in asks(upstream)[1:]] == [given, given]
    assert [len(texts(ask)) for ask in asks(upstream)[1:]] == [1, 3]


# Two callers who say the same things at the same time.

steps = st.lists(
    st.tuples(
        st.sampled_from(sorted(CALLERS)),
        st.integers(0, 2),  # which of the caller's conversations
        st.sampled_from(["go on", "go on", "go on", "copy", "edit", "again", "new"]),
        st.sampled_from(["Hi", "And?"]),
    ),
    min_size=2,
    max_size=8,
)


@pytest.fixture(scope="module")
def standing(_emulator: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One server for all interleavings."""
    folder: Path = tmp_path_factory.mktemp("sticky")
    chosen = settings_for(
        _emulator.url,
        folder,
        auto_model_chat_map_type=1,
        api_secret=[SECRET, BOB],
        gs_cookie="session_id=one\nsession_id=two",
    )
    with ExitStack() as stack:
        yield stack.enter_context(live(chosen))


class Two:
    """Both callers' conversations, and whose words went into which project."""

    def __init__(self, server: LiveServer, upstream: Upstream) -> None:
        self.server = server
        self.upstream = upstream
        self.talks = {name: [Talk(server, name, user=name) for _ in range(3)] for name in CALLERS}

    def step(self, caller: str, number: int, what: str, text: str) -> None:
        """One request, by what a client may do to its history."""
        talk = self.talks[caller][number]
        if what == "new":
            talk.messages = []
        elif what == "copy":
            other = next(name for name in CALLERS if name != caller)
            talk.messages = [dict(each) for each in self.talks[other][number].messages]
        elif what == "edit" and talk.messages:
            talk.messages[0] = {**talk.messages[0], "content": f"{text} (edited)"}
        elif what == "again" and len(talk.messages) > 2:
            del talk.messages[-2:]
        # Words that both use, and a mark by which a request is known upstream.
        talk.ask(f"{text} [{caller}]")


def owners(entries: list[dict[str, Any]]) -> dict[str, set[str]]:
    """By project, who asked there: the caller marks the last message of each request."""
    found: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        last = texts(entry)[-1]
        found[entry["project"]] |= {name for name in CALLERS if f"[{name}]" in last}
    return found


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps, st.integers(1, 3), st.randoms(use_true_random=False))
def test_no_word_of_one_caller_reaches_a_project_of_the_other(
    standing: LiveServer, upstream: Upstream, plan: list[Any], at_once: int, chance: random.Random
) -> None:
    upstream.reset()
    two = Two(standing, upstream)
    waiting = [*plan]
    with ThreadPoolExecutor(3) as threads:
        while waiting:
            batch, waiting = waiting[:at_once], waiting[at_once:]
            # One request at a time in each conversation, as clients do.
            distinct = {(caller, number): (caller, number, what, text)
                        for caller, number, what, text in batch}  # fmt: skip
            order = [*distinct.values()]
            chance.shuffle(order)
            list(threads.map(lambda step: two.step(*step), order))

    entries = asks(upstream)
    assert len(entries) >= 1
    for project, callers in owners(entries).items():
        assert len(callers) == 1, f"{callers} share {project}"
    # And within a project the story is one story: each ask brings what the thread does not hold.
    for entry in entries:
        if entry["body"]["project_id"] is not None:
            assert len(texts(entry)) == 1
