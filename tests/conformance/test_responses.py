"""OpenAI's Responses dialect with openai-python, on both routes: what is asked, what is said."""

from typing import Any

import openai
import pytest
from conformance.dialects import MODEL, ODD, PDF, PNG, RESPONSES, openai_client, paint_quickly, user
from conformance.node_client import run_script
from conformance.sides import COOKIE, KEY, Side, Start
from conformance.upstream_frames import told
from fixtures.responses_stream import Reading, parsed, read
from pydantic import BaseModel

NODE = [
    *("whole", "streamed", "raw_events", "parsed", "parsed_stream", "tool_loop"),
    *("streamed_tool_loop", "freeform_tool", "mistakes", "not_kept"),
]


class Place(BaseModel):
    """A place on earth."""

    city: str
    people: int


def _stream(side: Side, **fields: Any) -> Reading:
    return read(RESPONSES.stream(side, **fields))


def _alike(response: dict[str, Any]) -> dict[str, Any]:
    """A response without what is another in each: ids and the time."""
    output = [{**item, "id": ""} for item in response["output"]]
    return {**response, "id": "", "created_at": 0, "output": output}


def test_sdk_a_whole_response(side: Side) -> None:
    side.script(answer={"text": "Good day."})

    with openai_client(side) as client:
        raw = client.responses.with_raw_response.create(model=MODEL, input="Hi")
        response = raw.parse()

    assert response.output_text == "Good day."
    assert response.id.startswith("resp_")
    assert (response.object, response.status, response.model) == ("response", "completed", MODEL)
    assert (response.error, response.incomplete_details) == (None, None)
    [message] = response.output
    assert message.id
    assert message.id.startswith("msg_")
    assert response.usage
    used = response.usage
    assert used.input_tokens > 0
    assert used.output_tokens > 0
    assert used.total_tokens == used.input_tokens + used.output_tokens
    assert response._request_id == raw.headers["x-request-id"]
    assert raw.headers["x-genspark2api-route"] == side.name
    assert raw.headers["x-genspark2api-account"] == f"{side.name}-1"
    assert raw.headers["x-genspark2api-attempts"] == "1"
    assert raw.headers["x-genspark2api-served-model"] == MODEL


def test_sdk_a_streamed_response(side: Side) -> None:
    with openai_client(side) as client, client.responses.stream(model=MODEL, input="Hi") as stream:
        said = "".join(e.delta for e in stream if e.type == "response.output_text.delta")
        final = stream.get_final_response()

    assert said == final.output_text
    assert "You wrote: “Hi”" in said
    assert final.usage


def test_sdk_raw_events_name_one_response(side: Side) -> None:
    with openai_client(side) as client:
        events: list[Any] = list(client.responses.create(model=MODEL, input="Hi", stream=True))

    begun, ended = events[0], events[-1]
    assert (begun.type, ended.type) == ("response.created", "response.completed")
    assert begun.response.id == ended.response.id
    assert begun.response.status == "in_progress"
    assert begun.response.output == []


@pytest.mark.parametrize("chunk_bytes", [None, 1])
def test_a_stream_says_what_a_whole_answer_says(side: Side, chunk_bytes: int | None) -> None:
    pieces = {} if chunk_bytes is None else {"chunk_bytes": chunk_bytes}
    side.script(answer={"deltas": list(ODD)}, times=2, **pieces)

    whole = RESPONSES.whole(side, instructions="Be brief.", metadata={"a": "b"}, top_p=1)
    streamed = _stream(side, instructions="Be brief.", metadata={"a": "b"}, top_p=1).response

    assert parsed(whole).output_text == ODD
    assert _alike(streamed) == _alike(whole)
    assert (whole["instructions"], whole["metadata"], whole["top_p"]) == (
        "Be brief.",
        {"a": "b"},
        1,
    )
    assert (whole["store"], whole["previous_response_id"]) == (False, None)


@pytest.mark.parametrize("model", ["GPT-5.4", "claude-opus-4-7"])
def test_the_model_is_echoed_as_it_was_asked(side: Side, model: str) -> None:
    assert RESPONSES.whole(side, model=model)["model"] == model
    told = _stream(side, model=model).events
    assert {event["response"]["model"] for event in told if "response" in event} == {model}


def test_an_upstreams_own_counts_are_told(key: Side) -> None:
    details = {"cached_tokens": 5}
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 4,
        "total_tokens": 13,
        "prompt_tokens_details": details,
    }
    key.script(answer={"text": "Yes.", "usage": usage}, times=2)

    for found in (RESPONSES.whole(key)["usage"], _stream(key).response["usage"]):
        assert (found["input_tokens"], found["output_tokens"], found["total_tokens"]) == (9, 4, 13)
        assert found["input_tokens_details"]["cached_tokens"] == 5


