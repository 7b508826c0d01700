"""How an answer is put on the wire: waiting, cutting, slicing, line ends.

Any rule of the script can carry these, whatever it answers.
"""

from collections.abc import Iterable, Iterator
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


def first_bytes(writes: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """The same writes, stopped once ``limit`` bytes have passed."""
    left = limit
    for write in writes:
        if left <= 0:
            return
        yield write[:left]
        left -= len(write)


def sliced(writes: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in writes of exactly ``size`` bytes, the last one being the remainder."""
    content = memoryview(b"".join(writes))
    for start in range(0, len(content), size):
        yield bytes(content[start : start + size])


def shaped(writes: list[bytes], modifiers: Modifiers) -> Iterable[bytes]:
    """Apply the two byte limits, then the slicing."""
    limits = [n for n in (modifiers.end_after_bytes, modifiers.cut_after_bytes) if n is not None]
    kept: Iterable[bytes] = first_bytes(writes, min(limits)) if limits else writes
    return sliced(kept, modifiers.chunk_bytes) if modifiers.chunk_bytes else kept


def breaks_off(total: int, modifiers: Modifiers) -> bool:
    """Whether a body of ``total`` bytes ends in a broken transfer rather than cleanly."""
    cut, end = modifiers.cut_after_bytes, modifiers.end_after_bytes
    return cut is not None and cut <= total and (end is None or cut <= end)


def declared_length(total: int, modifiers: Modifiers) -> int:
    """The Content-Length to announce: the full size when the transfer is going to break."""
    end = modifiers.end_after_bytes
    return total if end is None or breaks_off(total, modifiers) else min(total, end)
