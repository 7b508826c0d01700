"""Generations as their callers live through them: links, keys, leaving, limits, inputs, tokens."""

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from conformance.gateways import nextchat_body
from conformance.raw_http import AUTH, connected
from conformance.sides import COOKIE, KEY, SECRET_OF_CALLER, SIDES, Side, eventually
from conformance.video_clients.doors import (
    IMAGE_MODEL,
    LONG,
    MP4,
    PNG,
    SOON,
    VIDEO_MODEL,
    Doors,
    Json,
    knocking,
    standing_servers,
)
from conformance.video_clients.neighbours import (
    Pictures,
    Sidecar,
    host_of_pictures,
    sidecar_of,
)
from conftest import Serve, Upstream
from live import SECRET, LiveServer
from stub_server import stub

from genspark_emulator.serving import RunningEmulator
from genspark_emulator.state import EmulatorState
from proxy.core.accounts import Lock
from proxy.core.products import Product
from proxy.upstreams.fetch import Fetcher

ROUTES = [COOKIE, KEY]
GENERATE = "/v1/videos/generations"
IMAGES = "/v1/images/generations"


@pytest.fixture(scope="module")
def standing(
    _emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, LiveServer]]:
    """One server per route, with two callers."""
    with standing_servers(_emulator.url, tmp_path_factory, SIDES) as servers:
        yield servers


@pytest.fixture(scope="module")
def control(_emulator: RunningEmulator) -> Iterator[Upstream]:
    """One connection for the whole module: making a client costs more than most tests here."""
    made = Upstream(_emulator.url)
    yield made
    made.close()


@pytest.fixture
def upstream(control: Upstream) -> Upstream:
    """A fresh emulator."""
    control.reset()
    return control


@pytest.fixture(params=ROUTES)
def doors(
    request: pytest.FixtureRequest,
    standing: dict[str, LiveServer],
    upstream: Upstream,
    emulator_state: EmulatorState,
) -> Iterator[Doors]:
    """Both routes."""
    side = Side(request.param, standing[request.param], upstream)
    with knocking(side, emulator_state) as opened:
        yield opened
        side.unlock()


@pytest.fixture(params=ROUTES)
def route(request: pytest.FixtureRequest) -> str:
    """The name of a route, for tests that start a server of their own."""
    name: str = request.param
    return name


Start = Any


@pytest.fixture
def start(serve: Serve, upstream: Upstream, emulator_state: EmulatorState) -> Iterator[Start]:
    """Opens the doors of a server of one route, with settings of the test's choice."""
    with ExitStack() as stack:

        def start_one(name: str, **given: Any) -> Doors:
            side = Side(name, serve(**{**SIDES[name], **given}), upstream)
            return stack.enter_context(knocking(side, emulator_state))

        yield start_one


# Links.


def _parts(link: str) -> tuple[str, str, str]:
    """What comes before ``/media/``, the signature, the name."""
    base, _, rest = link.partition("/media/")
    segment, _, name = rest.partition("/")
    return base, segment, name


def _services(doors: Doors) -> Any:
    return doors.side.live.application.services


def test_a_forged_link_opens_nothing(doors: Doors) -> None:
    first, second = doors.made()["url"], doors.made(prompt="another")["url"]
    base, segment, name = _parts(first)
    later = f"z{segment}"
    wrong = [
        f"{base}/media/{segment}/{_parts(second)[2]}",
        f"{base}/media/{segment[:-1]}{'A' if segment[-1] != 'A' else 'B'}/{name}",
        f"{base}/media/{later}/{name}",
        f"{base}/media/{segment.upper()}/{name}",
        f"{base}/media/x/{name}",
        f"{base}/media/{segment}/{name}.mp4",
        f"{base}/media/{segment}/{'0' * 32}-0.mp4",
        f"{base}/media/{segment}/..%2F..%2Fgenspark2api.db",
    ]

    for link in wrong:
        reply = doors.bare("GET", link)
        assert reply.status_code in (403, 404), link
        doors.error(reply, reply.status_code)
        # Not even the operator's key opens it.
        assert doors.get(link).status_code == reply.status_code
    assert doors.bare("GET", first).status_code == 200


def test_an_expired_link_is_renewed_by_asking_again(doors: Doors) -> None:
    video = doors.made()
    base, _, name = _parts(video["url"])
    signer = _services(doors).media.links.signer

    old = f"{base}/media/{signer.sign(name, int(time.time()) - 1)}/{name}"

    assert doors.error(doors.bare("GET", old), 403)["code"] == "link_expired"
    fresh = doors.video(video["id"])["url"]
    assert doors.bare("GET", fresh).content.startswith(MP4)


def test_a_link_holds_as_long_as_the_operator_says(start: Start, route: str) -> None:
    doors = start(route, signed_url_ttl=60)

    segment = _parts(doors.made()["url"])[1]

    left = int(segment.partition("-")[0], 36) - time.time()
    assert 50 < left <= 60


