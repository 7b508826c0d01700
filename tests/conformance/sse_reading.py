"""A strict reader of chat event streams: bytes in, JSON chunks out, no line rule forgiven.

Real clients forgive different things. This reader forgives nothing that any of them trips over:
one ``data: {json}`` line per event, one space, a blank line after it, comments only for keeping
alive, ``data: [DONE]`` last, no line beyond 32 KiB.
"""

import json
from dataclasses import dataclass, field
from typing import Any

Chunk = dict[str, Any]

# one-api's scanner gives up at 64 KiB; half of it leaves room for what gateways add.
LONGEST_LINE = 32 * 1024
DONE = "[DONE]"


@dataclass(slots=True)
class Reading:
    """What a stream said: its chunks, and how many keep-alive comments came before each."""

    chunks: list[Chunk] = field(default_factory=list)
    comments: list[int] = field(default_factory=list)

    @property
    def errors(self) -> list[Any]:
        """The error objects among the chunks."""
        return [chunk["error"] for chunk in self.chunks if "error" in chunk]

    @property
    def usages(self) -> list[Any]:
        """The token counts that were sent."""
        return [chunk["usage"] for chunk in self.chunks if chunk.get("usage")]

    def deltas(self, choice: int = 0) -> list[Chunk]:
        """The deltas of one choice, in order."""
        return [
            part["delta"]
            for chunk in self.chunks
            for part in chunk.get("choices", [])
            if part["index"] == choice
        ]

    def text(self, choice: int = 0) -> str:
        """The answer's text."""
        return "".join(delta.get("content") or "" for delta in self.deltas(choice))

    def reasoning(self) -> str:
        """The reasoning text."""
        return "".join(delta.get("reasoning_content") or "" for delta in self.deltas())

    def finishes(self, choice: int = 0) -> list[str]:
        """Every finish reason that was sent for a choice."""
        return [
            part["finish_reason"]
            for chunk in self.chunks
            for part in chunk.get("choices", [])
            if part["index"] == choice and part["finish_reason"] is not None
        ]

    def fragments(self) -> list[Chunk]:
        """All tool-call fragments, in order; more than one in a chunk is refused."""
        found: list[Chunk] = []
        for delta in self.deltas():
            calls = delta.get("tool_calls") or []
            assert len(calls) <= 1, f"several tool-call fragments in one chunk: {calls}"
            found += calls
        return found


def read_stream(body: bytes) -> Reading:
    """The whole stream. Raises ``AssertionError`` at the first broken rule."""
    assert not body.startswith(b"\xef\xbb\xbf"), "a byte order mark"
    assert b"\r" not in body, "a carriage return"
    assert body.endswith(b"\n\n"), f"the last event is not closed: {body[-80:]!r}"
    blocks = body.decode("utf-8", "strict")[:-2].split("\n\n")
    assert blocks[-1] == f"data: {DONE}", f"the end mark is missing: {blocks[-1][:200]!r}"
    reading, comments = Reading(), 0
    for block in blocks[:-1]:
        assert "\n" not in block, f"several lines in one event: {block[:200]!r}"
        assert len(block.encode()) <= LONGEST_LINE, f"a line of {len(block.encode())} bytes"
        if block.startswith(":"):
            comments += 1
            continue
        reading.chunks.append(_chunk(block))
        reading.comments.append(comments)
        comments = 0
    return reading


def _chunk(line: str) -> Chunk:
    assert line.startswith("data: "), f"neither data nor comment: {line[:80]!r}"
    payload = line.removeprefix("data: ")
    assert payload.strip() == payload, f"blanks around the payload: {line[:80]!r}"
    assert payload, "an empty data line: both SDKs fail to parse it"
    assert payload != DONE, "more than one end mark"
    chunk = json.loads(payload)
    assert isinstance(chunk, dict), f"not an object: {payload[:80]!r}"
    json.dumps(chunk, ensure_ascii=False).encode("utf-8", "strict")  # no halved surrogate pair
    return chunk


def check_sequence(reading: Reading, *, choices: int = 1) -> None:
    """The order inside a good answer: role first and once, one finish per choice, then silence."""
    plain = [chunk for chunk in reading.chunks if "error" not in chunk]
    for name in ("id", "created", "model", "object"):
        assert len({chunk[name] for chunk in plain}) == 1, f"{name!r} changes between chunks"
    assert plain[0]["object"] == "chat.completion.chunk"
    assert type(plain[0]["created"]) is int
    for chunk in plain:
        assert isinstance(chunk["choices"], list), chunk
        for part in chunk["choices"]:
            assert isinstance(part["delta"], dict), chunk
            assert part["delta"].get("role") in (None, "assistant"), chunk
    for choice in range(choices):
        _check_choice(plain, choice)


def _check_choice(chunks: list[Chunk], choice: int) -> None:
    parts = [part for chunk in chunks for part in chunk["choices"] if part["index"] == choice]
    assert parts[0]["delta"]["role"] == "assistant", parts[0]
    assert [part["delta"].get("role") for part in parts[1:]] == [None] * (len(parts) - 1)
    finished = [bool(part["finish_reason"]) for part in parts]
    assert finished == [False] * (len(parts) - 1) + [True], f"finish reasons: {finished}"
    assert parts[-1]["delta"] == {}, "the last chunk of a choice carries only its finish reason"
