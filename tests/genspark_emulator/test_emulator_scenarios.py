"""Every named scenario, at least once."""

from typing import Any

import httpx2
import pytest
from emulator_client import (
    ASK,
    COPILOT,
    EmulatorClient,
    ask_body,
    completion_body,
    data_of,
    deltas_of,
    frames_of,
    joined,
    results_of,
    streamed_text,
    types_of,
)

from genspark_emulator.scenarios.cookie_streams import COOKIE_STREAMS
from genspark_emulator.scenarios.documents import DOCUMENTS
from genspark_emulator.scenarios.failures import FAILURES
from genspark_emulator.scenarios.key_streams import KEY_STREAMS
from genspark_emulator.scenarios.legacy_streams import LEGACY_STREAMS
from genspark_emulator.scenarios.names import ROWS, canonical, flows_of

HTTP_REFUSALS = [
    ("rate_limit_cf1", 429, "Rate limit exceeded cf1"),
    ("rate_limit_cf1_200", 200, "Rate limit exceeded cf1"),
    ("rate_limit_cf2", 429, "Rate limit exceeded cf2"),
    ("too_many_requests", 429, "Too many requests"),
    ("too_quickly", 429, "too quickly"),
    ("not_login", 200, '{"status": -5, "message": "not login", "data": {}}'),
    ("not_login_401", 401, '{"status": -5, "message": "not login", "data": {}}'),
    ("user_not_found", 200, "user not found"),
    ("bad_request_cf", 400, "bad request cf"),
    ("session_rejected_401", 401, "Unauthorized"),
    ("session_rejected_419", 419, "Session expired"),
    ("forbidden_json", 403, '{"detail": "Forbidden"}'),
    ("challenge_page", 403, "_cf_chl_opt"),
    ("challenge_page_200", 200, "Just a moment"),
    ("challenge_page_503", 503, "cdn-cgi/challenge-platform"),
    ("edge_block", 403, "Sorry, you have been blocked"),
    ("bot_check_418", 418, "teapot"),
    ("outage_page", 503, "genspark_logo.png"),
    ("outage_page_200", 200, "<title>Genspark</title>"),
    ("internal_error", 500, "Internal Server Error"),
    ("validation_failed", 422, "Request parameter validation failed"),
    ("out_of_credits", 200, '{"status": -8, "message": "You\'ve run out of credits"'),
    ("retired", 200, "This feature has been retired"),
    ("retired_json", 200, '"message": "This feature has been retired'),
    ("task_failed", 200, '"error_message"'),
    ("task_not_found", 200, '{"status": -2, "message": "task not found"}'),
    ("payment_402", 402, "Payment required"),
    ("bad_key_401", 401, "Invalid API key"),
    ("forbidden_403", 403, "permission_error"),
    ("key_rate_limited", 429, '"retry_after": 30'),
    ("key_rate_limited_header", 429, "instruction_for_agent"),
    ("allowed_models", 400, "Allowed models: "),
    ("litellm_401", 401, "litellm.AuthenticationError"),
    ("tool_free_plan", 200, "free_plan_block"),
]

COOKIE_SCENARIOS = [
    ("server_overloaded", "Server overloaded, please try again later."),
    ("daily_quota", "You've reached your free usage limit today"),
    ("credits_exhausted", "fromurl=credit_exhausted"),
    ("credits_exhausted_beside", "fromurl=credit_exhausted"),
    ("credits_exhausted_localised", "您的积分已用完"),
    ("negative_balance", "Your credit balance is negative. This run was stopped."),
    ("data_retention", "requires AI Data Retention to be enabled"),
    ("canned_apology", "Sorry, I couldn't produce a response this turn."),
]


def test_every_refusal_is_in_the_table() -> None:
    assert {name for name, _, _ in HTTP_REFUSALS} == set(DOCUMENTS)
    assert {name for name, _ in COOKIE_SCENARIOS} == set(FAILURES)


