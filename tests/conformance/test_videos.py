"""Assertions 47 to 51, and 2, 3, 4, 42 at OpenAI's doors to videos."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from conformance.raw_http import AUTH, ask, connected
from conformance.sides import COOKIE, KEY, SECRET_OF_CALLER, Side, eventually
from conformance.video_clients.doors import (
    ENDED,
    JPEG,
    LONG,
    MP4,
    PNG,
    SOON,
    VIDEO_MODEL,
    Doors,
    Json,
    knocking,
)

from genspark_emulator.state import EmulatorState

VIDEOS = "/v1/videos"
OCTETS = "application/octet-stream"
UNKNOWN = ["video_" + "0" * 32, "video_1", "x", "video_" + "A" * 32, "video_%2F..", "%00"]


@pytest.fixture
def doors(side: Side, emulator_state: EmulatorState) -> Iterator[Doors]:
    """Both routes."""
    with knocking(side, emulator_state) as opened:
        yield opened


@pytest.fixture
def key_doors(key: Side, emulator_state: EmulatorState) -> Iterator[Doors]:
    """The key route."""
    with knocking(key, emulator_state) as opened:
        yield opened


@pytest.fixture
def cookie_doors(cookie: Side, emulator_state: EmulatorState) -> Iterator[Doors]:
    """The cookie route."""
    with knocking(cookie, emulator_state) as opened:
        yield opened


def _checked(video: Json) -> Json:
    """A video object, every field of its type."""
    assert video["object"] == "video"
    assert video["status"] in ("queued", "in_progress", *ENDED)
    assert type(video["progress"]) is int
    assert 0 <= video["progress"] <= 100
    assert type(video["created_at"]) is int
    for name in ("completed_at", "expires_at"):
        assert video[name] is None or type(video[name]) is int, name
    for name in ("id", "model", "seconds", "size"):
        assert isinstance(video[name], str), name
    for name in ("prompt", "remixed_from_video_id"):
        assert isinstance(video[name], str | None), name
    assert video["id"].startswith("video_")
    assert not set("/;%?# ") & set(video["id"])
    _check_error(video)
    return video


def _check_error(video: Json) -> None:
    if video["status"] != "failed":
        assert video["error"] is None
        return
    assert {"code", "message"} <= set(video["error"])
    assert all(isinstance(video["error"][name], str) for name in ("code", "message"))
    assert video["error"]["message"].strip()


# 47: every encoding of a create.


def _by_json(doors: Doors, fields: Json) -> Any:
    return doors.post(VIDEOS, **fields)


def _by_form(doors: Doors, fields: Json) -> Any:
    """openai-python from 2.30 and openai-node 7 send this also without a file."""
    texts = {name: (None, str(value)) for name, value in fields.items()}
    return doors.ask("POST", VIDEOS, files=texts)


def _by_form_with_file(doors: Doors, fields: Json) -> Any:
    file = {"input_reference": ("first.png", PNG, "image/png")}
    return doors.ask("POST", VIDEOS, data=fields, files=file)


def _by_urlencoded_form(doors: Doors, fields: Json) -> Any:
    return doors.ask("POST", VIDEOS, data=fields)


WAYS = [_by_json, _by_form, _by_form_with_file, _by_urlencoded_form]


@pytest.mark.parametrize("way", WAYS)
def test_c47_each_encoding_is_accepted(doors: Doors, way: Any) -> None:
    fields = {"prompt": "a cat", "model": VIDEO_MODEL, "seconds": "6", "size": "720x1280"}

    reply = way(doors, fields)

    assert reply.status_code == 200
    video = _checked(reply.json())
    assert (video["seconds"], video["size"], video["model"]) == ("6", "720x1280", VIDEO_MODEL)
    assert video["prompt"] == "a cat"
    assert _checked(doors.ended(video["id"]))["status"] == "completed"
    [task] = doors.purchases()
    wants = doors.wants(task)
    assert (wants["aspect_ratio"], str(wants["duration"])) == ("9:16", "6")
    assert (wants["video_size"], wants["model"], task["prompt"]) == ("720p", VIDEO_MODEL, "a cat")


def test_c47_only_the_prompt_is_required(doors: Doors) -> None:
    video = _checked(doors.made())

    assert video["model"] == VIDEO_MODEL
    assert (video["status"], video["progress"], video["seconds"]) == ("completed", 100, "8")
    assert video["completed_at"] >= video["created_at"]
    assert video["expires_at"] > video["completed_at"]


@pytest.mark.parametrize("seconds", ["8", 8, 8.0, "8.0"])
def test_c47_seconds_by_any_type_are_told_as_a_string(doors: Doors, seconds: Any) -> None:
    assert doors.create(seconds=seconds)["seconds"] == "8"


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param(("a.png", PNG, "image/png"), id="png"),
        pytest.param(("blob", JPEG, OCTETS), id="octet-stream"),
        pytest.param(("a.jpg", PNG, "image/jpeg"), id="wrong-label"),
    ],
)
def test_c47_the_file_is_the_first_frame_byte_for_byte(doors: Doors, reference: Any) -> None:
    reply = doors.ask(
        "POST", VIDEOS, data={"prompt": "a cat"}, files={"input_reference": reference}
    )

    assert doors.ended(reply.json()["id"])["status"] == "completed"
    assert _given(doors) == [reference[1]]


@pytest.mark.parametrize("form", ["data-url", "base64", "object"])
@pytest.mark.parametrize("name", ["input_reference", "image", "image_url"])
def test_c47_a_frame_in_json(doors: Doors, name: str, form: str) -> None:
    plain = base64.b64encode(PNG).decode()
    url = f"data:image/png;base64,{plain}"
    frame = {"data-url": url, "base64": plain, "object": {"image_url": url}}[form]

    assert doors.made(**{name: frame})["status"] == "completed"
    assert _given(doors) == [PNG]


def test_c47_a_frame_under_the_form_key_of_a_dictionary(doors: Doors) -> None:
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    fields = {"prompt": (None, "a cat"), "input_reference[image_url]": (None, url)}

    reply = doors.ask("POST", VIDEOS, files=fields)

    assert doors.ended(reply.json()["id"])["status"] == "completed"
    assert _given(doors) == [PNG]


def _given(doors: Doors) -> list[bytes]:
    """The inputs of the only purchase, as Genspark holds them."""
    [task] = doors.purchases()
    state = doors.side.upstream
    blobs = state.log("blob")
    assert all(not {"cookie", "x-api-key", "authorization"} & set(b["headers"]) for b in blobs)
    if doors.side.name == KEY:
        addresses = task["body"]["image_urls"]
    else:
        parts = task["body"]["messages"][0]["content"]
        files = [part["private_file"] for part in parts if part["type"] == "private_file"]
        addresses = [file["private_storage_url"] for file in files]
    owner = {"X-Api-Key": task["account"]}
    if doors.side.name == COOKIE:
        owner = {"Cookie": f"session_id={task['account']}"}
    return [_fetched(doors, address, owner) for address in addresses]


def _fetched(doors: Doors, address: str, owner: dict[str, str]) -> bytes:
    upstream = doors.side.upstream._client
    if "Cookie" in owner:
        return upstream.get(address, headers={**owner, "User-Agent": "test"}).content
    told = upstream.post(
        "/api/tool_cli/file/download", json={"file_wrapper_url": address}, headers=owner
    )
    return upstream.get(told.json()["data"]["download_url"], headers={"User-Agent": "t"}).content


def test_c47_a_forms_texts_become_what_they_mean(key_doors: Doors) -> None:
    # extra_body={"audio": True} arrives as the text "true".
    texts = {"prompt": "a cat", "audio": "true", "negative_prompt": "dogs", "seed": "7"}
    fields = {name: (None, value) for name, value in texts.items()}

    reply = key_doors.ask("POST", VIDEOS, files=fields)

    video = key_doors.ended(reply.json()["id"])
    [task] = key_doors.purchases()
    assert task["body"]["audio_enable"] is True
    assert "dogs" in task["body"]["query"]
    assert "seed" in video["metadata"]["ignored"]


def test_c47_the_callers_metadata_comes_back(doors: Doors) -> None:
    own = {"order": "17", "nested": {"deep": [1, 2]}, "发": "🦊"}

    video = doors.made(metadata=own)

    assert own.items() <= video["metadata"].items()


@pytest.mark.parametrize("name", ["fps", "seed", "user", "quality", "style", "what_is_this"])
def test_c47_unknown_and_unused_fields_are_accepted(doors: Doors, name: str) -> None:
    assert _checked(doors.create(**{name: "7"}))


@pytest.mark.parametrize(
    ("fields", "status", "param", "says"),
    [
        ({"prompt": ""}, 400, "prompt", ""),
        ({"prompt": None}, 400, "prompt", ""),
        ({"prompt": " \n"}, 400, "prompt", ""),
        ({"prompt": "x" * 32_001}, 400, "prompt", "32000"),
        ({"seconds": "5"}, 400, "seconds", "4, 6 or 8"),
        ({"seconds": "long"}, 400, "seconds", ""),
        ({"duration": 100}, 400, "seconds", "4, 6 or 8"),
        ({"aspect_ratio": "1:1"}, 400, "aspect_ratio", "16:9"),
        ({"size": "1024x1024"}, 400, "size", "16:9"),
        ({"size": "huge"}, 400, "size", ""),
        ({"resolution": "8k"}, 400, "resolution", "720p"),
        ({"tier": "ultra"}, 400, "tier", "fast"),
        ({"model": "sora-99"}, 404, "model", ""),
        # A model that makes images.
        ({"model": "nano-banana-2"}, 404, "model", ""),
        ({"model": ["gemini/veo3.1"]}, 400, "model", ""),
        ({"model": "runway/gen4_turbo"}, 400, "image", "needs an image"),
        ({"input_reference": "data:image/png;base64,@@"}, 400, "input_reference", ""),
        ({"input_reference": base64.b64encode(b"<html>").decode()}, 400, "input_reference", ""),
        ({"input_reference": {"file_id": "file-1"}}, 400, "input_reference.file_id", ""),
        ({"metadata": "{"}, 400, "metadata", ""),
        ({"metadata": {"a": "x" * 20_000}}, 400, "metadata", ""),
    ],
    ids=lambda value: str(value)[:40],
)
def test_c47_mistakes_are_told_before_anything_is_paid(
    doors: Doors, fields: Json, status: int, param: str, says: str
) -> None:
    error = doors.error(doors.post(VIDEOS, **{"prompt": "a cat", **fields}), status)

    assert error["param"] == param
    assert says in error["message"]
    assert doors.side.upstream.log() == []
    assert doors.jobs() == []


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"", b'"x"', b"\xff\xfe"])
def test_c47_what_is_no_object_is_400(doors: Doors, body: bytes) -> None:
    headers = {"content-type": "application/json"}

    doors.error(doors.ask("POST", VIDEOS, headers=headers, content=body), 400)


FORM = {**AUTH, "Content-Type": "multipart/form-data; boundary=x"}
PROMPT = b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\na cat\r\n'
HALF_A_FILE = (
    b'--x\r\nContent-Disposition: form-data; name="input_reference"; filename="a.png"\r\n\r\n'
    + PNG[:500]
)


@pytest.mark.parametrize("length", [{"Transfer-Encoding": "chunked"}, {"Content-Length": "9999"}])
def test_c47_who_leaves_in_the_middle_of_a_body_buys_nothing(
    doors: Doors, length: dict[str, str]
) -> None:
    # So does LiteLLM 1.83 when it is given a file that it cannot read.
    health = doors.side.live.application.services.health
    said = PROMPT + HALF_A_FILE
    if "Transfer-Encoding" in length:
        said = b"%x\r\n%s\r\n" % (len(said), said)
    with connected(doors.url) as connection:
        connection.send("POST", VIDEOS, {**FORM, **length}, said)
        eventually(lambda: health.in_flight == 1, SOON)
    eventually(lambda: health.in_flight == 0, SOON)

    assert doors.jobs() == []
    assert doors.purchases() == []


@pytest.mark.parametrize("rest", [b"", HALF_A_FILE], ids=["between-parts", "in-a-file"])
def test_c47_a_form_without_its_end_is_400(doors: Doors, rest: bytes) -> None:
    reply = ask(doors.url, "POST", VIDEOS, FORM, PROMPT + rest)

    assert reply.status == 400
    assert doors.jobs() == []
    assert doors.purchases() == []


# 48: asking until it is done.


def test_c48_a_running_video_says_when_to_ask_again(doors: Doors) -> None:
    doors.live_for(video=LONG)
    reply = doors.post(VIDEOS, prompt="a cat")
    first = _checked(reply.json())
    assert reply.headers["openai-poll-after-ms"] == "5000"
    assert first["status"] == "queued"
    assert first["progress"] == 0

    video = _checked(doors.until(first["id"], lambda v: v["status"] == "in_progress"))

    reply = doors.get(f"{VIDEOS}/{first['id']}")
    assert int(reply.headers["openai-poll-after-ms"]) > 0
    assert 0 < video["progress"] < 100
    assert video["completed_at"] is None
    assert "url" not in video


def test_c48_an_ended_video_does_not(doors: Doors) -> None:
    done = doors.made()["id"]
    doors.script("video", scenario="task_fails")
    failed = doors.made(prompt="another")["id"]

    for public in (done, failed):
        assert "openai-poll-after-ms" not in doors.get(f"{VIDEOS}/{public}").headers


def test_c48_progress_never_falls(doors: Doors) -> None:
    doors.live_for(video=0.4)
    seen: list[int] = []

    def note(video: Json) -> bool:
        seen.append(_checked(video)["progress"])
        return video["status"] in ENDED

    doors.until(doors.create()["id"], note)

    assert seen == sorted(seen)
    assert seen[-1] == 100
    assert 100 not in seen[:-1]


# 49: the bytes.


def test_c49_content_is_the_video(doors: Doors) -> None:
    public = doors.made()["id"]

    reply = doors.get(f"{VIDEOS}/{public}/content")

    assert reply.status_code == 200
    assert reply.headers["content-type"] == "video/mp4"
    assert reply.headers["accept-ranges"] == "bytes"
    assert int(reply.headers["content-length"]) == len(reply.content)
    assert reply.content.startswith(MP4)
    assert doors.purchases()[0]["id"].encode() in reply.content


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-9", 0, 10),
        ("bytes=100-", 100, None),
        ("bytes=-100", -100, None),
        ("bytes=10-99999999", 10, None),
    ],
)
def test_c49_ranges_are_206(doors: Doors, asked: str, start: int, stop: int | None) -> None:
    video = doors.made()
    whole = doors.get(f"{VIDEOS}/{video['id']}/content").content

    for reply in (
        doors.get(f"{VIDEOS}/{video['id']}/content", Range=asked),
        doors.bare("GET", video["url"], Range=asked),
    ):
        assert reply.status_code == 206
        assert reply.content == whole[start:stop]
        first = start % len(whole)
        last = first + len(reply.content) - 1
        assert reply.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"
        assert int(reply.headers["content-length"]) == len(reply.content)
        assert reply.headers["content-type"] == "video/mp4"


def test_c49_a_range_beyond_the_end_is_416(doors: Doors) -> None:
    video = doors.made()

    for reply in (
        doors.get(f"{VIDEOS}/{video['id']}/content", Range="bytes=99999999-"),
        doors.bare("GET", video["url"], Range="bytes=99999999-"),
    ):
        assert reply.status_code == 416
        assert reply.headers["content-range"].endswith(f"/{len(MP4) + 8 + _mark_length(doors)}")


def _mark_length(doors: Doors) -> int:
    return len(f"genspark-emulator {doors.purchases()[0]['id']} v")


def test_c49_the_same_tag_is_304(doors: Doors) -> None:
    public = doors.made()["id"]
    tag = doors.get(f"{VIDEOS}/{public}/content").headers["etag"]

    for said in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        reply = doors.ask("GET", f"{VIDEOS}/{public}/content", headers={"If-None-Match": said})
        assert (reply.status_code, reply.content) == (304, b""), said
        assert reply.headers["etag"] == tag
    other = {"If-None-Match": '"other"'}
    assert doors.ask("GET", f"{VIDEOS}/{public}/content", headers=other).status_code == 200


def test_c49_a_link_has_a_tag_as_well(doors: Doors) -> None:
    link = doors.made()["url"]
    tag = doors.bare("GET", link).headers["etag"]

    reply = doors.ask("GET", link, headers={"Authorization": "", "If-None-Match": tag})

    assert (reply.status_code, reply.content) == (304, b"")


def test_c49_a_range_of_another_version_is_the_whole(doors: Doors) -> None:
    public = doors.made()["id"]
    path = f"{VIDEOS}/{public}/content"
    tag = doors.get(path).headers["etag"]

    same = doors.ask("GET", path, headers={"Range": "bytes=0-9", "If-Range": tag})
    other = doors.ask("GET", path, headers={"Range": "bytes=0-9", "If-Range": '"other"'})

    assert (same.status_code, len(same.content)) == (206, 10)
    assert (other.status_code, other.content[:4]) == (200, MP4[:4])


def test_c49_head_tells_the_length(doors: Doors) -> None:
    video = doors.made()

    for path in (f"{VIDEOS}/{video['id']}/content", video["url"]):
        reply = doors.ask("HEAD", path)
        assert reply.status_code == 200
        assert reply.content == b""
        assert int(reply.headers["content-length"]) > len(MP4)


def test_c49_the_still_image_is_a_thumbnail(doors: Doors) -> None:
    video = doors.made()

    reply = doors.get(f"{VIDEOS}/{video['id']}/content?variant=thumbnail")

    assert reply.status_code == 200
    assert reply.headers["content-type"] == "image/jpeg"
    assert f"{doors.purchases()[0]['id']} p".encode() in reply.content
    assert doors.bare("GET", video["thumbnail_url"]).content == reply.content


@pytest.mark.parametrize(("variant", "status"), [("spritesheet", 404), ("gif", 400), ("", 200)])
def test_c49_other_variants(doors: Doors, variant: str, status: int) -> None:
    public = doors.made()["id"]

    reply = doors.get(f"{VIDEOS}/{public}/content?variant={variant}")

    if status == 200:
        assert reply.content.startswith(MP4)
    else:
        doors.error(reply, status)


def test_c49_before_completion_it_is_400(doors: Doors) -> None:
    doors.live_for(video=LONG)
    public = doors.create()["id"]

    for _ in range(2):
        reply = doors.get(f"{VIDEOS}/{public}/content")
        assert doors.error(reply, 400)["code"] == "video_not_ready"
        # No SDK asks again for a 400.
        assert "retry-after" not in reply.headers
        doors.until(public, lambda video: video["status"] == "in_progress")


def test_c49_a_failed_video_has_no_content(doors: Doors) -> None:
    doors.script("video", scenario="task_fails")
    video = doors.made()

    error = doors.error(doors.get(f"{VIDEOS}/{video['id']}/content"), 400)

    assert error["code"] == video["error"]["code"]


@pytest.mark.parametrize("public", UNKNOWN)
@pytest.mark.parametrize(
    ("method", "end"), [("GET", ""), ("GET", "/content"), ("DELETE", ""), ("POST", "/remix")]
)
def test_c49_an_unknown_id_is_404(doors: Doors, method: str, end: str, public: str) -> None:
    more = {"json": {"prompt": "x"}} if method == "POST" else {}

    error = doors.error(doors.ask(method, f"{VIDEOS}/{public}{end}", **more), 404)

    assert error["code"] == "not_found"


# 50: lists and deletion.


def _listed(doors: Doors, query: str = "") -> Json:
    reply = doors.get(f"{VIDEOS}{query}")
    assert reply.status_code == 200
    page: Json = reply.json()
    assert page["object"] == "list"
    assert type(page["has_more"]) is bool
    ids = [_checked(video)["id"] for video in page["data"]]
    assert (page["first_id"], page["last_id"]) == (ids[0], ids[-1]) if ids else (None, None)
    return page


def _ids(page: Json) -> list[str]:
    return [video["id"] for video in page["data"]]


def test_c50_nothing_is_an_empty_list(doors: Doors) -> None:
    page = _listed(doors)

    assert (page["data"], page["has_more"], page["last_id"]) == ([], False, None)


@pytest.mark.parametrize(("order", "newest_first"), [("desc", True), ("asc", False), ("", True)])
def test_c50_pages_hold_each_video_once_in_order(
    doors: Doors, order: str, newest_first: bool
) -> None:
    made = [doors.create(prompt=f"cat {number}")["id"] for number in range(5)]
    query = f"?limit=2&order={order}" if order else "?limit=2"

    seen, pages, after = [], [], ""
    while True:
        page = _listed(doors, query + after)
        seen += _ids(page)
        pages.append(len(page["data"]))
        if not page["has_more"]:
            break
        after = f"&after={page['last_id']}"

    assert seen == (made[::-1] if newest_first else made)
    assert pages == [2, 2, 1]


def test_c50_twenty_are_the_usual_page(doors: Doors) -> None:
    doors.live_for(video=LONG)
    for number in range(21):
        doors.create(prompt=f"cat {number}")

    page = _listed(doors)

    assert (len(page["data"]), page["has_more"]) == (20, True)
    assert len(_listed(doors, "?limit=100")["data"]) == 21


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "order=up", "after=x"])
def test_c50_a_wrong_query_is_400(doors: Doors, query: str) -> None:
    error = doors.error(doors.get(f"{VIDEOS}?{query}"), 400)

    assert error["param"] == query.partition("=")[0]


def test_c50_images_are_no_videos(doors: Doors) -> None:
    assert doors.images().status_code == 200

    assert _listed(doors)["data"] == []


def test_c50_a_deleted_video_is_gone_with_its_files(doors: Doors) -> None:
    video = doors.made()
    folder = doors.side.live.application.services.settings.data_dir / "media"
    digits = video["id"].removeprefix("video_")
    assert len(list(folder.rglob(f"{digits}*"))) == 2

    reply = doors.ask("DELETE", f"{VIDEOS}/{video['id']}")

    assert reply.status_code == 200
    assert reply.json() == {"id": video["id"], "object": "video.deleted", "deleted": True}
    assert _listed(doors)["data"] == []
    for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        doors.error(doors.ask(method, f"{VIDEOS}/{video['id']}{path}"), 404)
    assert doors.bare("GET", video["url"]).status_code == 410
    assert list(folder.rglob(f"{digits}*")) == []


def test_c50_a_running_video_is_stopped_and_deleted(doors: Doors) -> None:
    doors.live_for(video=LONG)
    public = doors.create()["id"]
    doors.until(public, lambda video: video["status"] == "in_progress")
    eventually(lambda: len(doors.purchases()) == 1, SOON)
    if doors.side.name == COOKIE:
        eventually(lambda: bool(doors.job(public)["task_ids"]), SOON)

    reply = doors.ask("DELETE", f"{VIDEOS}/{public}")

    assert reply.json()["deleted"] is True
    doors.error(doors.get(f"{VIDEOS}/{public}"), 404)
    if doors.side.name == COOKIE:
        # The tools of the key route cannot be stopped.
        eventually(lambda: doors.purchases()[0]["status"] == "CANCELLED", SOON)
    assert len(doors.purchases()) == 1


def test_c50_everybody_sees_their_own_alone(doors: Doors) -> None:
    other = doors.as_caller(SECRET_OF_CALLER)
    mine, theirs = doors.made()["id"], other.made(prompt="a dog")["id"]

    assert _ids(_listed(doors)) == [mine]
    assert _ids(_listed(other)) == [theirs]
    for method, end in (("GET", ""), ("GET", "/content"), ("DELETE", ""), ("POST", "/remix")):
        more = {"json": {"prompt": "x"}} if method == "POST" else {}
        doors.error(other.ask(method, f"{VIDEOS}/{mine}{end}", **more), 404)
    assert doors.video(mine)["status"] == "completed"


# 51: failures.


@pytest.mark.parametrize(
    ("scenario", "code", "says"),
    [
        ("task_fails", "generation_failed", "could not generate the result"),
        ("moderation", "content_policy_violation", "content moderation policy"),
    ],
)
def test_c51_a_failed_video_says_why(doors: Doors, scenario: str, code: str, says: str) -> None:
    doors.script("video", scenario=scenario)

    video = _checked(doors.made())

    assert video["status"] == "failed"
    assert video["error"]["code"] == code
    assert says in video["error"]["message"]
    assert "url" not in video
    assert video["completed_at"] is not None
    assert len(doors.purchases()) == 1


# Videos made of videos, where the route can.


def test_c47_a_remix_is_made_of_the_first(key_doors: Doors) -> None:
    first = key_doors.made(model="gemini/omni-flash", seconds="5")
    path = f"{VIDEOS}/{first['id']}/remix"

    reply = key_doors.post(path, prompt="at night")

    video = _checked(key_doors.ended(reply.json()["id"]))
    assert (video["status"], video["remixed_from_video_id"]) == ("completed", first["id"])
    assert video["prompt"] == "at night"
    task = key_doors.purchases()[1]
    assert task["body"]["video_mode"] == "edit"
    source = _fetched(key_doors, task["body"]["video_url"], {"X-Api-Key": task["account"]})
    assert source == key_doors.get(f"{VIDEOS}/{first['id']}/content").content


def test_c47_a_model_that_cannot_be_remixed_says_so(doors: Doors) -> None:
    first = doors.made()

    error = doors.error(doors.post(f"{VIDEOS}/{first['id']}/remix", prompt="at night"), 400)

    assert "gemini/veo3.1" in error["message"]
    assert len(doors.purchases()) == 1


@pytest.mark.parametrize("prompt", [None, "", " "])
def test_c47_a_remix_needs_a_prompt(key_doors: Doors, prompt: str | None) -> None:
    first = key_doors.made(model="gemini/omni-flash", seconds="5")

    error = key_doors.error(key_doors.post(f"{VIDEOS}/{first['id']}/remix", prompt=prompt), 400)

    assert error["param"] == "prompt"


def test_c47_only_a_finished_video_can_be_remixed(key_doors: Doors) -> None:
    key_doors.live_for(video=LONG)
    public = key_doors.create(model="gemini/omni-flash", seconds="5")["id"]

    error = key_doors.error(key_doors.post(f"{VIDEOS}/{public}/remix", prompt="x"), 400)

    assert error["code"] == "video_not_ready"


@pytest.mark.parametrize("given", ["id", "plain-id", "file"])
def test_c47_a_video_is_extended(key_doors: Doors, given: str) -> None:
    fields = {"prompt": "and on", "model": VIDEO_MODEL, "seconds": "7"}
    source = MP4
    if given == "file":
        reply = key_doors.ask(
            "POST", f"{VIDEOS}/extensions", data=fields, files={"video": ("a.mp4", MP4, OCTETS)}
        )
    else:
        first = key_doors.made()["id"]
        source = key_doors.get(f"{VIDEOS}/{first}/content").content
        video = {"id": first} if given == "id" else first
        reply = key_doors.post(f"{VIDEOS}/extensions", **fields, video=video)

    assert reply.status_code == 200, reply.text
    assert _checked(key_doors.ended(reply.json()["id"]))["status"] == "completed"
    task = key_doors.purchases()[-1]
    assert task["body"]["video_mode"] == "extend"
    owner = {"X-Api-Key": task["account"]}
    assert _fetched(key_doors, task["body"]["video_url"], owner) == source


@pytest.mark.parametrize("path", ["edits", "extensions"])
def test_c47_an_edit_needs_a_video(doors: Doors, path: str) -> None:
    fields = {"prompt": "x", "model": "gemini/omni-flash"}

    assert doors.error(doors.post(f"{VIDEOS}/{path}", **fields), 400)["param"] == "video"
    strange = {"video": {"id": "video_" + "0" * 32}}
    if doors.side.name == KEY:
        error = doors.error(doors.post(f"{VIDEOS}/{path}", **fields, **strange), 400)
        assert error["param"].startswith("video")
    assert doors.purchases() == []


def test_c47_nobody_works_on_somebody_elses_video(key_doors: Doors) -> None:
    mine = key_doors.made()["id"]
    other = key_doors.as_caller(SECRET_OF_CALLER)

    fields = {"prompt": "x", "model": VIDEO_MODEL, "seconds": "7", "video": {"id": mine}}
    error = key_doors.error(other.post(f"{VIDEOS}/extensions", **fields), 400)

    assert error["param"].startswith("video")
    assert len(key_doors.purchases()) == 1


# 2, 3, 4, 42 at these doors.

PATHS = [
    ("POST", VIDEOS),
    ("GET", VIDEOS),
    ("POST", f"{VIDEOS}/generations"),
    ("GET", f"{VIDEOS}/video_1"),
    ("GET", f"{VIDEOS}/video_1/content"),
    ("DELETE", f"{VIDEOS}/video_1"),
    ("POST", "/v1/video/generations"),
    ("GET", "/v1/video/generations/task_1"),
    ("GET", "/v1/tasks/task_1"),
    ("GET", "/v1/jobs"),
    ("POST", "/v1/jobs/video_1/cancel"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_c02_videos_need_the_key(doors: Doors, method: str, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"x-api-key": "wrong"}):
        reply = ask(doors.url, method, path, headers, b'{"prompt":"a cat"}')
        assert (reply.status, reply.json()["error"]["code"]) == (401, "invalid_api_key")
    assert doors.purchases() == []


@pytest.mark.parametrize("prefix", ["", "/v1", "/v1/v1", "//v1", "/v1//"])
def test_c03_bases_with_and_without_v1(doors: Doors, prefix: str) -> None:
    base = doors.url + prefix.rstrip("/")

    public = doors.post(f"{base}/videos", prompt="a cat").json()["id"]

    assert doors.get(f"{base}/videos/{public}").json()["id"] == public
    doors.ended(public)
    assert doors.get(f"{base}/videos/{public}/content").content.startswith(MP4)
    assert doors.get(f"{base}/tasks/{public}").json()["code"] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", VIDEOS, 405),
        ("GET", f"{VIDEOS}/generations", 404),
        ("POST", f"{VIDEOS}/video_1", 405),
        ("POST", f"{VIDEOS}/video_1/content", 405),
        ("GET", f"{VIDEOS}/video_1/remix", 404),
        ("GET", f"{VIDEOS}/", 404),
        ("POST", f"{VIDEOS}/characters", 405),
    ],
)
def test_c04_wrong_paths_and_methods(doors: Doors, method: str, path: str, status: int) -> None:
    doors.error(doors.ask(method, path), status)


def test_c42_video_models_are_listed_without_asking_anybody(doors: Doors) -> None:
    listed = [model["id"] for model in doors.get("/v1/models").json()["data"]]

    assert {"gemini/veo3.1", "kling/v3", "runway/gen4_turbo"} <= set(listed)
    for name in ("gemini/veo3.1", "gemini%2Fveo3.1"):
        assert doors.get(f"/v1/models/{name}").json()["id"] == "gemini/veo3.1"
    assert doors.side.upstream.log() == []
