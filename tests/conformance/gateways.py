"""How one-api and NextChat read our replies, re-implemented after their sources, strictly.

one-api commit 8df4a267 (relay/adaptor/openai/main.go, controller/channel-test.go), NextChat commit
706a18b9 (app/client/platforms/openai.ts, app/utils/chat.ts). Where they silently drop something,
these readers fail.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from conformance.raw_http import RawReply
from live import SECRET

# Go's bufio.Scanner gives up on a longer line and ends the relay.
SCANNER_LIMIT = 65_536

ONE_API_HEADERS = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
NEXTCHAT_HEADERS = {**ONE_API_HEADERS, "Accept": "application/json", "Cache-Control": "no-store"}


@dataclass(slots=True)
class Relayed:
    """What a gateway or client got out of a reply."""

    text: str = ""
    reasoning: str = ""
    usage: dict[str, Any] | None = None
    calls: list[dict[str, str]] = field(default_factory=list)
    ended: bool = False


def one_api_test_body(model: str) -> bytes:
    """The channel test: a model, one user message, nothing else."""
    said = "Output only your specific model name with no additional text."
    return json.dumps({"model": model, "messages": [{"role": "user", "content": said}]}).encode()


def one_api_accepts(reply: RawReply, *, stream: bool) -> None:
    """Its success test, before it reads the body."""
    assert reply.status in (200, 201)
    is_json = reply.headers["content-type"].startswith("application/json")
    assert not (stream and is_json), "a stream answered with JSON counts as a failure"


def one_api_whole(reply: RawReply) -> Relayed:
    """Its reading of a whole answer, with the channel test's demands."""
    one_api_accepts(reply, stream=False)
    body = reply.json()
    assert not (body.get("error") or {}).get("type"), body
    assert len(body["choices"]) >= 1
    content = body["choices"][0]["message"]["content"]
    assert isinstance(content, str), "response content is not string"
    return Relayed(content, usage=_go_usage(body["usage"]), ended=True)


def _go_usage(usage: dict[str, Any]) -> dict[str, Any]:
    """Go's decoder refuses a float for an int; zeros would make one-api guess."""
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    assert all(type(usage[name]) is int for name in names), usage
    assert usage["total_tokens"] > 0, usage
    return usage


def one_api_stream(reply: RawReply) -> Relayed:
    """Its stream reader: lines by ``\\n``, six characters of prefix, the rest is JSON."""
    one_api_accepts(reply, stream=True)
    seen = Relayed()
    for line in reply.body.split(b"\n"):
        assert len(line) <= SCANNER_LIMIT, "bufio.Scanner: token too long"
        if not line or line.startswith(b":"):
            continue
        assert line[:6] == b"data: ", f"dropped silently: {line[:60]!r}"
        if line[6:].startswith(b"[DONE]"):
            seen.ended = True
            continue
        chunk = json.loads(line[6:])
        assert chunk["choices"] or chunk.get("usage"), "a chunk that one-api drops"
        for choice in chunk["choices"]:
            seen.text += choice["delta"].get("content") or ""
        if chunk.get("usage"):
            seen.usage = _go_usage(chunk["usage"])
    return seen


def nextchat_body(model: str, messages: list[dict[str, Any]], **more: Any) -> bytes:
    """What its chat page sends."""
    sampling = {"temperature": 0.5, "presence_penalty": 0, "frequency_penalty": 0, "top_p": 1}
    body = {"messages": messages, "stream": True, "model": model, **sampling, **more}
    return json.dumps(body, ensure_ascii=False).encode()


def nextchat_url(base: str) -> str:
    """How it joins the base that a user typed with the chat path; our address is left out."""
    base = base.removesuffix("/")
    return f"{base}/v1/chat/completions"


def nextchat_stream(reply: RawReply) -> Relayed:
    """Its event source and chunk handler."""
    assert reply.status == 200, "shown as pretty-printed JSON in the bubble"
    assert reply.headers["content-type"].startswith("text/event-stream")
    seen = Relayed()
    for event in reply.body.decode("utf-8", "strict").split("\n\n"):
        data = "\n".join(
            line.removeprefix("data:").removeprefix(" ")
            for line in event.split("\n")
            if line.startswith("data:")
        )
        if data == "[DONE]":
            seen.ended = True
            break
        if data:
            _nextchat_chunk(json.loads(data), seen)
    assert seen.text or seen.reasoning or seen.calls, "empty response from server"
    return seen


def _nextchat_chunk(chunk: dict[str, Any], seen: Relayed) -> None:
    assert "error" not in chunk, f"an error that nobody would see: {chunk}"
    if not chunk["choices"]:
        return
    delta = chunk["choices"][0]["delta"]
    calls = delta.get("tool_calls") or []
    assert len(calls) <= 1, "only the first call of a chunk is looked at"
    for call in calls:
        if call.get("id"):
            seen.calls.append({"id": call["id"], "arguments": "", **call["function"]})
        else:
            seen.calls[-1]["arguments"] += call["function"]["arguments"]
    reasoning, content = delta.get("reasoning_content"), delta.get("content")
    if reasoning:
        assert not content, "shown is the reasoning, the content is lost"
        assert not seen.text, "reasoning in the middle of the answer"
        seen.reasoning += reasoning
    elif content:
        seen.text += content