def test_sdk_a_conversation_reaches_the_upstream_in_order(side: Side) -> None:
    conversation: list[Any] = [
        {"role": "developer", "content": "Speak French."},
        {"role": "user", "content": [{"type": "input_text", "text": "One"}]},
        {
            "type": "message",
            "role": "assistant",
            "id": "msg_1",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Two", "annotations": []}],
        },
        {"type": "message", "role": "user", "content": "Three"},
    ]
    with openai_client(side) as client:
        client.responses.create(model=MODEL, instructions="Be brief.", input=conversation)

    [asked] = side.log()
    messages = [(each["role"], each["content"]) for each in asked["body"]["messages"]]
    assert messages[-3:] == [("user", "One"), ("assistant", "Two"), ("user", "Three")]
    opening = " ".join(text for _, text in messages[:-3])
    assert "Be brief." in opening
    assert "Speak French." in opening


def test_sdk_a_response_is_sent_back_as_input(side: Side) -> None:
    with openai_client(side) as client:
        first = client.responses.create(model=MODEL, input="My name is Ada.")
        asked: list[Any] = [*user("My name is Ada."), *first.output, *user("What is it?")]
        second = client.responses.create(model=MODEL, input=asked)

    assert "Earlier you wrote: “My name is Ada.”" in second.output_text


def test_sdk_images_and_files(side: Side) -> None:
    parts = [
        {"type": "input_text", "text": "Look."},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "low"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
        {
            "type": "input_file",
            "filename": "a.pdf",
            "file_data": f"data:application/pdf;base64,{PDF}",
        },
    ]
    with openai_client(side) as client:
        said = client.responses.create(model=MODEL, input=user(parts)).output_text

    assert "Images received: 2." in said
    assert "Files received: 1." in said


@pytest.mark.parametrize("stream", [False, True])
def test_reasoning_is_a_summary_before_the_message(side: Side, stream: bool) -> None:
    if side.name == COOKIE:
        side.script(scenario="answerthink")
    else:
        side.script(answer={"text": "42.", "reasoning": "Six times seven."})

    body = _stream(side).response if stream else RESPONSES.whole(side)

    thought, message = parsed(body).output
    assert thought.type == "reasoning"
    assert thought.summary[0].text
    assert message.type == "message"
    assert thought.summary[0].text not in parsed(body).output_text


def test_hidden_reasoning_stays_hidden(start: Start, route: str) -> None:
    side = start(route, reasoning_hide=True)
    if route == COOKIE:
        side.script(scenario="answerthink", times=2)
    else:
        side.script(answer={"text": "42.", "reasoning": "Six times seven."}, times=2)

    for body in (RESPONSES.whole(side), _stream(side).response):
        assert [item["type"] for item in body["output"]] == ["message"]


def test_sdk_effort_is_passed_on(key: Side) -> None:
    with openai_client(key) as client:
        response = client.responses.create(
            model=MODEL, input="Hi", reasoning={"effort": "high", "summary": "auto"}
        )

    assert key.log()[0]["body"]["reasoning_effort"] == "high"
    assert response.reasoning
    assert response.reasoning.effort == "high"
    assert [item.type for item in response.output] == ["reasoning", "message"]


def test_sdk_parsed_answers(side: Side) -> None:
    with openai_client(side) as client:
        whole = client.responses.parse(model=MODEL, input="Where?", text_format=Place)
        with client.responses.stream(model=MODEL, input="Where?", text_format=Place) as stream:
            done: list[Any] = [e for e in stream if e.type == "response.output_text.done"]
            streamed = stream.get_final_response()

    assert isinstance(whole.output_parsed, Place)
    assert streamed.output_parsed == whole.output_parsed == done[0].parsed


def test_any_object_is_an_object(side: Side) -> None:
    said = RESPONSES.whole(side, input="Answer in JSON.", text={"format": {"type": "json_object"}})

    assert parsed(said).output_text.startswith("{")


def test_sdk_a_model_that_will_not_is_a_refusal(cookie: Side) -> None:
    cookie.script(answer={"text": "I would rather not."}, times=4)

    with openai_client(cookie) as client:
        whole: Any = client.responses.parse(model=MODEL, input="Where?", text_format=Place)
        with client.responses.stream(model=MODEL, input="Where?", text_format=Place) as stream:
            said = [e.refusal for e in stream if e.type == "response.refusal.done"]
            streamed: Any = stream.get_final_response()

    for response in (whole, streamed):
        assert response.output_parsed is None
        assert response.output[0].content[0].refusal == "I would rather not."
    assert said == ["I would rather not."]


@pytest.mark.parametrize("stream", [False, True])
def test_the_longest_answer_is_kept_to(cookie: Side, stream: bool) -> None:
    cookie.script(answer={"text": "word " * 100})

    body = (
        _stream(cookie, max_output_tokens=16).response
        if stream
        else RESPONSES.whole(cookie, max_output_tokens=16)
    )

    response = parsed(body)
    assert (response.status, response.max_output_tokens) == ("incomplete", 16)
    assert response.incomplete_details
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.output_text.split() == ["word"] * 16
    assert [item["status"] for item in body["output"]] == ["incomplete"]


