"""Attachments of chats: what is read, once and within limits.

A server on 127.0.0.1 plays the open network.
"""

import asyncio
import base64
import io
import zipfile
from urllib.parse import quote_from_bytes

import pytest
from fixtures.genspark.properties import QUICK
from hypothesis import given
from hypothesis import strategies as st
from services.small_web import HERE, never, pages, reply, serving, unfinished

from genspark_emulator.asset_files import asset
from proxy.core.ask import Attachment, InvalidRequest, Kept, Role, Turn
from proxy.services.attachments import (
    FILE_LIMIT,
    IMAGE_LIMIT,
    MOST_ATTACHMENTS,
    MOST_FETCHES,
    TOTAL_LIMIT,
    Attachments,
    LoadedPart,
)
from proxy.upstreams.fetch import Fetcher

PNG, JPEG, WEBP = (asset(f"result.{kind}") for kind in ("png", "jpg", "webp"))
GIF = base64.b64decode("R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


def _docx() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w:document/>")
    return file.getvalue()


def _url(data: bytes, mime: str = "application/octet-stream") -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def _image(source: str, param: str = "messages.0.content.0") -> Attachment:
    return Attachment(Kept.IMAGE, source, param=param)


def _file(source: str, name: str = "", param: str = "messages.0.content.0") -> Attachment:
    return Attachment(Kept.FILE, source, name, param)


def _turns(*attachments: Attachment) -> tuple[Turn, ...]:
    """A conversation with one attachment in each of the caller's turns."""
    return tuple(
        turn
        for each in attachments
        for turn in (Turn(Role.USER, "look", (each,)), Turn(Role.ASSISTANT, "I see"))
    )


def _open_network(**limits: int) -> Attachments:
    """This machine alone counts as public."""
    return Attachments(Fetcher(lambda address: address == HERE, seconds=10), **limits)


def _load(*attachments: Attachment, **limits: int) -> dict[Attachment, LoadedPart]:
    return asyncio.run(_open_network(**limits).load(_turns(*attachments)))


def _refusal(*attachments: Attachment, **limits: int) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        _load(*attachments, **limits)
    assert caught.value.status == 400
    return caught.value


# What is read.


@pytest.mark.parametrize(
    ("data", "mime", "name"),
    [
        (PNG, "image/png", "image-1.png"),
        (JPEG, "image/jpeg", "image-1.jpg"),
        (WEBP, "image/webp", "image-1.webp"),
        (GIF, "image/gif", "image-1.gif"),
    ],
)
def test_an_image_is_what_its_bytes_are(data: bytes, mime: str, name: str) -> None:
    for declared in ("image/png", "image/jpeg", "application/octet-stream"):
        given_image = _image(_url(data, declared))
        assert _load(given_image) == {given_image: LoadedPart(Kept.IMAGE, name, mime, data)}


WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("source", "given_name", "name", "mime", "data"),
    [
        (_url(PDF, "application/pdf"), "report.pdf", "report.pdf", "application/pdf", PDF),
        (_url(PDF), "", "file-1.pdf", "application/pdf", PDF),
        (base64.b64encode(PDF).decode(), "a.pdf", "a.pdf", "application/pdf", PDF),
        (base64.urlsafe_b64encode(PDF).decode(), "", "file-1.pdf", "application/pdf", PDF),
        (_url(PDF), "/srv/mine/secret plans.txt", "secret plans.txt.pdf", "application/pdf", PDF),
        (_url(_docx()), "a.docx", "a.docx", WORD, _docx()),
        (_url(b"a,b\n1,2\n"), "C:\\t.csv", "t.csv", "text/csv", b"a,b\n1,2\n"),
        (_url(b"# Hi"), "READ.ME.md", "READ.ME.md", "text/markdown", b"# Hi"),
        (_url(b"x = 1\n"), "x.py", "x.py", "text/plain", b"x = 1\n"),
        ("data:," + quote_from_bytes(b"plain, as it is"), "", "file-1.txt", "text/plain",
         b"plain, as it is"),
        (_url(PNG), "cat.png", "cat.png", "image/png", PNG),
    ],
)  # fmt: skip
def test_a_file_is_what_its_bytes_are(
    source: str, given_name: str, name: str, mime: str, data: bytes
) -> None:
    given_file = _file(source, given_name)
    assert _load(given_file) == {given_file: LoadedPart(Kept.FILE, name, mime, data)}


