"""How each target is asked, and how its replies are judged: a fast wrong answer is a failure."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from bench.frames import COOKIE_PATH, KEY_PATH, MODEL, Route
from bench.http1 import request
from bench.mode import TOKEN, Mode

SECRET = "bench-secret"
SNIPPET = 160


class _Text(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Text | None = None
    message: _Text | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice]


class _Frame(msgspec.Struct):
    type: str = ""
    field_name: str = ""
    delta: str = ""


_completion = msgspec.json.Decoder(_Completion).decode
_frame = msgspec.json.Decoder(_Frame).decode


class UnreadableReplyError(ValueError):
    """A reply that is not what its dialect says."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way to ask for a reply and to read the text of the answer."""

    path: str
    authorization: dict[str, str]
    body: Callable[[str, bool], dict[str, object]]
    text: Callable[[bytes], str]
    ending: bytes
    # How often a streamed reply carries its text: Genspark's last frames repeat all of it.
    copies: int

    def request(self, mode: Mode, stream: bool) -> bytes:
        fields = {"content-type": "application/json", **self.authorization}
        body = json.dumps(self.body(mode.words, stream)).encode()
        return request("POST", self.path, fields, body)

    def looks_right(self, body: bytes, mode: Mode) -> bool:
        """The cheap test for a streamed reply; one that fails it may still be right."""
        tokens = body.count(TOKEN.encode())
        return tokens == mode.frames * self.copies and body.rstrip().endswith(self.ending)

    def problem(self, body: bytes, mode: Mode) -> str:
        """What is wrong with a reply, read frame by frame; empty when nothing is."""
        try:
            words = self.text(body).split()
        except UnreadableReplyError as error:
            return f"{error}: {body[-SNIPPET:]!r}"
        except msgspec.DecodeError as error:
            return f"not the JSON expected, {error}: {body[:SNIPPET]!r}"
        said = words.count(TOKEN.strip())
        stamps = sum(word.startswith("at=") for word in words)
        if said == mode.frames and len(words) == said + stamps:
            return ""
        return f"{said} of {mode.frames} text frames in {body[:SNIPPET]!r}"


def _data_lines(body: bytes) -> Iterator[bytes]:
    for line in body.splitlines():
        if line.startswith(b"data:"):
            yield line[5:].strip()


def _openai_text(body: bytes) -> str:
    if body.lstrip().startswith(b"{"):
        return "".join((choice.message or _Text()).content or "" for choice in _choices(body))
    *lines, last = list(_data_lines(body)) or [b""]
    if last != b"[DONE]":
        raise UnreadableReplyError("the stream does not end with [DONE]")
    every = (choice for line in lines for choice in _choices(line))
    return "".join((choice.delta or _Text()).content or "" for choice in every)


def _choices(line: bytes) -> list[_Choice]:
    return _completion(line).choices


def _cookie_text(body: bytes) -> str:
    if not body.rstrip().endswith(b'"FINISHED"}'):
        raise UnreadableReplyError("the project does not end as FINISHED")
    every = map(_frame, _data_lines(body))
    return "".join(frame.delta for frame in every if frame.type == "message_field_delta")


def _openai_body(words: str, stream: bool) -> dict[str, object]:
    return {"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": words}]}


def _cookie_body(words: str, stream: bool) -> dict[str, object]:
    """Genspark's own request; its replies are always streamed."""
    message = {"id": "1", "role": "user", "content": words}
    return {"type": "ai_chat", "models": [MODEL], "messages": [message]}


OPENAI = Dialect(
    path="/v1/chat/completions",
    authorization={"authorization": f"Bearer {SECRET}"},
    body=_openai_body,
    text=_openai_text,
    ending=b"data: [DONE]",
    copies=1,
)
KEY = Dialect(
    path=KEY_PATH,
    authorization={"authorization": "Bearer gsk-bench-1"},
    body=_openai_body,
    text=_openai_text,
    ending=b"data: [DONE]",
    copies=1,
)
COOKIE = Dialect(
    path=COOKIE_PATH,
    authorization={"cookie": "session_id=bench-1"},
    body=_cookie_body,
    text=_cookie_text,
    ending=b'"FINISHED"}',
    copies=3,
)


def of_route(route: Route) -> Dialect:
    """What a pass-through, or the mock itself, is asked on this route."""
    return COOKIE if route is Route.COOKIE else KEY
