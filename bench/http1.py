"""The little HTTP/1.1 that the mock and the load generator speak: framing, nothing more."""

from dataclasses import dataclass

END_OF_HEAD = b"\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


class MalformedHttpError(ValueError):
    """The peer sent something that is not HTTP/1.1 as we speak it."""


@dataclass(frozen=True, slots=True)
class Head:
    """First line of a message, where its body begins, and its length (None: chunked)."""

    line: bytes
    end: int
    length: int | None

    @property
    def status(self) -> int:
        parts = self.line.split(b" ", 2)
        if len(parts) < 2 or not parts[1].isdigit():
            raise MalformedHttpError(f"status line {self.line[:60]!r}")
        return int(parts[1])


def read_head(data: bytes | bytearray) -> Head | None:
    """The head at the start of ``data``; None while it is incomplete."""
    stop = data.find(END_OF_HEAD)
    if stop < 0:
        return None
    text = bytes(data[: stop + 2])
    line, _, fields = text.partition(b"\r\n")
    return Head(line, stop + len(END_OF_HEAD), _body_length(b"\r\n" + fields.lower()))


def _body_length(fields: bytes) -> int | None:
    if b"\r\ntransfer-encoding: chunked" in fields:
        return None
    at = fields.find(b"\r\ncontent-length:")
    if at < 0:
        return 0
    value = fields[at + 17 : fields.find(b"\r\n", at + 17)].strip()
    if not value.isdigit():
        raise MalformedHttpError(f"content-length {value[:20]!r}")
    return int(value)


def read_body(data: bytes | bytearray, head: Head) -> tuple[bytes, int] | None:
    """The body that follows ``head`` and where it ends; None while it is incomplete."""
    if head.length is None:
        return unchunk(data, head.end)
    stop = head.end + head.length
    return (bytes(data[head.end : stop]), stop) if len(data) >= stop else None


def chunk(payload: bytes) -> bytes:
    """``payload`` as one HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def unchunk(data: bytes | bytearray, start: int) -> tuple[bytes, int] | None:
    """Payload and end of the chunked body at ``start``; None while it is incomplete.

    Trailers are not understood: neither the mock nor any target sends them.
    """
    parts: list[bytes | bytearray] = []
    while (eol := data.find(b"\r\n", start)) >= 0:
        size = _chunk_size(bytes(data[start:eol]))
        start = eol + 2
        if len(data) < start + size + 2:
            return None
        if data[start + size : start + size + 2] != b"\r\n":
            raise MalformedHttpError("chunk without its end")
        if size == 0:
            return b"".join(parts), start + 2
        parts.append(data[start : start + size])
        start += size + 2
    return None


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        raise MalformedHttpError(f"chunk size {line[:20]!r}") from None


def request(method: str, path: str, fields: dict[str, str], body: bytes = b"") -> bytes:
    """One keep-alive request, ready to be written."""
    everything = {"host": "127.0.0.1", **fields, "content-length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in everything.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def response(payload: bytes, status: str = "200 OK") -> bytes:
    """One complete JSON response."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(payload)}\r\n\r\n".encode() + payload


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