@pytest.mark.parametrize(("name", "status", "text"), HTTP_REFUSALS)
def test_refusals(emulator: EmulatorClient, name: str, status: int, text: str) -> None:
    emulator.script(scenario=name, times=2)
    on_cookie = emulator.post(ASK, ask_body())
    on_key = emulator.post_completion(completion_body(stream=True))
    for response in (on_cookie, on_key):
        assert response.status_code == status
        assert text.replace(" ", "") in response.text.replace(" ", "")
        assert not response.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("number", range(1, 32))
def test_every_row_number_is_a_name(emulator: EmulatorClient, number: int) -> None:
    flow = next(iter(flows_of(ROWS[f"row{number}"]) & {"chat", "key_chat"}))
    emulator.script(scenario=f"row{number}", flow=flow)
    listed = emulator.http.get("/__emulator__/script").json()["rules"]
    assert listed[0]["scenario"] == ROWS[f"row{number}"]
    response = emulator.post(ASK, ask_body()) if flow == "chat" else emulator.complete()
    assert response.status_code >= 200
    assert emulator.http.get("/__emulator__/script").json()["rules"] == []


@pytest.mark.parametrize("name", sorted(COOKIE_STREAMS))
def test_every_cookie_stream_is_told(emulator: EmulatorClient, name: str) -> None:
    emulator.script(flow="chat", scenario=name)
    stream = emulator.ask()
    assert bool(frames_of(stream)) is (name != "no_frames")
    visible = "This is the Genspark emulator" in streamed_text(stream)
    assert visible or not name.endswith("_mid")


@pytest.mark.parametrize("name", sorted(KEY_STREAMS))
@pytest.mark.parametrize("stream", [True, False])
def test_every_key_stream_is_told(emulator: EmulatorClient, name: str, stream: bool) -> None:
    emulator.script(flow="key_chat", scenario=name)
    response = emulator.complete(stream=stream)
    failed = not stream and name.startswith("error_in_stream")
    assert response.status_code == (500 if failed else 200)
    assert "data: {" in response.text or response.json()


@pytest.mark.parametrize("name", sorted(LEGACY_STREAMS))
def test_every_legacy_stream_is_told(emulator: EmulatorClient, name: str) -> None:
    emulator.script(flow="legacy", scenario=name)
    body = {"messages": [{"role": "user", "content": "hi"}]}
    assert frames_of(emulator.post(COPILOT, body).text)[0]["type"] == "project_start"


@pytest.mark.parametrize(("name", "text"), COOKIE_SCENARIOS)
def test_failures_follow_a_normal_beginning(emulator: EmulatorClient, name: str, text: str) -> None:
    emulator.script(flow="chat", scenario=name)
    emulator.script(flow="chat", scenario=f"{name}_mid")
    at_once, late = emulator.ask(), emulator.ask()
    start = ["project_start", "message_start"]
    assert types_of(at_once) == [*start, "message_result", "project_field"]
    assert types_of(late) == [*start, "message_field_delta", "message_result", "project_field"]
    for stream in (at_once, late):
        assert text in results_of(stream)[0]["content"]


def test_quota_and_credit_actions(emulator: EmulatorClient) -> None:
    for name in ("daily_quota", "row15", "credits_exhausted_beside"):
        emulator.script(scenario=name)
    quota, inside, beside = (results_of(emulator.ask())[0] for _ in range(3))
    assert quota["action"]["type"] == "ACTION_QUOTA_EXCEEDED"
    assert quota["session_state"]["consume_usage_quota_exceeded"] is True
    assert inside["action"]["type"] == beside["action"]["type"] == "ACTION_CREDIT_EXHAUSTED"
    assert inside["action"]["action_params"] == {"block_reason": "balance_drained"}
    assert "action_params" not in beside["action"]
    assert beside["action_params"] == {"block_reason": "balance_drained"}


def limit_of(stream: str) -> Any:
    fields = (f for f in frames_of(stream) if f["type"] == "project_field")
    return next(
        f["field_value"] for f in fields if f["field_name"].endswith("session_limit_message")
    )


