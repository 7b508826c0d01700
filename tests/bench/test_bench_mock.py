"""The mock upstream, read with the standard library's HTTP client."""

import asyncio
import http.client
import json
from typing import Any

import pytest
from bench_serving import RunOn, serving

from bench.frames import COOKIE_PATH, KEY_PATH
from bench.mode import Kind, asked_for


def post(port: int, path: str, bodies: list[dict[str, Any]]) -> list[bytes]:
    """All bodies over one keep-alive connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    replies = []
    try:
        for body in bodies:
            connection.request("POST", path, json.dumps(body))
            response = connection.getresponse()
            assert response.status == 200
            replies.append(response.read())
    finally:
        connection.close()
    return replies


def get(port: int, path: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def asking(words: str, **more: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": words}], **more}


def events(body: bytes) -> list[Any]:
    blocks = body.decode().split("\n\n")
    assert blocks.pop() == ""
    assert all(block.startswith("data: ") for block in blocks)
    return [block[6:] if "[DONE]" in block else json.loads(block[6:]) for block in blocks]


@pytest.mark.parametrize("words", ["burst:300", "paced:3:1", "hello"])
def test_cookie_route_tells_a_whole_project(run_on: RunOn, words: str) -> None:
    async def test() -> None:
        async with serving() as server:
            bodies = [asking(words)] * 2
            first, second = await asyncio.to_thread(post, server.port, COOKIE_PATH, bodies)
            told = events(first)
            frames = asked_for(words.encode()).frames
            deltas = [one["delta"] for one in told if one["type"] == "message_field_delta"]
            assert told[0]["type"] == "project_start"
            assert told[0]["id"] != events(second)[0]["id"]
            assert deltas.count("tok ") == frames
            assert told[-3]["content"] == "".join(deltas)
            assert told[-2]["message"]["content"] == "".join(deltas)
            assert told[-1]["field_value"] == "FINISHED"

    run_on(test())


def test_key_route_streams_chunks_usage_and_done(run_on: RunOn) -> None:
    async def test() -> None:
        async with serving() as server:
            body = asking("burst:7", stream=True)
            (reply,) = await asyncio.to_thread(post, server.port, KEY_PATH, [body])
            *told, done = events(reply)
            assert done == "[DONE]"
            assert told[-1]["usage"]["completion_tokens"] == 7
            assert told[-2]["choices"][0]["finish_reason"] == "stop"
            texts = [one["choices"][0]["delta"].get("content", "") for one in told[:-1]]
            assert "".join(texts) == "tok " * 7

    run_on(test())


def test_key_route_answers_whole_when_not_streamed(run_on: RunOn) -> None:
    async def test() -> None:
        async with serving() as server:
            body = asking("short", stream=False)
            (reply,) = await asyncio.to_thread(post, server.port, KEY_PATH, [body])
            message = json.loads(reply)["choices"][0]["message"]
            assert message == {"role": "assistant", "content": "tok " * 4}

    run_on(test())


def test_any_get_answers_valid_json(run_on: RunOn) -> None:
    async def test() -> None:
        async with serving() as server:
            answers = {
                path: await asyncio.to_thread(get, server.port, path)
                for path in ("/api/is_login", "/api/moa_models_config?x=1", "/api/tool_cli/me")
            }
            assert answers["/api/is_login"] == {"status": 0, "data": {"is_login": True}}
            assert answers["/api/moa_models_config?x=1"] == {"models": []}
            assert answers["/api/tool_cli/me"]["status"] == 0

    run_on(test())


def test_what_is_not_http_is_refused(run_on: RunOn) -> None:
    async def test() -> None:
        async with serving() as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
            writer.close()

    run_on(test())


def test_the_mode_named_last_counts_and_is_bounded() -> None:
    assert asked_for(b'"burst:3" and then "paced:5:20"').period_ms == 20
    assert asked_for(b'{"content":"idle"}').kind is Kind.IDLE
    assert asked_for(b'{"content":"idleness"}').kind is Kind.SHORT
    assert asked_for(b"burst:999999").frames == 20_000
    assert asked_for(b"paced:1:0").period_ms == 1
