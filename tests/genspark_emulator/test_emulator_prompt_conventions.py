"""Tools and documents that a client asks for in words, as the web routes need it."""

import json
from typing import Any

import pytest
from emulator_client import COPILOT, EmulatorClient, results_of, streamed_text

WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 2}},
        "required": ["city", "days"],
    },
}
CLOCK: dict[str, Any] = {
    "name": "get_time",
    "parameters": {
        "type": "object",
        "properties": {"zone": {"enum": ["UTC", "CET"]}},
        "required": ["zone"],
    },
}
GET_WEATHER = """<tool_call>
{"name": "get_weather", "arguments": {"city": "example", "days": 2}}
</tool_call>"""
GET_TIME = """<tool_call>
{"name": "get_time", "arguments": {"zone": "UTC"}}
</tool_call>"""


def offered(*functions: dict[str, Any], says: str = "") -> str:
    """An instruction with the functions one a line, as the convention wants it."""
    lines = [json.dumps({"type": "function", "function": function}) for function in functions]
    told = "Functions are listed within <tools></tools> tags. Call with <tool_call>. " + says
    return "\n".join([told, "<tools>", *lines, "</tools>", "Results: <tool_response>."])


def system(text: str) -> dict[str, Any]:
    return {"role": "system", "content": text}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def result(content: Any) -> str:
    entry = json.dumps({"id": "call_1", "name": "get_time", "content": content})
    return f"<tool_response>\n{entry}\n</tool_response>"


BOTH = system(offered(WEATHER, CLOCK))
FORCED = system(offered(WEATHER, CLOCK, says="One of them must be called now."))
CLOCK_FORCED = system(offered(CLOCK, says="It must be called now."))


@pytest.fixture
def said(emulator: EmulatorClient) -> Any:
    """Ask with these messages; the answer."""
    return lambda *messages, **fields: streamed_text(emulator.ask(messages=messages, **fields))


@pytest.mark.parametrize(
    ("messages", "answer"),
    [
        ([BOTH, user("call get_time now")], GET_TIME),
        ([BOTH, user("get_time, then get_weather")], f"{GET_WEATHER}\n{GET_TIME}"),
        ([user(offered(CLOCK) + "\nWhat does get_time say?")], GET_TIME),
        ([FORCED, user("hello")], GET_WEATHER),
        ([FORCED, user("what says get_time")], GET_TIME),
        ([CLOCK_FORCED, user("hello")], GET_TIME),
        (
            [
                system(offered(WEATHER, CLOCK, says="Make at most one call.")),
                user("get_time get_weather"),
            ],
            GET_WEATHER,
        ),
        ([FORCED, user("get_time"), assistant(GET_TIME), user(result("noon"))], GET_WEATHER),
        (
            [CLOCK_FORCED, user("get_time"), assistant(GET_TIME), user(result("noon"))],
            GET_TIME,
        ),
    ],
)
def test_when_a_tool_is_called(said: Any, messages: list[dict[str, Any]], answer: str) -> None:
    assert said(*messages) == answer


@pytest.mark.parametrize(
    "messages",
    [
        [BOTH, user("hello")],
        [BOTH, user("call get_time_tomorrow")],
        [user("call get_time")],
        [system("Between <tools> and </tools> there is nothing."), user("call get_time")],
        [system("<tools>\nget_time\n[1]\n{}\n</tools>"), user("call get_time")],
        [system("It must be called now."), user("call get_time")],
    ],
)
def test_when_no_tool_is_called(said: Any, messages: list[dict[str, Any]]) -> None:
    assert said(*messages).endswith(f"You wrote: “{messages[-1]['content']}”")


def test_an_instruction_is_not_quoted(said: Any) -> None:
    answer = said(system("Be brief"), BOTH, user("hello"))
    assert "System turn: “Be brief”." in answer
    assert "tools" not in answer


@pytest.mark.parametrize(
    ("given", "quoted"),
    [
        (result("noon"), "noon"),
        (result({"hour": 12}), '{"hour": 12}'),
        ("<tool_response>it is noon</tool_response>", "it is noon"),
        ('<tool_response>{"hour": 12}</tool_response>', '{"hour": 12}'),
        (result("first") + "\n" + result("second"), "second"),
    ],
)
def test_a_result_is_answered_in_words(said: Any, given: str, quoted: str) -> None:
    answer = said(BOTH, user("what does get_time say"), assistant(GET_TIME), user(given))
    assert f"The tool returned: “{quoted}”. You wrote: “what does get_time say”" in answer


def test_the_question_after_a_result_is_a_new_one(said: Any) -> None:
    before = [BOTH, user("get_time?"), assistant(GET_TIME)]
    assert said(*before, user(result("noon")), assistant("Noon."), user("get_time?")) == GET_TIME
    together = said(*before, user(result("noon") + "\nthanks"))
    assert together.endswith("Earlier you wrote: “get_time?”. You wrote: “thanks”")


