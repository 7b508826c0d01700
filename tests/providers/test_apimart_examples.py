"""The vendor's own examples, run against the emulated server (there is no SDK of APIMart's)."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from asgi_server import serving
from providers.apimart_server import CLIP, KEY, STILL, ApimartServer

BODY = {
    "model": "veo3.1-fast-official",
    "prompt": "a golden retriever running on the beach, sunset, cinematic",
    "duration": 8,
    "aspect_ratio": "16:9",
}


@pytest.fixture
def server() -> ApimartServer:
    return ApimartServer(clock=lambda: 1_763_088_289.0)


@pytest.fixture
def client(server: ApimartServer) -> Iterator[httpx2.Client]:
    """As the pages' Python examples ask: a bearer token, JSON."""
    headers = {"Authorization": f"Bearer {KEY}"}
    with serving(server.app) as origin, httpx2.Client(base_url=origin, headers=headers) as made:
        yield made


def test_a_task_from_its_making_to_its_file(client: httpx2.Client, server: ApimartServer) -> None:
    created = client.post("/v1/videos/generations", json=BODY).json()
    [entry] = created["data"]
    assert (created["code"], entry["status"]) == (200, "submitted")
    path = f"/v1/tasks/{entry['task_id']}?language=en"
    states = [client.get(path).json()["data"]["status"] for _ in range(3)]
    assert states == ["submitted", "processing", "completed"]
    done = client.get(path).json()["data"]
    [video] = done["result"]["videos"]
    assert (done["progress"], done["actual_time"]) == (100, 0)
    assert video["expires_at"] == done["created"] + 86_400
    assert httpx2.get(video["url"]).content.startswith(CLIP)
    assert (server.bought, server.tasks[done["id"]].looks) == (1, 4)


def test_a_picture_is_uploaded_and_named(client: httpx2.Client) -> None:
    files = {"file": ("photo.png", STILL, "image/png")}
    stored = client.post("/v1/uploads/images", files=files).json()
    assert stored.keys() == {"url", "filename", "content_type", "bytes", "created_at"}
    assert httpx2.get(stored["url"]).content == STILL
    body = BODY | {"first_frame_image": stored["url"]}
    assert client.post("/v1/videos/generations", json=body).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [{"duration": "8"}, {"duration": 8.5}, {"duration": True}, {"duration": 5},
     {"aspect_ratio": "1:1"}, {"resolution": "4k"}, {"enhance_prompt": False},
     {"person_generation": "dont_allow"}, {"seed": -1}, {"seed": "7"}, {"sample_count": 5},
     {"generate_audio": "true"}, {"prompt": ""}, {"model": "veo9"}, {"camera": "pan"},
     {"first_frame_image": "data:image/png;base64,AAAA"},
     {"first_frame_image": "https://nowhere.example/1.png"},
     {"last_frame_image": "https://nowhere.example/1.png"}],
    ids=lambda changed: "-".join(f"{k}={v!r}"[:30] for k, v in changed.items()),
)  # fmt: skip
def test_what_the_page_does_not_allow(
    client: httpx2.Client, server: ApimartServer, changed: dict[str, Any]
) -> None:
    answer = client.post("/v1/videos/generations", json=BODY | changed)
    told = answer.json()["error"]
    assert (answer.status_code, told["code"]) == (400, 400)
    assert told["type"] == "invalid_request_error"
    assert server.bought == 0


def test_every_door_wants_the_key(client: httpx2.Client) -> None:
    client.headers["Authorization"] = "Bearer sk-other"
    answers = [
        client.post("/v1/videos/generations", json=BODY),
        client.get("/v1/tasks/task_1"),
        client.post("/v1/uploads/images", files={"file": ("a.png", STILL)}),
        client.get("/v1/balance"),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.json()["error"]["type"] for answer in answers} == {"authentication_error"}


def test_what_is_left_on_the_key(client: httpx2.Client) -> None:
    told = client.get("/v1/balance").json()
    assert told.keys() == {"success", "remain_balance", "used_balance", "unlimited_quota"}
    assert client.get("/v1/tasks/task_unknown").status_code == 404