def test_links_survive_a_restart(
    serve: Serve, upstream: Upstream, emulator_state: EmulatorState
) -> None:
    with knocking(Side(COOKIE, serve(), upstream), emulator_state) as before:
        link = before.made()["url"]
        after = Doors(Side(COOKIE, serve(), upstream))
        moved = link.replace(before.url, after.url)

        assert after.bare("GET", moved).content.startswith(MP4)


def test_links_are_free_of_the_callers_rate_limit(start: Start) -> None:
    doors = start(COOKIE, request_rate_limit=3)
    link = doors.generate().json()["data"][0]["url"]

    assert [doors.bare("GET", link).status_code for _ in range(6)] == [200] * 6
    _services(doors).settings.request_rate_limit = 0


def test_browsers_of_other_origins_may_play(doors: Doors) -> None:
    link = doors.made()["url"]
    origin = {"Origin": "https://chat.example.com"}

    asked = {**origin, "Access-Control-Request-Method": "GET"}
    preflight = doors.ask(
        "OPTIONS", link, headers={**asked, "Access-Control-Request-Headers": "range"}
    )
    reply = doors.ask("GET", link, headers={**origin, "Range": "bytes=0-9", "Authorization": ""})

    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-headers"] == "range"
    assert reply.status_code == 206
    assert reply.headers["access-control-allow-origin"] in ("*", origin["Origin"])


@pytest.mark.parametrize("typed", ["", "/", "/v1"])
def test_a_public_address_is_in_every_link(start: Start, route: str, typed: str) -> None:
    doors = start(route, public_base_url=f"https://ai.example.com/base{typed}")

    video = doors.made()
    image = doors.images(response_format="url").json()["data"][0]["url"]
    task = doors.get(f"/v1/tasks/{video['id']}").json()["data"]["result"]["videos"][0]["url"][0]

    for link in (video["url"], video["thumbnail_url"], video["metadata"]["url"], image, task):
        assert link.startswith("https://ai.example.com/base/")
        # The proxy in front takes its part of the path away.
        reply = doors.bare("GET", urlsplit(link).path.removeprefix("/base"))
        assert (reply.status_code, len(reply.content) > 0) == (200, True)


def test_a_prefix_is_in_every_path(serve: Serve, upstream: Upstream, route: str) -> None:
    doors = Doors(Side(route, serve(**SIDES[route], route_prefix="/genspark"), upstream))
    doors.live_for(video=0.05)

    reply = doors.post(f"/genspark{GENERATE}", prompt="a cat")
    link = reply.json()["data"][0]["url"]

    assert link.startswith(f"{doors.url}/genspark/media/")
    assert doors.bare("GET", link).content.startswith(MP4)
    public = reply.headers["x-genspark2api-job"]
    assert doors.get(f"/genspark/v1/videos/{public}/content").status_code == 200
    for bare in (GENERATE, f"/v1/videos/{public}", link.replace("/genspark", "")):
        method = "POST" if bare == GENERATE else "GET"
        doors.error(doors.ask(method, bare), 404)


def test_the_host_that_was_asked_is_in_the_link(doors: Doors) -> None:
    public = doors.made()["id"]

    reply = doors.ask("GET", f"/v1/videos/{public}", headers={"Host": "media.example.com:8443"})

    assert reply.json()["url"].startswith("http://media.example.com:8443/media/")


def test_a_result_that_is_kept_no_longer_is_410(doors: Doors) -> None:
    video = doors.made()
    folder = _services(doors).settings.data_dir / "media"
    for file in folder.glob(f"{video['id'].removeprefix('video_')}*"):
        file.unlink()

    for reply in (
        doors.bare("GET", video["url"]),
        doors.get(f"/v1/videos/{video['id']}/content"),
        doors.get(f"/v1/videos/{video['id']}/content?variant=thumbnail"),
    ):
        assert doors.error(reply, 410)["code"] == "result_expired"


# MEDIA=proxy and MEDIA=redirect.


@pytest.mark.parametrize("kind", ["video", "image"])
def test_media_proxy_passes_results_through(start: Start, route: str, kind: str) -> None:
    doors = start(route, media="proxy")
    if kind == "video":
        reply = doors.generate()
    else:
        reply = doors.images(model=IMAGE_MODEL, response_format="url")
    link = reply.json()["data"][0]["url"]
    assert doors.side.upstream.log("file") == []

    whole = doors.bare("GET", link)
    part = doors.bare("GET", link, Range="bytes=5-14")

    assert whole.status_code == 200
    assert doors.purchases()[0]["id"].encode() in whole.content
    # This model draws JPEG.
    assert whole.headers["content-type"] == {"video": "video/mp4", "image": "image/jpeg"}[kind]
    assert int(whole.headers["content-length"]) == len(whole.content)
    assert (part.status_code, part.content) == (206, whole.content[5:15])
    assert part.headers["content-range"] == f"bytes 5-14/{len(whole.content)}"
    assert doors.bare("GET", link, Range="bytes=99999999-").status_code == 416
    folder = _services(doors).settings.data_dir / "media"
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_media_proxy_serves_content_and_still_image(start: Start, route: str) -> None:
    doors = start(route, media="proxy")
    public = doors.made()["id"]

    content = doors.get(f"/v1/videos/{public}/content", Range="bytes=0-9")
    still = doors.get(f"/v1/videos/{public}/content?variant=thumbnail")

    assert (content.status_code, content.content) == (206, MP4[:10])
    assert content.headers["content-type"] == "video/mp4"
    assert still.headers["content-type"] == "image/jpeg"


