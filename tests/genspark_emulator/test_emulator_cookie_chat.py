"""The chat of the web application."""

import http.client
import json
from typing import Any

import pytest
from emulator_client import (
    ASK,
    SESSION,
    EmulatorClient,
    ask_body,
    data_of,
    frames_of,
    results_of,
    streamed_text,
    types_of,
)


def project_of(stream: str) -> str:
    return str(frames_of(stream)[0]["id"])


def test_a_turn_has_the_observed_frames_in_the_observed_order(emulator: EmulatorClient) -> None:
    stream = emulator.ask("hello there")
    assert types_of(stream) == [
        "project_start",
        "message_start",
        "project_field",
        "message_field_delta",
        "message_field",
        "message_result",
        "project_field",
    ]
    assert frames_of(stream)[-1]["field_value"] == "FINISHED"
    assert set(results_of(stream)[0]) == {"role", "content", "action", "session_state"}


def test_deltas_full_field_and_result_agree(emulator: EmulatorClient) -> None:
    stream = emulator.ask("hello there")
    full = next(f for f in frames_of(stream) if f["type"] == "message_field")["field_value"]
    assert streamed_text(stream) == full == results_of(stream)[0]["content"]
    assert "emulator" in full
    assert "gpt-5.4" in full
    assert "hello there" in full


def test_json_has_a_space_after_separators_and_events_end_with_an_empty_line(
    emulator: EmulatorClient,
) -> None:
    stream = emulator.ask()
    assert stream.startswith('data: {"type": "project_start", "id": "')
    assert stream.endswith("}\n\n")
    assert all(line.startswith("data: ") or not line for line in stream.split("\n"))


def test_event_index_grows_and_is_on_some_frames_only(emulator: EmulatorClient) -> None:
    frames = frames_of(emulator.ask())
    indexes = [frame["_event_index"] for frame in frames if "_event_index" in frame]
    assert indexes == sorted(set(indexes))
    assert 0 < len(indexes) < len(frames)


@pytest.mark.parametrize(
    "text",
    ["emoji 👩‍👩‍👧 and 🇩🇪", "你好,世界。" * 20, "two  spaces\nand\r\nlines ", 'q"uo\\te', ""],
)
def test_any_text_is_quoted_faithfully(emulator: EmulatorClient, text: str) -> None:
    stream = emulator.ask(text)
    assert text in streamed_text(stream)
    assert streamed_text(stream) == results_of(stream)[0]["content"]


def test_system_turns_are_honoured_and_images_counted(emulator: EmulatorClient) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    messages = [
        {"role": "system", "content": "Answer in rhymes"},
        {"role": "user", "content": [picture, {"type": "text", "text": "what is it"}]},
    ]
    text = streamed_text(emulator.ask(messages=messages))
    assert "Answer in rhymes" in text
    assert "Images received: 1" in text
    assert "what is it" in text


def test_uploaded_files_are_counted(emulator: EmulatorClient) -> None:
    place = emulator.get("/api/get_upload_personal_image_url").json()["data"]
    emulator.http.put(
        place["upload_image_url"], content=b"%PDF", headers={"x-ms-blob-type": "BlockBlob"}
    )
    file = {"name": "a.pdf", "private_storage_url": place["private_storage_url"]}
    parts = [{"type": "private_file", "private_file": file}, {"type": "text", "text": "sum it up"}]
    text = streamed_text(emulator.ask(messages=[{"role": "user", "content": parts}]))
    assert "Files received: 1." in text
    assert "Images received" not in text


def test_sources_are_told_before_the_text_with_search_only(emulator: EmulatorClient) -> None:
    emulator.script(scenario="search_sources", times=2)
    found, plain = emulator.ask(ai_chat_enable_search=True), emulator.ask()
    frames = frames_of(found)
    types = [frame["type"] for frame in frames]
    listed = next(f for f in frames if f.get("field_name") == "session_state.search_results")
    told = next(f for f in frames if f["type"] == "message_result")["message"]
    hits = json.loads(told["content"])["organic_results"]
    assert told["role"] == "tool"
    assert [sorted(hit) for hit in hits] == [["link", "snippet", "title"]] * 2
    assert [sorted(item) for item in listed["field_value"]] == [["title", "url"]] * 3
    assert [hit["link"] for hit in hits] == [item["url"] for item in listed["field_value"][:2]]
    assert frames.index(listed) < types.index("message_field_delta")
    assert "example.com" not in streamed_text(found)
    assert "example.com" not in plain


def test_web_search_adds_a_tool_message_only(emulator: EmulatorClient) -> None:
    stream = emulator.ask(ai_chat_enable_search=True)
    starts = [frame for frame in frames_of(stream) if frame["type"] == "message_start"]
    assert [frame["role"] for frame in starts] == ["tool", "assistant"]
    assert "Web search: on" in results_of(stream)[0]["content"]
    assert "organic_results" not in results_of(stream)[0]["content"]


@pytest.mark.parametrize(
    ("fields", "served"),
    [
        ({}, "gpt-5.4"),
        ({"ai_chat_model": "no-such-model"}, "claude-sonnet-4-5"),
        ({"ai_chat_model": None}, "claude-sonnet-4-5"),
        ({"ai_chat_model": "claude-haiku-4-5"}, "claude-4-5-haiku"),
        ({"use_moa_proxy": True, "moa_models": ["gpt-5.4", "gpt-5.5"]}, "gpt-5.4,gpt-5.5"),
        ({"use_moa_proxy": False, "moa_models": ["gpt-5.5"]}, "gpt-5.4"),
        ({"use_moa_proxy": True, "moa_models": []}, "gpt-5.4"),
    ],
)
def test_served_model(emulator: EmulatorClient, fields: dict[str, Any], served: str) -> None:
    state = results_of(emulator.ask(**fields))[0]["session_state"]
    assert state["_llm_model"] == served
    assert state["_llm_usage"]["output_tokens"] > 0


