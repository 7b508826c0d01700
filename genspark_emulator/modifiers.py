"""How an answer is put on the wire: waiting, cutting, slicing, line ends.

Any rule of the script can carry these, whatever it answers.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]
ByteCount = Annotated[int, msgspec.Meta(ge=0)]
ChunkSize = Annotated[int, msgspec.Meta(ge=1)]
PadSize = Annotated[int, msgspec.Meta(ge=0, le=64 * 1024 * 1024)]


class Modifiers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The transmission fields of a rule.

    ``delay_s`` waits before the response headers, ``first_event_delay_s`` between the headers
    and the first byte of the body, ``frame_delay_s`` between two writes of the body.
    ``accept_then_cut`` closes the connection after ``delay_s`` without a single byte of answer,
    although the call was carried out.
    """

    delay_s: Seconds = 0.0
    first_event_delay_s: Seconds = 0.0
    frame_delay_s: Seconds = 0.0
    cut_after_bytes: ByteCount | None = None
    end_after_bytes: ByteCount | None = None
    chunk_bytes: ChunkSize | None = None
    pad_bytes: PadSize = 0
    line_end: Literal["\n", "\r\n", "\r"] = "\n"
    no_space: bool = False
    content_type: str | None = None
    accept_then_cut: bool = False


class Shaper:
    """Puts a body, given write by write, into the form that modifiers ask for.

    First the two byte limits, then the slicing into writes of exactly ``chunk_bytes``.
    """

    def __init__(self, modifiers: Modifiers) -> None:
        self._cut, self._end = modifiers.cut_after_bytes, modifiers.end_after_bytes
        self._size = modifiers.chunk_bytes
        limits = [limit for limit in (self._cut, self._end) if limit is not None]
        self._left = min(limits) if limits else None
        self._seen = 0
        self._held = b""

    @property
    def full(self) -> bool:
        """Whether a limit is reached, so that nothing more needs to be fed."""
        return self._left == 0

    @property
    def breaks_off(self) -> bool:
        """Whether the body fed so far ends in a broken transfer rather than cleanly."""
        cut, end = self._cut, self._end
        return cut is not None and cut <= self._seen and (end is None or cut <= end)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The writes that are complete now; what does not fill a slice is held back."""
        self._seen += len(data)
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        if self._size is None:
            return iter([data] if data else [])
        return self._slices(data, self._size)

    def _slices(self, data: bytes, size: int) -> Iterator[bytes]:
        held = memoryview(self._held + data)
        whole = len(held) - len(held) % size
        self._held = bytes(held[whole:])
        return (bytes(held[start : start + size]) for start in range(0, whole, size))

    def flush(self) -> Iterator[bytes]:
        """What was held back."""
        held, self._held = self._held, b""
        return iter([held] if held else [])


def declared_length(total: int, modifiers: Modifiers) -> int:
    """The Content-Length to announce: the full size when the transfer is going to break."""
    cut, end = modifiers.cut_after_bytes, modifiers.end_after_bytes
    breaks = cut is not None and cut <= total and (end is None or cut <= end)
    return total if end is None or breaks else min(total, end)
