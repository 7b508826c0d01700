"""Script, journal and projects as seen through the control interface."""

from typing import Any

import pytest
from emulator_client import (
    ASK,
    KEY,
    SESSION,
    EmulatorClient,
    ask_body,
    data_of,
    frames_of,
    streamed_text,
)


def rules(emulator: EmulatorClient) -> list[dict[str, Any]]:
    return list(emulator.http.get("/__emulator__/script").json()["rules"])


def test_help_lists_calls_fields_and_scenarios(emulator: EmulatorClient) -> None:
    body = emulator.http.get("/__emulator__/").json()
    assert "POST /__emulator__/script" in body["calls"]
    assert "cut_after_bytes" in body["modifiers"]
    assert "scenario" in body["rule_fields"]
    assert "daily_quota_mid" in body["scenarios"]["chat"]


def test_rules_are_used_first_in_first_out(emulator: EmulatorClient) -> None:
    batch = [{"answer": {"text": "one"}}, {"answer": {"text": "two"}, "times": 2}]
    emulator.script(rules=batch)
    emulator.script(answer={"text": "three"}, times=None)
    told = [streamed_text(emulator.ask()) for _ in range(5)]
    assert told == ["one", "two", "two", "three", "three"]
    assert rules(emulator) == [
        {
            "account": "*",
            "flow": "*",
            "times": None,
            "answer": rules(emulator)[0]["answer"],
        }
    ]


def test_rules_wait_for_their_account_and_flow(emulator: EmulatorClient) -> None:
    emulator.script(account="session-of-bert", answer={"text": "for Bert"})
    emulator.script(account=KEY, answer={"text": "for the key"})
    emulator.script(flow="legacy", answer={"text": "for the old route"})
    assert "You wrote" in streamed_text(emulator.ask())
    assert streamed_text(emulator.ask(session="session-of-bert")) == "for Bert"
    assert emulator.complete().json()["choices"][0]["message"]["content"] == "for the key"
    assert [rule["flow"] for rule in rules(emulator)] == ["legacy"]


def test_a_star_rule_waits_for_a_flow_its_scenario_fits(emulator: EmulatorClient) -> None:
    emulator.script(scenario="no_done")
    emulator.ask()
    assert len(rules(emulator)) == 1
    emulator.complete(stream=True)
    assert rules(emulator) == []


def test_star_does_not_mean_login(emulator: EmulatorClient) -> None:
    emulator.script(scenario="not_login", times=None)
    assert emulator.get("/api/is_login").json()["data"]["is_login"] is True


def test_deleting_the_script(emulator: EmulatorClient) -> None:
    emulator.script(answer={"text": "never"})
    emulator.http.delete("/__emulator__/script")
    assert rules(emulator) == []


def test_raw_replies(emulator: EmulatorClient) -> None:
    headers = {"X-Mark": "1", "Content-Type": "text/odd", "Set-Cookie": ["a=1", "b=2"]}
    emulator.script(reply={"status": 503, "headers": headers, "body": "odd"})
    emulator.script(reply={"body": {"a": "ä"}})
    odd, plain = emulator.post(ASK, ask_body()), emulator.post(ASK, ask_body())
    assert (odd.status_code, odd.text, odd.headers["x-mark"]) == (503, "odd", "1")
    assert odd.headers.get_list("content-type") == ["text/odd"]
    assert odd.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert (plain.json(), plain.headers["content-type"]) == ({"a": "ä"}, "application/json")


