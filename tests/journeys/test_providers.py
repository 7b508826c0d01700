"""Official providers behind the same doors and jobs: routes, fallbacks, histories, costs."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import Serve, Upstream
from journeys.killing import live_for
from live import LiveServer
from providers import runway_server
from providers.runway_server import Answer, RunwayServer

MODEL = "runway/gen4.5"
BOTH = {"gs_cookie": None, "gsk_api_key": ["gsk-alice"]}


@pytest.fixture
def runway() -> Iterator[RunwayServer]:
    """An emulated Runway."""
    with runway_server.running() as server:
        yield server


@pytest.fixture(autouse=True)
def _quick_tasks(upstream: Upstream) -> None:
    """Where Genspark takes over, its task is soon done."""
    live_for(upstream, video=0.05)


def _started(serve: Serve, runway: RunwayServer, **given: Any) -> LiveServer:
    settings = {
        "gs_cookie": None,
        "runway_api_key": [runway.key],
        "runway_base_url": runway.url,
        "video_poll_interval": 0.02,
        **given,
    }
    return serve(**settings)


def _made(server: LiveServer, **fields: Any) -> dict[str, Any]:
    """A video, created and waited for."""
    body = {"model": MODEL, "prompt": "a cat", "seconds": 5, **fields}
    reply = server.client.post("/v1/videos", json=body)
    assert reply.status_code == 200, reply.text
    return _ended(server, reply.json()["id"])


def _ended(server: LiveServer, video_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while True:
        video: dict[str, Any] = server.client.get(f"/v1/videos/{video_id}").json()
        if video["status"] in ("completed", "failed"):
            return video
        assert time.monotonic() < deadline, video
        time.sleep(0.02)


def _history(server: LiveServer, video_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.client.get(f"/v1/jobs/{video_id}").json()["history"]
    return found


def _refused(server: LiveServer, **fields: Any) -> httpx2.Response:
    body = {"model": MODEL, "prompt": "a cat", "seconds": 5, **fields}
    reply = server.client.post("/v1/videos", json=body)
    assert reply.status_code == 400, reply.text
    return reply


def test_a_video_by_a_providers_key_alone(serve: Serve, runway: RunwayServer) -> None:
    server = _started(serve, runway)
    video = _made(server, size="1280x720")
    assert video["status"] == "completed", video
    facts = video["metadata"]
    assert (facts["provider"], facts["account"], facts["route"]) == ("runway", "runway-1", "runway")
    assert facts["cost_estimate_usd"] == pytest.approx(0.12 * 5)
    assert httpx2.get(video["url"]).content == runway_server.MP4
    [bought] = runway.purchases
    assert (bought["model"], bought["ratio"], bought["duration"]) == ("gen4.5", "1280:720", 5)
    assert runway.leaks == []
    assert server.client.get("/readyz").status_code == 200


def test_the_synchronous_door_and_chat_reach_it_too(serve: Serve, runway: RunwayServer) -> None:
    server = _started(serve, runway)
    body = {"model": MODEL, "prompt": "a cat", "duration": 5}
    reply = server.client.post("/v1/videos/generations", json=body)
    assert reply.json()["data"][0]["url"].endswith(".mp4")
    assert reply.headers["x-genspark2api-route"] == "runway"
    assert ".mp4)" in server.chat("a dog", model=MODEL).json()["choices"][0]["message"]["content"]


def test_its_models_are_listed_only_with_its_key(serve: Serve, runway: RunwayServer) -> None:
    with_key = _started(serve, runway).client.get("/v1/models").json()["data"]
    assert MODEL in {model["id"] for model in with_key}
    without = serve(gsk_api_key=["gsk-a"]).client.get("/v1/models").json()["data"]
    assert MODEL not in {model["id"] for model in without}


def test_what_it_cannot_be_told_is_refused_by_name(serve: Serve, runway: RunwayServer) -> None:
    server = _started(serve, runway)
    for field, value in (("resize_mode", "pad"), ("generate_audio", True), ("tier", "pro")):
        error = _refused(server, **{field: value}).json()["error"]
        assert (error["param"], error["code"]) == (field, "unsupported_value"), error
    assert runway.purchases == []


def test_lenient_drops_it_and_says_so(serve: Serve, runway: RunwayServer) -> None:
    server = _started(serve, runway, lenient_params=True)
    video = _made(server, resize_mode="pad", negative_prompt="rain", metadata={"mine": 1})
    assert video["metadata"]["ignored"] == ["negative_prompt", "resize_mode"]
    assert video["metadata"]["mine"] == 1
    # What is unwanted has no field there, so it is said in the prompt.
    assert "Avoid the following: rain." in runway.purchases[0]["promptText"]


@pytest.mark.parametrize("trouble", ["bad_key", "no_funds", "forbidden"])
def test_the_next_provider_takes_over_before_anything_is_bought(
    serve: Serve, upstream: Upstream, runway: RunwayServer, trouble: str
) -> None:
    runway.answer(trouble, times=5)
    server = _started(serve, runway, **BOTH, video_provider_order=["runway", "genspark"])
    video = _made(server, model="auto", seconds=4)
    assert video["status"] == "completed", video
    assert video["metadata"]["provider"] == "genspark"
    story = [(line["event"], line.get("route", "")) for line in _history(server, video["id"])]
    assert story[:4] == [
        ("created", ""), ("intent", "runway"), ("refused", "runway"), ("intent", "key"),
    ]  # fmt: skip
    note = next(li["note"] for li in _history(server, video["id"]) if li["event"] == "refused")
    assert "RUNWAY_API_KEY" in note
    assert runway.purchases == []


def test_a_policy_refusal_does_not_travel(serve: Serve, runway: RunwayServer) -> None:
    runway.answer("moderated", times=5)
    order = ["runway", "genspark"]
    server = _started(serve, runway, **BOTH, video_provider_order=order)
    video = _made(server, model="auto", seconds=4)
    assert video["error"]["code"] == "content_policy_violation", video
    runway.answer("moderated")
    free = _started(serve, runway, **BOTH, video_provider_order=order, fallback_on_policy=True)
    assert _made(free, model="auto", seconds=4)["metadata"]["provider"] == "genspark"


def test_an_unclear_answer_is_never_sent_again(serve: Serve, runway: RunwayServer) -> None:
    runway.answer(Answer(502, {"error": "Bad gateway"}, buys=True))
    order = ["runway", "genspark"]
    server = _started(serve, runway, **BOTH, video_provider_order=order)
    video = _made(server, model="auto", seconds=4)
    assert video["error"]["code"] == "submission_unconfirmed"
    assert len(runway.purchases) == 1


def test_a_retired_model_leaves_the_list_for_a_day(serve: Serve, runway: RunwayServer) -> None:
    runway.answer(Answer(404, {"error": "Not found"}))
    server = _started(serve, runway)
    video = _made(server)
    assert video["error"]["code"] == "model_not_found", video
    assert MODEL not in {m["id"] for m in server.client.get("/v1/models").json()["data"]}


def test_the_operators_own_lists_decide(serve: Serve, runway: RunwayServer, tmp_path: Path) -> None:
    routes = tmp_path / "routes.toml"
    routes.write_text('[routes]\n"house-video" = ["runway/gen4.5", "genspark/gemini/veo3.1"]\n')
    server = _started(serve, runway, **BOTH, routes_file=routes)
    video = _made(server, model="house-video", seconds=4)
    assert video["metadata"]["provider"] == "runway"
    assert video["model"] == "house-video"


def test_a_callers_error_names_the_provider_and_no_secret(
    serve: Serve, runway: RunwayServer
) -> None:
    runway.answer("bad_key", times=5)
    server = _started(serve, runway)
    error = _made(server)["error"]
    assert error["message"].startswith("Runway"), error
    assert "Genspark" not in error["message"]
    assert runway.key not in str(server.client.get("/v1/jobs").json())
