"""The mock's replies, encoded once: Genspark's cookie route and its OpenAI-like key route."""

import json
from collections.abc import Iterator
from enum import StrEnum
from functools import cache

from bench.http1 import LAST_CHUNK, STREAM_HEAD, chunk, response
from bench.mode import TOKEN

MODEL = "gpt-5.4"
COOKIE_PATH = "/api/agent/ask_proxy"
KEY_PATH = "/api/llm_proxy/v1/chat/completions"
# A burst leaves in HTTP chunks of about this size, as a front end that fills buffers sends it.
BURST_CHUNK = 8192


class Route(StrEnum):
    COOKIE = "cookie"
    KEY = "key"


def event(payload: object) -> bytes:
    return b"data: %b\n\n" % json.dumps(payload).encode()


def _completion(delta: dict[str, str], finish: str | None = None) -> dict[str, object]:
    return {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1_760_000_000,
        "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def _usage(frames: int) -> dict[str, int]:
    return {"prompt_tokens": 8, "completion_tokens": frames, "total_tokens": 8 + frames}


# %-format: the only placeholder is the last group of the project's UUID, fresh per stream
# because a proxy may keep projects apart by it.
_COOKIE_OPENING = event(
    {"type": "project_start", "id": "00000000-0000-4000-8000-%012x", "name": "bench"}
) + event({"type": "message_start", "message_id": "m1", "role": "assistant"})
_KEY_OPENING = event(_completion({"role": "assistant", "content": ""}))


def opening(route: Route, serial: int) -> bytes:
    """What precedes the first text frame."""
    return _COOKIE_OPENING % serial if route is Route.COOKIE else _KEY_OPENING


def delta(route: Route, text: str) -> bytes:
    """One frame of text."""
    if route is Route.KEY:
        return event(_completion({"content": text}))
    return event({**_FIELD, "type": "message_field_delta", "delta": text})


_FIELD = {"type": "message_field", "message_id": "m1", "field_name": "content"}
_STATE = {"_llm_model": MODEL}


def closing(route: Route, text: str, frames: int) -> bytes:
    """What follows the last text frame of a reply that said ``text``."""
    if route is Route.KEY:
        final = {**_completion({}), "choices": [], "usage": _usage(frames)}
        return event(_completion({}, "stop")) + event(final) + b"data: [DONE]\n\n"
    message = {"role": "assistant", "content": text, "action": None, "session_state": _STATE}
    finished = {"type": "project_field", "field_name": "status", "field_value": "FINISHED"}
    result = {"type": "message_result", "message": message}
    return event({**_FIELD, "content": text}) + event(result) + event(finished)


TOKEN_CHUNKS = {route: chunk(delta(route, TOKEN)) for route in Route}


@cache
def burst_rest(route: Route, frames: int) -> tuple[bytes, ...]:
    """Everything after the opening of a reply sent at once, in a few writes."""
    body = delta(route, TOKEN) * frames + closing(route, TOKEN * frames, frames)
    return (*map(chunk, _slices(body)), LAST_CHUNK)


def _slices(body: bytes) -> Iterator[bytes]:
    for at in range(0, len(body), BURST_CHUNK):
        yield body[at : at + BURST_CHUNK]


def first_write(route: Route, serial: int, text: str = "") -> bytes:
    """Response head and opening, with a first text frame when there is one."""
    return STREAM_HEAD + chunk(opening(route, serial) + (delta(route, text) if text else b""))


@cache
def whole_completion(frames: int) -> bytes:
    """The key route's reply when "stream" is false."""
    message = {"role": "assistant", "content": TOKEN * frames}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    reply = _completion({}) | {
        "object": "chat.completion",
        "choices": [choice],
        "usage": _usage(frames),
    }
    return response(json.dumps(reply).encode())