def test_media_proxy_gives_base64_as_well(start: Start, route: str) -> None:
    doors = start(route, media="proxy")

    [item] = doors.images(model=IMAGE_MODEL, response_format="b64_json").json()["data"]

    data = base64.b64decode(item["b64_json"], validate=True)
    assert doors.purchases()[0]["id"].encode() in data


@pytest.mark.parametrize("scenario", ["file_missing", "file_expired", "outage_page"])
def test_media_proxy_tells_what_upstream_lost(start: Start, route: str, scenario: str) -> None:
    doors = start(route, media="proxy")
    video = doors.made()
    doors.side.upstream.script({"flow": "file", "scenario": scenario, "times": None})

    for reply in (doors.bare("GET", video["url"]), doors.get(f"/v1/videos/{video['id']}/content")):
        doors.error(reply, 502)


def test_media_redirect_sends_a_key_routes_callers_away(serve: Serve, upstream: Upstream) -> None:
    server = serve(**{**SIDES[KEY], "media": "redirect"})
    doors = Doors(Side(KEY, server, upstream))
    doors.live_for(video=0.05)
    video = doors.made()

    own = f"Bearer {SECRET}"
    for path, key in ((f"/v1/videos/{video['id']}/content", own), (video["url"], "")):
        reply = doors.ask("GET", path, headers={"Authorization": key})
        assert reply.status_code == 302
        away = reply.headers["location"]
        assert "gsk-" not in f"{reply.headers}"
        found = httpx2.get(away, headers={"User-Agent": "a player"})
        assert found.content.startswith(MP4)
    assert {entry["account"] for entry in upstream.log("file")} == {None}


def test_media_redirect_keeps_what_only_a_cookie_opens(start: Start) -> None:
    doors = start(COOKIE, media="redirect")
    video = doors.made()

    for path in (f"/v1/videos/{video['id']}/content", video["url"]):
        reply = doors.get(path)
        assert reply.status_code == 200
        assert reply.content.startswith(MP4)


# Who sees what.


def test_the_first_key_is_the_operators(doors: Doors) -> None:
    other = doors.as_caller(SECRET_OF_CALLER)
    mine, theirs = doors.made()["id"], other.made(prompt="a dog")["id"]
    image = other.images(response_format="url").headers["x-genspark2api-job"]

    assert {job["id"] for job in doors.jobs()} == {mine, theirs, image}
    assert {job["id"] for job in other.jobs()} == {theirs, image}
    assert doors.job(theirs)["history"][0]["event"] == "created"
    for method, path in (("GET", ""), ("POST", "/cancel")):
        doors.error(other.ask(method, f"/v1/jobs/{mine}{path}"), 404)
    # The list of videos is everybody's own, also the operator's.
    assert [v["id"] for v in doors.get("/v1/videos").json()["data"]] == [mine]


def test_a_key_is_the_same_caller_in_any_header(doors: Doors) -> None:
    public = doors.as_caller(SECRET_OF_CALLER).made()["id"]

    for name in ("x-api-key", "api-key"):
        reply = httpx2.get(f"{doors.url}/v1/videos/{public}", headers={name: SECRET_OF_CALLER})
        assert reply.status_code == 200


