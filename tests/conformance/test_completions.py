"""OpenAI's legacy completions with openai-python, on both routes."""

import json
from typing import Any

import openai
import pytest
from conformance.dialects import COMPLETIONS, MODEL, ODD, openai_client, paint_quickly
from conformance.sides import COOKIE, KEY, Side, Start
from openai.types import Completion


def _chunks(side: Side, **fields: Any) -> list[Completion]:
    """A stream's chunks, as the SDK has them, once every rule has held."""
    *events, done, rest = COMPLETIONS.stream(side, **fields).decode().split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    texts = [event for event in events if not event.startswith(":")]
    assert all(text.startswith("data: {") for text in texts)
    chunks = [_checked(json.loads(text[6:])) for text in texts]
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    return chunks


def _checked(chunk: dict[str, Any]) -> Completion:
    """A chunk of the promised types, but that OpenAI says null before a choice's end."""
    choices = [{**c, "finish_reason": c["finish_reason"] or "stop"} for c in chunk["choices"]]
    Completion.model_validate({**chunk, "choices": choices}, strict=True)
    return Completion.construct(**chunk)


def _said(chunks: list[Completion], index: int = 0) -> str:
    return "".join(c.text for chunk in chunks for c in chunk.choices if c.index == index)


def test_sdk_a_whole_completion(side: Side) -> None:
    side.script(answer={"text": "Good day."})

    with openai_client(side) as client:
        raw = client.completions.with_raw_response.create(model=MODEL, prompt="Hi")
        completion = raw.parse()

    [choice] = completion.choices
    assert (choice.index, choice.text, choice.finish_reason) == (0, "Good day.", "stop")
    assert (completion.object, completion.model) == ("text_completion", MODEL)
    assert completion.id.startswith("cmpl-")
    assert completion.usage
    assert completion.usage.total_tokens > completion.usage.completion_tokens > 0
    assert completion._request_id == raw.headers["x-request-id"]
    assert raw.headers["x-genspark2api-route"] == side.name
    assert raw.headers["x-genspark2api-served-model"] == MODEL


def test_sdk_a_streamed_completion(side: Side) -> None:
    with openai_client(side) as client:
        options: Any = {"include_usage": True}
        asked: Any = {"model": MODEL, "prompt": "Hi", "stream": True, "stream_options": options}
        chunks = list(client.completions.create(**asked))

    assert "You wrote: “Hi”" in _said(chunks)
    assert [c.finish_reason for chunk in chunks for c in chunk.choices][-1] == "stop"
    assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]


@pytest.mark.parametrize("chunk_bytes", [None, 1])
def test_a_stream_says_what_a_whole_answer_says(side: Side, chunk_bytes: int | None) -> None:
    pieces = {} if chunk_bytes is None else {"chunk_bytes": chunk_bytes}
    side.script(answer={"deltas": list(ODD)}, times=2, **pieces)

    [choice] = COMPLETIONS.whole(side)["choices"]

    assert choice["text"] == _said(_chunks(side)) == ODD


def test_usage_only_when_asked(side: Side) -> None:
    assert all(chunk.usage is None and chunk.choices for chunk in _chunks(side))


def test_a_prompt_is_one_user_turn(side: Side) -> None:
    COMPLETIONS.whole(side, prompt=["Once upon a time"])

    [asked] = side.log()
    [message] = asked["body"]["messages"]
    assert (message["role"], message["content"]) == ("user", "Once upon a time")


@pytest.mark.parametrize("stream", [False, True])
def test_the_prompt_is_repeated_when_asked(side: Side, stream: bool) -> None:
    side.script(answer={"text": " there was."})
    asked = {"prompt": "Once", "echo": True}

    said = (
        _said(_chunks(side, **asked))
        if stream
        else COMPLETIONS.whole(side, **asked)["choices"][0]["text"]
    )

    assert said == "Once there was."


@pytest.mark.parametrize("stream", [False, True])
def test_stop_and_length_are_kept(cookie: Side, stream: bool) -> None:
    cookie.script(answer={"deltas": ["one ", "two EN", "D three"]})
    cookie.script(answer={"text": "word " * 50})

    for asked, text, reason in (
        ({"stop": "END"}, "one two ", "stop"),
        ({"max_tokens": 7}, ("word " * 7).strip(), "length"),
    ):
        if stream:
            chunks = _chunks(cookie, **asked)
            finish = [c.finish_reason for chunk in chunks for c in chunk.choices][-1]
            found = (_said(chunks), finish)
        else:
            [choice] = COMPLETIONS.whole(cookie, **asked)["choices"]
            found = (choice["text"], choice["finish_reason"])
        assert (found[0].strip(), found[1]) == (text.strip(), reason)


@pytest.mark.parametrize("stream", [False, True])
def test_several_choices(cookie: Side, stream: bool) -> None:
    for text in ("first", "second"):
        cookie.script(answer={"text": text})

    if stream:
        chunks = _chunks(cookie, n=2)
        texts = [_said(chunks, index) for index in (0, 1)]
    else:
        texts = [choice["text"] for choice in COMPLETIONS.whole(cookie, n=2)["choices"]]

    assert sorted(texts) == ["first", "second"]


def test_reasoning_is_not_part_of_a_completion(side: Side) -> None:
    if side.name == COOKIE:
        side.script(scenario="answerthink", times=2)
    else:
        side.script(answer={"text": "42.", "reasoning": "Six times seven."}, times=2)

    [choice] = COMPLETIONS.whole(side)["choices"]

    assert choice["text"] == _said(_chunks(side))
    assert "think" not in choice["text"]
    assert "Six" not in choice["text"]


def test_parameters_are_passed_on(key: Side) -> None:
    COMPLETIONS.whole(key, model="glm-5p2", max_tokens=7, stop=["END"], seed=5, temperature=0.5)

    body = key.log()[0]["body"]
    assert (body["stop"], body["seed"], body["temperature"]) == (["END"], 5, 0.5)
    assert 7 in (body.get("max_tokens"), body.get("max_completion_tokens"))
    assert "prompt" not in body


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": [1, 2, 3]}, "prompt"),
        ({"suffix": "The end."}, "suffix"),
        ({"logprobs": 3}, "logprobs"),
        ({"best_of": 3}, "best_of"),
        ({"n": 5}, "n"),
    ],
)
def test_sdk_what_cannot_be_had_is_refused(side: Side, fields: dict[str, Any], param: str) -> None:
    with openai_client(side) as client, pytest.raises(openai.BadRequestError) as raised:
        client.completions.create(**COMPLETIONS.body(**fields))

    assert raised.value.param == param
    assert side.log() == []


@pytest.mark.parametrize("stream", [False, True])
def test_a_picture_is_answered_as_markdown(side: Side, stream: bool) -> None:
    paint_quickly(side)
    asked = {"model": "nano-banana-pro", "prompt": "A cat"}

    said = (
        _said(_chunks(side, **asked))
        if stream
        else COMPLETIONS.whole(side, **asked)["choices"][0]["text"]
    )

    assert said.startswith("![A cat](http")


def test_both_routes_answer_in_the_same_shape(open_side: Start) -> None:
    bodies = []
    for name in (COOKIE, KEY):
        side = open_side(name)
        side.script(answer={"text": "Same."})
        bodies.append({**COMPLETIONS.whole(side), "id": "", "created": 0, "usage": None})

    assert bodies[0] == bodies[1]