def test_a_picture_beside_a_result_is_seen(said: Any) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    parts = [{"type": "text", "text": result("a map")}, picture]
    answer = said(BOTH, user("get_time?"), assistant(GET_TIME), {"role": "user", "content": parts})
    assert "Images received: 1." in answer
    assert "The tool returned: “a map”." in answer


@pytest.mark.parametrize("reminder", ["A function must be called now.", "Repair: <tool_call>…"])
def test_a_reminder_is_no_question_of_its_own(said: Any, reminder: str) -> None:
    before = [BOTH, user("what does get_time say"), assistant("I do not know.")]
    assert said(*before, user(reminder)) == GET_TIME
    after = said(*before, user(reminder), assistant(GET_TIME), user(result("noon")))
    assert "The tool returned: “noon”." in after
    asked = [user("hello"), assistant("Hi."), user(reminder)]
    assert said(*asked).endswith(f"You wrote: “{reminder}”")


def test_two_rules_answer_an_ask_and_its_repair(said: Any, emulator: EmulatorClient) -> None:
    wrong = '<tool_call>{"name": "get_time", "arguments": {"zone": "MARS"}}</tool_call>'
    emulator.script(flow="chat", answer={"text": wrong})
    emulator.script(flow="chat", answer={"text": GET_TIME})
    asked = [BOTH, user("what does get_time say")]
    assert said(*asked) == wrong
    assert said(*asked, assistant(wrong), user("zone: use a <tool_call> that fits")) == GET_TIME
    assert emulator.http.get("/__emulator__/script").json()["rules"] == []


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ({"name": "get_time", "arguments": {"zone": "UTC"}}, GET_TIME),
        (
            {"name": "get_time", "arguments": '{"zone": "the "old" one"}'},
            GET_TIME.replace("UTC", 'the "old" one'),
        ),
        (
            {"name": "get_time", "arguments": ""},
            GET_TIME.replace('{"zone": "UTC"}', "{}"),
        ),
    ],
)
def test_scripted_calls_are_told_in_text(
    said: Any, emulator: EmulatorClient, call: dict[str, Any], text: str
) -> None:
    emulator.script(answer={"tool_calls": [call]})
    emulator.script(answer={"text": "Let me see.", "tool_calls": [call]})
    assert said(user("hello")) == text
    assert said(user("hello")) == f"Let me see.\n{text}"


@pytest.mark.parametrize(
    ("schema", "document"),
    [
        ({"type": "object"}, {"emulated": True}),
        ({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}, {"n": 1}),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"enum": ["a", "b"]}}}, "a"),
    ],
)
def test_a_json_document_is_written_when_asked_for(said: Any, schema: Any, document: Any) -> None:
    told = system(f"Answer with JSON that fits.\n<schema>\n{json.dumps(schema)}\n</schema>")
    assert json.loads(said(told, user("hello"))) == document


@pytest.mark.parametrize("block", ["<schema></schema>", "<schema>[1]</schema>", "<schema>"])
def test_a_mere_mention_of_a_schema_is_none(said: Any, block: str) -> None:
    assert "You wrote: “hello”" in said(system(f"See {block}"), user("hello"))


def test_calls_come_before_documents(said: Any) -> None:
    schema = system('<schema>{"type": "object"}</schema>')
    asked = [BOTH, schema, user("get_time?")]
    assert said(*asked) == GET_TIME
    assert json.loads(said(*asked, assistant(GET_TIME), user(result("noon")))) == {"emulated": True}


def test_instructions_are_remembered_by_a_project(said: Any, emulator: EmulatorClient) -> None:
    said(BOTH, user("hello"))
    [project] = emulator.projects()
    assert said(user("get_time?"), project_id=project["id"]) == GET_TIME
    answer = said(user(result("noon")), project_id=project["id"])
    assert "The tool returned: “noon”. You wrote: “get_time?”" in answer
    assert said(system(offered(WEATHER)), user("get_time?"), project_id=project["id"]) != GET_TIME


def test_the_old_chat_follows_the_same_conventions(emulator: EmulatorClient) -> None:
    emulator.script(flow="legacy", scenario="answered")
    body = {"messages": [BOTH, user("get_time?")], "extra_data": {"models": ["gpt-4o"]}}
    stream = emulator.post(COPILOT, body).text
    assert results_of(stream)[0]["content"] == GET_TIME


def test_an_instruction_may_come_in_turns_of_the_user(said: Any) -> None:
    bare = offered(CLOCK).split("\n", 1)[1].removesuffix("\nResults: <tool_response>.")
    assert said(user(bare), user("get_time?")) == GET_TIME
    assert said(user("get_time?"), user(bare)) == GET_TIME