def test_nothing_attached_is_nothing_loaded() -> None:
    assert asyncio.run(_open_network().load((Turn(Role.USER, "hello"),))) == {}


def test_the_nameless_are_counted_by_kind_in_their_order() -> None:
    attachments = [
        _file(_url(b"one"), param="messages.0.content.0"),
        _image(_url(PNG), "messages.2.content.0"),
        _file(_url(b"two"), "named.md", "messages.4.content.0"),
        _file(_url(b"one"), param="messages.6.content.0"),
        _file(_url(b"three"), param="messages.8.content.0"),
    ]
    loaded = _load(*attachments)
    names = ["file-1.txt", "image-1.png", "named.md", "file-1.txt", "file-3.txt"]
    assert [loaded[each].name for each in attachments] == names


def test_contents_stay_out_of_logs() -> None:
    [part] = _load(_file(_url(b"SECRET"), "a.txt")).values()
    assert "SECRET" not in repr(part)


# Links.


def test_a_link_is_fetched_once_however_often_it_stands_there() -> None:
    async def run() -> None:
        async with serving(pages(cat=PNG, paper=PDF)) as web:
            cat, paper = f"{web.url}/cat", web.url.replace("http", "HTTP") + "/paper"
            attachments = [
                _image(cat, "messages.0.content.0"), _file(paper, param="messages.2.content.0"),
                _image(cat, "messages.4.content.0"), _file(paper, "p.pdf", "messages.6.content.0"),
            ]  # fmt: skip
            loaded = await _open_network().load(_turns(*attachments))

            assert sorted(web.asked) == ["GET /cat", "GET /paper"]
            kept = [(loaded[each].name, loaded[each].data) for each in attachments]
            assert kept == [
                ("image-1.png", PNG), ("file-1.pdf", PDF), ("image-1.png", PNG), ("p.pdf", PDF)
            ]  # fmt: skip

    asyncio.run(run())


def test_the_usual_guard_closes_this_machine_and_tells_nothing() -> None:
    async def run() -> None:
        async with serving(pages(cat=PNG)) as web:
            for each in (_image(f"{web.url}/cat"), _file(f"{web.url}/cat")):
                with pytest.raises(InvalidRequest) as caught:
                    await Attachments(Fetcher()).load(_turns(each))
                error = caught.value
                assert error.param == "messages.0.content.0"
                assert error.message == f"'{error.param}': The URL's address is not public."
                code = "invalid_image_url" if each.kind is Kept.IMAGE else "invalid_value"
                assert error.code == code
            assert web.asked == []

    asyncio.run(run())


class CountingFetcher(Fetcher):
    """Nothing comes before all that may begin have begun."""

    now = most = 0

    async def fetch(self, url: str, limit: int) -> bytes:
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(20):
            await asyncio.sleep(0)
        self.now -= 1
        return PNG


def test_a_few_links_are_fetched_at_once() -> None:
    fetcher = CountingFetcher()
    links = [_image(f"https://example.com/{n}", f"messages.{n}") for n in range(11)]

    loaded = asyncio.run(Attachments(fetcher).load(_turns(*links)))

    assert set(loaded) == set(links)
    assert fetcher.most == MOST_FETCHES


def test_all_fetches_together_have_an_end() -> None:
    async def answer(method: str, path: str) -> bytes:
        return reply(PNG) if path == "/fast" else await never(method, path)

    async def run() -> InvalidRequest:
        async with serving(answer) as web:
            links = [_image(f"{web.url}/{path}", path) for path in ("fast", "slow", "slower")]
            loading = _open_network()
            loading.seconds = 0.2
            with pytest.raises(InvalidRequest) as caught:
                await loading.load(_turns(*links))
            assert await unfinished() == []
            return caught.value

    error = asyncio.run(run())
    assert (error.param, error.code) == ("slow", "invalid_image_url")
    assert error.message == "'slow': the links of the request took more than 0.2 s."


