"""What must stay between a caller, one account and Genspark: credentials, prompts, answers.

Two cookies and a key, three callers, every way of failing; then the logs at debug level, the
metrics, the operator's list and every error are searched for marks.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from conformance.sides import eventually
from conformance.sse_reading import read_stream
from conftest import Serve, Upstream
from live import SECRET, LiveServer

from proxy.telemetry import configure_logs

COOKIES = ["MARKCOOKIE1aa", "MARKCOOKIE2bb"]
KEY = "gsk-MARKKEY3cc"
CALLERS = ["MARKCALLER1", "MARKCALLER2"]
CREDENTIALS = ["MARKCOOKIE", "MARKKEY", "MARKCALLER"]
TEXTS = ["MARKPROMPT", "MARKSYSTEM", "MARKANSWER", "MARKTHOUGHT", "MARKTOOL"]
SOON = 5.0

# What an upstream could say about a request: it quotes everything it knows.
GOSSIP = f"MARKPROMPT from session_id={COOKIES[0]} with {KEY} by mark@example.com"
ANSWER = {"deltas": ["MARKANSWER ", "and more"], "reasoning": "MARKTHOUGHT"}


@dataclass
class World:
    """A server with accounts of both kinds, and what was replied to anybody."""

    server: LiveServer
    upstream: Upstream
    replies: list[Any]

    def chat(self, caller: str = CALLERS[0], **fields: Any) -> Any:
        """A chat full of marks."""
        call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "MARKTOOL"}}
        messages = [
            {"role": "system", "content": "MARKSYSTEM"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "MARKTOOL"},
            {"role": "user", "content": f"MARKPROMPT of {caller}"},
        ]
        reply = self.server.client.post(
            "/v1/chat/completions",
            json={"model": "gpt-5.4", "messages": messages, **fields},
            headers={"Authorization": f"Bearer {caller}"},
        )
        self.replies.append(reply)
        return reply

    def unlock(self) -> None:
        """All accounts are well again."""
        for account in self.accounts():
            self.server.client.post(f"/admin/accounts/{account['label']}/unlock")

    def forget_script(self) -> None:
        """The upstream answers as usual."""
        self.upstream._client.request("DELETE", "/__emulator__/script")

    def operators_view(self) -> str:
        """Metrics and accounts."""
        return self.server.client.get("/metrics").text + str(self.accounts())

    def accounts(self) -> list[dict[str, Any]]:
        """The operator's list."""
        found: list[dict[str, Any]] = self.server.client.get("/admin/accounts").json()["accounts"]
        return found


