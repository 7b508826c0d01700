"""HTTP/1.1 over a plain socket, for what client libraries hide or tidy up.

Request targets go out as written (``//v1/…``, ``%2F``), reply headers keep their spelling, and
the connection can be cut at any moment.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from live import SECRET

PATIENCE = 10.0

AUTH = {"Authorization": f"Bearer {SECRET}"}


@dataclass(slots=True)
class RawReply:
    """A reply as it came. ``chunks`` are the transfer's own pieces, empty for a plain body."""

    status: int
    head: bytes
    pairs: list[tuple[str, str]]
    body: bytes = b""
    chunks: list[bytes] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        """Headers by lower-cased name; none may come twice."""
        names = [name.lower() for name, _ in self.pairs]
        assert len(set(names)) == len(names), f"a header came twice: {names}"
        return {name.lower(): value for name, value in self.pairs}

    @property
    def everything(self) -> str:
        """Status line, headers and body, to be searched for what must not be there."""
        return (self.head + self.body).decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class RawConnection:
    """One connection to a server of ours."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host = address.netloc
        self._socket = socket.create_connection((address.hostname, address.port), PATIENCE)
        self._file = self._socket.makefile("rb")

    def send(
        self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> None:
        """Send a request; ``headers`` win over the usual ``Host`` and ``Content-Length``."""
        usual = {"Host": self._host, "Content-Length": str(len(body))}
        given = {name.lower() for name in headers or {}}
        if "transfer-encoding" in given:
            del usual["Content-Length"]
        lines = [f"{k}: {v}" for k, v in usual.items() if k.lower() not in given]
        lines += [f"{k}: {v}" for k, v in (headers or {}).items()]
        head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""])
        self.write(head.encode("latin-1") + body)

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def read_head(self) -> RawReply:
        """Status and headers, as soon as they are there."""
        lines = []
        while (line := self._file.readline()) not in (b"\r\n", b""):
            lines.append(line)
        assert lines, "the server closed the connection without a reply"
        pairs = [line.decode("latin-1").rstrip("\r\n").partition(":") for line in lines[1:]]
        return RawReply(
            int(lines[0].split()[1]),
            b"".join(lines),
            [(name, value.strip()) for name, _, value in pairs],
        )

    def read_chunk(self) -> bytes:
        """The next piece of a chunked body; empty at its regular end."""
        line = self._file.readline()
        assert line, "the transfer broke off"
        size = int(line.split(b";")[0], 16)
        data = self._file.read(size)
        assert self._file.readline() == b"\r\n", "a broken chunk"
        return data

    def read_reply(self, method: str = "POST") -> RawReply:
        """A whole reply."""
        reply = self.read_head()
        if method == "HEAD" or reply.status == 204:
            return reply
        if reply.headers.get("transfer-encoding") == "chunked":
            reply.chunks = list(iter(self.read_chunk, b""))
            reply.body = b"".join(reply.chunks)
        else:
            reply.body = self._file.read(int(reply.headers["content-length"]))
        return reply

    def read_until(self, mark: bytes) -> bytes:
        """Pieces of a chunked body up to the first one that contains ``mark``."""
        seen = b""
        while mark not in seen:
            piece = self.read_chunk()
            assert piece, f"the body ended without {mark!r}"
            seen += piece
        return seen

    def close(self) -> None:
        """Leave."""
        self._file.close()
        self._socket.close()


@contextmanager
def connected(url: str) -> Iterator[RawConnection]:
    """A connection for the length of a block."""
    connection = RawConnection(url)
    try:
        yield connection
    finally:
        connection.close()


def ask(
    url: str, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> RawReply:
    """One request and its whole reply; without ``headers`` the caller's key is sent."""
    with connected(url) as connection:
        connection.send(method, target, AUTH if headers is None else headers, body)
        return connection.read_reply(method)


def chat_body(text: str = "Hello", **fields: Any) -> bytes:
    """A chat request with one user message, encoded."""
    messages = [{"role": "user", "content": text}]
    return json.dumps({"model": "gpt-5.4", "messages": messages, **fields}).encode()