def test_jobs_come_in_pages(doors: Doors) -> None:
    made = [doors.create(prompt=f"cat {number}")["id"] for number in range(3)]

    first = doors.get("/v1/jobs?limit=2").json()
    rest = doors.get(f"/v1/jobs?limit=2&after={first['data'][-1]['id']}").json()

    assert [job["id"] for job in [*first["data"], *rest["data"]]] == made[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    doors.error(doors.get("/v1/jobs?limit=0"), 400)


# Asking twice.

PLACES = ["video", "generation", "async", "new-api", "image"]


def _sent(doors: Doors, place: str, headers: dict[str, str], **fields: Any) -> Any:
    """The same wish at one of the doors."""
    body = {"prompt": "a cat", **fields}
    if place == "video":
        return doors.post("/v1/videos", headers, **body)
    if place == "generation":
        return doors.post(GENERATE, headers, **body)
    if place == "async":
        return doors.post(GENERATE, headers, **{"async": True, **body})
    if place == "new-api":
        return doors.post("/v1/video/generations", headers, **body)
    return doors.post(IMAGES, headers, **{"response_format": "url", **body})


@pytest.mark.parametrize("place", PLACES)
def test_the_same_key_and_body_is_the_same_job(doors: Doors, place: str) -> None:
    key = {"Idempotency-Key": f"k-{place}"}

    replies = [_sent(doors, place, key) for _ in range(3)]

    assert [reply.status_code for reply in replies] == [200] * 3
    assert len({reply.headers["x-genspark2api-job"] for reply in replies}) == 1
    assert len(doors.jobs()) == 1
    eventually(lambda: len(doors.purchases()) == 1, SOON)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("other", [{"prompt": "a dog"}, {"aspect_ratio": "9:16"}], ids=str)
def test_the_same_key_with_another_body_is_409(doors: Doors, place: str, other: Json) -> None:
    key = {"Idempotency-Key": f"k-{place}"}
    assert _sent(doors, place, key).status_code == 200

    reply = _sent(doors, place, key, **other)

    error = doors.error(reply, 409)
    assert (error["type"], error["code"]) == ("conflict_error", "idempotency_key_reused")
    # Every SDK repeats a 409 unless it is told not to.
    assert reply.headers["x-should-retry"] == "false"
    assert len(doors.jobs()) == 1


def test_a_key_belongs_to_its_caller(doors: Doors) -> None:
    key = {"Idempotency-Key": "k1"}
    other = doors.as_caller(SECRET_OF_CALLER)

    first, second = doors.create(key)["id"], other.create(key)["id"]

    assert first != second


@pytest.mark.parametrize("key", ["x" * 256, "x" * 5000])
def test_an_endless_key_is_400(doors: Doors, key: str) -> None:
    doors.error(doors.post("/v1/videos", {"Idempotency-Key": key}, prompt="a cat"), 400)


def test_the_body_counts_and_not_its_encoding(doors: Doors) -> None:
    key = {"Idempotency-Key": "k1"}
    texts = {"prompt": (None, "a cat"), "seconds": (None, "8")}

    first = doors.post("/v1/videos", key, prompt="a cat", seconds=8).json()["id"]
    second = doors.ask("POST", "/v1/videos", headers=key, files=texts).json()["id"]

    assert first == second


def test_the_same_file_is_the_same_body(doors: Doors) -> None:
    key = {"Idempotency-Key": "k1"}

    def send(data: bytes) -> Any:
        files = {"input_reference": ("a.png", data, "image/png")}
        return doors.ask("POST", "/v1/videos", headers=key, data={"prompt": "x"}, files=files)

    assert send(PNG).json()["id"] == send(PNG).json()["id"]
    doors.error(send(PNG + b"\0"), 409)


def test_the_same_key_ten_times_at_once_is_one_job(doors: Doors) -> None:
    headers = {"Authorization": f"Bearer {SECRET}", "Idempotency-Key": "k1"}

    def send(_: int) -> httpx2.Response:
        url = f"{doors.url}{GENERATE}"
        return httpx2.post(url, headers=headers, json={"prompt": "a cat"}, timeout=30)

    with ThreadPoolExecutor(10) as pool:
        replies = list(pool.map(send, range(10)))

    assert [reply.status_code for reply in replies] == [200] * 10
    assert len({reply.json()["data"][0]["url"].rpartition("/")[2] for reply in replies}) == 1
    assert len(doors.purchases()) == 1


def test_a_key_finds_a_failed_job_too(doors: Doors) -> None:
    doors.script("video", scenario="task_fails")
    key = {"Idempotency-Key": "k1"}

    replies = [doors.generate(key) for _ in range(2)]

    assert [doors.error(reply, 502)["code"] for reply in replies] == ["generation_failed"] * 2
    assert len(doors.purchases()) == 1


@pytest.mark.parametrize("place", PLACES)
def test_an_sdks_retry_of_the_same_body_attaches(doors: Doors, place: str) -> None:
    first = _sent(doors, place, {"X-Stainless-Retry-Count": "0"})
    again = [_sent(doors, place, {"X-Stainless-Retry-Count": str(n)}) for n in (1, 2)]

    jobs = {reply.headers["x-genspark2api-job"] for reply in (first, *again)}
    assert len(jobs) == 1
    eventually(lambda: len(doors.purchases()) == 1, SOON)
    assert len(doors.jobs()) == 1


def test_an_sdks_retry_that_nobody_has_seen_before_is_new(doors: Doors) -> None:
    retry = {"X-Stainless-Retry-Count": "1"}
    doors.create()

    replies = [doors.post("/v1/videos", retry, prompt=text) for text in ("a dog", "a bird")]
    other = doors.as_caller(SECRET_OF_CALLER).post("/v1/videos", retry, prompt="a cat")

    assert [reply.status_code for reply in (*replies, other)] == [200] * 3
    assert len(doors.jobs()) == 4


@pytest.mark.parametrize("place", PLACES)
def test_two_equal_wishes_without_a_mark_are_two_purchases(doors: Doors, place: str) -> None:
    first, second = _sent(doors, place, {}), _sent(doors, place, {})

    assert first.headers["x-genspark2api-job"] != second.headers["x-genspark2api-job"]
    eventually(lambda: len(doors.purchases()) == 2, SOON)


# Leaving.


def _left(doors: Doors, path: str, headers: dict[str, str], **fields: Any) -> None:
    """Ask, and leave once the generation is under way."""
    body = json.dumps({"prompt": "a cat", **fields}).encode()
    health = _services(doors).health
    with connected(doors.url) as connection:
        sent = {**AUTH, "Content-Type": "application/json", **headers}
        connection.send("POST", path, sent, body)
        eventually(lambda: len(doors.purchases()) == 1, SOON)
    eventually(lambda: health.in_flight == 0, SOON)


@pytest.mark.parametrize("path", [GENERATE, IMAGES])
@pytest.mark.parametrize(
    "mark", [{"Idempotency-Key": "k1"}, {"X-Stainless-Retry-Count": "1"}], ids=["key", "sdk"]
)
def test_who_leaves_does_not_lose_the_job(doors: Doors, path: str, mark: Json) -> None:
    doors.live_for(video=0.3, image=0.3)
    first = mark if "Idempotency-Key" in mark else {}

    _left(doors, path, first, response_format="url")

    [job] = doors.jobs()
    assert job["state"] in ("running", "submitting")
    reply = doors.post(path, mark, prompt="a cat", response_format="url")
    assert reply.headers["x-genspark2api-job"] == job["id"]
    assert doors.bare("GET", reply.json()["data"][0]["url"]).status_code == 200
    assert len(doors.purchases()) == 1
    if path == GENERATE:
        assert [v["id"] for v in doors.get("/v1/videos").json()["data"]] == [job["id"]]


@pytest.mark.parametrize("stream", [True, False])
def test_who_leaves_a_chat_does_not_lose_the_job(doors: Doors, stream: bool) -> None:
    doors.live_for(video=0.3)
    messages = [{"role": "user", "content": "a cat"}]

    _left(doors, "/v1/chat/completions", {}, model=VIDEO_MODEL, messages=messages, stream=stream)

    [job] = doors.jobs()
    assert doors.ended(job["id"])["status"] == "completed"
    assert len(doors.purchases()) == 1


def test_a_wait_has_an_end_and_the_job_goes_on(start: Start, route: str) -> None:
    doors = start(route, video_sync_timeout=0.2)
    doors.live_for(video=0.6)

    reply = doors.generate()

    error = doors.error(reply, 504)
    [job] = doors.jobs()
    assert error["code"] == "still_running"
    assert job["id"] in error["message"]
    assert reply.headers["x-should-retry"] == "false"
    assert doors.ended(job["id"])["status"] == "completed"
    assert len(doors.purchases()) == 1


# The account that owns a task.


def _lock(doors: Doors, label: str) -> None:
    """Rest an account for an hour, as a rate limit would."""
    services = _services(doors)
    seats = {seat.account.label: seat for seat in services.desk.pool.seats()}
    now = time.time()
    lock = Lock(seats[label].account.id, Product.ALL, "rate_limited", now, now + 3600)
    doors.side.live.call(services.desk.lock(lock))


ACCOUNTS: dict[str, Json] = {
    COOKIE: {"gs_cookie": "ann\nbob\ncyd"},
    KEY: {"gs_cookie": None, "gsk_api_key": ["gsk-ann", "gsk-bob", "gsk-cyd"]},
}


def test_a_lock_forbids_new_work_alone(start: Start, route: str) -> None:
    doors = start(route, **ACCOUNTS[route], account_policy="round_robin")
    doors.live_for(video=0.4)
    if route == KEY:
        doors.script("video", scenario="unfinished")
    public = doors.create()["id"]
    eventually(lambda: bool(doors.job(public)["task_ids"]), SOON)
    owner = doors.job(public)["account"]

    _lock(doors, owner)
    others = [doors.generate(prompt=f"cat {n}").headers["x-genspark2api-account"] for n in (1, 2)]

    video = doors.ended(public)
    assert video["status"] == "completed"
    assert video["metadata"]["account"] == owner
    assert owner not in others
    first = doors.purchases()[0]
    upstream = doors.side.upstream
    polls = [e for e in upstream.log("tasks") if first["id"] in e["body"]["task_ids"]]
    assert {entry["account"] for entry in polls} == {first["account"]}
    assert len(doors.purchases()) == 3


def test_a_locked_accounts_results_are_still_served(start: Start, route: str) -> None:
    doors = start(route, media="proxy")
    video = doors.made()
    _lock(doors, video["metadata"]["account"])

    assert doors.bare("GET", video["url"]).content.startswith(MP4)
    doors.side.unlock()


def test_concurrent_wishes_spread_over_the_accounts(start: Start, route: str) -> None:
    doors = start(route, **ACCOUNTS[route], account_policy="round_robin")

    ended = [doors.create(prompt=f"cat {number}")["id"] for number in range(6)]
    done = [doors.ended(public) for public in ended]

    assert {video["status"] for video in done} == {"completed"}
    assert len({task["account"] for task in doors.purchases()}) == 3
    assert len(doors.purchases()) == 6


# The server's own limits.


def test_too_many_waiting_jobs_are_429(start: Start, route: str) -> None:
    doors = start(route, max_active_jobs=1, max_queued_jobs=2)
    doors.live_for(video=LONG)
    doors.create(prompt="cat 0")
    eventually(lambda: len(doors.purchases()) == 1, SOON)
    for number in (1, 2):
        doors.create(prompt=f"cat {number}")

    for place in PLACES:
        reply = _sent(doors, place, {}, prompt="one too many")
        error = doors.error(reply, 429)
        assert error["code"] == "too_many_jobs"
        assert 1 <= int(reply.headers["retry-after"]) <= 60
    assert len(doors.purchases()) == 1
    assert len(doors.jobs()) == 3


def test_active_jobs_are_as_many_as_allowed(start: Start, route: str) -> None:
    doors = start(route, max_active_jobs=2, cookie_concurrency=9, key_concurrency=9)
    doors.live_for(video=0.15)

    made = [doors.create(prompt=f"cat {number}")["id"] for number in range(5)]
    done = [doors.ended(public) for public in made]

    assert {video["status"] for video in done} == {"completed"}
    tasks = doors.purchases()
    begun = sorted(task["created"] for task in tasks)
    # The third begins when one of the first two has ended.
    assert begun[2] - begun[0] >= 0.15
    assert begun[4] - begun[2] >= 0.15


def test_one_callers_limit_is_not_anothers(start: Start, route: str) -> None:
    doors = start(route, max_jobs_per_caller=1)
    doors.live_for(video=LONG)
    other = doors.as_caller(SECRET_OF_CALLER)
    doors.create()

    reply = doors.post("/v1/videos", prompt="another")

    assert doors.error(reply, 429)["code"] == "too_many_jobs"
    assert "You have" in reply.json()["error"]["message"]
    other.create()
    doors.error(doors.images(n=2), 429)


def test_a_large_body_is_413(start: Start) -> None:
    doors = start(COOKIE, max_body_mb=1)
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 1_000_000).decode()

    assert doors.error(doors.post(IMAGES, prompt="x", image=picture), 413)
    files = {"input_reference": ("a.png", b"\0" * 1_100_000, "image/png")}
    reply = doors.ask("POST", "/v1/videos", data={"prompt": "x"}, files=files)
    assert doors.error(reply, 413)["code"] == "request_too_large"


