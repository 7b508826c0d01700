"""Assertions 43 to 46, and 2, 3, 6, 42 at the doors to images."""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any

import pytest
from conformance.raw_http import ask
from conformance.sides import KEY, Side
from conformance.video_clients.doors import (
    IMAGE_MODEL,
    JPEG,
    MP4,
    PNG,
    WEBP,
    Doors,
    Json,
    knocking,
)

from genspark_emulator.state import EmulatorState

GENERATIONS, EDITS = "/v1/images/generations", "/v1/images/edits"
SIGNATURES = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}
EXTENSIONS = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}
# Which of the emulator's models draws which kind of file, on a route that has it.
KINDS = [("gpt-image-2", "image/png"), ("nano-banana-2", "image/jpeg")]
OCTETS = "application/octet-stream"


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


def _whole(reply: Any) -> Json:
    assert reply.status_code == 200, reply.text
    body: Json = reply.json()
    assert type(body["created"]) is int
    assert "error" not in body
    assert body["data"], "zero images are an error"
    return body


def _decoded(item: Json) -> bytes:
    assert set(item) <= {"b64_json", "revised_prompt"}, item
    assert not item["b64_json"].startswith("data:")
    return base64.b64decode(item["b64_json"], validate=True)


def _mark(doors: Doors, number: int = 0) -> bytes:
    """What the emulator writes into the file of a task without a watermark."""
    return f"genspark-emulator {doors.purchases()[number]['id']} n".encode()


# 43: what is asked for.


def test_c43_url_is_honoured(doors: Doors) -> None:
    [item] = _whole(doors.images(model="gpt-image-2", response_format="url"))["data"]

    assert set(item) <= {"url", "revised_prompt"}
    assert item["url"].startswith(doors.url + "/media/")


def test_c43_b64_json_is_an_image_without_a_prefix(doors: Doors) -> None:
    reply = doors.images(model=IMAGE_MODEL, response_format="b64_json")

    [item] = _whole(reply)["data"]
    data = _decoded(item)
    assert data.startswith(SIGNATURES["image/jpeg"])
    assert _mark(doors) in data


@pytest.mark.parametrize("form", ["url", "b64_json"])
@pytest.mark.parametrize("count", [1, 3])
def test_c43_as_many_as_asked_for_each_another(doors: Doors, form: str, count: int) -> None:
    items = _whole(doors.images(model=IMAGE_MODEL, n=count, response_format=form))["data"]

    assert len({item[form] for item in items}) == len(items) == count
    assert len(doors.purchases()) == count


def test_c43_fewer_than_asked_for_is_no_error(doors: Doors) -> None:
    doors.script("image", scenario="task_fails")

    items = _whole(doors.images(model=IMAGE_MODEL, n=2, response_format="url"))["data"]

    assert len(items) == 1
    assert len(doors.purchases()) == 2


def test_c43_none_at_all_is_an_error(doors: Doors) -> None:
    doors.script("image", scenario="task_fails", times=2)

    error = doors.error(doors.images(model=IMAGE_MODEL, n=2), 502)

    assert error["code"] == "generation_failed"
    assert len(doors.purchases()) == 2


def test_c43_ten_at_most(doors: Doors) -> None:
    error = doors.error(doors.images(n=11), 400)

    assert error["param"] == "n"
    assert doors.purchases() == []


@pytest.mark.parametrize(
    ("size", "ratio"),
    [
        ("1024x1024", "1:1"),
        ("1792x1024", "16:9"),
        ("1024x1792", "9:16"),
        ("1536x1024", "3:2"),
        ("1024x1536", "2:3"),
        ("auto", "auto"),
        (None, "auto"),
    ],
)
def test_c43_size_becomes_a_ratio(doors: Doors, size: str | None, ratio: str) -> None:
    _whole(doors.images(model=IMAGE_MODEL, size=size))

    [task] = doors.purchases()
    assert doors.wants(task)["aspect_ratio"] == ratio


def test_c43_accepted_and_unused_fields_change_nothing(doors: Doors) -> None:
    reply = doors.images(
        model="gpt-image-2",
        quality="high",
        style="vivid",
        background="auto",
        output_format="png",
        output_compression=80,
        moderation="low",
        user="u1",
        safety_identifier="s",
        partial_images=0,
        stream=False,
        what_is_this={"a": 1},
    )

    assert len(_whole(reply)["data"]) == 1
    assert "style" in reply.headers["x-genspark2api-ignored"].split(",")


def test_c43_null_is_the_same_as_nothing(doors: Doors) -> None:
    names = "model n size response_format quality style background output_format stream user"

    assert _whole(doors.images(**dict.fromkeys(names.split())))["data"][0]["b64_json"]


