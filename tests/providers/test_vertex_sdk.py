"""Google's own SDKs take the emulated server for Vertex AI and the token endpoint."""

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google import genai
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.genai import errors, types
from google.oauth2 import service_account
from providers import vertex_server
from providers.google_answers import MP4, PNG
from providers.vertex_server import LOCATION, PROJECT, SCOPE, Life, VertexServer

LITE, WHOLE = "veo-3.1-lite-generate-001", "veo-3.1-generate-001"
PICTURE = types.Image(image_bytes=PNG, mime_type="image/png")


@pytest.fixture
def server() -> Iterator[VertexServer]:
    with vertex_server.running() as served:
        yield served


@pytest.fixture
def client(server: VertexServer) -> Iterator[genai.Client]:
    made = genai.Client(
        vertexai=True,
        project=PROJECT,
        location=LOCATION,
        credentials=_credentials(server),
        http_options=types.HttpOptions(base_url=server.url, api_version="v1"),
    )
    with made:
        yield made


def _credentials(server: VertexServer, **other: Any) -> service_account.Credentials:
    return service_account.Credentials.from_service_account_info(
        server.service_account(**other), scopes=[SCOPE]
    )


def _ended(client: genai.Client, operation: Any) -> Any:
    for _ in range(5):
        if operation.done:
            break
        operation = client.operations.get(operation)
    return operation


@pytest.mark.parametrize("bucket", [None, "gs://acme-clips/jobs"])
def test_a_clip(server: VertexServer, client: genai.Client, bucket: str | None) -> None:
    operation = client.models.generate_videos(
        model=WHOLE,
        source=types.GenerateVideosSource(prompt="a cat", image=PICTURE),
        config=types.GenerateVideosConfig(
            number_of_videos=1,
            duration_seconds=8,
            aspect_ratio="9:16",
            resolution="1080p",
            generate_audio=False,
            negative_prompt="rain",
            person_generation="allow_adult",
            seed=7,
            resize_mode="CROP",
            last_frame=PICTURE,
            output_gcs_uri=bucket,
        ),
    )
    assert not operation.done
    assert operation.name.startswith(f"projects/{PROJECT}/locations/{LOCATION}/publishers/google/")
    done = _ended(client, operation)
    [made] = done.response.generated_videos
    if bucket is None:
        assert made.video.video_bytes == MP4
    else:
        assert made.video.uri.startswith(f"{bucket}/")
    [body] = server.purchases
    assert body["instances"][0].keys() == {"prompt", "image", "lastFrame"}
    assert body["parameters"]["durationSeconds"] == 8
    assert len(server.asked("token")) == 1


def test_references(server: VertexServer, client: genai.Client) -> None:
    reference = types.VideoGenerationReferenceImage(image=PICTURE, reference_type="asset")
    client.models.generate_videos(
        model=WHOLE,
        source=types.GenerateVideosSource(prompt="a cat"),
        config=types.GenerateVideosConfig(generate_audio=True, reference_images=[reference]),
    )
    [body] = server.purchases
    assert [each.keys() for each in body["instances"][0]["referenceImages"]] == [
        {"image", "referenceType"}
    ]


@pytest.mark.parametrize("end", ["filtered", "error"])
def test_an_end_without_a_clip(server: VertexServer, client: genai.Client, end: str) -> None:
    server.next_life(Life(looks=0, end=end, text="Support codes: 58061214"))
    operation = client.models.generate_videos(
        model=LITE,
        source=types.GenerateVideosSource(prompt="a cat"),
        config=types.GenerateVideosConfig(generate_audio=True),
    )
    done = _ended(client, operation)
    if end == "error":
        assert done.error == {"code": 14, "message": "Support codes: 58061214"}
    else:
        assert done.response.rai_media_filtered_count == 1
        assert done.response.rai_media_filtered_reasons == ["Support codes: 58061214"]


def test_an_ended_model(server: VertexServer, client: genai.Client) -> None:
    server.alive.discard(LITE)
    with pytest.raises(errors.ClientError) as refused:
        client.models.generate_videos(model=LITE, source=types.GenerateVideosSource(prompt="a cat"))
    assert (refused.value.code, refused.value.status) == (404, "NOT_FOUND")


def test_googles_own_assertion_gets_a_token(server: VertexServer) -> None:
    credentials = _credentials(server)
    credentials.refresh(Request())
    assert list(server.tokens) == [credentials.token]
    assert server.refused == []


def _another_key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    pem = made.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return pem.decode()


def test_a_wrong_assertion_gets_none(server: VertexServer) -> None:
    for other in ({"client_email": "nobody@acme.example"}, {"private_key": _another_key()}):
        with pytest.raises(RefreshError, match="invalid_grant"):
            _credentials(server, **other).refresh(Request())
    assert server.refused == ["Invalid grant: account not found", "Invalid JWT Signature."]
    assert server.tokens == {}