def test_a_large_input_is_400(start: Start) -> None:
    doors = start(COOKIE, input_max_mb=1)
    picture = b"\x89PNG\r\n\x1a\n" + b"\0" * 1_000_001
    url = "data:image/png;base64," + base64.b64encode(picture).decode()

    error = doors.error(doors.post("/v1/videos", prompt="x", image=url), 400)

    assert "1 MB" in error["message"]
    assert doors.side.upstream.log() == []


def test_a_draining_server_takes_no_new_wishes(serve: Serve, upstream: Upstream) -> None:
    server = serve(**SIDES[COOKIE], drain_seconds=5)
    doors = Doors(Side(COOKIE, server, upstream))
    doors.live_for(video=0.4)
    public = doors.create()["id"]
    eventually(lambda: bool(doors.job(public)["task_ids"]), SOON)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(
            httpx2.post,
            f"{server.url}{GENERATE}",
            headers={"Authorization": f"Bearer {SECRET}"},
            json={"prompt": "under way"},
            timeout=20,
        )
        eventually(lambda: len(doors.purchases()) == 2, SOON)
        health = server.application.services.health
        server.drain()
        eventually(lambda: health.draining, SOON)
        refused = doors.post("/v1/videos", prompt="too late")
        # It does not end here: what became of the first is asked of it.
        health.draining = False
        assert waiting.result(10).status_code == 200

    assert doors.error(refused, 503)["code"] == "shutting_down"
    assert doors.ended(public)["status"] == "completed"
    assert len(doors.purchases()) == 2