def test_window_limits(emulator: EmulatorClient) -> None:
    emulator.script(scenario="window_limit", epoch=1800000000)
    emulator.script(scenario="row18_mid")
    emulator.script(scenario="row18", epoch=1)
    emulator.script(scenario="window_limit_object", epoch=2, product="AI Slides")
    emulator.script(scenario="window_warning")
    assert limit_of(emulator.ask()) == "AI Chat [5-hour limit] reached. Resets {time:1800000000}"
    assert limit_of(emulator.ask()).startswith("AI Chat [5-hour limit] reached. Resets {time:")
    assert limit_of(emulator.ask()).startswith("AI Image [5-hour limit]")
    assert limit_of(emulator.ask())["value"].startswith("AI Slides [5-hour limit]")
    warned = emulator.ask()
    assert limit_of(warned) == "Approaching 5-hour limit."
    assert "hello there" in results_of(warned)[0]["content"]


def test_error_frames(emulator: EmulatorClient) -> None:
    emulator.script(scenario="error_frame", flow="chat")
    emulator.script(scenario="error_frame_nested")
    text = "The model provider reported an error."
    assert frames_of(emulator.ask())[-1] == {"type": "error", "message": text}
    assert frames_of(emulator.ask())[-1] == {"type": "error", "error": {"message": text}}


def retry_after(response: httpx2.Response) -> str | None:
    value = response.headers.get("retry-after")
    return None if value is None else str(value)


def test_waiting_times(emulator: EmulatorClient) -> None:
    for rule in (
        {"scenario": "too_many_requests"},
        {"scenario": "too_many_requests", "retry_after": 7},
        {"scenario": "key_rate_limited", "retry_after": 1},
        {"scenario": "key_rate_limited_header", "retry_after": 2},
        {"scenario": "key_rate_limited_header"},
    ):
        emulator.script(**rule)
    answers = [emulator.complete() for _ in range(5)]
    assert [retry_after(answer) for answer in answers] == [None, "7", None, "2", "30"]
    assert answers[2].json()["retry_after"] == 1
    assert "retry_after" not in answers[3].json()


def test_result_variants(emulator: EmulatorClient) -> None:
    names = ("flat_result", "duplicate_full_field", "no_deltas", "finished_only", "no_terminator")
    for name in names:
        emulator.script(flow="chat", scenario=name)
    flat, repeated, no_deltas, finished_only, no_terminator = (emulator.ask() for _ in names)
    assert next(f for f in frames_of(flat) if f["type"] == "message_result")["role"] == "assistant"
    assert sum(f["type"] == "message_field" for f in frames_of(repeated)) == 3
    assert "message_field_delta" not in types_of(no_deltas)
    assert results_of(no_deltas)[0]["content"]
    assert results_of(finished_only) == []
    assert frames_of(finished_only)[-1]["field_value"] == "FINISHED"
    assert types_of(no_terminator)[-1] == "message_field_delta"


def test_empty_variants(emulator: EmulatorClient) -> None:
    for name in ("empty_stream", "no_frames", "empty_content", "canned_apology_streamed"):
        emulator.script(flow="chat", scenario=name)
    empty, nothing, no_content, apology = (emulator.ask() for _ in range(4))
    assert types_of(empty) == ["project_start", "message_start"]
    assert nothing == ""
    assert results_of(no_content)[0]["content"] == ""
    assert streamed_text(apology) == results_of(apology)[0]["content"]


def test_side_frames_do_not_touch_the_answer(emulator: EmulatorClient) -> None:
    names = ("tool_frames", "notifications", "unknown_frames", "reasoning_fields", "answerthink")
    for name in names:
        emulator.script(flow="chat", scenario=name)
    streams = dict(zip(names, (emulator.ask() for _ in names), strict=True))
    for stream in streams.values():
        assert streamed_text(stream) == results_of(stream)[0]["content"]
    assert "tool_calls[0].function.arguments" in streams["tool_frames"]
    assert "agent_notification" in types_of(streams["notifications"])
    assert ": keep-alive" in streams["unknown_frames"]
    assert len(data_of(streams["unknown_frames"])) > len(frames_of(streams["unknown_frames"]))
    assert "reasoning_encrypted_content" in streams["reasoning_fields"]
    assert streamed_text(streams["answerthink"], "session_state.answerthink")
    assert "session_state.answerthink_is_finished" in streams["answerthink"]


