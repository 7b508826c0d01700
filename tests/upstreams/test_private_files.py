"""Files into an account's storage: asked for with its cookie, put without it."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from conftest import Upstream

from genspark_emulator.state import EmulatorState
from proxy.core.accounts import Account, Secret
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.products import Credential
from proxy.upstreams.genspark import Genspark
from proxy.upstreams.http import Http
from proxy.upstreams.private_files import put, upload
from proxy.wire.genspark_files import PrivateFile

AGENT = "test-agent"
PLACE = "/api/get_upload_personal_image_url"
NO_CREDENTIAL = {"cookie", "authorization", "x-api-key", "referer"}


def _account(name: str) -> Account:
    return Account(name, name, Credential.COOKIE, Secret(f"session_id={name}; c1=first"))


ALICE, BOB = _account("alice"), _account("bob")


@dataclass(frozen=True)
class File:
    name: str = "report.pdf"
    mime: str = "application/pdf"
    data: bytes = b"%PDF-1.7\n"


@pytest.fixture(scope="module")
def engine() -> Iterator[tuple[asyncio.Runner, Http]]:
    """One event loop and one client for all tests here."""
    with asyncio.Runner() as runner:
        http = Http(None, connect_timeout=5, idle_timeout=5)
        yield runner, http
        runner.run(http.aclose())


Run = Callable[[Callable[[Genspark], Awaitable[Any]]], Any]


@pytest.fixture
def run(engine: tuple[asyncio.Runner, Http], upstream: Upstream) -> Run:
    """Do something with a fresh ``Genspark`` in front of the emulator."""
    runner, http = engine

    async def story(work: Callable[[Genspark], Awaitable[Any]]) -> Any:
        return await work(Genspark(http, upstream.url, AGENT))

    return lambda work: runner.run(story(work))


def _failure(run: Run, work: Callable[[Genspark], Awaitable[Any]]) -> Failure:
    with pytest.raises(UpstreamError) as caught:
        run(work)
    return caught.value.failure


def test_a_file_is_put_where_the_account_is_told_to(
    run: Run, upstream: Upstream, emulator_state: EmulatorState
) -> None:
    file: PrivateFile = run(lambda genspark: upload(genspark, ALICE, File()))

    [kept] = emulator_state.uploads._by_id.values()
    assert (kept.account, kept.content) == ("alice", b"%PDF-1.7\n")
    assert file == PrivateFile("report.pdf", "application/pdf", 9, file.storage_url)
    assert file.storage_url == f"{upstream.url}/api/files/s/{kept.id}"
    asked, sent = upstream.log()
    assert (asked["method"], asked["path"], asked["account"]) == ("GET", PLACE, "alice")
    assert asked["headers"]["cookie"] == "session_id=alice; c1=first"
    assert asked["headers"]["user-agent"] == AGENT
    assert (sent["method"], sent["flow"], sent["status"]) == ("PUT", "blob", 201)
    assert not NO_CREDENTIAL & set(sent["headers"])
    assert sent["headers"]["content-type"] == "application/octet-stream"
    assert sent["headers"]["x-ms-blob-type"] == "BlockBlob"
    assert sent["headers"]["origin"] == upstream.url


def test_five_megabytes_arrive_as_they_were(run: Run, upstream: Upstream) -> None:
    data = bytes(range(256)) * 20_000
    file: PrivateFile = run(lambda genspark: upload(genspark, ALICE, File(data=data)))

    assert file.size == len(data)
    [sent] = upstream.log("blob")
    assert sent["body"] == {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert sent["headers"]["content-length"] == str(len(data))


def test_each_account_has_a_place_of_its_own(
    run: Run, upstream: Upstream, emulator_state: EmulatorState
) -> None:
    async def both(genspark: Genspark) -> list[PrivateFile]:
        return [await upload(genspark, account, File()) for account in (ALICE, BOB)]

    first, second = run(both)

    assert first.storage_url != second.storage_url
    owners = [kept.account for kept in emulator_state.uploads._by_id.values()]
    assert owners == ["alice", "bob"]


def test_a_refreshed_cookie_is_kept(run: Run, upstream: Upstream) -> None:
    renewed = {"set-cookie": "session_id=alice-renewed; Path=/"}
    upstream.script({"flow": "upload", "reply": {"body": {"data": {}}, "headers": renewed}})

    async def again(genspark: Genspark) -> None:
        with suppress(UpstreamError):
            await upload(genspark, ALICE, File())
        await upload(genspark, ALICE, File())

    run(again)

    cookies = [entry["headers"]["cookie"] for entry in upstream.log("upload")]
    assert cookies == ["session_id=alice; c1=first", "session_id=alice-renewed; c1=first"]


def _told(body: Any, status: int = 200) -> dict[str, Any]:
    return {"flow": "upload", "reply": {"status": status, "body": body}}


LINKS = {"upload_image_url": "/blob/uploads/x?sig=SECRET", "private_storage_url": "https://g/1"}


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (_told({"status": -5, "message": "not login"}), Kind.DEAD_CREDENTIAL),
        (_told("too many", 429), Kind.RATE_LIMITED),
        (_told({"detail": "no"}, 403), Kind.FORBIDDEN),
        (_told("<html>Just a moment...</html>", 403), Kind.CHALLENGE),
        (_told({"data": {}}), Kind.UPLOAD_FAILED),
        (_told("no JSON at all"), Kind.UPLOAD_FAILED),
        (_told({"data": LINKS | {"private_storage_url": None}}), Kind.UPLOAD_FAILED),
    ],
)
def test_no_place_is_told_by_its_reason_and_nothing_is_put(
    rule: dict[str, Any], kind: Kind, run: Run, upstream: Upstream
) -> None:
    upstream.script(rule)

    failure = _failure(run, lambda genspark: upload(genspark, ALICE, File()))

    assert failure.kind is kind
    assert upstream.log("blob") == []


@pytest.mark.parametrize("status", [200, 201])
def test_the_storage_may_say_ok_or_created(status: int, run: Run, upstream: Upstream) -> None:
    upstream.script({"flow": "blob", "reply": {"status": status}})
    file: PrivateFile = run(lambda genspark: upload(genspark, ALICE, File()))
    assert file.storage_url


@pytest.mark.parametrize("status", [302, 403, 404, 413, 500, 503])
def test_a_refused_put_is_a_failed_upload(status: int, run: Run, upstream: Upstream) -> None:
    upstream.script({"flow": "blob", "reply": {"status": status, "body": "SECRET"}})

    failure = _failure(run, lambda genspark: upload(genspark, ALICE, File()))

    assert (failure.kind, failure.detail) == (Kind.UPLOAD_FAILED, f"HTTP {status} on upload")


@pytest.mark.parametrize(
    "address", ["https://[SECRET", "/blob/\x00SECRET", "/" + "SECRET" * 20_000]
)
def test_an_address_that_is_none_is_a_failed_upload_and_stays_untold(
    address: str, run: Run, upstream: Upstream
) -> None:
    upstream.script(_told({"data": LINKS | {"upload_image_url": address}}))

    failure = _failure(run, lambda genspark: upload(genspark, ALICE, File()))

    assert failure.kind is Kind.UPLOAD_FAILED
    assert "SECRET" not in failure.detail


def test_a_storage_that_is_not_there_is_unreachable(run: Run) -> None:
    failure = _failure(run, lambda g: put(g, ALICE, "http://127.0.0.1:9/x", {}, b"data"))
    assert failure.kind is Kind.UNREACHABLE


def test_a_storage_that_hangs_up_is_a_broken_transfer(run: Run) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async def work(genspark: Genspark) -> None:
        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await put(genspark, ALICE, f"http://127.0.0.1:{port}/x", {}, b"data")

    assert _failure(run, work).kind is Kind.BROKEN_STREAM
