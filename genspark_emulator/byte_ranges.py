"""Files as they are sent: a real beginning, zeros behind it, and any part of both."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

BLOCK_BYTES = 128 * 1024

_ZEROS = bytes(BLOCK_BYTES)
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Unsatisfiable(ValueError):
    """A range that lies outside the file."""


@dataclass(frozen=True, slots=True)
class FileBody:
    """The bytes ``start`` to ``stop`` of ``head`` followed by zeros.

    The zeros are made while they are sent, so that a large file costs no memory.
    """

    head: bytes
    start: int
    stop: int

    @property
    def length(self) -> int:
        """How many bytes it is."""
        return self.stop - self.start

    def blocks(self) -> Iterator[bytes]:
        """The bytes in writes of at most ``BLOCK_BYTES``."""
        for start in range(self.start, self.stop, BLOCK_BYTES):
            yield self._block(start, min(start + BLOCK_BYTES, self.stop))

    def _block(self, start: int, stop: int) -> bytes:
        if start >= len(self.head):
            return _ZEROS[: stop - start]
        return self.head[start:stop].ljust(stop - start, b"\0")


def asked_range(header: str, size: int) -> tuple[int, int] | None:
    """Start and end (exclusive) of a single ``Range``; None for the whole file.

    Several ranges, or another unit, are ignored as HTTP allows. Raises Unsatisfiable.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1 if last else size)
    if start >= size or stop <= start:
        raise Unsatisfiable(header)
    return start, stop
