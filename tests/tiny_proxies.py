"""A SOCKS5 and an HTTP proxy, just large enough to see whether traffic goes through them."""

import base64
import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class TinyProxy:
    """``targets`` are the ``host:port`` asked for; ``logins`` the credentials presented."""

    port: int
    targets: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)


Handler = Callable[[socket.socket, TinyProxy], None]


@contextmanager
def serving(handler: Handler) -> Iterator[TinyProxy]:
    """Serve each connection in a thread until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = TinyProxy(listener.getsockname()[1])

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=_guarded, args=(handler, client, proxy)).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _guarded(handler: Handler, client: socket.socket, proxy: TinyProxy) -> None:
    with contextlib.suppress(OSError), client:
        handler(client, proxy)


def _relay(left: socket.socket, right: socket.socket) -> None:
    while True:
        for ready in select.select([left, right], [], [])[0]:
            data = ready.recv(65536)
            if not data:
                return
            (right if ready is left else left).sendall(data)


def _exactly(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += client.recv(count - len(data))
    return data


def socks5(client: socket.socket, proxy: TinyProxy) -> None:
    """RFC 1928 CONNECT, with the user and password of RFC 1929 when offered."""
    methods = _exactly(client, _exactly(client, 2)[1])
    if 2 in methods:
        client.sendall(b"\x05\x02")
        user = _exactly(client, _exactly(client, 2)[1])
        password = _exactly(client, _exactly(client, 1)[0])
        proxy.logins.append(f"{user.decode()}:{password.decode()}")
        client.sendall(b"\x01\x00")
    else:
        client.sendall(b"\x05\x00")
    kind = _exactly(client, 4)[3]
    size = 4 if kind == 1 else _exactly(client, 1)[0]
    raw = _exactly(client, size)
    host = ".".join(map(str, raw)) if kind == 1 else raw.decode()
    port = int.from_bytes(_exactly(client, 2), "big")
    proxy.targets.append(f"{host}:{port}")
    with socket.create_connection((host, port)) as upstream:
        client.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        _relay(client, upstream)


def http(client: socket.socket, proxy: TinyProxy) -> None:
    """CONNECT tunnels and absolute-form requests (one per connection)."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(65536)
    lines = head.split(b"\r\n\r\n")[0].decode().split("\r\n")
    method, target, _ = lines[0].split(" ")
    for line in lines[1:]:
        if line.lower().startswith("proxy-authorization: basic "):
            proxy.logins.append(base64.b64decode(line.split()[-1]).decode())
    address = target if method == "CONNECT" else urlsplit(target).netloc
    proxy.targets.append(address)
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port))) as upstream:
        if method == "CONNECT":
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            upstream.sendall(head)
        _relay(client, upstream)