# Pictures by address.

INSIDE = [
    "http://127.0.0.1:{port}/a.png",
    "http://localhost:{port}/a.png",
    "http://[::1]:{port}/a.png",
    "http://[::ffff:127.0.0.1]:{port}/a.png",
    "http://2130706433:{port}/a.png",
    "http://0x7f.1:{port}/a.png",
    "http://0:{port}/a.png",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/a.png",
    "http://192.168.1.1/a.png",
    "http://[fd00::1]/a.png",
    "http://[fe80::1]/a.png",
    "http://[fec0::1]/a.png",
    "http://user:pass@127.0.0.1:{port}/a.png",
    "file:///etc/passwd",
    "ftp://127.0.0.1/a.png",
    "gopher://127.0.0.1:{port}/_x",
    "http://",
    "https://exa mple.com/a.png",
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_never_visited(doors: Doors, address: str) -> None:
    with stub(200, PNG) as inside:
        url = address.format(port=urlsplit(inside.url).port)
        replies = [
            doors.post("/v1/videos", prompt="x", input_reference=url),
            doors.post("/v1/videos", prompt="x", image_url={"url": url}),
            doors.post(GENERATE, prompt="x", image=url),
            doors.post(GENERATE, **{"prompt": "x", "first_frame_image": url, "async": True}),
            doors.post("/v1/video/generations", prompt="x", images=[url]),
            doors.post("/v1/images/edits", prompt="x", model=IMAGE_MODEL, image=url),
        ]

        assert inside.asked == []
    for reply in replies:
        error = doors.error(reply, 400)
        assert error["param"]
        # Nothing is told of what is or is not there.
        assert "127.0.0.1" not in error["message"]
    assert doors.side.upstream.log() == []
    assert doors.jobs() == []


@pytest.mark.parametrize("stream", [True, False])
def test_a_chats_picture_is_fetched_under_the_same_guard(doors: Doors, stream: bool) -> None:
    with stub(200, PNG) as inside:
        parts = [
            {"type": "text", "text": "let it move"},
            {"type": "image_url", "image_url": {"url": f"{inside.url}/a.png"}},
        ]
        body = nextchat_body(VIDEO_MODEL, [{"role": "user", "content": parts}], stream=stream)
        reply = doors.ask("POST", "/v1/chat/completions", content=body)
        assert inside.asked == []

    doors.error(reply, 400)
    assert doors.purchases() == []


@pytest.fixture
def pictures(doors: Doors) -> Iterator[Pictures]:
    """127.0.0.1 alone counts as public."""
    inputs = _services(doors).media.jobs.inputs
    before, inputs.fetcher = inputs.fetcher, Fetcher(allowed=lambda where: where == "127.0.0.1")
    with host_of_pictures() as found:
        yield found
    inputs.fetcher = before


@pytest.mark.parametrize("hops", ["", "to//png", "to//to//png"], ids=["direct", "once", "twice"])
def test_a_public_picture_is_fetched_by_us(doors: Doors, pictures: Pictures, hops: str) -> None:
    url = f"{pictures.url}/{hops or 'png'}/cat.png"

    assert doors.made(image_url=url)["status"] == "completed"

    # Genspark gets its bytes, not its address.
    [task] = doors.purchases()
    assert pictures.url not in json.dumps(task["body"])
    assert len(doors.side.upstream.log("blob")) == 1
    for _, headers in pictures.asked:
        assert not {"authorization", "cookie", "x-api-key"} & {name.lower() for name in headers}


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.2/a.png", "http://169.254.169.254/", "http://[::1]/", "file:///etc/passwd"],
)
def test_a_redirect_to_the_inside_is_not_followed(
    doors: Doors, pictures: Pictures, target: str
) -> None:
    reply = doors.post("/v1/videos", prompt="x", image_url=f"{pictures.url}/to/{target}")

    error = doors.error(reply, 400)
    assert (error["param"], error["code"]) == ("image_url", "invalid_image_url")
    assert doors.side.upstream.log() == []