def test_a_project_belongs_to_one_account_and_keeps_its_thread(emulator: EmulatorClient) -> None:
    project = project_of(emulator.ask("first question"))
    assert project_of(emulator.ask("second question", project_id=project)) == project
    emulator.ask("of Bert", session="session-of-bert")
    mine, other = emulator.projects()
    assert (mine["id"], mine["account"], mine["deleted"]) == (project, SESSION, False)
    assert [m["role"] for m in mine["messages"]] == ["user", "assistant", "user", "assistant"]
    assert other["account"] == "session-of-bert"
    assert "of Bert" not in str(mine["messages"])


def test_a_continued_project_is_remembered(emulator: EmulatorClient) -> None:
    first = [{"role": "system", "content": "Rhyme"}, {"role": "user", "content": "one"}]
    project = project_of(emulator.ask(messages=first))
    second = streamed_text(emulator.ask("two", project_id=project))
    third = streamed_text(emulator.ask("three", project_id=project))
    assert "System turn: “Rhyme”" in second
    assert "Earlier you wrote: “one”. You wrote: “two”" in second
    assert "Earlier you wrote: “two”. You wrote: “three”" in third
    assert "Earlier" not in streamed_text(emulator.ask("alone"))


def test_the_log_tells_everything_that_reached_a_project(emulator: EmulatorClient) -> None:
    mine = project_of(emulator.ask("first"))
    other = project_of(emulator.ask("of Bert", session="session-of-bert"))
    emulator.ask("second", project_id=mine)
    emulator.script(scenario="server_overloaded_mid")
    emulator.ask("cut off", project_id=mine)
    emulator.script(scenario="too_quickly")
    emulator.post(ASK, ask_body("limited", project_id=mine))
    emulator.post(ASK, ask_body("astray", project_id=mine), session="session-of-bert")
    emulator.post(ASK, ask_body("unreadable", project_id=7))
    told = [(entry["project"], entry["body"]["messages"][0]["content"]) for entry in emulator.log()]
    assert told == [
        (mine, "first"),
        (other, "of Bert"),
        (mine, "second"),
        (mine, "cut off"),
        (mine, "limited"),
        (mine, "astray"),
        (None, "unreadable"),
    ]


def test_random_foreign_and_deleted_projects_are_internal_errors(emulator: EmulatorClient) -> None:
    project = project_of(emulator.ask())
    foreign = emulator.post(ASK, ask_body(project_id=project), session="session-of-bert")
    random = emulator.post(ASK, ask_body(project_id="00000000-0000-4000-8000-000000000001"))
    emulator.get(f"/api/project/delete?project_id={project}")
    deleted = emulator.post(ASK, ask_body(project_id=project))
    for response in (foreign, random, deleted):
        assert (response.status_code, response.text) == (500, "Internal Server Error")


@pytest.mark.parametrize(
    "change",
    [
        {"messages": [{"role": "tool", "content": "x"}]},
        {"messages": [{"role": "assistant", "content": "x", "tool_calls": []}]},
        {"messages": [{"role": "user", "content": None}]},
        {"messages": [{"role": "developer", "content": "x"}]},
        {"messages": ["x"]},
        {"messages": None},
        {"type": "mind_reading_agent"},
        {"project_id": 7},
    ],
)
def test_bodies_the_service_does_not_take(emulator: EmulatorClient, change: dict[str, Any]) -> None:
    response = emulator.post(ASK, ask_body(**change))
    assert response.status_code == 422
    body = response.json()
    assert body["status"] == -2
    assert body["message"] == "Request parameter validation failed"
    assert set(body["errors"][0]) == {"type", "loc", "msg", "input"}


def test_a_body_that_is_not_json_is_a_validation_error(emulator: EmulatorClient) -> None:
    response = emulator.http.post(
        ASK, content=b"{broken", headers={"cookie": f"session_id={SESSION}"}
    )
    assert response.status_code == 422


def test_without_session_cookie_nobody_is_logged_in(emulator: EmulatorClient) -> None:
    response = emulator.http.post(ASK, json=ask_body(), headers={"cookie": "c1=x; session_id="})
    assert response.status_code == 200
    assert response.json() == {"status": -5, "message": "not login", "data": {}}


def test_the_session_is_found_in_a_whole_cookie_jar(emulator: EmulatorClient) -> None:
    jar = f"c1=a,b; __cf_bm=x=y; session_id={SESSION}; gslogin=1"
    emulator.http.post(ASK, json=ask_body(), headers={"cookie": jar})
    assert emulator.log()[-1]["account"] == SESSION


def test_without_user_agent_the_edge_refuses(emulator: EmulatorClient) -> None:
    address = emulator.emulator.url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=5)
    connection.request("POST", ASK, body="{}", headers={"Cookie": f"session_id={SESSION}"})
    response = connection.getresponse()
    assert (response.status, response.read()) == (400, b"bad request cf")
    connection.close()


def test_a_rejected_call_leaves_the_script_alone(emulator: EmulatorClient) -> None:
    emulator.script(answer={"text": "scripted"})
    emulator.post(ASK, ask_body(messages=None))
    assert streamed_text(emulator.ask()) == "scripted"


def test_default_deltas_are_about_a_word_long(emulator: EmulatorClient) -> None:
    stream = emulator.ask("x" * 500)
    deltas = [f["delta"] for f in frames_of(stream) if f["type"] == "message_field_delta"]
    assert max(map(len, deltas)) <= 30
    assert len(data_of(stream)) > 20
