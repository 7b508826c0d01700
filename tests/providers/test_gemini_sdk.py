"""Google's own SDK takes the emulated server for the Gemini API."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types
from providers import gemini_server
from providers.gemini_server import ENDLESS, KEY, GeminiServer, Life
from providers.google_answers import MP4, PNG

OMNI, VEO = "gemini-omni-1.1-flash", "veo-3.1-generate-preview"
PICTURE = {"type": "image", "data": base64.b64encode(PNG).decode(), "mime_type": "image/png"}


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with gemini_server.running() as served:
        served.veo = {VEO}
        yield served


@pytest.fixture
def client(server: GeminiServer) -> Iterator[genai.Client]:
    with _client(server) as made:
        yield made


def _client(server: GeminiServer, key: str = KEY) -> genai.Client:
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=server.url))


def _create(client: genai.Client, **more: Any) -> Any:
    usual = {
        "model": OMNI,
        "input": "a cat",
        "background": True,
        "response_format": {"type": "video", "delivery": "uri"},
    }
    return client.interactions.create(**(usual | more))


def _ended(client: genai.Client, name: str) -> Any:
    for _ in range(5):
        found = client.interactions.get(name)
        if found.status not in ("queued", "in_progress"):
            break
    return found


def test_a_clip_from_the_prompt_to_its_file(server: GeminiServer, client: genai.Client) -> None:
    server.next_life(Life(file_looks=1))
    created = _create(client)
    assert created.status == "in_progress"
    done = _ended(client, created.id)
    assert (done.status, done.output_video.mime_type) == ("completed", "video/mp4")
    uri = done.output_video.uri
    name = uri.rpartition("/")[2].partition(":")[0]
    assert client.files.get(name=name).state is types.FileState.PROCESSING
    assert client.files.get(name=name).state is types.FileState.ACTIVE
    video = types.Video(uri=uri.replace("http://", "https://"))
    assert client.files.download(file=video) == MP4
    assert len(server.purchases) == 1
    assert server.leaks == []


def test_every_field_that_the_sdk_has_for_a_clip(
    server: GeminiServer, client: genai.Client
) -> None:
    _create(
        client,
        input=[PICTURE, PICTURE, {"type": "text", "text": "<FIRST_FRAME> <LAST_FRAME> a cat"}],
        store=True,
        generation_config={"video_config": {"task": "image_to_video"}},
        response_format={
            "type": "video",
            "aspect_ratio": "9:16",
            "resolution": "1080p",
            "duration": "6s",
            "delivery": "uri",
        },
    )
    [body] = server.purchases
    assert body["response_format"]["duration"] == "6s"
    [step] = body["input"]
    assert [part["type"] for part in step["content"]] == ["image", "image", "text"]


def test_without_background_the_call_waits_for_the_clip(
    server: GeminiServer, client: genai.Client
) -> None:
    server.next_life(Life(end="inline"))
    done = _create(client, background=False)
    assert base64.b64decode(done.output_video.data) == MP4
    assert server.asked("look") == []


@pytest.mark.parametrize("status", ["failed", "cancelled", "incomplete", "budget_exceeded"])
def test_ends_that_are_no_success(server: GeminiServer, client: genai.Client, status: str) -> None:
    server.next_life(Life(looks=0, end=status, text="because"))
    done = _ended(client, _create(client).id)
    assert (done.status, done.errors[0].message) == (status, "because")


def test_a_refusal_in_words(server: GeminiServer, client: genai.Client) -> None:
    server.next_life(Life(looks=0, end="words", text="I can't make that."))
    done = _ended(client, _create(client).id)
    assert (done.status, done.output_video) == ("completed", None)
    assert done.output_text == "I can't make that."


def test_cancel_and_delete(server: GeminiServer, client: genai.Client) -> None:
    server.next_life(ENDLESS)
    created = _create(client)
    assert client.interactions.cancel(created.id).status == "cancelled"
    client.interactions.delete(created.id)
    assert server.deleted == [created.id]
    with pytest.raises(Exception, match="Interaction not found"):
        client.interactions.get(created.id)


@pytest.mark.parametrize(
    "wrong",
    [
        {"response_format": {"type": "video", "duration": "2s"}},
        {"response_format": {"type": "video", "duration": "6"}},
        {"response_format": {"type": "video", "aspect_ratio": "1:1"}},
        {"input": [{"type": "image", "uri": "https://example.com/a.png"}]},
        {"input": ""},
        {"model": "gemini-omni-flash-preview"},
    ],
)
def test_what_google_refuses(
    server: GeminiServer, client: genai.Client, wrong: dict[str, Any]
) -> None:
    with pytest.raises(Exception, match=r"4\d\d|duration|aspect|fetch|empty|available"):
        _create(client, **wrong)
    assert server.purchases == []


def test_a_picture(server: GeminiServer, client: genai.Client) -> None:
    config = types.GenerateContentConfig(
        response_modalities=["TEXT", "IMAGE"],
        image_config=types.ImageConfig(aspect_ratio="16:9", image_size="2K"),
    )
    answer = client.models.generate_content(
        model="gemini-3-pro-image",
        contents=["a cat", types.Part.from_bytes(data=PNG, mime_type="image/png")],
        config=config,
    )
    assert [part.inline_data.data for part in answer.parts if part.inline_data] == [PNG]
    [body] = server.purchases
    assert body["generationConfig"]["imageConfig"] == {"aspectRatio": "16:9", "imageSize": "2K"}


def test_omni_is_not_for_generate_content(client: genai.Client) -> None:
    with pytest.raises(errors.ClientError, match="only supports Interactions API"):
        client.models.generate_content(model=OMNI, contents="a cat")


def test_models_and_the_key(server: GeminiServer, client: genai.Client) -> None:
    [only] = client.models.list(config={"page_size": 1}).page
    assert only.name == f"models/{OMNI}"
    with _client(server, "AIzaOther") as stranger, pytest.raises(errors.ClientError) as refused:
        stranger.models.list()
    assert (refused.value.code, refused.value.status) == (400, "INVALID_ARGUMENT")
    with _client(server, "AIzaOther") as stranger, pytest.raises(Exception, match="API key not"):
        _create(stranger)


def test_the_table_is_read_as_google_means_it(server: GeminiServer, client: genai.Client) -> None:
    for name, code, status in (
        ("rate", 429, "RESOURCE_EXHAUSTED"),
        ("retired", 404, "NOT_FOUND"),
        ("unavailable", 503, "UNAVAILABLE"),
    ):
        server.answer(name)
        with pytest.raises(errors.APIError) as refused:
            client.models.generate_content(model="gemini-3-pro-image", contents="a cat")
        assert (refused.value.code, refused.value.status) == (code, status)


@pytest.mark.parametrize("end", ["clip", "filtered", "error"])
def test_an_operation_of_veo(server: GeminiServer, client: genai.Client, end: str) -> None:
    """The SDK creates none here any more, and still reads them."""
    server.next_life(Life(looks=1, end=end, text="A celebrity."))
    body = {"instances": [{"prompt": "a cat"}], "parameters": {"durationSeconds": 8}}
    created = client._api_client.request("post", f"models/{VEO}:predictLongRunning", body)
    name = types.GenerateVideosOperation.model_validate_json(created.body).name
    operation = types.GenerateVideosOperation(name=name)
    operation = client.operations.get(operation)
    assert operation.done is None
    operation = client.operations.get(operation)
    assert operation.done is True
    if end == "error":
        assert operation.error == {"code": 13, "message": "A celebrity."}
    elif end == "filtered":
        assert operation.response.rai_media_filtered_reasons == ["A celebrity."]
    else:
        assert operation.response.generated_videos[0].video.uri.endswith(":download?alt=media")
