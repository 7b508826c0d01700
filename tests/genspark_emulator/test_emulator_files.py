"""Fetching results."""

import hashlib
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from emulator_client import KEY, EmulatorClient, eventually
from emulator_media import IMAGE_TOOL, KEY_HEADERS, SESSION_HEADERS, VIDEO_TOOL, Clock, Media

BERT = {"cookie": "session_id=session-of-bert"}
DOWNLOAD = "/api/tool_cli/file/download"
REFERER = {"referer": "https://www.genspark.ai/"}


@pytest.fixture
def media(emulator: EmulatorClient) -> Media:
    emulator.emulator.state.tasks.seconds.update(image=0.0, video=0.0)
    return Media(emulator)


def video_url(media: Media) -> str:
    """Address of a finished video of Anna's session."""
    return str(media.final("video", media.asked("video")["task_id"])["video_urls"][0])


def download(media: Media, wrapper: str, headers: Any = None) -> dict[str, Any]:
    """What is told about a file of a key."""
    body = {"file_wrapper_url": wrapper}
    return dict(media.http.post(DOWNLOAD, json=body, headers=headers or KEY_HEADERS).json())


def signed_url(media: Media) -> str:
    """Address of a finished video of Anna's key, good for anybody."""
    video = media.made(VIDEO_TOOL, query="a cat", model="kling/v3")
    return str(download(media, video["video_urls"][0])["data"]["download_url"])


def test_the_owner_gets_the_file(media: Media) -> None:
    response = media.http.get(video_url(media), headers=SESSION_HEADERS)
    assert response.status_code == 200
    assert response.headers["content-type"] == "video/mp4"
    assert response.headers["content-length"] == str(len(response.content))
    assert media.tasks()[0]["id"].encode() in response.content
    assert media.emulator.log()[-1]["flow"] == "file"


def test_an_images_address_has_no_origin_and_a_query(media: Media) -> None:
    final = media.final("image", media.asked("image")["task_id"])
    [unmarked] = final["image_urls_nowatermark"]
    assert unmarked.startswith("/api/files/s/")
    assert unmarked.endswith("?cache_control=3600")
    response = media.http.get(unmarked, headers=SESSION_HEADERS)
    assert response.headers["content-type"] == "image/png"
    assert b" n\x00" not in response.content
    assert media.tasks()[0]["id"].encode() + b" n" in response.content


@pytest.mark.parametrize("headers", [{}, BERT, KEY_HEADERS, {"authorization": f"Bearer {KEY}"}])
def test_nobody_else_gets_it(media: Media, headers: dict[str, str]) -> None:
    assert media.http.get(video_url(media), headers=headers).status_code == 403


def test_a_key_needs_a_signed_link(media: Media) -> None:
    image = media.made(IMAGE_TOOL, query="a cat")
    wrapper = image["image_urls"][0]
    assert media.http.get(wrapper, headers=KEY_HEADERS).status_code == 403
    told = download(media, wrapper)
    assert (told["version"], told["status"]) == (1, "ok")
    data = told["data"]
    assert set(data) == {"download_url", "file_name", "content_type", "original_url"}
    assert (data["original_url"], data["content_type"]) == (wrapper, "image/jpeg")
    response = media.http.get(data["download_url"])
    assert image["task_id"].encode() in response.content
    assert [entry["flow"] for entry in media.emulator.log()[-2:]] == ["download", "file"]


@pytest.mark.parametrize(
    ("wrapper", "headers"),
    [
        (None, KEY_HEADERS),
        ("https://example.com/a.mp4", KEY_HEADERS),
        ("/api/files/s/0123456789abcdef0123456789abcdefv", KEY_HEADERS),
        ("own", {"x-api-key": "gsk-of-bert"}),
    ],
)
def test_a_link_is_only_given_for_own_files(
    media: Media, wrapper: str | None, headers: dict[str, str]
) -> None:
    own = media.made(IMAGE_TOOL, query="a cat")["image_urls"][0]
    told = download(media, own if wrapper == "own" else str(wrapper), headers)
    assert told["status"] == "error"
    assert "download_url" not in told["data"]


def test_a_signed_link_holds_a_day(media: Media, emulator: EmulatorClient) -> None:
    clock = Clock(emulator)
    url = signed_url(media)
    clock.now += 24 * 3600
    assert media.http.get(url).status_code == 200
    clock.now += 1
    expired = media.http.get(url)
    assert expired.status_code == 403
    assert "AuthenticationFailed" in expired.text


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.partition("?")[0],
        lambda url: url + "0",
        lambda url: url.replace("se=", "se=9"),
        lambda url: url.replace("se=", "se=x"),
        lambda url: url.replace("v?se", "p?se"),
    ],
)
def test_a_signed_link_cannot_be_changed(media: Media, change: Callable[[str], str]) -> None:
    assert media.http.get(change(signed_url(media))).status_code == 403


def test_what_is_not_there_is_not_found(media: Media, emulator: EmulatorClient) -> None:
    Clock(emulator)
    emulator.emulator.state.tasks.seconds["video"] = 60.0
    running = media.asked("video")["task_id"].replace("-", "")
    for file in (f"{running}v", f"{running}n", f"{running}", "x", "0" * 33):
        response = media.http.get(f"/api/files/s/{file}", headers=SESSION_HEADERS)
        assert response.status_code == 404


