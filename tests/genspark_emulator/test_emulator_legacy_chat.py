"""The former chat route."""

from typing import Any

import pytest
from emulator_client import COPILOT, EmulatorClient, frames_of, streamed_text


def copilot_body(**extra: Any) -> dict[str, Any]:
    return {
        "type": "COPILOT_MOA_CHAT",
        "current_query_string": "type=COPILOT_MOA_CHAT",
        "messages": [{"role": "user", "content": "hello there"}],
        "action_params": {},
        "extra_data": {"models": ["gpt-5.2"], "request_web_knowledge": False, **extra},
        "g_recaptcha_token": "",
    }


def test_by_default_it_is_retired(emulator: EmulatorClient) -> None:
    response = emulator.post(COPILOT, copilot_body())
    assert response.status_code == 200
    assert response.text.startswith("This feature has been retired")
    assert "AI Chat" in response.text
    assert emulator.projects() == []


def test_a_modifier_alone_does_not_revive_it(emulator: EmulatorClient) -> None:
    emulator.script(flow="legacy", chunk_bytes=3)
    assert "retired" in emulator.post(COPILOT, copilot_body()).text


def test_scripted_answer_in_the_old_frames(emulator: EmulatorClient) -> None:
    emulator.script(flow="legacy", answer={"text": "old times", "reasoning": "long ago"})
    body = emulator.post(COPILOT, copilot_body()).text
    assert streamed_text(body, "session_state.answer") == "old times"
    assert streamed_text(body, "session_state.answerthink") == "long ago"
    last = frames_of(body)[-1]
    assert (last["type"], last["content"]) == ("message_result", "old times")
    assert "message" not in last


@pytest.mark.parametrize(
    ("scenario", "field"),
    [
        ("answered", "session_state.answer"),
        ("legacy_detail_answer", "session_state.streaming_detail_answer[0]"),
        ("legacy_markmap", "session_state.streaming_markmap"),
        ("legacy_layers", "session_state.answer"),
        ("answerthink", "session_state.answer"),
        ("no_terminator", "session_state.answer"),
    ],
)
def test_answer_fields(emulator: EmulatorClient, scenario: str, field: str) -> None:
    emulator.script(flow="legacy", scenario=scenario)
    assert "hello there" in streamed_text(emulator.post(COPILOT, copilot_body()).text, field)


def test_whole_values_and_json_content(emulator: EmulatorClient) -> None:
    emulator.script(flow="legacy", scenario="legacy_field_value")
    emulator.script(flow="legacy", scenario="legacy_detail_json")
    values = frames_of(emulator.post(COPILOT, copilot_body()).text)
    assert "hello there" in values[1]["field_value"]
    content = frames_of(emulator.post(COPILOT, copilot_body()).text)[-1]["content"]
    assert content.startswith('{"detailAnswer": "')


def test_search_answers_use_the_detail_field(emulator: EmulatorClient) -> None:
    emulator.script(flow="legacy", scenario="answered")
    body = emulator.post(COPILOT, copilot_body(request_web_knowledge=True)).text
    assert "Web search: on" in streamed_text(body, "session_state.streaming_detail_answer[0]")


def test_a_project_is_continued_by_its_query_string(emulator: EmulatorClient) -> None:
    emulator.script(flow="legacy", scenario="answered", times=2)
    project = frames_of(emulator.post(COPILOT, copilot_body()).text)[0]["id"]
    query = f"id={project}&type=COPILOT_MOA_CHAT"
    again = emulator.post(COPILOT, {**copilot_body(), "current_query_string": query}).text
    assert frames_of(again)[0]["id"] == project
    assert len(emulator.projects()[0]["messages"]) == 4


def test_failures_have_their_keys_at_the_top(emulator: EmulatorClient) -> None:
    emulator.script(flow="legacy", scenario="daily_quota_mid")
    frames = frames_of(emulator.post(COPILOT, copilot_body()).text)
    assert frames[1]["type"] == "message_field_delta"
    assert frames[-1]["action"] == {"type": "ACTION_QUOTA_EXCEEDED"}
    assert frames[-1]["session_state"]["consume_usage_quota_exceeded"] is True