def test_verbatim_frames(emulator: EmulatorClient) -> None:
    emulator.script(frames=[{"type": "odd"}, "not json", "[DONE]"])
    stream = emulator.ask()
    assert data_of(stream) == ['{"type": "odd"}', "not json", "[DONE]"]
    assert emulator.projects() == []


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"scenrio": "retired"}, "unknown field `scenrio`"),
        ({"scenario": "retirde"}, "unknown scenario 'retirde'"),
        ({"scenario": "retired", "frames": []}, "only one of"),
        ({"flow": "chats"}, "Invalid enum value"),
        ({"flow": "login", "answer": {"text": "x"}}, "flow 'login'"),
        ({"flow": "key_chat", "scenario": "daily_quota"}, "only chat, image, legacy"),
        ({"scenario": "daily_quota", "epoch": 1}, "'epoch' only goes with"),
        ({"answer": {"text": "x", "deltas": ["x"]}}, "answer.text, answer.deltas"),
        ({"answer": {"txt": "x"}}, "unknown field `txt`"),
        ({"times": 0}, ">= 1"),
        ({"delay_s": -1}, ">= 0"),
        ({"chunk_bytes": 0}, ">= 1"),
        ({"line_end": "x"}, "Invalid enum value"),
        ({"rules": [{}, {"times": "x"}]}, "rules[1]"),
        ({"rules": [], "times": 1}, "no other field"),
        (["x"], "must be a JSON object"),
    ],
)
def test_bad_rules_are_refused_with_a_reason(
    emulator: EmulatorClient, rule: Any, complaint: str
) -> None:
    assert complaint in emulator.rejected(rule)
    assert rules(emulator) == []


def test_the_log_tells_what_arrived_and_what_was_sent(emulator: EmulatorClient) -> None:
    emulator.post(ASK, ask_body("hi"))
    emulator.complete()
    emulator.get("/api/nowhere?x=1")
    chat, key_chat, unknown = emulator.log()
    assert set(chat) == {
        *("n", "flow", "method", "path", "query", "headers", "body", "account"),
        *("status", "started", "ended", "cancelled", "bytes_sent", "recaptcha", "project"),
    }
    assert (chat["flow"], chat["account"], chat["status"]) == ("chat", SESSION, 200)
    assert chat["body"] == ask_body("hi")
    assert chat["headers"]["cookie"] == f"session_id={SESSION}"
    assert chat["bytes_sent"] > 100
    assert chat["project"] == emulator.projects()[0]["id"]
    assert (key_chat["flow"], key_chat["account"], key_chat["project"]) == ("key_chat", KEY, None)
    assert (unknown["flow"], unknown["status"]) == ("unknown", 404)
    assert unknown["query"] == {"x": "1"}


def test_the_log_can_be_read_from_a_number_on_and_cleared(emulator: EmulatorClient) -> None:
    emulator.ask()
    emulator.ask()
    first, second = emulator.log()
    assert emulator.log(since=first["n"]) == [second]
    emulator.http.delete("/__emulator__/log")
    assert emulator.log() == []
    emulator.ask()
    assert emulator.log()[0]["n"] == second["n"] + 1
    assert emulator.http.get("/__emulator__/log?since=x").status_code == 400


def test_the_log_survives_odd_text(emulator: EmulatorClient) -> None:
    body = b'{"type": "ai_chat", "messages": [{"role": "user", "content": "\\ud83d"}]}'
    emulator.http.post(ASK, content=body, headers={"cookie": f"session_id={SESSION}"})
    assert emulator.log()[0]["body"]["messages"][0]["content"] == "?"


def test_a_wrong_method_is_unknown(emulator: EmulatorClient) -> None:
    assert emulator.get(ASK).status_code == 404
    assert emulator.log()[0]["flow"] == "unknown"


def test_reset_forgets_everything(emulator: EmulatorClient) -> None:
    emulator.script(answer={"text": "x"}, times=None)
    project = frames_of(emulator.ask())[0]["id"]
    assert emulator.http.post("/__emulator__/reset").json() == {"reset": True}
    assert (emulator.log(), emulator.projects(), rules(emulator)) == ([], [], [])
    assert emulator.post(ASK, ask_body(project_id=project)).status_code == 500


def test_control_calls_are_not_logged(emulator: EmulatorClient) -> None:
    rules(emulator)
    emulator.projects()
    assert emulator.log() == []
