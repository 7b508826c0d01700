"""What an account is given of a chat's attachments: images inline, files in its own storage."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Upstream
from services.small_web import never, reply, serving, unfinished

from genspark_emulator.state import EmulatorState
from proxy.core.accounts import Account, Secret
from proxy.core.ask import Attachment, Kept
from proxy.core.failures import Kind, UpstreamError
from proxy.core.products import Credential
from proxy.services.attachments import MOST_UPLOADS, LoadedPart, parts_for
from proxy.upstreams.genspark import Genspark
from proxy.upstreams.http import Exchange, Http

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


def _account(name: str) -> Account:
    return Account(name, name, Credential.COOKIE, Secret(f"session_id={name}"))


ALICE, BOB = _account("alice"), _account("bob")


@pytest.fixture(scope="module")
def engine() -> Iterator[tuple[asyncio.Runner, Http]]:
    """One event loop and one client for all tests here."""
    with asyncio.Runner() as runner:
        http = Http(None, connect_timeout=5, idle_timeout=5)
        yield runner, http
        runner.run(http.aclose())


def _given(
    engine: tuple[asyncio.Runner, Http], url: str, account: Account, *loaded: LoadedPart
) -> list[dict[str, Any]]:
    """The parts that an account is given, in the order of ``loaded``."""
    runner, http = engine
    attachments = {Attachment(part.kind, str(n)): part for n, part in enumerate(loaded)}
    made = runner.run(parts_for(Genspark(http, url, "agent"), account, attachments))
    assert list(made) == list(attachments)
    return list(made.values())


IMAGE = LoadedPart(Kept.IMAGE, "image-1.png", "image/png", b"\x89PNG")
PAPER = LoadedPart(Kept.FILE, "a.pdf", "application/pdf", PDF)
NOTES = LoadedPart(Kept.FILE, "notes.md", "text/markdown", b"# Hi")


def test_images_go_inline_and_files_to_the_accounts_own_storage(
    engine: tuple[asyncio.Runner, Http], upstream: Upstream, emulator_state: EmulatorState
) -> None:
    image, paper, notes = _given(engine, upstream.url, ALICE, IMAGE, PAPER, NOTES)

    url = "data:image/png;base64,iVBORw=="
    assert image == {"type": "image_url", "image_url": {"url": url}}
    kept = {upload.content: upload for upload in emulator_state.uploads._by_id.values()}
    assert {upload.account for upload in kept.values()} == {"alice"}
    assert len(kept) == 2
    assert paper == {
        "type": "private_file",
        "private_file": {
            "name": "a.pdf",
            "type": "application/pdf",
            "size": len(PDF),
            "ext": "pdf",
            "private_storage_url": f"{upstream.url}/api/files/s/{kept[PDF].id}",
        },
    }
    assert notes["private_file"]["private_storage_url"].endswith(kept[b"# Hi"].id)
    assert all("cookie" not in sent["headers"] for sent in upstream.log("blob"))


def test_images_alone_cost_no_request(
    engine: tuple[asyncio.Runner, Http], upstream: Upstream
) -> None:
    assert len(_given(engine, upstream.url, ALICE, IMAGE, IMAGE)) == 2
    assert upstream.log() == []


def test_the_same_bytes_are_uploaded_once_under_each_name(
    engine: tuple[asyncio.Runner, Http], upstream: Upstream
) -> None:
    other = LoadedPart(Kept.FILE, "b.pdf", "application/pdf", bytes(bytearray(PDF)))

    first, second, third = _given(engine, upstream.url, ALICE, PAPER, other, PAPER)

    assert len(upstream.log("blob")) == 1
    assert first == third
    assert second["private_file"] == first["private_file"] | {"name": "b.pdf"}


def test_bytes_that_are_an_image_and_a_file_stay_both(
    engine: tuple[asyncio.Runner, Http], upstream: Upstream
) -> None:
    same = LoadedPart(Kept.FILE, "a.png", "image/png", IMAGE.data)
    kinds = [part["type"] for part in _given(engine, upstream.url, ALICE, IMAGE, same)]
    assert kinds == ["image_url", "private_file"]


def test_another_account_gets_uploads_of_its_own(
    engine: tuple[asyncio.Runner, Http], upstream: Upstream, emulator_state: EmulatorState
) -> None:
    [first] = _given(engine, upstream.url, ALICE, PAPER)
    [second] = _given(engine, upstream.url, BOB, PAPER)

    assert first != second
    owners = [upload.account for upload in emulator_state.uploads._by_id.values()]
    assert owners == ["alice", "bob"]


def test_a_refused_upload_is_the_plain_failure(
    engine: tuple[asyncio.Runner, Http], upstream: Upstream
) -> None:
    upstream.script({"flow": "blob", "reply": {"status": 500}, "times": 2})
    with pytest.raises(UpstreamError) as caught:
        _given(engine, upstream.url, ALICE, PAPER, NOTES)
    assert caught.value.failure.kind is Kind.UPLOAD_FAILED


def _many(count: int) -> dict[Attachment, LoadedPart]:
    return {
        Attachment(Kept.FILE, str(n)): LoadedPart(Kept.FILE, f"{n}.txt", "text/plain", b"%d" % n)
        for n in range(count)
    }


class CountingHttp(Http):
    """Nothing goes out before all that may begin have begun."""

    now = most = 0

    async def send(self, *told: Any, **more: Any) -> Exchange:
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(20):
            await asyncio.sleep(0)
        try:
            return await super().send(*told, **more)
        finally:
            self.now -= 1


def test_a_few_files_are_uploaded_at_once(upstream: Upstream) -> None:
    async def run() -> int:
        http = CountingHttp(None, connect_timeout=5, idle_timeout=5)
        try:
            await parts_for(Genspark(http, upstream.url, "agent"), ALICE, _many(8))
        finally:
            await http.aclose()
        return http.most

    assert asyncio.run(run()) == MOST_UPLOADS
    assert len(upstream.log("blob")) == 8


def test_a_failed_upload_ends_the_others() -> None:
    """The second to arrive is refused while the first still waits."""
    arrived = asyncio.Event()

    async def answer(method: str, path: str) -> bytes:
        if method == "GET":
            links = {"upload_image_url": "/put", "private_storage_url": "https://g/1"}
            return reply(json.dumps({"data": links}).encode())
        if arrived.is_set():
            return reply(b"", "403 Forbidden")
        arrived.set()
        return await never(method, path)

    async def run() -> None:
        http = Http(None, connect_timeout=5, idle_timeout=5)
        async with serving(answer) as web:
            with pytest.raises(UpstreamError) as caught:
                await parts_for(Genspark(http, web.url, "agent"), ALICE, _many(5))
            assert caught.value.failure.kind is Kind.UPLOAD_FAILED
            assert await unfinished() == []
        await http.aclose()

    asyncio.run(run())