def test_the_first_failure_ends_the_other_fetches() -> None:
    async def run() -> None:
        slow = asyncio.Event()

        async def answer(method: str, path: str) -> bytes:
            if path == "/gone":
                await slow.wait()
                return reply(b"", "404 Not Found")
            slow.set()
            return await never(method, path)

        async with serving(answer) as web:
            given_images = [
                _image(f"{web.url}/{path}", f"messages.{n}")
                for n, path in enumerate(["slow", "gone", "slower"])
            ]
            with pytest.raises(InvalidRequest) as caught:
                await asyncio.wait_for(_open_network().load(_turns(*given_images)), 10)
            assert await unfinished() == []

        assert caught.value.param == "messages.1"
        assert caught.value.message.endswith("The URL could not be fetched (HTTP 404).")

    asyncio.run(run())


def test_a_caller_who_leaves_ends_the_fetches() -> None:
    async def run() -> None:
        arrived = asyncio.Event()

        async def answer(method: str, path: str) -> bytes:
            arrived.set()
            return await never(method, path)

        async with serving(answer) as web, asyncio.TaskGroup() as group:
            given_images = [_image(f"{web.url}/{n}", f"messages.{n}") for n in range(6)]
            task = group.create_task(_open_network().load(_turns(*given_images)))
            await arrived.wait()
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            assert await unfinished() == []

    asyncio.run(run())


# What is refused.


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PDF, Kept.IMAGE), (b"<svg/>", Kept.IMAGE), (asset("result.mp4"), Kept.IMAGE),
        (b"\x00\x00\x00\x1cftypheic\x00\x00\x00\x00mif1heic", Kept.IMAGE),
        (asset("result.mp4"), Kept.FILE), (asset("chime.wav"), Kept.FILE),
        (b"ID3\x04\x00\x00\x00\x00\x00\x23TSSE", Kept.FILE), (b"PK\x03\x04junk", Kept.FILE),
        (b"\x7fELF\x02\x01\x01\x00", Kept.FILE),
    ],
)  # fmt: skip
def test_a_wrong_type_is_told_at_its_place(data: bytes, kind: Kept) -> None:
    wrong = Attachment(kind, _url(data, "image/png"), "a.pdf", "messages.2.content.1")
    error = _refusal(_image(_url(PNG)), wrong)
    assert (error.param, error.code) == ("messages.2.content.1", "unsupported_file_type")
    kinds = {
        Kept.IMAGE: "one of these: gif, jpeg, png, webp.",
        Kept.FILE: "a PDF, an office document, text or an image.",
    }
    assert error.message == f"'messages.2.content.1' must be {kinds[kind]}"


