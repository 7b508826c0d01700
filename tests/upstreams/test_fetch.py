"""Fetching callers' URLs: what is fetched, and every way inside that is closed.

A server on 127.0.0.1 plays the open network: that one address is allowed, and names resolve to it
when the test says so. Every other address is inside.
"""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import tiny_proxies
import trustme

from proxy.upstreams.fetch import LONGEST_URL, MOST_REDIRECTS, Fetcher, FetchRefused, SystemNames

OUTSIDE = "127.0.0.1"
INSIDE = ["10.0.0.1", "169.254.169.254", "127.0.0.2", "::1", "fe80::1%eth0", "::ffff:127.0.0.1"]
LIMIT = 1000
NOT_PUBLIC = "The URL's address is not public."
INVALID = "The URL is not valid."

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def _reply(body: bytes = b"", status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _redirect(target: str, status: str = "302 Found") -> bytes:
    return _reply(b"moved", status, f"location: {target}")


@dataclass
class Web:
    """``pages``: what a path answers, bytes or a callable that writes; ``asked``: the requests."""

    port: int = 0
    pages: dict[str, bytes | Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    busy: set[asyncio.Task[None]] = field(default_factory=set)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.busy.add(task)
        try:
            # Ends quietly when the test is over or the client has gone.
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._answer(reader, writer)
        finally:
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(request)
        page = self.pages.get(request.split()[1], _reply(b"", "404 Not Found"))
        if isinstance(page, bytes):
            writer.write(page)
        else:
            await page(writer)
        await writer.drain()


class Names:
    """Names with their addresses; a list of lists answers differently each time it is asked."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = answers
        self.asked: Counter[str] = Counter()

    async def __call__(self, name: str, port: int) -> list[str]:
        label = name.removesuffix(".test")
        answers = self._answers.get(label)
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        self.asked[label] += 1
        return answers[min(self.asked[label], len(answers)) - 1]


@asynccontextmanager
async def _web(tls: ssl.SSLContext | None = None) -> AsyncIterator[Web]:
    web = Web()
    server = await asyncio.start_server(web.answer, OUTSIDE, 0, ssl=tls)
    web.port = server.sockets[0].getsockname()[1]
    async with server:
        yield web
    for task in web.busy:
        task.cancel()
    await asyncio.gather(*web.busy)


def _fetcher(names: Names | None = None, seconds: float = 10) -> Fetcher:
    return Fetcher(lambda address: address == OUTSIDE, names or Names(), seconds)


def _fetch(
    path: str = "/a.png",
    *,
    pages: dict[str, bytes | Answer],
    names: Names | None = None,
    host: str = OUTSIDE,
    seconds: float = 10,
) -> tuple[bytes, Web]:
    """Fetch a path of a server with these pages; ``{port}`` in a redirect is the server's."""

    async def run() -> tuple[bytes, Web]:
        async with _web() as web:
            port = str(web.port).encode()
            web.pages = {
                place: page.replace(b"{port}", port) if isinstance(page, bytes) else page
                for place, page in pages.items()
            }
            fetcher = _fetcher(names, seconds)
            return await fetcher.fetch(f"http://{host}:{web.port}{path}", LIMIT), web

    return asyncio.run(run())


def _refusal(url: str, fetcher: Fetcher | None = None) -> str:
    with pytest.raises(FetchRefused) as caught:
        asyncio.run((fetcher or _fetcher()).fetch(url, LIMIT))
    assert str(caught.value) == caught.value.reason
    return caught.value.reason


def _refused_page(page: bytes | Answer, seconds: float = 10) -> str:
    with pytest.raises(FetchRefused) as caught:
        _fetch(pages={"/a.png": page}, seconds=seconds)
    return caught.value.reason


def test_a_body_is_fetched_by_name_with_nothing_of_ours_in_the_request() -> None:
    names = Names(pics=[[OUTSIDE]])
    body, web = _fetch(
        "/a.png?x=1#part", pages={"/a.png?x=1": _reply(b"image")}, names=names, host="pics.test"
    )
    assert body == b"image"
    (request,) = web.asked
    lines = request.strip().splitlines()
    assert lines[0] == "GET /a.png?x=1 HTTP/1.1"
    assert {line.partition(":")[0].lower() for line in lines[1:]} <= {
        "host", "user-agent", "accept", "accept-encoding", "connection",
    }  # fmt: skip
    assert "Accept-Encoding: identity" in lines
    assert "Connection: close" in lines
    assert "User-Agent: genspark2api" in lines
    assert f"Host: pics.test:{web.port}" in lines


def test_a_literal_address_outside_is_fetched_without_asking_for_a_name() -> None:
    assert _fetch(pages={"/a.png": _reply(b"image")})[0] == b"image"


def test_cookies_and_environment_proxies_play_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    set_cookie = _reply(b"", "302 Found", "location: /b.png", "set-cookie: a=1; path=/")
    with tiny_proxies.serving(tiny_proxies.http) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        # By name: a cookie jar would not keep the cookie of a bare address anyway.
        pages = {"/a.png": set_cookie, "/b.png": _reply(b"image")}
        _, web = _fetch(pages=pages, names=Names(pics=[[OUTSIDE]]), host="pics.test")
    assert not proxy.targets
    assert len(web.asked) == 2
    assert "cookie" not in "".join(web.asked).lower()


@pytest.mark.parametrize(
    "url",
    [
        *(f"http://{f'[{address}]' if ':' in address else address}/" for address in INSIDE),
        "http://[::ffff:7f00:1]:80/", "http://[fe80::1%25eth0]/", "https://10.0.0.1:8443/x",
        "http://１０.0.0.1/", "http://10。0。0。1/", "http://[64:ff9b::a00:1]/",
    ],
)  # fmt: skip
def test_a_literal_address_inside_is_refused(url: str) -> None:
    assert _refusal(url) == NOT_PUBLIC


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/", "http://127.1/", "http://0x7f.1/", "http://0x7f000001/",
        "http://0177.0.0.1/", "http://017700000001/", "http://127.0.0.1./", "http://127.0.0.1../",
        "http://example.org.0x1/", "http://1.2.3.4.5/", "http://[::1/", "http://[1.2.3.4]/",
        "http://256.256.256.256/", "http:///a.png", "http://", "http:a.png", "http://h:99999/",
        "http://h:-1/", "http://h:x/", "http://\ud800/", "http://h\\@127.0.0.1/",
    ],
)  # fmt: skip
def test_what_is_no_address_and_no_name_is_refused(url: str) -> None:
    assert _refusal(url) == INVALID


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://pics.test/a.png", "The URL must begin with http:// or https://."),
        ("file:///etc/passwd", "The URL must begin with http:// or https://."),
        ("//pics.test/a.png", "The URL must begin with http:// or https://."),
        ("a.png", "The URL must begin with http:// or https://."),
        ("", "The URL must begin with http:// or https://."),
        ("http://u@h/", "The URL must not contain a user name or a password."),
        ("http://u:p@h/", "The URL must not contain a user name or a password."),
        ("http://:p@h/", "The URL must not contain a user name or a password."),
        ("http://h/" + "a" * LONGEST_URL, "The URL is too long."),
        ("http://nowhere.test/", "The URL could not be fetched (its host is not known)."),
    ],
)
def test_other_urls_are_refused(url: str, reason: str) -> None:
    assert _refusal(url) == reason