# 44: where the results are.


@pytest.mark.parametrize(("model", "mime"), KINDS)
def test_c44_a_link_needs_no_header_and_gives_an_image(doors: Doors, model: str, mime: str) -> None:
    [item] = _whole(doors.images(model=model, response_format="url"))["data"]

    reply = doors.bare("GET", item["url"])

    assert reply.status_code == 200
    assert reply.headers["content-type"] == mime
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert int(reply.headers["content-length"]) == len(reply.content)
    assert reply.content.startswith(SIGNATURES[mime])
    assert _mark(doors) in reply.content
    assert item["url"].endswith(EXTENSIONS[mime])
    assert "?" not in item["url"]


def test_c44_webp_is_called_webp(key_doors: Doors) -> None:
    reply = key_doors.images(model="fal-ai/flux-2-pro", response_format="url")
    [item] = _whole(reply)["data"]

    found = key_doors.bare("GET", item["url"])

    assert found.headers["content-type"] == "image/webp"
    assert found.content.startswith(SIGNATURES["image/webp"])


@pytest.mark.parametrize("headers", [{"authorization": "Bearer nobody"}, {"cookie": "a=b"}])
def test_c44_a_wrong_key_does_no_harm_to_a_link(doors: Doors, headers: dict[str, str]) -> None:
    [item] = _whole(doors.images(response_format="url"))["data"]

    assert doors.ask("GET", item["url"], headers=headers).status_code == 200


def test_c44_open_webui_fetches_with_our_key(doors: Doors) -> None:
    [item] = _whole(doors.images(response_format="url"))["data"]

    reply = doors.get(item["url"])

    assert reply.status_code == 200
    assert reply.headers["content-type"].split(";")[0].startswith("image/")


# 45: edits.


def _edit(doors: Doors, files: list[tuple[str, Any]], **texts: str) -> Any:
    fields = {"prompt": "make it blue", "model": IMAGE_MODEL, **texts}
    return doors.ask("POST", EDITS, data=fields, files=files)


def _file(data: bytes, name: str = "a.png", mime: str = "image/png") -> tuple[str, bytes, str]:
    return (name, data, mime)


def _arrived(doors: Doors) -> list[bytes]:
    """The pictures as Genspark has them."""
    if doors.side.name == KEY:
        blobs = doors.side.upstream.log("blob")
        assert all(not {"cookie", "x-api-key", "authorization"} & set(b["headers"]) for b in blobs)
        return _uploaded(doors)
    [task] = doors.purchases()
    parts = task["body"]["messages"][0]["content"]
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    return [base64.b64decode(url.partition(",")[2], validate=True) for url in urls]


def _uploaded(doors: Doors) -> list[bytes]:
    """What lies behind the addresses that the tool was given, fetched as their owner would."""
    [task] = doors.purchases()
    upstream = doors.side.upstream._client
    found = []
    for address in task["body"]["image_urls"]:
        headers = {"X-Api-Key": task["account"]}
        body = {"file_wrapper_url": address}
        told = upstream.post("/api/tool_cli/file/download", json=body, headers=headers).json()
        link = told["data"]["download_url"]
        found.append(upstream.get(link, headers={"User-Agent": "test"}).content)
    return found


@pytest.mark.parametrize(
    "files",
    [
        pytest.param([("image", _file(PNG))], id="image"),
        pytest.param([("image[]", _file(PNG))], id="image[]"),
        pytest.param([("image", _file(PNG)), ("image", _file(JPEG))], id="image-repeated"),
        pytest.param([("image[]", _file(PNG)), ("image[]", _file(WEBP))], id="image[]-repeated"),
        pytest.param([("image", _file(JPEG, "blob", OCTETS))], id="octet-stream"),
        pytest.param([("image", _file(WEBP, "photo.png", "image/png"))], id="wrong-label"),
    ],
)
def test_c45_pictures_arrive_byte_for_byte(doors: Doors, files: list[tuple[str, Any]]) -> None:
    _whole(_edit(doors, files))

    assert _arrived(doors) == [file[1] for _, file in files]


def test_c45_empty_and_unknown_parts_are_ignored(doors: Doors) -> None:
    # LiteLLM adds a dummy file now and then.
    files = [
        ("image", _file(PNG)),
        ("image[]", _file(b"")),
        ("mask", _file(b"", "")),
        ("markup", _file(b"x", "x.bin", OCTETS)),
        ("dummy", _file(b"\0", "dummy", OCTETS)),
    ]

    _whole(_edit(doors, files, user="", n="1", unknown="x"))

    assert _arrived(doors) == [PNG]