@pytest.mark.parametrize(
    ("wrong", "code", "what"),
    [
        (_image(base64.b64encode(PNG).decode()), "invalid_image_url",
         " cannot be read: The data URL is not valid."),
        (_image("ftp://a/b.png"), "invalid_image_url",
         " cannot be read: The data URL is not valid."),
        (_image("data:image/png;base64,a"), "invalid_image_url",
         " cannot be read: The data is not valid base64."),
        (_image("data:image/png;base64,"), "invalid_image_url", " is empty."),
        (_image("https://user@example.com/a.png"), "invalid_image_url",
         ": The URL must not contain a user name or a password."),
        (_file("no base64!"), "invalid_value", " cannot be read: The data is not valid base64."),
        (_file("data:,"), "invalid_value", " is empty."),
        (_file(""), "invalid_value", " is empty."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_at_its_place(wrong: Attachment, code: str, what: str) -> None:
    error = _refusal(wrong)
    assert (error.param, error.code) == (wrong.param, code)
    assert error.message == f"'{wrong.param}'{what}"


def test_what_came_along_is_looked_at_before_anything_is_fetched() -> None:
    async def run() -> None:
        async with serving(pages(cat=PNG)) as web:
            attachments = _turns(_image(f"{web.url}/cat"), _file("???", param="messages.2"))
            with pytest.raises(InvalidRequest) as caught:
                await _open_network().load(attachments)
            assert (caught.value.param, web.asked) == ("messages.2", [])

    asyncio.run(run())


def test_usual_limits() -> None:
    usual = Attachments(Fetcher())
    assert (usual.image_limit, usual.file_limit) == (10 * 2**20, 25 * 2**20)
    assert (IMAGE_LIMIT, FILE_LIMIT, TOTAL_LIMIT) == (10 * 2**20, 25 * 2**20, 64_000_000)


@pytest.mark.parametrize("kind", list(Kept))
@pytest.mark.parametrize("link", [True, False])
def test_each_is_limited(kind: Kept, link: bool) -> None:
    """``kind``'s limit is 1000 bytes; the other's would let it pass."""
    limits = {"image_limit": 2000, "file_limit": 2000, f"{kind.value}_limit": 1000}

    async def load(size: int) -> None:
        data = PNG[:100].ljust(size, b"\x00")
        async with serving(pages(a=data)) as web:
            source = f"{web.url}/a" if link else _url(data)
            each = Attachment(kind, source, param="messages.4.content.1")
            assert (await _open_network(**limits).load(_turns(each)))[each].data == data

    asyncio.run(load(1000))
    with pytest.raises(InvalidRequest) as caught:
        asyncio.run(load(1001))
    assert (caught.value.param, caught.value.code) == ("messages.4.content.1", "file_too_large")
    assert caught.value.message == "'messages.4.content.1' is larger than 0.001 MB."


def test_all_together_are_limited() -> None:
    halves = [
        _file(_url(letter * 500), param=f"messages.{n}") for n, letter in enumerate((b"a", b"b"))
    ]
    assert len(_load(*halves, total_limit=1000)) == 2

    error = _refusal(*halves, _file(_url(b"c"), param="messages.2"), total_limit=1000)

    assert (error.param, error.code) == ("messages.2", "file_too_large")
    what = "images and files together are larger than 0.001 MB."
    assert error.message == f"'messages.2': {what}"


def test_links_count_towards_all_together() -> None:
    async def run() -> InvalidRequest:
        async with serving(pages(a=b"a" * 600, b=b"b" * 600)) as web:
            links = [_file(f"{web.url}/{name}", param=name) for name in "ab"]
            with pytest.raises(InvalidRequest) as caught:
                await _open_network(total_limit=1000).load(_turns(*links))
            return caught.value

    assert asyncio.run(run()).code == "file_too_large"


def test_an_image_counts_wherever_it_is_sent_and_a_file_once() -> None:
    image, file = _url(PNG), _url(b"x" * len(PNG))
    images = [_image(image, f"messages.{n}") for n in range(3)]
    files = [_file(file, param=f"messages.{n}") for n in range(3)]

    assert len(_load(*files, total_limit=len(PNG))) == 3
    assert len(_load(*images, total_limit=3 * len(PNG))) == 3
    assert _refusal(*images, total_limit=3 * len(PNG) - 1).code == "file_too_large"


def test_there_may_be_only_so_many() -> None:
    tiny = _url(b"a")
    many = [_file(tiny, param=f"messages.{n}") for n in range(MOST_ATTACHMENTS + 2)]

    assert len(_load(*many[:MOST_ATTACHMENTS])) == MOST_ATTACHMENTS
    error = _refusal(*many)

    assert error.param == f"messages.{MOST_ATTACHMENTS}"
    assert error.message.endswith(": at most 50 images and files can be sent.")


SOURCES = st.sampled_from(
    [_url(PNG), _url(PDF), _url(b"text"), "data:,hi", "", "data:", "YQ==", "/etc/passwd",
     "data:x,y", _url(bytes(200)), "http://127.0.0.1:9/a", "https://[", "http://10.0.0.1/", "file:///a"]
) | st.text(max_size=40)  # fmt: skip
ATTACHMENTS = st.builds(
    Attachment, st.sampled_from(list(Kept)), SOURCES, st.text(max_size=20), st.sampled_from("abcd")
)


@QUICK
@given(st.lists(ATTACHMENTS, max_size=6))
def test_anything_is_loaded_or_refused_at_its_place(attachments: list[Attachment]) -> None:
    found = _outcome(attachments)
    if isinstance(found, InvalidRequest):
        assert found.param in {each.param for each in attachments}
        assert found.message.startswith(f"'{found.param}'")
    else:
        assert set(found) == set(attachments)
        assert all(found[each].kind is each.kind and found[each].data for each in attachments)


def _outcome(attachments: list[Attachment]) -> dict[Attachment, LoadedPart] | InvalidRequest:
    loading = Attachments(CLOSED, image_limit=5000, file_limit=100, total_limit=6000)
    try:
        return asyncio.run(loading.load(_turns(*attachments)))
    except InvalidRequest as error:
        return error


async def _nobody(name: str, port: int) -> list[str]:
    raise OSError("no names here")


# One for all examples: its TLS context costs most. Nothing is reached, not even a name.
CLOSED = Fetcher(lambda _: False, _nobody)