@pytest.mark.parametrize("inside", INSIDE)
def test_a_name_with_any_address_inside_is_refused(inside: str) -> None:
    for addresses in ([inside], [OUTSIDE, inside], [inside, OUTSIDE]):
        with pytest.raises(FetchRefused, match=NOT_PUBLIC):
            _fetch(pages={}, names=Names(trap=[addresses]), host="trap.test")


def test_a_name_that_turns_inside_is_asked_anew_and_refused() -> None:
    """DNS rebinding: what was checked for one connection counts for no other."""

    async def run() -> None:
        names = Names(turn=[[OUTSIDE], ["127.0.0.2"]])
        async with _web() as web:
            web.pages["/a.png"] = _redirect(f"http://turn.test:{web.port}/b.png")
            web.pages["/b.png"] = _reply(b"secret")
            with pytest.raises(FetchRefused, match=NOT_PUBLIC):
                await _fetcher(names).fetch(f"http://turn.test:{web.port}/a.png", LIMIT)
            assert names.asked["turn"] == 2
            assert len(web.asked) == 1

    asyncio.run(run())


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """The system knows no such name: only the checked answer can have led there, asked once."""
    names = Names(once=[[OUTSIDE], ["10.0.0.1"]])
    assert _fetch(pages={"/a.png": _reply(b"x")}, names=names, host="once.test")[0] == b"x"
    assert names.asked == {"once": 1}


