"""One route of the server with the emulator behind it, as the assertions see it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
from conformance.sse_reading import Reading, read_stream
from conftest import Upstream
from live import SECRET, LiveServer

COOKIE, KEY = "cookie", "key"

# Recognisable in any reply; the emulator takes every session id and every gsk- key.
SECRET_SESSION = "SECRETCOOKIE0f3a9c"
SECRET_KEY = "gsk-SECRETKEY77b1e2"
SECRET_OF_CALLER = "SECRETAPI5d20aa"

SIDES: dict[str, dict[str, Any]] = {
    COOKIE: {
        "gs_cookie": f"session_id={SECRET_SESSION}",
        "api_secret": [SECRET, SECRET_OF_CALLER],
    },
    KEY: {
        "gs_cookie": None,
        "gsk_api_key": [SECRET_KEY],
        "api_secret": [SECRET, SECRET_OF_CALLER],
    },
}

_FLOWS = {COOKIE: "chat", KEY: "key_chat"}


@dataclass(frozen=True, slots=True)
class Side:
    """A server with a single account of one kind."""

    name: str
    live: LiveServer
    upstream: Upstream

    @property
    def flow(self) -> str:
        """The emulator's name for this route's chat calls."""
        return _FLOWS[self.name]

    @property
    def url(self) -> str:
        """The server's address, without ``/v1``."""
        return self.live.url

    def script(self, **rule: Any) -> None:
        """Queue one rule for this route's chat calls."""
        self.upstream.script({"flow": self.flow, **rule})

    def log(self) -> list[dict[str, Any]]:
        """The chat calls that reached the emulator."""
        return self.upstream.log(self.flow)

    def chat(self, text: str = "Hello", **fields: Any) -> httpx2.Response:
        """A chat request with one user message."""
        return self.live.chat(text, **fields)

    def whole(self, text: str = "Hello", **fields: Any) -> dict[str, Any]:
        """A complete answer."""
        reply = self.chat(text, **fields)
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    def stream(self, text: str = "Hello", **fields: Any) -> Reading:
        """A streamed answer, read strictly."""
        reply = self.chat(text, stream=True, **fields)
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-type"].startswith("text/event-stream")
        return read_stream(reply.content)

    def unlock(self) -> None:
        """Lift what earlier failures did to the account."""
        for seat in self.live.application.services.desk.pool.seats():
            if seat.locks:
                path = f"/admin/accounts/{seat.account.label}/unlock"
                assert self.live.client.post(path).status_code == 200

    def settle(self) -> None:
        """Let the server finish with everything, and its account be as good as new."""
        services = self.live.application.services
        eventually(lambda: services.health.in_flight == 0, 5)
        self.live.call(services.chat.conversations.aftermath.settle(5))
        self.unlock()


Start = Callable[..., Side]
LOOK = 0.01


def eventually(happened: Callable[[], bool], within: float) -> float:
    """Wait until something has happened; the seconds it took. Fails when the time is over.

    The time is counted in looks: a busy machine, where each takes longer, gets more of it.
    """
    started = time.monotonic()
    for _ in range(round(within / LOOK)):
        if happened():
            return time.monotonic() - started
        time.sleep(LOOK)
    raise AssertionError(f"did not happen within {within} s")
