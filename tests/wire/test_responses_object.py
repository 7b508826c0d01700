"""Whole answers as ``response`` objects, and what the official SDK makes of objects and streams."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import openai
import pytest
from asgi_server import serving
from fixtures.responses_stream import parsed
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from proxy.core.answer import Answer
from proxy.core.events import (
    ChatEvent,
    Cited,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    Verbatim,
)
from proxy.wire.citations import MOST
from proxy.wire.openai_errors import ErrorReply
from proxy.wire.responses_events import ResponseWriter
from proxy.wire.responses_object import response_object, url_citations
from proxy.wire.responses_request import Translated, chat_of

USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
HEAD: Any = ("resp_0123456789", 1_790_000_000, "gpt-5.4")
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
PATCH: Any = {"type": "custom", "name": "apply_patch", "format": {"type": "text"}}
ASKED: Any = {"model": "gpt-5.4", "input": "Hello"}


class Place(BaseModel):
    """What structured output is asked for."""

    city: str


def _answer(said: tuple[ChatEvent, ...]) -> Answer:
    answer = Answer()
    for event in said:
        answer.add(event)
    return answer


def _object(*said: ChatEvent, hide_reasoning: bool = False, **request: Any) -> dict[str, Any]:
    translated = chat_of(ASKED | request)
    return response_object(*HEAD, translated, _answer(said), USAGE, hide_reasoning=hide_reasoning)


def test_a_whole_answer_has_every_field_that_openai_sends() -> None:
    response = _object(TextDelta("Hello"), Finished("stop"), temperature=0.5, max_output_tokens=9)
    assert response == {
        "id": "resp_0123456789",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": 9,
        "max_tool_calls": None,
        "metadata": {},
        "model": "gpt-5.4",
        "output": [
            {
                "id": "msg_0123456789_0",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [
                    {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}
                ],
            }
        ],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "store": False,
        "temperature": 0.5,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": None,
        "top_p": None,
        "truncation": "disabled",
        "usage": {
            "input_tokens": 3,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 4,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 7,
        },
        "user": None,
    }
    assert parsed(response).output_text == "Hello"


def test_items_come_in_the_order_of_thinking_saying_and_calling() -> None:
    native = {"type": "url_citation", "url_citation": {"url": "https://b.example", "title": "B"}}
    response = _object(
        ToolCallDelta(1, "call_2", "apply_patch", '{"input":"*** Begin"}'),
        ToolCallDelta(0, "call_1", "get_weather"),
        TextDelta("See https://a.example"),
        ReasoningDelta("hm"),
        RefusalDelta("no more"),
        Cited("https://a.example", "A"),
        Verbatim({"annotations": [native]}, {}),
        Finished("tool_calls"),
        tools=[WEATHER, PATCH],
    )
    items = parsed(response).output
    assert [item.type for item in items] == [
        "reasoning", "message", "function_call", "custom_tool_call",
    ]  # fmt: skip
    assert len({item.id for item in items}) == 4
    text, refusal = response["output"][1]["content"]
    assert [page["title"] for page in text["annotations"]] == ["B", "A"]
    assert (text["annotations"][1]["start_index"], text["annotations"][1]["end_index"]) == (4, 21)
    assert refusal == {"type": "refusal", "refusal": "no more"}
    assert response["output"][2]["arguments"] == "{}"
    assert response["output"][3]["input"] == "*** Begin"


def test_hidden_reasoning_is_not_there() -> None:
    response = _object(ReasoningDelta("secret"), TextDelta("42"), hide_reasoning=True)
    assert "secret" not in json.dumps(response)


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("length", "max_output_tokens"), ("content_filter", "content_filter")],
)
def test_only_the_last_item_of_a_cut_answer_is_incomplete(finish: str, reason: str) -> None:
    call = ToolCallDelta(0, "call_1", "get_weather", '{"ci')
    response = _object(TextDelta("Well"), call, Finished(finish), tools=[WEATHER])
    assert response["incomplete_details"] == {"reason": reason}
    assert [item["status"] for item in response["output"]] == ["completed", "incomplete"]
    assert parsed(response).status == "incomplete"
    assert _object(Finished(finish))["output"] == []
    assert "status" not in _object(ReasoningDelta("x"), Finished(finish))["output"][0]


def test_pages_are_named_once_and_not_without_end() -> None:
    many = [Cited(f"https://a.example/{number}", "A") for number in range(MOST + 1)]
    found = url_citations([*many, many[0]], "See [it](https://a.example/1).")
    assert len(found) == MOST
    assert found[1] == {
        "type": "url_citation",
        "start_index": 4,
        "end_index": 29,
        "url": "https://a.example/1",
        "title": "A",
    }


# What the official SDK makes of it, over a socket.

Reply = Callable[[dict[str, Any], Translated], tuple[bytes, bytes]]


@contextmanager
def _client(reply: Reply) -> Iterator[openai.OpenAI]:
    """openai-python in front of a server that translates, and answers what the test says."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message["more_body"]:
                break
        request = json.loads(body)
        kind, data = reply(request, chat_of(request))
        headers = [(b"content-type", kind)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": data})

    with (
        serving(app) as origin,
        openai.OpenAI(base_url=f"{origin}/v1", api_key="none", max_retries=0) as client,
    ):
        yield client


def _saying(*said: ChatEvent) -> Reply:
    """The same answer, whole or streamed as asked for."""

    def reply(request: dict[str, Any], translated: Translated) -> tuple[bytes, bytes]:
        answer = _answer(said)
        if not request.get("stream"):
            whole = response_object(*HEAD, translated, answer, USAGE, hide_reasoning=False)
            return b"application/json", msgspec.json.encode(whole)
        writer = ResponseWriter(*HEAD, translated)
        written = b"".join(writer.write([event]) for event in said)
        return b"text/event-stream", written + writer.end(answer, USAGE, "")

    return reply


def test_the_sdk_reads_a_whole_answer() -> None:
    with _client(_saying(ReasoningDelta("hm"), TextDelta("Hello"), Finished("stop"))) as client:
        response = client.responses.create(**ASKED)
    assert response.output_text == "Hello"
    assert response.usage is not None
    assert response.usage.total_tokens == 7


def test_the_sdk_reads_a_stream_and_joins_it() -> None:
    said = [TextDelta(letter) for letter in "Grüße 🦊\n世界"]
    with (
        _client(_saying(ReasoningDelta("hm"), *said, Finished("stop"))) as client,
        client.responses.stream(**ASKED) as stream,
    ):
        deltas = [e.delta for e in stream if e.type == "response.output_text.delta"]
        response = stream.get_final_response()
    assert "".join(deltas) == response.output_text == "Grüße 🦊\n世界"


def test_the_sdk_reads_calls_from_a_stream() -> None:
    calls = (
        ToolCallDelta(0, "call_1", "get_weather"),
        *(ToolCallDelta(0, arguments=letter) for letter in '{"city":"Genève"}'),
        ToolCallDelta(1, "call_2", "apply_patch", '{"input":"*** Begin"}'),
    )
    with (
        _client(_saying(TextDelta("Let me look."), *calls, Finished("tool_calls"))) as client,
        client.responses.stream(**ASKED, tools=[WEATHER, PATCH]) as stream,
    ):
        response = stream.get_final_response()
    _, weather, patch = response.output
    assert weather.type == "function_call"
    assert weather.parsed_arguments == {"city": "Genève"}
    assert patch.type == "custom_tool_call"
    assert (patch.call_id, patch.input) == ("call_2", "*** Begin")


def test_the_sdk_parses_structured_output() -> None:
    said = (TextDelta('{"city":'), TextDelta('"Geneva"}'), Finished("stop"))
    with _client(_saying(*said)) as client:
        response = client.responses.parse(**ASKED, text_format=Place)
        assert response.output_parsed == Place(city="Geneva")
        with client.responses.stream(**ASKED, text_format=Place) as stream:
            assert stream.get_final_response().output_parsed == Place(city="Geneva")


def test_the_sdk_sends_an_answer_back_as_input() -> None:
    call = ToolCallDelta(0, "call_1", "get_weather", '{"city":"Geneva"}')
    reply = _saying(ReasoningDelta("hm"), TextDelta("Let me look."), call, Finished("tool_calls"))
    with _client(reply) as client:
        response = client.responses.create(**ASKED, tools=[WEATHER])
    result = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
    items = [item.model_dump(mode="json") for item in response.output]
    chat = chat_of(ASKED | {"input": [*items, result], "tools": [WEATHER]}).chat
    assert [message["role"] for message in chat["messages"]] == ["assistant", "tool"]
    assert chat["messages"][0]["content"] == "Let me look."
    assert chat["messages"][0]["tool_calls"][0]["function"]["name"] == "get_weather"


@pytest.mark.parametrize("begun", [True, False])
def test_the_sdk_raises_at_a_failure(begun: bool) -> None:
    broken = ErrorReply(502, "The answer broke off.", code="bad_upstream_response")

    def reply(request: dict[str, Any], translated: Translated) -> tuple[bytes, bytes]:
        writer = ResponseWriter(*HEAD, translated)
        said = writer.write([TextDelta("Well")]) if begun else b""
        return b"text/event-stream", said + writer.failure(broken)

    with _client(reply) as client:
        with pytest.raises(openai.APIError, match="broke off") as caught:
            list(client.responses.create(**ASKED, stream=True))
        assert caught.value.code == "bad_upstream_response"
        with (
            pytest.raises(openai.APIError, match="broke off"),
            client.responses.stream(**ASKED) as stream,
        ):
            stream.get_final_response()
