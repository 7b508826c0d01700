"""Doors to chats: whose errors are written how, and how a stream ends that goes wrong."""

import json

import pytest
from conformance.dialects import paint_quickly
from conformance.sides import COOKIE, Side
from conftest import Serve, Upstream
from live import LiveServer

from proxy.api.doors import encoder
from proxy.api.generations import Generations
from proxy.wire.messages_errors import error_body
from proxy.wire.openai_errors import ErrorReply


@pytest.mark.parametrize(
    "path",
    [
        "/v1/messages",
        "/messages",
        "/messages/count_tokens",
        "/v1/messages/count_tokens/",
        "/any/prefix/v1/messages",
        "/messages/v1/messages",
    ],
)
def test_errors_speak_anthropics_dialect_where_it_is_spoken(path: str) -> None:
    assert encoder(path) is error_body


@pytest.mark.parametrize(
    "path", ["", "/", "/v1/chat/completions", "/messages/v1/responses", "/v1/messagesabc"]
)
def test_all_others_are_openais(path: str) -> None:
    assert encoder(path) is ErrorReply.encoded


def test_a_prefix_that_looks_like_a_dialect_is_none(serve: Serve, upstream: Upstream) -> None:
    server = serve(route_prefix="/messages")
    for path in ("/v1/chat/completions", "/responses"):
        assert server.client.post(f"/messages{path}", content=b"{").json()["error"]["code"]
    refused = server.client.post("/messages/v1/messages", content=b"{").json()
    assert refused["type"] == "error"


def test_a_mistake_of_ours_ends_the_stream_of_a_picture_honestly(
    server: LiveServer, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(generations: Generations, jobs: list[object]) -> None:
        raise LookupError("private words")

    paint_quickly(Side(COOKIE, server, upstream))
    monkeypatch.setattr(Generations, "views", broken)
    reply = server.chat("A fox", model="nano-banana-2", stream=True)

    error, done = reply.text.split("\n\n")[-3:-1]
    assert json.loads(error.removeprefix("data: "))["error"]["code"] == "internal_error"
    assert done == "data: [DONE]"
    assert "private words" not in reply.text