@pytest.mark.parametrize(
    "path", ["html/a.png", "empty/a.png", "gone/a.png", "to//to//to//to//to//to/"]
)
def test_what_is_no_picture_is_400(doors: Doors, pictures: Pictures, path: str) -> None:
    error = doors.error(doors.images(image=f"{pictures.url}/{path}"), 400)

    assert error["param"] == "image"
    assert doors.side.upstream.log() == []


# Inputs byte for byte, however large.


def test_five_megabytes_arrive_as_they_were(doors: Doors, emulator_state: EmulatorState) -> None:
    large = PNG + bytes(range(256)) * 20_000
    files = {"input_reference": ("large.png", large, "image/png")}

    reply = doors.ask("POST", "/v1/videos", data={"prompt": "x"}, files=files)

    assert doors.ended(reply.json()["id"])["status"] == "completed"
    [upload] = emulator_state.uploads._by_id.values()
    assert upload.content == large


# Tokens for the cookie route.


@pytest.fixture
def sidecar(upstream: Upstream) -> Iterator[Sidecar]:
    """A service with the sidecar's contract, beside the server."""
    with sidecar_of(upstream.url) as found:
        yield found


def _require(upstream: Upstream, **flows: Any) -> None:
    reply = upstream._client.post("/__emulator__/recaptcha", json={"require": flows})
    assert reply.status_code == 200, reply.text


def _verdicts(upstream: Upstream, flow: str) -> list[Any]:
    return [entry["recaptcha"] for entry in upstream.log(flow)]


def _made(doors: Doors, kind: str) -> Any:
    return doors.generate() if kind == "video" else doors.images(response_format="url")


@pytest.mark.parametrize("kind", ["image", "video"])
@pytest.mark.parametrize("refusal", ["forbidden", "window_limit"])
def test_auto_fetches_a_token_once_one_is_wanted(
    start: Start, upstream: Upstream, sidecar: Sidecar, kind: str, refusal: str
) -> None:
    doors = start(COOKIE, recaptcha_proxy_url=sidecar.url)
    _require(upstream, **{kind: {"refusal": refusal}})

    first, second = _made(doors, kind), _made(doors, kind)

    assert [first.status_code, second.status_code] == [200, 200], first.text
    # The refusal is remembered: the second wish brings its token along.
    assert _verdicts(upstream, kind) == ["absent", "ok", "ok"]
    assert [path for path, _ in sidecar.asked] == [f"/genspark?flow={kind}"] * 2
    assert all("session_id=SECRETCOOKIE" in cookie for _, cookie in sidecar.asked)
    assert len(doors.purchases()) == 2