@pytest.fixture
def world(serve: Serve, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two cookies, a key, two callers beside the operator; no breath before a second ask."""
    monkeypatch.setattr("proxy.core.attempts.BACK_OFF", 0.0)
    server = serve(
        gs_cookie="\n".join(f"session_id={cookie}; c1=x" for cookie in COOKIES),
        gsk_api_key=[KEY],
        api_secret=[SECRET, *CALLERS],
        account_policy="round_robin",
        debug=True,
    )
    return World(server, upstream, [])


@contextmanager
def _logging(world: World, log_format: str) -> Iterator[None]:
    """The logs as a real server has them, until it has ended: pytest closes the captured streams
    with the test's body, and a request's line is written after its reply.
    """
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    # A forced configuration would close the handlers of the test run.
    root.handlers.clear()
    configure_logs(log_format, debug=True)
    try:
        yield
    finally:
        world.server.server.should_exit = True
        world.server.thread.join(20)
        structlog.reset_defaults()
        root.handlers[:], root.level = before


def _mentions(text: str, marks: list[str]) -> list[str]:
    """The lines that hold a mark."""
    return [line for line in text.splitlines() if any(mark in line for mark in marks)]


DOCUMENTS: list[tuple[str, dict[str, Any]]] = [
    *((scenario, {"scenario": scenario}) for scenario in (
        "rate_limit_cf1", "not_login", "bad_request_cf", "forbidden_json", "challenge_page",
        "edge_block", "outage_page", "internal_error", "validation_failed", "out_of_credits",
        "task_failed", "payment_402", "bad_key_401", "forbidden_403", "key_rate_limited",
        "allowed_models", "litellm_401",
    )),
    *((f"a {status} that gossips", {"reply": {"status": status, "body": GOSSIP}})
      for status in (200, 400, 401, 402, 403, 404, 418, 422, 429, 500, 503)),
    ("an error object that gossips",
     {"reply": {"status": 500, "body": {"error": {"message": GOSSIP}, "detail": GOSSIP}}}),
    ("a validation error that quotes",
     {"reply": {"status": 422, "body": {"status": -2, "message": GOSSIP, "errors": [
         {"loc": ["body", "messages", 0], "msg": GOSSIP, "input": GOSSIP}]}}}),
    ("a page that gossips",
     {"reply": {"status": 403, "headers": {"content-type": "text/html"},
                "body": f"<html>{GOSSIP}</html>"}}),
    ("no stream at all", {"frames": [GOSSIP]}),
    ("a frame of an unknown type", {"frames": [{"type": GOSSIP, "choices": GOSSIP}]}),
    ("an error frame that gossips",
     {"frames": [{"type": "error", "error": {"message": GOSSIP, "code": GOSSIP}}]}),
    ("a limit that gossips",
     {"frames": [{"type": "project_field", "field_name": "session_state.session_limit_message",
                  "field_value": f"{GOSSIP} AI Chat limit reached"}]}),
]  # fmt: skip


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("flow", ["chat", "key_chat"])
def test_no_failure_makes_the_server_talk(
    world: World, flow: str, stream: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    model = "gpt-5-codex" if flow == "key_chat" else "gpt-5-pro"
    with _logging(world, "json"):
        for name, rule in DOCUMENTS:
            world.upstream.script({"flow": flow, "times": None, **rule})
            world.chat(model=model, stream=stream)
            world.unlock()
            world.forget_script()
            said = "".join(capfd.readouterr())
            assert '"event":"request"' in said
            # An explanation of a bad request is for its caller and for nobody else.
            assert _mentions(said, [*CREDENTIALS, *TEXTS]) == [], name
        shown = world.operators_view()

    assert _mentions(shown + "".join(capfd.readouterr()), [*CREDENTIALS, *TEXTS]) == []
    for reply in world.replies:
        shown = f"{reply.text} {reply.headers}"
        assert _mentions(shown, [*CREDENTIALS, "mark@example.com"]) == []


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_answers_and_prompts_are_not_in_the_logs(
    world: World, log_format: str, capfd: pytest.CaptureFixture[str]
) -> None:
    rules = [{"flow": flow, "times": None, "answer": ANSWER} for flow in ("chat", "key_chat")]
    world.upstream.script(*rules)
    with _logging(world, log_format):
        for caller in CALLERS:
            for stream in (False, True):
                for model in ("gpt-5-pro", "gpt-5-codex"):
                    reply = world.chat(caller, model=model, stream=stream)
                    assert reply.status_code == 200
                    assert "MARKANSWER" in reply.text
                    assert _mentions(f"{reply.text} {reply.headers}", CREDENTIALS) == []
        world.chat(model="gpt-5-pro", tools=[{"function": {"name": "MARKTOOL"}}])
        world.chat(model="gpt-5-pro", temperature="MARKPROMPT")
        world.chat("MARKCALLER-unknown")
        world.forget_script()
        world.upstream.script({"flow": "chat", "scenario": "daily_quota_mid"})
        assert read_stream(world.chat(model="gpt-5-pro", stream=True).content).errors
        shown = world.operators_view()

    said = "".join(capfd.readouterr())
    assert "account.locked" in said
    assert "genspark2api_requests_total" in shown
    assert _mentions(said + shown, [*CREDENTIALS, *TEXTS]) == []


def test_accounts_are_shown_by_label_only(world: World) -> None:
    world.upstream.script({"flow": "chat", "scenario": "credits_exhausted"})
    world.chat(model="gpt-5-pro")
    listed = world.accounts()
    assert [account["label"] for account in listed] == ["key-1", "cookie-1", "cookie-2"]
    assert _mentions(str(listed), [*CREDENTIALS, *TEXTS]) == []


# What accounts and callers must not learn of each other.


def test_a_refreshed_cookie_stays_with_its_account(world: World) -> None:
    world.upstream.script({"flow": "chat", "account": COOKIES[0], "scenario": "set_cookie"})
    for _ in range(6):
        assert world.chat(model="gpt-5-pro").status_code == 200

    by_account: dict[str, list[str]] = {}
    for entry in world.upstream.log("chat"):
        by_account.setdefault(entry["account"], []).append(entry["headers"]["cookie"])
    refreshed = f"session_id={COOKIES[0]}-refreshed-1; c1=refreshed"
    assert by_account == {
        COOKIES[0]: [f"session_id={COOKIES[0]}; c1=x", refreshed, refreshed],
        COOKIES[1]: [f"session_id={COOKIES[1]}; c1=x"] * 3,
    }


@pytest.mark.parametrize("auto_delete", [False, True])
def test_each_ask_is_a_conversation_of_its_own(
    serve: Serve, upstream: Upstream, auto_delete: bool
) -> None:
    server = serve(
        gs_cookie="ann\nbob",
        api_secret=[SECRET, *CALLERS],
        account_policy="round_robin",
        auto_del_chat=auto_delete,
    )
    world = World(server, upstream, [])
    for number in range(8):
        world.chat(CALLERS[number % 2], model="gpt-5-pro", stream=number % 3 == 0)

    projects = upstream.projects()
    assert len({project["id"] for project in projects}) == 8
    assert all(entry["body"]["project_id"] is None for entry in upstream.log("chat"))
    for project, reply in zip(projects, world.replies, strict=True):
        caller = reply.request.headers["authorization"].removeprefix("Bearer ")
        other = next(name for name in CALLERS if name != caller)
        assert caller in str(project["messages"])
        assert other not in str(project["messages"])
    if auto_delete:
        eventually(lambda: all(project["deleted"] for project in upstream.projects()), SOON)
    for entry in upstream.log("delete"):
        [owner] = [p["account"] for p in projects if p["id"] == entry["query"]["project_id"]]
        assert entry["account"] == owner


def test_what_one_account_refused_the_next_hears_in_a_conversation_of_its_own(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(gs_cookie="ann\nbob\ncyd", account_policy="round_robin")
    upstream.script(
        {"account": "ann", "scenario": "server_overloaded"},
        {"account": "bob", "scenario": "daily_quota"},
    )
    assert server.chat("hello", stream=True).status_code == 200
    asks = upstream.log("chat")
    assert [entry["account"] for entry in asks] == ["ann", "bob", "cyd"]
    assert [entry["body"]["project_id"] for entry in asks] == [None] * 3
    owners = [(project["account"], len(project["messages"])) for project in upstream.projects()]
    assert owners == [("ann", 2), ("bob", 2), ("cyd", 2)]


def test_a_failing_caller_does_not_end_up_in_anothers_answer(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(gs_cookie="ann", cookie_concurrency=4)
    upstream.script(
        {"flow": "chat", "answer": {"deltas": ["first ", "half"]}, "cut_after_bytes": 700},
        {"flow": "chat", "answer": {"text": "second"}},
    )
    broken, whole = server.chat("one", stream=True), server.chat("two", stream=True)
    assert read_stream(broken.content).errors
    assert read_stream(whole.content).text() == "second"