def test_c45_a_mask_is_accepted_and_said_to_be_unused(doors: Doors) -> None:
    # No request of Genspark's has a field for one.
    reply = _edit(doors, [("image", _file(PNG)), ("mask", _file(WEBP))])

    _whole(reply)
    assert _arrived(doors) == [PNG]
    assert "mask" in reply.headers.get("x-genspark2api-ignored", "").split(",")


@pytest.mark.parametrize("form", ["url", "b64_json"])
def test_c45_the_answer_is_like_that_of_a_generation(doors: Doors, form: str) -> None:
    [item] = _whole(_edit(doors, [("image", _file(PNG))], response_format=form))["data"]

    assert set(item) <= {form, "revised_prompt"}


@pytest.mark.parametrize("prompt", ["", "   ", "\n"])
@pytest.mark.parametrize("path", [GENERATIONS, EDITS])
def test_c45_a_blank_prompt_is_400(doors: Doors, path: str, prompt: str) -> None:
    if path == EDITS:
        reply = _edit(doors, [("image", _file(PNG))], prompt=prompt)
    else:
        reply = doors.images(prompt=prompt)

    error = doors.error(reply, 400)
    assert error["param"] == "prompt"
    assert doors.side.upstream.log() == []


@pytest.mark.parametrize(
    "files",
    [[("x", _file(PNG))], [("image", _file(b""))], [("mask", _file(PNG))]],
    ids=["no-image", "empty-image", "only-a-mask"],
)
def test_c45_an_edit_needs_a_picture(doors: Doors, files: list[tuple[str, Any]]) -> None:
    error = doors.error(_edit(doors, files), 400)

    assert error["param"] == "image"
    assert doors.side.upstream.log() == []


@pytest.mark.parametrize("data", [b"GIF", b"<svg/>", b"%PDF-1.7", b"MZ" * 50, MP4[:100]])
def test_c45_what_is_no_picture_is_400(doors: Doors, data: bytes) -> None:
    error = doors.error(_edit(doors, [("image", _file(data))]), 400)

    assert error["param"] == "image"
    assert doors.side.upstream.log() == []


def test_c45_sixteen_pictures_at_most(doors: Doors) -> None:
    error = doors.error(_edit(doors, [("image[]", _file(PNG))] * 17), 400)

    assert error["param"].startswith("image")
    assert doors.side.upstream.log() == []


@pytest.mark.parametrize("form", ["data-url", "base64", "object", "list"])
def test_c45_pictures_in_json(doors: Doors, form: str) -> None:
    plain = base64.b64encode(PNG).decode()
    url = f"data:image/png;base64,{plain}"
    image = {"data-url": url, "base64": plain, "object": {"image_url": url}, "list": [url]}[form]

    _whole(doors.post(EDITS, prompt="blue", model=IMAGE_MODEL, image=image))

    assert _arrived(doors) == [PNG]


@pytest.mark.parametrize(
    "image", ["data:image/png;base64,@@@", "not an image!", 7, {"file_id": "f"}]
)
def test_c45_broken_pictures_in_json_are_400(doors: Doors, image: Any) -> None:
    error = doors.error(doors.post(EDITS, prompt="blue", model=IMAGE_MODEL, image=image), 400)

    assert error["param"].startswith("image")
    assert doors.side.upstream.log() == []


@pytest.mark.parametrize(
    "body", [b"", b"--x", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n"]
)
def test_c45_a_broken_multipart_body_is_400(doors: Doors, body: bytes) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}

    doors.error(doors.ask("POST", EDITS, headers=headers, content=body), 400)
    headers = {"content-type": "multipart/form-data"}
    doors.error(doors.ask("POST", EDITS, headers=headers, content=body), 400)


def test_c45_variations_are_not_there(doors: Doors) -> None:
    reply = doors.ask("POST", "/v1/images/variations", files={"image": _file(PNG)})

    assert reply.status_code in (404, 501)
    doors.error(reply, reply.status_code)


# 46: what happens when the caller does not say.


@pytest.mark.parametrize(
    ("model", "form"),
    [
        ("gpt-image-2", "b64_json"),
        ("gpt-image-1", "b64_json"),
        ("dall-e-3", "url"),
        ("dall-e-2", "url"),
        ("nano-banana-2", "url"),
        (None, "b64_json"),
    ],
)
def test_c46_the_usual_form_is_the_names(doors: Doors, model: str | None, form: str) -> None:
    [item] = _whole(doors.images(**({"model": model} if model else {})))["data"]

    assert form in item
    assert set(item) <= {form, "revised_prompt"}