def test_huge_result(emulator: EmulatorClient) -> None:
    emulator.script(scenario="huge_result")
    stream = emulator.ask()
    assert max(map(len, data_of(stream))) > 2 * 1024 * 1024
    assert results_of(stream)[0]["content"] == streamed_text(stream)


def test_other_model(emulator: EmulatorClient) -> None:
    emulator.script(flow="chat", scenario="other_model", times=2)
    emulator.script(flow="key_chat", scenario="other_model")
    for asked in ("gpt-5.4", "claude-sonnet-4-5"):
        state = results_of(emulator.ask(ai_chat_model=asked))[0]["session_state"]
        assert state["_llm_model"] != asked
    assert emulator.complete().json()["model"] == "claude-opus-4-7"


def test_refreshed_cookies_name_the_same_account(emulator: EmulatorClient) -> None:
    emulator.script(scenario="set_cookie")
    response = emulator.post(ASK, ask_body())
    session, other = response.headers.get_list("set-cookie")
    assert other.startswith("c1=")
    value = session.split(";")[0].removeprefix("session_id=")
    project = frames_of(response.text)[0]["id"]
    emulator.http.cookies.clear()
    assert frames_of(emulator.ask(session=value, project_id=project))[0]["id"] == project
    assert emulator.log()[-1]["account"] == "session-of-anna"


WALLS = [
    ("soft_wall_free_plan", "Free-plan credits can't be used", "free_plan_block"),
    ("soft_wall_free_plan_text", "Free-plan credits can't be used", None),
    ("soft_wall_header", "Please top up", "credit_exhausted"),
    ("soft_wall_exhausted_text", "Your Genspark credits have been exhausted", None),
    ("soft_wall_exhausted_json", "genspark.ai/pricing", None),
    ("soft_wall_banned", "This account is not permitted to use the Genspark API", None),
]


@pytest.mark.parametrize(("name", "text", "header"), WALLS)
def test_soft_walls_look_like_answers(
    emulator: EmulatorClient, name: str, text: str, header: str | None
) -> None:
    emulator.script(scenario=name, times=2)
    streamed, whole = emulator.complete(stream=True), emulator.complete()
    for response in (streamed, whole):
        assert response.status_code == 200
        assert response.headers.get("x-genspark-credit-wall") == header
        assert text in response.text
    assert text in whole.json()["choices"][0]["message"]["content"]


def test_json_instead_of_stream(emulator: EmulatorClient) -> None:
    emulator.script(scenario="json_instead_of_stream")
    emulator.script(scenario="soft_wall_free_plan")
    answer, wall = emulator.complete(stream=True), emulator.complete(stream=True)
    for response in (answer, wall):
        assert response.headers["content-type"] == "application/json"
    assert answer.json()["object"] == "chat.completion"
    assert wall.json()["x_genspark"]["code"] == "free_plan_block"


def test_key_stream_variants(emulator: EmulatorClient) -> None:
    names = ("error_in_stream", "error_in_stream_mid", "no_done")
    for name in names:
        emulator.script(flow="key_chat", scenario=name)
    early, late, no_done = (emulator.complete(stream=True).text for _ in names)
    assert "error" in frames_of(early)[-1]
    assert joined(deltas_of(early), "content") == ""
    assert "error" in frames_of(late)[-1]
    assert joined(deltas_of(late), "content")
    assert "[DONE]" not in no_done
    assert frames_of(no_done)[-1]["choices"][0]["finish_reason"] is None


def test_two_tool_fragments_in_one_chunk(emulator: EmulatorClient) -> None:
    emulator.script(scenario="two_tool_fragments_in_one_chunk")
    deltas = deltas_of(emulator.complete(stream=True).text)
    lists = [delta["tool_calls"] for delta in deltas if "tool_calls" in delta]
    assert max(map(len, lists)) == 2
    assert {fragment["index"] for fragments in lists for fragment in fragments} == {0, 1}


def test_names_without_a_row_stay_as_they_are() -> None:
    assert canonical("row14_mid") == "daily_quota_mid"
    assert canonical("rowing") == "rowing"