@pytest.mark.parametrize("kind", ["image", "video"])
def test_always_brings_a_token_along(
    start: Start, upstream: Upstream, sidecar: Sidecar, kind: str
) -> None:
    doors = start(COOKIE, recaptcha_proxy_url=sidecar.url, **{f"recaptcha_{kind}": "always"})
    _require(upstream, **{kind: True})

    assert _made(doors, kind).status_code == 200

    assert _verdicts(upstream, kind) == ["ok"]


@pytest.mark.parametrize("kind", ["image", "video"])
@pytest.mark.parametrize("broken", ["fails", "missing"])
def test_without_a_token_nothing_is_bought(
    start: Start, upstream: Upstream, sidecar: Sidecar, kind: str, broken: str
) -> None:
    sidecar.works = False
    url = sidecar.url if broken == "fails" else None
    doors = start(COOKIE, recaptcha_proxy_url=url, **{f"recaptcha_{kind}": "always"})

    reply = _made(doors, kind)

    error = doors.error(reply, 503)
    assert error["code"] == "recaptcha_unavailable"
    assert upstream.log(kind) == []
    assert doors.purchases() == []
    [job] = doors.jobs()
    assert (job["state"], job["attempts"]) == ("failed", 0)


@pytest.mark.parametrize("kind", ["image", "video"])
def test_auto_without_a_working_sidecar_buys_nothing(
    start: Start, upstream: Upstream, sidecar: Sidecar, kind: str
) -> None:
    sidecar.works = False
    doors = start(COOKIE, recaptcha_proxy_url=sidecar.url)
    _require(upstream, **{kind: True})

    reply = _made(doors, kind)

    assert doors.error(reply, 503)["code"] == "recaptcha_unavailable"
    assert len(upstream.log(kind)) == 1
    assert doors.purchases() == []


@pytest.mark.parametrize("kind", ["image", "video"])
def test_never_asks_nobody_for_a_token(
    start: Start, upstream: Upstream, sidecar: Sidecar, kind: str
) -> None:
    doors = start(COOKIE, recaptcha_proxy_url=sidecar.url, **{f"recaptcha_{kind}": "never"})
    _require(upstream, **{kind: True})

    assert _made(doors, kind).status_code in (502, 503)

    assert sidecar.asked == []
    assert doors.purchases() == []


def test_a_key_needs_no_token(start: Start, upstream: Upstream, sidecar: Sidecar) -> None:
    both = {**SIDES[COOKIE], **{k: v for k, v in SIDES[KEY].items() if k == "gsk_api_key"}}
    doors = start(KEY, **both, recaptcha_proxy_url=sidecar.url, recaptcha_video="always")

    assert doors.generate().headers["x-genspark2api-route"] == "key"

    assert sidecar.asked == []


# Switches.


def test_videos_by_cookie_can_be_switched_off(start: Start) -> None:
    doors = start(COOKIE, enable_cookie_video=False)

    assert doors.error(doors.generate(), 503)["code"] == "no_upstream_available"
    listed = {model["id"] for model in doors.get("/v1/models").json()["data"]}
    assert VIDEO_MODEL not in listed
    assert IMAGE_MODEL in listed
    assert doors.side.upstream.log() == []


@pytest.mark.parametrize("order", [["key", "cookie"], ["cookie", "key"]])
def test_the_operator_chooses_the_route(start: Start, order: list[str]) -> None:
    both = {**SIDES[COOKIE], "gsk_api_key": SIDES[KEY]["gsk_api_key"]}
    doors = start(COOKIE, **{**both, "route_order": order})

    assert doors.generate().headers["x-genspark2api-route"] == order[0]
    assert doors.images().headers["x-genspark2api-route"] == order[0]


@pytest.mark.parametrize(
    ("settings", "place"),
    [({"video_model": "kling/v3"}, "video"), ({"image_model": "nano-banana-2"}, "image")],
)
def test_the_operator_chooses_the_usual_model(
    start: Start, route: str, settings: Json, place: str
) -> None:
    doors = start(route, **settings)

    _sent(doors, place, {})

    eventually(lambda: len(doors.purchases()) == 1, SOON)
    assert doors.purchases()[0]["model"] == next(iter(settings.values()))


def test_an_alias_of_the_operators(start: Start, route: str) -> None:
    doors = start(route, model_aliases={"sora-2": "gemini/veo3.1"})

    video = doors.made(model="sora-2")

    assert (video["status"], video["model"]) == ("completed", "sora-2")
    assert doors.purchases()[0]["model"] == "gemini/veo3.1"
    assert "sora-2" in {model["id"] for model in doors.get("/v1/models").json()["data"]}