@pytest.mark.parametrize("path", [GENERATIONS, EDITS])
def test_c46_a_stream_is_refused(doors: Doors, path: str) -> None:
    fields = {"prompt": "a cat", "model": "gpt-image-2", "stream": True}
    picture = {} if path == GENERATIONS else {"image": base64.b64encode(PNG).decode()}

    error = doors.error(doors.post(path, **fields, **picture), 400)

    assert (error["param"], error["code"]) == ("stream", "unsupported_value")
    assert doors.side.upstream.log() == []


# 2, 3, 6, 42 at these doors.


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"prompt": None}, 400, "prompt"),
        ({"prompt": 7}, 400, "prompt"),
        ({"prompt": "x" * 32_001}, 400, "prompt"),
        ({"n": 0}, 400, "n"),
        ({"n": "many"}, 400, "n"),
        ({"size": "large"}, 400, "size"),
        ({"size": "9000x100"}, 400, "size"),
        ({"size": 1024}, 400, "size"),
        ({"aspect_ratio": "17:5"}, 400, "aspect_ratio"),
        ({"response_format": "png"}, 400, "response_format"),
        ({"model": "no-such-model"}, 404, "model"),
        ({"model": 5}, 400, "model"),
        # A model that makes videos.
        ({"model": "gemini/veo3.1"}, 404, "model"),
    ],
)
def test_c46_mistakes_are_told_before_anything_is_paid(
    doors: Doors, fields: Json, status: int, param: str
) -> None:
    error = doors.error(doors.images(**fields), status)

    assert error["param"] == param
    assert doors.side.upstream.log() == []
    assert doors.jobs() == []


def test_c43_a_wrong_ratio_is_told_with_the_right_ones(doors: Doors) -> None:
    error = doors.error(doors.images(model=IMAGE_MODEL, aspect_ratio="17:5"), 400)

    assert "16:9" in error["message"]
    assert "9:16" in error["message"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"", b'"x"', b"\xff"])
@pytest.mark.parametrize("path", [GENERATIONS, EDITS])
def test_c06_what_is_no_object_is_400(doors: Doors, path: str, body: bytes) -> None:
    reply = doors.ask("POST", path, headers={"content-type": "application/json"}, content=body)

    doors.error(reply, 400)


@pytest.mark.parametrize("path", [GENERATIONS, EDITS])
@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Basic dGVzdC1zZWNyZXQ="])
def test_c02_images_need_the_key(doors: Doors, path: str, authorization: str) -> None:
    body = json.dumps({"prompt": "a cat"}).encode()

    reply = ask(doors.url, "POST", path, {"Authorization": authorization}, body)

    assert (reply.status, reply.json()["error"]["code"]) == (401, "invalid_api_key")
    assert doors.purchases() == []


@pytest.mark.parametrize("prefix", ["", "/v1/v1", "//v1"])
def test_c03_bases_with_and_without_v1(doors: Doors, prefix: str) -> None:
    reply = doors.post(f"{doors.url}{prefix}/images/generations", prompt="a cat", n=1)

    assert _whole(reply)["data"][0]["b64_json"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_c04_other_methods_are_405(doors: Doors, method: str) -> None:
    doors.error(doors.ask(method, GENERATIONS), 405)


def test_c42_image_models_are_listed_without_asking_anybody(doors: Doors) -> None:
    listed = [model["id"] for model in doors.get("/v1/models").json()["data"]]

    assert {"gpt-image-2", "nano-banana-2", "dall-e-3"} <= set(listed)
    assert len(set(listed)) == len(listed)
    assert doors.side.upstream.log() == []


# Two clients that are known by their requests.


@pytest.mark.parametrize("size", ["1024x1024", "1792x1024", "1024x1792"])
def test_c59_nextchat_shows_its_image(doors: Doors, size: str) -> None:
    # app/client/platforms/openai.ts, DalleRequestPayload; its only image model is this one.
    reply = doors.images(
        model="dall-e-3",
        prompt="a cat",
        response_format="b64_json",
        n=1,
        size=size,
        quality="standard",
        style="vivid",
    )

    [item] = _whole(reply)["data"]
    # It writes "data:image/png;base64," in front of it.
    assert _decoded(item).startswith(SIGNATURES["image/png"])


def test_c43_the_ai_sdk_always_wants_base64(doors: Doors) -> None:
    reply = doors.images(model=IMAGE_MODEL, n=1, response_format="b64_json", size="1024x1024")

    try:
        assert all(_decoded(item) for item in _whole(reply)["data"])
    except binascii.Error as error:
        pytest.fail(f"not base64: {error}")
