"""Server-sent events from bytes: feed network reads, get the data of each complete event.

Lines end on CR, LF or CRLF and on nothing else: U+2028 and U+0085 are legal inside JSON, and a
reader that splits there (``str.splitlines`` does) breaks frames apart.
"""

from typing import Final

# The last frame of an answer repeats it whole with its state; observed frames exceed 64 KiB by far.
FRAME_LIMIT: Final = 32 * 1024 * 1024
STRAY_LIMIT: Final = 64 * 1024


class FrameTooLong(Exception):
    """One event grew beyond ``FRAME_LIMIT`` bytes."""


class Frames:
    """Incremental framer. ``stray`` keeps what was not an event stream at all, for diagnosis."""

    __slots__ = ("_after_cr", "_limit", "_parts", "_size", "stray")

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._after_cr = False
        self._limit = limit
        self.stray = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The data of every event that this read completes."""
        if data and (self._after_cr or b"\r" in data):
            data = self._lf_only(data)
        if b"\n\n" not in data and not self._ends_at(data):
            self._keep(data)
            return []
        if self._parts:
            data = b"".join(self._parts) + data
            self._parts.clear()
        *blocks, rest = data.split(b"\n\n")
        self._size = 0
        self._keep(rest)
        return [payload for block in blocks if (payload := self._payload(block)) is not None]

    def close(self) -> tuple[list[bytes], bool]:
        """At the end: a last event that lacks its blank line, and whether a line was cut short."""
        rest = b"".join(self._parts)
        self._parts.clear()
        if not rest.strip():
            return [], False
        if rest.endswith(b"\n"):
            payload = self._payload(rest[:-1])
            return ([payload] if payload is not None else []), False
        payload = self._payload(rest)
        return ([payload] if payload is not None else []), True

    def _ends_at(self, data: bytes) -> bool:
        """A blank line that is split between two reads."""
        return data.startswith(b"\n") and bool(self._parts) and self._parts[-1].endswith(b"\n")

    def _keep(self, rest: bytes) -> None:
        if not rest:
            return
        self._size += len(rest)
        if self._size > self._limit:
            raise FrameTooLong
        self._parts.append(rest)

    def _lf_only(self, data: bytes) -> bytes:
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _payload(self, block: bytes) -> bytes | None:
        if block.startswith(b"data:") and b"\n" not in block:
            return block[6:] if block[5:6] == b" " else block[5:]
        lines = [_data_of(line) for line in block.split(b"\n") if line.startswith(b"data:")]
        if lines:
            return b"\n".join(lines)
        self._note_stray(block)
        return None

    def _note_stray(self, block: bytes) -> None:
        known = (b":", b"event:", b"id:", b"retry:")
        lines = [line for line in block.split(b"\n") if line and not line.startswith(known)]
        if lines and len(self.stray) < STRAY_LIMIT:
            self.stray += b"\n".join(lines)[:STRAY_LIMIT] + b"\n"


def _data_of(line: bytes) -> bytes:
    return line[6:] if line[5:6] == b" " else line[5:]


def looks_like_events(body: bytes) -> bool:
    """Whether the first bytes of a body are an event stream, whatever its content type says."""
    return body.lstrip().startswith((b"data:", b":", b"event:", b"id:"))
