"""Images and files in chats on the cookie route, from the caller to the account's own storage.

``messages.0.content.1`` is where the attachment stands in every request with a single one.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from conformance.sse_reading import read_stream
from conformance.video_clients.doors import JPEG, MP4, PNG
from conformance.video_clients.neighbours import Pictures, host_of_pictures
from conftest import Serve, Upstream
from live import LiveServer
from stub_server import stub

from genspark_emulator.state import EmulatorState
from proxy.services.attachments import IMAGE_LIMIT, MOST_ATTACHMENTS, Attachments
from proxy.upstreams.fetch import Fetcher

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
PLACE = "messages.0.content.1"
Json = dict[str, Any]


def _url(data: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def image(url: str) -> Json:
    return {"type": "image_url", "image_url": {"url": url}}


def file(data: bytes = PDF, name: str = "report.pdf") -> Json:
    return {"type": "file", "file": {"filename": name, "file_data": _url(data, "application/pdf")}}


def user(*parts: Json, text: str = "What is this?") -> Json:
    return {"role": "user", "content": [{"type": "text", "text": text}, *parts]}


def sent(upstream: Upstream, flow: str = "chat") -> list[list[Json]]:
    """The messages of the asks, in order."""
    return [entry["body"]["messages"] for entry in upstream.log(flow)]


def answer(reply: httpx2.Response) -> str:
    assert reply.status_code == 200, reply.text
    return str(reply.json()["choices"][0]["message"]["content"])


def refused(reply: httpx2.Response, code: str, param: str = PLACE) -> str:
    """The message of a clear 400."""
    assert reply.status_code == 400, (reply.status_code, reply.text)
    assert reply.headers["content-type"].startswith("application/json")
    error = reply.json()["error"]
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    return str(error["message"])


def attachments_of(server: LiveServer) -> Attachments:
    found: Attachments = server.application.services.chat.attachments
    return found


@contextmanager
def public_pictures(server: LiveServer) -> Iterator[Pictures]:
    """A host of pictures on 127.0.0.1, which alone counts as public."""
    attachments = attachments_of(server)
    attachments.fetcher = Fetcher(allowed=lambda where: where == "127.0.0.1")
    with host_of_pictures() as found:
        yield found


# Images.


@pytest.mark.parametrize("stream", [False, True])
def test_an_image_goes_inline_under_its_true_type(
    server: LiveServer, upstream: Upstream, stream: bool
) -> None:
    reply = server.chat(messages=[user(image(_url(JPEG, "image/png")))], stream=stream)

    told = read_stream(reply.content).text() if stream else answer(reply)
    assert "Images received: 1." in told
    [[message]] = sent(upstream)
    text = {"type": "text", "text": "What is this?"}
    assert message == {"role": "user", "content": [image(_url(JPEG, "image/jpeg")), text]}
    assert upstream.log("upload") == []


def test_an_image_behind_a_link_is_fetched_by_us(server: LiveServer, upstream: Upstream) -> None:
    with public_pictures(server) as pictures:
        url = f"{pictures.url}/to//png"
        answer(server.chat(messages=[user(image(url), image(url))]))

        assert [path for path, _ in pictures.asked] == ["/to//png", "/png"]
        for _, headers in pictures.asked:
            names = {name.lower() for name in headers}
            assert not {"authorization", "cookie", "x-api-key"} & names
        assert pictures.url not in json.dumps(sent(upstream))
    [[message]] = sent(upstream)
    assert message["content"][:2] == [image(_url(PNG, "image/png"))] * 2


@pytest.mark.parametrize("stream", [False, True])
def test_a_link_to_the_inside_is_a_clear_400(
    server: LiveServer, upstream: Upstream, stream: bool
) -> None:
    with stub(200, PNG) as inside:
        reply = server.chat(messages=[user(image(f"{inside.url}/a.png"))], stream=stream)
        assert inside.asked == []

    told = refused(reply, "invalid_image_url")
    assert told == f"'{PLACE}': The URL's address is not public."
    assert upstream.log() == []


def test_a_redirect_to_the_inside_is_not_followed(server: LiveServer, upstream: Upstream) -> None:
    with public_pictures(server) as pictures:
        parts = image(f"{pictures.url}/to/http://127.0.0.2/a.png")
        refused(server.chat(messages=[user(parts)]), "invalid_image_url")
    assert upstream.log() == []


def test_a_link_that_leads_nowhere_is_told_as_that(server: LiveServer, upstream: Upstream) -> None:
    with public_pictures(server) as pictures:
        reply = server.chat(messages=[user(image(f"{pictures.url}/gone/a.png"))])
    assert refused(reply, "invalid_image_url").endswith("could not be fetched (HTTP 404).")
    assert upstream.log() == []


# Files.


def test_a_file_goes_to_the_accounts_storage_without_its_cookie(
    server: LiveServer, upstream: Upstream
) -> None:
    told = answer(server.chat(messages=[user(file(name="../papers/report.pdf"))]))

    assert "Files received: 1." in told
    [place], [put], [[message]] = upstream.log("upload"), upstream.log("blob"), sent(upstream)
    assert place["headers"]["cookie"] == "session_id=alice"
    assert not {"cookie", "authorization"} & set(put["headers"])
    assert "alice" not in json.dumps(put["headers"])
    assert put["body"] == {"size": len(PDF), "sha256": hashlib.sha256(PDF).hexdigest()}
    part, text = message["content"]
    assert text == {"type": "text", "text": "What is this?"}
    address = part["private_file"].pop("private_storage_url")
    assert put["path"].rpartition("/")[2] == address.rpartition("/")[2]
    assert part == {
        "type": "private_file",
        "private_file": {
            "name": "report.pdf", "type": "application/pdf", "size": len(PDF), "ext": "pdf"
        },
    }  # fmt: skip


def test_bare_base64_is_a_file_too(server: LiveServer, upstream: Upstream) -> None:
    data = base64.b64encode(b"a,b\n1,2\n").decode()
    part = {"type": "file", "file": {"filename": "t.csv", "file_data": data}}

    answer(server.chat(messages=[user(part)]))

    [[message]] = sent(upstream)
    kept = message["content"][0]["private_file"]
    assert (kept["name"], kept["type"], kept["size"]) == ("t.csv", "text/csv", 8)


def test_every_turn_keeps_its_own(server: LiveServer, upstream: Upstream) -> None:
    picture = image(_url(PNG, "image/png"))
    turns = [
        user(picture, file(), text="first"),
        {"role": "assistant", "content": "I see."},
        user(file(b"# Notes", "notes.md"), file(), text="second"),
    ]

    told = answer(server.chat(messages=turns))

    assert "Images received: 1." in told
    assert "Files received: 3." in told
    [[first, reply, second]] = sent(upstream)
    assert reply == turns[1]
    kinds = [[part["type"] for part in turn["content"]] for turn in (first, second)]
    assert kinds == [
        ["image_url", "private_file", "text"], ["private_file", "private_file", "text"]
    ]  # fmt: skip
    names = [part["private_file"]["name"] for part in second["content"][:2]]
    assert names == ["notes.md", "report.pdf"]
    # The same file in two turns is one upload.
    assert first["content"][1] == second["content"][1]
    assert len(upstream.log("blob")) == 2


def test_another_account_gets_the_file_anew(
    serve: Serve, upstream: Upstream, emulator_state: EmulatorState
) -> None:
    server = serve(gs_cookie="session_id=alice,session_id=bob")
    upstream.script({"flow": "chat", "scenario": "rate_limit_cf1"})

    told = answer(server.chat(messages=[user(file())]))

    assert "Files received: 1." in told
    first, second = upstream.log("chat")
    assert {first["account"], second["account"]} == {"alice", "bob"}
    owners = [kept.account for kept in emulator_state.uploads._by_id.values()]
    assert owners == [first["account"], second["account"]]
    used = [each["body"]["messages"][0]["content"][0]["private_file"] for each in (first, second)]
    assert used[0]["private_storage_url"] != used[1]["private_storage_url"]
    assert used[0]["name"] == used[1]["name"]


def test_a_link_is_fetched_once_for_all_accounts(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="session_id=alice,session_id=bob")
    upstream.script({"flow": "chat", "scenario": "rate_limit_cf1"})

    with public_pictures(server) as pictures:
        answer(server.chat(messages=[user(image(f"{pictures.url}/png"))]))
        assert len(pictures.asked) == 1

    assert len(upstream.log("chat")) == 2


def test_a_storage_that_fails_once_is_asked_again(server: LiveServer, upstream: Upstream) -> None:
    upstream.script({"flow": "blob", "reply": {"status": 500}})

    answer(server.chat(messages=[user(file())]))

    assert [entry["status"] for entry in upstream.log("blob")] == [500, 201]
    assert len(upstream.log("chat")) == 1


def test_a_storage_that_keeps_failing_is_our_fault_and_nothing_is_asked(
    server: LiveServer, upstream: Upstream
) -> None:
    upstream.script({"flow": "blob", "reply": {"status": 500}, "times": None})

    reply = server.chat(messages=[user(file())])

    assert reply.status_code == 502
    assert reply.json()["error"]["code"] == "upload_failed"
    assert upstream.log("chat") == []


# Refusals.


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (image(_url(MP4, "image/png")), "must be one of these: gif, jpeg, png, webp."),
        (image(_url(PDF, "image/png")), "must be one of these: gif, jpeg, png, webp."),
        (file(MP4), "must be a PDF, an office document, text or an image."),
        (file(b"\x7fELF\x02\x01\x01\x00"), "must be a PDF, an office document, text or an image."),
    ],
    ids=["video as image", "PDF as image", "video", "program"],
)
def test_a_wrong_type_is_a_clear_400(
    server: LiveServer, upstream: Upstream, part: Json, told: str
) -> None:
    reply = server.chat(messages=[user(part)])
    assert refused(reply, "unsupported_file_type") == f"'{PLACE}' {told}"
    assert upstream.log() == []


def test_a_file_that_is_no_base64_is_a_clear_400(server: LiveServer, upstream: Upstream) -> None:
    part = {"type": "file", "file": {"filename": "a.pdf", "file_data": "this is not base64!"}}
    reply = server.chat(messages=[user(part)])
    assert refused(reply, "invalid_value").endswith("The data is not valid base64.")
    assert upstream.log() == []


def test_an_image_has_a_largest_size(server: LiveServer, upstream: Upstream) -> None:
    large = PNG.ljust(IMAGE_LIMIT + 1, b"\x00")
    reply = server.chat(messages=[user(image(_url(large, "image/png")))])
    assert "is larger than" in refused(reply, "file_too_large")
    assert upstream.log() == []


def test_a_file_and_all_together_have_a_largest_size(
    server: LiveServer, upstream: Upstream
) -> None:
    attachments = attachments_of(server)
    attachments.file_limit, attachments.total_limit = 1000, 1500

    large = server.chat(messages=[user(file(b"x" * 1001))])
    many = server.chat(messages=[user(file(b"x" * 800), file(b"y" * 800))])

    assert refused(large, "file_too_large") == f"'{PLACE}' is larger than 0.001 MB."
    assert "together are larger" in refused(many, "file_too_large", "messages.0.content.2")
    assert upstream.log() == []


def test_there_may_be_only_so_many(server: LiveServer, upstream: Upstream) -> None:
    part = image(_url(PNG, "image/png"))
    reply = server.chat(messages=[user(*[part] * (MOST_ATTACHMENTS + 1))])
    where = f"messages.0.content.{MOST_ATTACHMENTS + 1}"
    assert "at most 50 images and files" in refused(reply, "invalid_value", where)
    assert upstream.log() == []


def test_a_refusal_leaves_the_account_free(server: LiveServer) -> None:
    for _ in range(5):
        refused(server.chat(messages=[user(file(MP4))]), "unsupported_file_type")
    [seat] = server.application.services.desk.pool.seats()
    assert not seat.locks
    assert "Files received: 1." in answer(server.chat(messages=[user(file())]))


# Other routes.


def test_a_key_takes_attachments_as_they_are(key_server: LiveServer, upstream: Upstream) -> None:
    message = user(image("https://example.com/cat.png"), file())

    answer(key_server.chat(messages=[message]))

    assert sent(upstream, "key_chat") == [[message]]
    assert upstream.log("upload") == []


def test_the_legacy_wire_takes_images_only(serve: Serve, upstream: Upstream) -> None:
    server = serve(enable_legacy_copilot=True)
    upstream.script(
        {"flow": "chat", "scenario": "retired", "times": None},
        {"flow": "legacy", "scenario": "answered"},
    )
    picture = user(image(_url(PNG, "image/png")))

    answer(server.chat(model="gpt-5.2", messages=[picture]))

    [[message]] = sent(upstream, "legacy")
    assert message["content"][0] == image(_url(PNG, "image/png"))
    reply = server.chat(model="gpt-5.2", messages=[user(file())])
    assert reply.status_code == 400
    assert "file parts" in reply.json()["error"]["message"]
    assert upstream.log("upload") == []
