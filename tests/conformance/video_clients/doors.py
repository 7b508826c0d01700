"""The doors to images and videos on one route, as the assertions about them knock on them.

A ``Doors`` keeps every reply that it was given: when its test ends, none of them may have held an
account's secret or anything else of the inside.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from conformance.error_objects import SECRETS, assert_discreet, checked
from conformance.sides import COOKIE, KEY, Side, eventually
from conftest import KEPT
from live import SECRET, LiveServer, live, settings_for

from genspark_emulator.asset_files import asset
from genspark_emulator.state import EmulatorState
from proxy.settings import Settings

SOON = 10.0
VIDEO_MODEL, IMAGE_MODEL = "gemini/veo3.1", "nano-banana-2"
ENDED = ("completed", "failed")
FLOWS = {
    (COOKIE, "video"): "video",
    (COOKIE, "image"): "image",
    (KEY, "video"): "key_video",
    (KEY, "image"): "key_image",
}
# How long a task lives upstream: enough to be seen running, and no longer.
QUICK = {"video": 0.05, "image": 0.02}
LONG = 600

PNG, JPEG, WEBP, MP4 = (asset(f"result.{kind}") for kind in ("png", "jpg", "webp", "mp4"))

Json = dict[str, Any]


@dataclass(slots=True)
class Doors:
    """One side's doors. Without ``caller`` requests carry the operator's key."""

    side: Side
    caller: str = SECRET
    replies: list[httpx2.Response] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The server's address, without ``/v1``."""
        return self.side.url

    def ask(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx2.Response:
        """Any request; ``path`` may be a whole address. ``more`` is the client's own."""
        sent = {"Authorization": f"Bearer {self.caller}", **(headers or {})}
        reply = self.side.live.client.request(method, path, headers=sent, **more)
        self.replies.append(reply)
        return reply

    def bare(self, method: str, url: str, **headers: str) -> httpx2.Response:
        """The request of somebody without a key, such as a browser's player."""
        return self.ask(method, url, headers={"Authorization": "", **headers})

    def get(self, path: str, **headers: str) -> httpx2.Response:
        """GET."""
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, headers: dict[str, str] | None = None, /, **fields: Any) -> Any:
        """POST of a JSON body."""
        return self.ask("POST", path, headers=headers, json=fields)

    def as_caller(self, caller: str) -> "Doors":
        """The same doors for somebody else."""
        return Doors(self.side, caller, self.replies)

    # What is asked for.

    def create(self, headers: dict[str, str] | None = None, /, **fields: Any) -> Json:
        """A new video's object."""
        reply = self.post("/v1/videos", headers, **{"prompt": "a cat", **fields})
        assert reply.status_code == 200, reply.text
        found: Json = reply.json()
        return found

    def video(self, public_id: str) -> Json:
        """A video's object as of now."""
        reply = self.get(f"/v1/videos/{public_id}")
        assert reply.status_code == 200, reply.text
        found: Json = reply.json()
        return found

    def made(self, **fields: Any) -> Json:
        """A video's object once it has ended."""
        return self.ended(self.create(**fields)["id"])

    def ended(self, public_id: str) -> Json:
        """The same of a video that exists."""
        return self.until(public_id, lambda video: video["status"] in ENDED)

    def until(self, public_id: str, good: Callable[[Json], bool]) -> Json:
        """A video's object once it is as wanted."""
        deadline = time.monotonic() + SOON
        while not good(video := self.video(public_id)):
            assert time.monotonic() < deadline, video
            time.sleep(0.01)
        return video

    def generate(self, headers: dict[str, str] | None = None, /, **fields: Any) -> Any:
        """Genspark2API's door, which waits."""
        return self.post("/v1/videos/generations", headers, **{"prompt": "a cat", **fields})

    def images(self, headers: dict[str, str] | None = None, /, **fields: Any) -> Any:
        """OpenAI's door to images, which waits."""
        return self.post("/v1/images/generations", headers, **{"prompt": "a cat", **fields})

    def jobs(self) -> list[Json]:
        """All jobs that this caller may see, newest first."""
        found: list[Json] = self.get("/v1/jobs?limit=200").json()["data"]
        return found

    def job(self, public_id: str) -> Json:
        """One job with its history."""
        found: Json = self.get(f"/v1/jobs/{public_id}").json()
        return found

    def error(self, reply: httpx2.Response, status: int) -> Json:
        """The error object of a reply that must have this status."""
        assert reply.status_code == status, (reply.status_code, reply.text)
        assert reply.headers["x-request-id"]
        body = reply.json()
        assert set(body) == {"error"}, body
        # 409 belongs to reused idempotency keys alone, 403 and 410 to links that are over.
        return checked(body["error"], None if status in (403, 409, 410) else status)

    # What happens upstream.

    def flow(self, kind: str) -> str:
        """The emulator's name for this route's paid calls."""
        return FLOWS[self.side.name, kind]

    def script(self, kind: str, **rule: Any) -> None:
        """Queue a rule for the paid calls."""
        self.side.upstream.script({"flow": self.flow(kind), **rule})

    def purchases(self) -> list[Json]:
        """Every task that was bought, oldest first."""
        found: list[Json] = self._control("GET", "/__emulator__/tasks").json()["tasks"]
        return found

    def live_for(self, **seconds: float) -> None:
        """How long tasks of a kind live from now on."""
        reply = self._control("POST", "/__emulator__/tasks", json={"seconds": seconds})
        assert reply.status_code == 200, reply.text

    def _control(self, method: str, path: str, **more: Any) -> httpx2.Response:
        return self.side.upstream._client.request(method, path, **more)

    def wants(self, task: Json) -> Json:
        """What a purchase says of the result: the tool's arguments, or the agent's parameters."""
        body: Json = task["body"]
        found: Json = body if self.side.name == KEY else body["model_params"]
        return found

    # The end.

    def check_replies(self) -> None:
        """Nothing that was ever replied holds a secret or tells of the inside."""
        for reply in self.replies:
            everything = f"{reply.status_code} {reply.headers.multi_items()}"
            if reply.headers.get("content-type", "").startswith(("image/", "video/")):
                held = [word for word in SECRETS if word.encode() in reply.content]
                assert not held, held
            else:
                everything += reply.text
            assert "set-cookie" not in reply.headers
            assert_discreet(everything, self.side.upstream.url)

    def forget(self) -> None:
        """Delete every job: the next test finds the server as new."""
        for job in self.as_caller(SECRET).jobs():
            self.ask("DELETE", f"/v1/videos/{job['id']}", headers={"Authorization": _operator()})


