"""Server-sent events, and lines of JSON, the way Genspark writes them.

Cookie routes (observed 2026-03-27 to 2026-09-23): only ``data:`` lines, one JSON object per
line with a space after ``:`` and ``,``, events separated by an empty line. The key route
writes compact JSON, as LiteLLM does. The tools of the key route answer with one JSON object per
line (vendor software of 2026-09-22).
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not a ``data:`` frame: a comment, or text broken off half way."""

    text: str


Frame = JsonObject | str | Line
"""One event: an object to encode, a string to put after ``data:`` as it is, or a raw line."""

Framing = Literal["events", "lines"]
"""Server-sent events, or newline-delimited JSON."""


def encode_json(value: object, *, spaced: bool) -> str:
    """JSON with non-ASCII characters kept, with or without a space after the separators."""
    separators = (", ", ": ") if spaced else (",", ":")
    return json.dumps(value, ensure_ascii=False, separators=separators)


def to_bytes(text: str) -> bytes:
    """UTF-8; a lone surrogate, which JSON can smuggle in, becomes a question mark."""
    return text.encode("utf-8", errors="replace")


def encode_frame(
    frame: Frame, framing: Framing, *, spaced: bool, line_end: str, no_space: bool
) -> bytes:
    """One event with its trailing empty line, or one line."""
    if isinstance(frame, Line):
        return to_bytes(frame.text + line_end * 2)
    data = frame if isinstance(frame, str) else encode_json(frame, spaced=spaced)
    if framing == "lines":
        return to_bytes(data + line_end)
    return to_bytes(f"data:{'' if no_space else ' '}{data}{line_end * 2}")