def test_ranges(media: Media) -> None:
    url = video_url(media)
    whole = media.http.get(url, headers=SESSION_HEADERS)
    size, tag = len(whole.content), whole.headers["etag"]
    assert whole.headers["accept-ranges"] == "bytes"

    def part(asked: str, **more: str) -> httpx2.Response:
        return media.http.get(url, headers={**SESSION_HEADERS, "range": asked, **more})

    first = part("bytes=0-99")
    assert (first.status_code, first.content) == (206, whole.content[:100])
    assert first.headers["content-range"] == f"bytes 0-99/{size}"
    assert first.headers["content-length"] == "100"
    assert part("bytes=-10").content == whole.content[-10:]
    assert part("bytes=100-", **{"if-range": tag}).content == whole.content[100:]
    assert part("bytes=100-", **{"if-range": '"other"'}).status_code == 200
    outside = part(f"bytes={size}-")
    assert outside.status_code == 416
    assert outside.headers["content-range"] == f"bytes */{size}"


def test_the_head_tells_the_size(media: Media) -> None:
    response = media.http.head(video_url(media), headers=SESSION_HEADERS)
    assert response.status_code == 200
    assert int(response.headers["content-length"]) > 10_000
    assert response.content == b""


def test_a_large_file(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="video", file_mb=5)
    url = video_url(media)
    digest, size = hashlib.sha256(), 0
    with media.http.stream("GET", url, headers=SESSION_HEADERS) as response:
        assert response.headers["content-length"] == str(5 * 1024 * 1024)
        for chunk in response.iter_bytes():
            digest.update(chunk)
            size += len(chunk)
    assert size == 5 * 1024 * 1024
    emulator.script(flow="file", file_mb=7)
    assert len(media.http.get(url, headers=SESSION_HEADERS).content) == 7 * 1024 * 1024
    again = media.http.get(url, headers=SESSION_HEADERS).content
    assert hashlib.sha256(again).digest() == digest.digest()


def collect(response: httpx2.Response, received: bytearray) -> None:
    """Keep what arrives, until it ends or breaks off."""
    for chunk in response.iter_raw():
        received += chunk


def test_a_download_that_breaks_off_can_be_taken_up(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="video", file_mb=1)
    emulator.script(flow="file", cut_after_bytes=300_000)
    url, received = video_url(media), bytearray()
    with (
        media.http.stream("GET", url, headers=SESSION_HEADERS) as response,
        pytest.raises(httpx2.RemoteProtocolError),
    ):
        collect(response, received)
    assert len(received) == 300_000
    rest = media.http.get(url, headers={**SESSION_HEADERS, "range": f"bytes={len(received)}-"})
    assert rest.status_code == 206
    whole = media.http.get(url, headers=SESSION_HEADERS).content
    assert bytes(received) + rest.content == whole


def test_what_can_come_instead(media: Media, emulator: EmulatorClient) -> None:
    url, got = video_url(media), {}
    for name in ("file_expired", "file_missing", "file_wrong_type", "file_empty"):
        emulator.script(flow="file", scenario=name)
        got[name] = media.http.get(url, headers=SESSION_HEADERS)
    assert got["file_expired"].status_code == 403
    assert got["file_missing"].status_code == 404
    assert got["file_wrong_type"].status_code == 200
    assert got["file_wrong_type"].headers["content-type"].startswith("text/html")
    assert (got["file_empty"].status_code, got["file_empty"].content) == (200, b"")
    emulator.script(flow="file", content_type="application/octet-stream")
    odd = media.http.get(url, headers=SESSION_HEADERS)
    assert odd.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("address", [video_url, signed_url])
def test_a_redirect_to_another_host(
    media: Media, emulator: EmulatorClient, address: Callable[[Media], str]
) -> None:
    url = address(media)
    emulator.script(flow="file", scenario="file_redirect")
    first = media.http.get(url, headers=SESSION_HEADERS)
    assert first.status_code == 302
    target = first.headers["location"]
    assert target.startswith(f"{emulator.emulator.url}/cdn/")
    assert media.http.get(target).status_code == 403
    followed = media.http.get(target, headers=REFERER)
    assert followed.headers["content-type"] == "video/mp4"
    leaked = media.http.get(target, headers={**REFERER, **SESSION_HEADERS})
    assert leaked.status_code == 200
    accounts = [entry["account"] for entry in emulator.log() if entry["flow"] == "cdn"]
    assert accounts == [None, None, "session-of-anna"]


def test_a_slow_download_is_noticed_when_given_up(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="file", chunk_bytes=100, frame_delay_s=30)
    url = video_url(media)
    with media.http.stream("GET", url, headers=SESSION_HEADERS) as response:
        assert len(next(response.iter_raw())) == 100
    assert eventually(lambda: emulator.log()[-1]["cancelled"])


def test_without_user_agent_the_edge_refuses(media: Media) -> None:
    headers = {**SESSION_HEADERS, "user-agent": ""}
    assert media.http.get(video_url(media), headers=headers).text == "bad request cf"