def test_names_are_asked_again_by_the_next_fetch() -> None:
    async def run() -> None:
        names = Names(turn=[[OUTSIDE], ["127.0.0.2"]])
        async with _web() as web:
            web.pages["/a.png"] = _reply(b"image")
            fetcher = _fetcher(names)
            url = f"http://turn.test:{web.port}/a.png"
            assert await fetcher.fetch(url, LIMIT) == b"image"
            with pytest.raises(FetchRefused, match=NOT_PUBLIC):
                await fetcher.fetch(url, LIMIT)

    asyncio.run(run())


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
@pytest.mark.parametrize(
    "target", ["/b.png", "b.png", "http://pics.test:{port}/b.png", "//pics.test:{port}/b.png"]
)
def test_redirects_are_followed(status: str, target: str) -> None:
    pages = {"/a.png": _redirect(target, status), "/b.png": _reply(b"image")}
    assert _fetch(pages=pages, names=Names(pics=[[OUTSIDE]]))[0] == b"image"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", NOT_PUBLIC),
        ("http://[::1]:{port}/", NOT_PUBLIC),
        ("http://127.0.0.2:{port}/", NOT_PUBLIC),
        ("http://trap.test/", NOT_PUBLIC),
        ("http://2130706433/", INVALID),
        ("file:///etc/passwd", "The URL must begin with http:// or https://."),
        ("gopher://127.0.0.1/", "The URL must begin with http:// or https://."),
        ("http://u:p@pics.test/", "The URL must not contain a user name or a password."),
        ("http://[", INVALID),
    ],
)
def test_a_redirect_leads_nowhere_that_a_url_may_not(target: str, reason: str) -> None:
    names = Names(pics=[[OUTSIDE]], trap=[["10.1.2.3"]])
    with pytest.raises(FetchRefused) as caught:
        _fetch(pages={"/a.png": _redirect(target)}, names=names)
    assert caught.value.reason == reason


def test_redirects_end() -> None:
    chain: dict[str, bytes | Answer] = {
        f"/{n}": _redirect(f"/{n + 1}") for n in range(MOST_REDIRECTS + 1)
    }
    last = f"/{MOST_REDIRECTS}"
    assert _fetch("/0", pages=chain | {last: _reply(b"image")})[0] == b"image"
    with pytest.raises(FetchRefused, match="too many redirects"):
        _fetch("/0", pages=chain)
    with pytest.raises(FetchRefused, match="too many redirects"):
        _fetch(pages={"/a.png": _redirect("/a.png")})


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (_reply(b"x", "404 Not Found"), "HTTP 404"),
        (_reply(b"x", "500 Oops"), "HTTP 500"),
        (_reply(b"", "204 No Content"), "HTTP 204"),
        (_reply(b"x", "206 Partial Content"), "HTTP 206"),
        (_reply(b"x", "302 Found"), "HTTP 302"),
        (_reply(b"x", "200 OK", "content-encoding: gzip"), "it came compressed"),
        (_reply(b"x", "200 OK", "content-encoding: identity, br"), "it came compressed"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "the connection broke"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort", "the connection broke"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "the connection broke"),
        (b"", "the connection broke"),
    ],
)
def test_answers_that_are_no_file(page: bytes, why: str) -> None:
    assert _refused_page(page) == f"The URL could not be fetched ({why})."


def test_identity_is_no_encoding() -> None:
    page = _reply(b"image", "200 OK", "content-encoding: Identity")
    assert _fetch(pages={"/a.png": page})[0] == b"image"


TOO_LARGE = "The file at the URL is larger than 0.001 MB."


