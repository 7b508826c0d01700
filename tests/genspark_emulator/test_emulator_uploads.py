"""Giving files to Genspark."""

import hashlib
from typing import Any

import httpx2
import pytest
from emulator_client import ASK, KEY, SESSION, EmulatorClient, ask_body
from emulator_media import (
    IMAGE_TOOL,
    KEY_HEADERS,
    SESSION_HEADERS,
    VIDEO_TOOL,
    Clock,
    Media,
    image_body,
    video_body,
)

from genspark_emulator.uploads import LIFETIME_SECONDS, Uploads

UPLOAD = "/api/tool_cli/file/upload_url"
PERSONAL = "/api/get_upload_personal_image_url"
PNG = b"\x89PNG\r\n\x1a\n picture"
BLOB = {"x-ms-blob-type": "BlockBlob", "content-type": "image/png"}


@pytest.fixture
def media(emulator: EmulatorClient) -> Media:
    emulator.emulator.state.tasks.seconds.update(image=0.0, video=0.0)
    return Media(emulator)


def key_place(media: Media, key: str = KEY) -> dict[str, str]:
    """Where Anna's key may put a picture."""
    body = {"content_type": "image/png", "name": "cat.png"}
    told = media.http.post(UPLOAD, json=body, headers={"x-api-key": key}).json()
    assert (told["version"], told["status"]) == (1, "ok")
    return dict(told["data"])


def session_place(media: Media, session: str = SESSION) -> dict[str, str]:
    """Where Anna's session may put an attachment."""
    return dict(media.emulator.get(PERSONAL, session).json()["data"])


def put(media: Media, url: str, **headers: str) -> httpx2.Response:
    return media.http.put(url, content=PNG, headers={**BLOB, **headers})


def test_a_keys_file_is_put_and_then_used(media: Media) -> None:
    place = key_place(media)
    assert set(place) == {"upload_url", "file_wrapper_url"}
    assert put(media, place["upload_url"]).status_code == 201
    wrapper = place["file_wrapper_url"]
    assert media.made(IMAGE_TOOL, query="x", image_urls=[wrapper])
    assert media.made(VIDEO_TOOL, query="x", model="runway/gen4_turbo", image_urls=[wrapper])
    asked, sent, *_ = media.emulator.log()
    assert (asked["flow"], sent["flow"], sent["account"]) == ("upload", "blob", None)
    assert sent["body"] == {"size": len(PNG), "sha256": hashlib.sha256(PNG).hexdigest()}


def test_a_keys_file_can_be_fetched_again(media: Media) -> None:
    place = key_place(media)
    put(media, place["upload_url"])
    body = {"file_wrapper_url": place["file_wrapper_url"]}
    told = media.http.post("/api/tool_cli/file/download", json=body, headers=KEY_HEADERS).json()
    assert told["data"]["file_name"] == "cat.png"
    response = media.http.get(told["data"]["download_url"])
    assert (response.content, response.headers["content-type"]) == (PNG, "image/png")


@pytest.mark.parametrize("filled", [True, False])
def test_a_file_of_nobody_or_of_somebody_else_cannot_be_used(media: Media, filled: bool) -> None:
    place = key_place(media, key="gsk-of-bert" if filled else KEY)
    if filled:
        put(media, place["upload_url"])
    told = media.told(IMAGE_TOOL, query="x", image_urls=[place["file_wrapper_url"]])
    assert (told[0]["status"], told[0]["data"]["code"]) == ("error", "invalid_input")
    assert media.tasks() == []


@pytest.mark.parametrize("body", [{}, {"content_type": ""}, {"content_type": 7}, {"name": "x"}])
def test_the_type_of_a_file_has_to_be_told(media: Media, body: dict[str, Any]) -> None:
    told = media.http.post(UPLOAD, json=body, headers=KEY_HEADERS).json()
    assert told["status"] == "error"


def test_a_place_is_filled_once(media: Media) -> None:
    url = key_place(media)["upload_url"]
    assert [put(media, url).status_code for _ in range(2)] == [201, 403]


def test_a_place_is_open_for_a_while(media: Media, emulator: EmulatorClient) -> None:
    clock = Clock(emulator)
    early, late = (key_place(media)["upload_url"] for _ in range(2))
    clock.now += LIFETIME_SECONDS
    assert put(media, early).status_code == 201
    clock.now += 1
    assert put(media, late).status_code == 403


def test_storage_wants_its_own_header_and_signature(media: Media) -> None:
    url = key_place(media)["upload_url"]
    assert media.http.put(url, content=PNG).status_code == 400
    assert put(media, url, **{"x-ms-blob-type": "PageBlob"}).status_code == 400
    assert put(media, url.partition("?")[0]).status_code == 403
    assert put(media, url + "x").status_code == 403
    assert put(media, url).status_code == 201


@pytest.mark.parametrize(
    "secret", [SESSION_HEADERS, KEY_HEADERS, {"authorization": f"Bearer {KEY}"}]
)
def test_storage_is_not_told_secrets(media: Media, secret: dict[str, str]) -> None:
    refused = put(media, session_place(media)["upload_image_url"], **secret)
    assert refused.status_code == 400
    assert "does not belong here" in refused.text
    assert media.emulator.log()[-1]["account"] in (SESSION, KEY)


def attached(address: str) -> list[dict[str, Any]]:
    """Messages with an attachment."""
    file = {"name": "cat.png", "type": "image/png", "size": len(PNG), "ext": "png"}
    part = {"type": "private_file", "private_file": {**file, "private_storage_url": address}}
    return [{"role": "user", "content": [part, {"type": "text", "text": "a cat"}]}]


BODIES = [ask_body, image_body, video_body]


@pytest.mark.parametrize("body", BODIES)
def test_an_attachment_is_put_and_then_asked_about(media: Media, body: Any) -> None:
    place = session_place(media)
    assert set(place) == {"upload_image_url", "private_storage_url"}
    assert put(media, place["upload_image_url"], origin="https://x").status_code == 201
    messages = attached(place["private_storage_url"])
    assert media.emulator.post(ASK, body(messages=messages)).status_code == 200
    own = media.http.get(place["private_storage_url"], headers=SESSION_HEADERS)
    assert own.content == PNG


@pytest.mark.parametrize("body", BODIES)
def test_an_attachment_has_to_be_the_callers_own(media: Media, body: Any) -> None:
    foreign, empty = session_place(media, "session-of-bert"), session_place(media)
    put(media, foreign["upload_image_url"])
    for address in (foreign["private_storage_url"], empty["private_storage_url"], "https://x/y"):
        response = media.emulator.post(ASK, body(messages=attached(address)))
        assert response.status_code == 422
    assert media.tasks() == []
    assert media.emulator.projects() == []


def test_an_attachment_needs_a_session(media: Media) -> None:
    assert media.emulator.get(PERSONAL, session=None).json()["message"] == "not login"


def test_uploads_can_be_scripted(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="upload", scenario="not_login")
    emulator.script(flow="blob", reply={"status": 503, "body": "busy"})
    emulator.script(flow="download", reply={"status": 500, "body": "no"})
    assert emulator.get(PERSONAL).json()["message"] == "not login"
    url = key_place(media)["upload_url"]
    assert [put(media, url).status_code for _ in range(2)] == [503, 201]


def test_the_oldest_files_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genspark_emulator.uploads.KEPT_BYTES", 10)
    uploads = Uploads(lambda: 0.0)
    first, second = uploads.open("anna"), uploads.open("anna")
    for upload in (first, second):
        uploads.fill(upload, b"123456")
    assert uploads.find(first.id) is None
    assert uploads.filled(second.id, "anna") is second