def _operator() -> str:
    return f"Bearer {SECRET}"


@contextmanager
def standing_servers(
    upstream: str, folders: pytest.TempPathFactory, wanted: dict[str, dict[str, Any]]
) -> Iterator[dict[str, LiveServer]]:
    """Servers for a whole module, by name: starting one costs more than most tests take."""
    with pytest.MonkeyPatch.context() as patch:
        # Module fixtures come before the one that clears the environment for each test.
        for name in {name.upper() for name in Settings.model_fields} - KEPT & os.environ.keys():
            patch.delenv(name, raising=False)
        settings = {
            name: settings_for(upstream, folders.mktemp(name), **given)
            for name, given in wanted.items()
        }
    with ExitStack() as stack:
        yield {name: stack.enter_context(live(chosen)) for name, chosen in settings.items()}


@contextmanager
def knocking(side: Side, emulator: EmulatorState) -> Iterator[Doors]:
    """Doors for the length of a test."""
    doors = Doors(side)
    doors.live_for(**QUICK)
    try:
        yield doors
    finally:
        doors.forget()
        _hang_up(side, emulator)
    doors.check_replies()


def _hang_up(side: Side, emulator: EmulatorState) -> None:
    """Let every request end that waits for a task which nobody wants any more."""
    worker = side.live.application.services.media.worker
    if worker.sending():
        emulator.clock = lambda: time.time() + LONG
        eventually(lambda: worker.sending() == 0, SOON)
        emulator.clock = time.time