def test_the_size_is_limited_as_declared_before_a_byte_is_read() -> None:
    async def declare_only(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n")
        await asyncio.sleep(60)

    assert _refused_page(declare_only) == TOO_LARGE
    assert _fetch(pages={"/a.png": _reply(bytes(LIMIT))})[0] == bytes(LIMIT)


@pytest.mark.parametrize("chunked", [True, False])
def test_the_size_is_limited_as_counted(chunked: bool) -> None:
    async def flood(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        writer.write(b"transfer-encoding: chunked\r\n\r\n" if chunked else b"\r\n")
        while not writer.is_closing():
            writer.write(b"64\r\n" + bytes(100) + b"\r\n")
            await writer.drain()

    assert _refused_page(flood) == TOO_LARGE


def test_a_body_in_chunks_up_to_the_limit_is_fetched() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = b"1f4\r\n" + bytes(500) + b"\r\n"
    assert _fetch(pages={"/a.png": head + chunks * 2 + b"0\r\n\r\n"})[0] == bytes(LIMIT)
    assert _refused_page(head + chunks * 2 + b"1\r\nx\r\n0\r\n\r\n") == TOO_LARGE


async def _silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def _dripping(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("page", [_silence, _dripping])
def test_the_time_is_limited_as_a_whole(page: Answer) -> None:
    assert _refused_page(page, seconds=0.2) == "The URL could not be fetched (no answer in time)."


def test_a_name_that_takes_for_ever_ends_in_time() -> None:
    async def never(name: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    fetcher = Fetcher(lambda _: True, never, seconds=0.1)
    assert _refusal("http://slow.test/", fetcher).endswith("(no answer in time).")


def test_a_name_without_addresses_is_not_known() -> None:
    fetcher = _fetcher(Names(empty=[[]]))
    assert _refusal("http://empty.test/", fetcher).endswith("(its host is not known).")


def test_nobody_there_is_told_without_an_address() -> None:
    with socket.create_server((OUTSIDE, 0)) as closed:
        port = closed.getsockname()[1]
    reason = _refusal(f"http://{OUTSIDE}:{port}/")
    assert reason == "The URL could not be fetched (its host does not answer)."


@pytest.fixture
def tls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ssl.SSLContext:
    """A server's TLS for ``pics.test``, whose authority this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("pics.test").configure_cert(context)
    return context


async def _fetch_tls(tls: ssl.SSLContext, host: str, page: bytes) -> bytes:
    async with _web(tls) as web:
        web.pages["/a.png"] = page
        names = Names(pics=[[OUTSIDE]], other=[[OUTSIDE]])
        return await _fetcher(names).fetch(f"https://{host}:{web.port}/a.png", LIMIT)


def test_https_is_fetched_under_the_hosts_own_name(tls: ssl.SSLContext) -> None:
    assert asyncio.run(_fetch_tls(tls, "pics.test", _reply(b"image"))) == b"image"
    with pytest.raises(FetchRefused, match="certificate or encryption is not valid"):
        asyncio.run(_fetch_tls(tls, "other.test", _reply(b"image")))


def test_a_redirect_from_https_to_http_is_refused(tls: ssl.SSLContext) -> None:
    with pytest.raises(FetchRefused, match="redirects from https to http"):
        asyncio.run(_fetch_tls(tls, "pics.test", _redirect("http://pics.test/b.png")))


def test_plain_http_behind_https_is_told() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_reply(b"", "400 Bad Request"))
        writer.close()
        await writer.wait_closed()

    async def run() -> None:
        async with await asyncio.start_server(greet, OUTSIDE, 0) as server:
            port = server.sockets[0].getsockname()[1]
            await _fetcher().fetch(f"https://{OUTSIDE}:{port}/", LIMIT)

    with pytest.raises(FetchRefused, match="could not be fetched"):
        asyncio.run(run())


def test_the_usual_guard_closes_this_very_machine() -> None:
    async def run() -> None:
        async with _web() as web:
            for host in (OUTSIDE, "localhost", "[::1]"):
                with pytest.raises(FetchRefused, match=NOT_PUBLIC):
                    await Fetcher().fetch(f"http://{host}:{web.port}/", LIMIT)
            assert not web.asked

    asyncio.run(run())


def test_the_systems_names_are_resolved() -> None:
    assert OUTSIDE in asyncio.run(SystemNames()("localhost", 80))


@pytest.mark.parametrize("host", ["a..b", "a" * 300])
def test_a_host_that_the_system_cannot_even_look_up_is_not_valid(host: str) -> None:
    assert _refusal(f"http://{host}/", Fetcher(lambda _: True, SystemNames())) == INVALID


def test_a_cancelled_fetch_ends_at_once_and_leaves_no_connection() -> None:
    async def run() -> None:
        arrived, gone = asyncio.Event(), asyncio.Event()

        async def drip(writer: asyncio.StreamWriter) -> None:
            arrived.set()
            try:
                await _dripping(writer)
            finally:
                gone.set()

        async with _web() as web, asyncio.TaskGroup() as tasks:
            web.pages["/a.png"] = drip
            task = tasks.create_task(_fetcher().fetch(f"http://{OUTSIDE}:{web.port}/a.png", LIMIT))
            await arrived.wait()
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            await asyncio.wait_for(gone.wait(), 5)

    asyncio.run(run())
