"""OpenAI's own SDK takes the emulated server for its Videos and Images."""

import base64
from collections.abc import Iterator

import openai
import pytest
from asgi_server import serving
from openai import OpenAI
from providers.openai_videos_server import CLIP, KEY, STILL, OpenAIVideosServer, Scripted, error

# Every method of it says that OpenAI's own service has ended.
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")


@pytest.fixture
def server() -> OpenAIVideosServer:
    return OpenAIVideosServer()


@pytest.fixture
def client(server: OpenAIVideosServer) -> Iterator[OpenAI]:
    """A client as users build it."""
    with (
        serving(server.app) as origin,
        OpenAI(base_url=f"{origin}/v1", api_key=KEY, max_retries=0) as made,
    ):
        server.storage = origin
        yield made


def test_a_video_from_text(server: OpenAIVideosServer, client: OpenAI) -> None:
    video = client.videos.create_and_poll(
        prompt="a cat", model="sora-2", seconds="8", size="1280x720"
    )
    assert (video.status, video.progress, video.error) == ("completed", 100, None)
    assert (video.model, video.seconds, video.size) == ("sora-2", "8", "1280x720")
    content = client.videos.download_content(video.id).read()
    assert content == CLIP + video.id.encode()
    [call] = server.sent("create")
    assert call.headers["content-type"].startswith("multipart/form-data")
    assert call.fields == {
        "prompt": "a cat",
        "model": "sora-2",
        "seconds": "8",
        "size": "1280x720",
    }
    assert (call.files, server.bought) == ([], 1)


def test_a_video_from_a_picture(server: OpenAIVideosServer, client: OpenAI) -> None:
    created = client.videos.create(prompt="a cat", input_reference=("cat.png", STILL, "image/png"))
    assert (created.status, created.progress) == ("queued", 0)
    [file] = server.sent("create")[0].files
    assert (file.field, file.filename, file.mime) == ("input_reference", "cat.png", "image/png")
    assert file.data == STILL


def test_extras_arrive_as_texts(server: OpenAIVideosServer, client: OpenAI) -> None:
    extras = {"generate_audio": False, "seed": 7, "video_urls": ["https://a.example/1.mp4"]}
    client.videos.create(prompt="a cat", extra_body=extras)
    fields = server.sent("create")[0].fields
    assert fields == {
        "prompt": "a cat",
        "generate_audio": "false",
        "seed": "7",
        "video_urls[]": "https://a.example/1.mp4",
    }


def test_a_video_that_fails(server: OpenAIVideosServer, client: OpenAI) -> None:
    server.life = ("queued", "failed")
    video = client.videos.create_and_poll(prompt="a cat")
    assert video.status == "failed"
    assert video.error is not None
    assert (video.error.code, video.error.message) == (
        "server_error",
        "the video could not be made",
    )


def test_listing_and_deleting(client: OpenAI) -> None:
    ids = [client.videos.create(prompt=f"cat {n}").id for n in range(2)]
    assert [video.id for video in client.videos.list()] == ids
    gone = client.videos.delete(ids[0])
    assert (gone.id, gone.deleted, gone.object) == (ids[0], True, "video.deleted")
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(ids[0])


def test_content_that_lies_elsewhere(server: OpenAIVideosServer, client: OpenAI) -> None:
    server.redirect = True
    server.life = ("completed",)
    video = client.videos.create(prompt="a cat")
    with serving(server.app) as elsewhere:
        server.storage = elsewhere
        assert client.videos.download_content(video.id).read() == CLIP + b"stored"
    assert server.leaks == []


def test_content_before_its_time(client: OpenAI) -> None:
    video = client.videos.create(prompt="a cat")
    with pytest.raises(openai.BadRequestError) as caught:
        client.videos.download_content(video.id)
    assert caught.value.code == "video_not_ready"


def test_images(server: OpenAIVideosServer, client: OpenAI) -> None:
    made = client.images.generate(model="gpt-image-1", prompt="a cat", size="1024x1024")
    assert made.data is not None
    assert base64.b64decode(made.data[0].b64_json or "") == STILL + b"1"
    picture = ("cat.png", STILL, "image/png")
    edited = client.images.edit(
        model="gpt-image-1", prompt="a cat", image=[picture, picture], mask=picture
    )
    assert edited.data is not None
    assert [file.field for file in server.sent("image")[1].files] == ["image[]", "image[]", "mask"]


def test_the_models(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["sora-2"]


@pytest.mark.parametrize(
    ("scripted", "expected"),
    [
        (Scripted(400, error("no", code="invalid_value", param="size")), openai.BadRequestError),
        (Scripted(401), openai.AuthenticationError),
        (Scripted(403), openai.PermissionDeniedError),
        (Scripted(404), openai.NotFoundError),
        (Scripted(409), openai.ConflictError),
        (Scripted(422), openai.UnprocessableEntityError),
        (Scripted(429, headers={"retry-after": "1"}), openai.RateLimitError),
        (Scripted(500), openai.InternalServerError),
        (Scripted(503), openai.InternalServerError),
        (Scripted(200, {"id": "video_1"}, cut=True), openai.APIConnectionError),
    ],
    ids=lambda value: f"{value.status}" if isinstance(value, Scripted) else value.__name__,
)
def test_scripted_answers(
    server: OpenAIVideosServer, client: OpenAI, scripted: Scripted, expected: type[Exception]
) -> None:
    server.script("create", scripted)
    with pytest.raises(expected):
        client.videos.create(prompt="a cat")
    assert server.bought == 0
    assert client.videos.create(prompt="a cat").id == "video_0001"


def test_a_wrong_key_and_a_blank_prompt(server: OpenAIVideosServer, client: OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        client.with_options(api_key="sk-other").videos.create(prompt="a cat")
    assert caught.value.code == "invalid_api_key"
    with pytest.raises(openai.BadRequestError):
        client.videos.create(prompt=" ")
    server.strict = True
    with pytest.raises(openai.BadRequestError) as unknown:
        client.videos.create(prompt="a cat", extra_body={"seed": 7})
    assert (unknown.value.code, unknown.value.param) == ("unknown_parameter", "seed")