def test_a_cut_of_the_upstreams_own_is_told(key: Side) -> None:
    key.script(answer={"text": "Half an", "finish_reason": "length"}, times=2)

    for body in (RESPONSES.whole(key, max_output_tokens=16), _stream(key).response):
        assert body["incomplete_details"] == {"reason": "max_output_tokens"}
    assert key.log()[0]["body"]["max_completion_tokens"] == 16


def test_sdk_search_names_its_sources(cookie: Side) -> None:
    cookie.script(scenario="search_sources", times=2)

    with openai_client(cookie) as client:
        asked: Any = {"model": MODEL, "input": "News?", "tools": [{"type": "web_search"}]}
        whole: Any = client.responses.create(**asked)
        with client.responses.stream(**asked) as stream:
            events: list[Any] = list(stream)
            streamed: Any = stream.get_final_response()

    pages = [note.url for note in whole.output[0].content[0].annotations]
    assert pages
    assert [note.url for note in streamed.output[0].content[0].annotations] == pages
    added = [e.annotation for e in events if e.type == "response.output_text.annotation.added"]
    assert [note.url for note in added] == pages
    assert cookie.log()[0]["body"]["ai_chat_enable_search"] is True


def test_what_had_no_effect_is_listed(side: Side) -> None:
    hosted = [{"type": "file_search", "vector_store_ids": ["x"]}, {"type": "local_shell"}]
    reply = RESPONSES.ask(side, tools=hosted, max_tool_calls=3)

    listed = reply.headers["x-genspark2api-ignored"].split(",")
    assert {"tools.file_search", "tools.local_shell", "max_tool_calls"} <= set(listed)


def test_sdk_keep_alive_comments_are_skipped(start: Start, route: str) -> None:
    side = start(route, first_event_patience=0.05)
    side.script(delay_s=0.2, answer={"text": "Late."}, times=2)

    with openai_client(side) as client, client.responses.stream(model=MODEL, input="Hi") as stream:
        assert stream.get_final_response().output_text == "Late."
    assert "ping" in _stream(side).comments


def test_few_frames_are_enough(side: Side) -> None:
    side.script(frames=told(side.name, ["All."]), times=2)

    assert parsed(RESPONSES.whole(side)).output_text == "All."
    assert parsed(_stream(side).response).output_text == "All."


@pytest.mark.parametrize("base", ["/v1", "/v1/", ""])
def test_sdk_bases_with_and_without_v1(side: Side, base: str) -> None:
    with openai_client(side, base_url=side.url + base) as client:
        assert client.responses.create(model=MODEL, input="Hi").output_text


def test_sdk_nothing_is_kept(side: Side) -> None:
    with openai_client(side) as client:
        made = client.responses.create(model=MODEL, input="Hi", store=True)
        for call in (client.responses.retrieve, client.responses.cancel, client.responses.delete):
            with pytest.raises(openai.NotFoundError, match="keeps no responses"):
                call(made.id)
        with pytest.raises(openai.NotFoundError, match="keeps no responses"):
            client.responses.input_items.list(made.id)


@pytest.mark.parametrize(
    "given", [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}, {"background": True}]
)
def test_sdk_what_needs_a_memory_is_refused(side: Side, given: dict[str, Any]) -> None:
    with openai_client(side) as client, pytest.raises(openai.BadRequestError) as raised:
        client.responses.create(model=MODEL, input="Hi", **given)

    assert raised.value.param == next(iter(given))
    assert side.log() == []


@pytest.mark.parametrize("stream", [False, True])
def test_sdk_a_picture_is_answered_as_markdown(side: Side, stream: bool) -> None:
    paint_quickly(side)
    with openai_client(side) as client:
        if stream:
            with client.responses.stream(model="nano-banana-pro", input="A cat") as opened:
                final: Any = opened.get_final_response()
        else:
            final = client.responses.create(model="nano-banana-pro", input="A cat")

    assert final.output_text.startswith("![A cat](http")
    assert final.model == "nano-banana-pro"


def test_sdk_node_each_check_passes(side: Side) -> None:
    lines = run_script(side, "responses.mjs")

    assert [line for line in lines if not line["ok"]] == []
    assert [line["check"] for line in lines] == NODE


def test_both_routes_answer_in_the_same_shape(open_side: Start) -> None:
    bodies = []
    for name in (COOKIE, KEY):
        side = open_side(name)
        side.script(answer={"text": "Same."})
        bodies.append(_alike(RESPONSES.whole(side)) | {"usage": None})

    assert bodies[0] == bodies[1]
