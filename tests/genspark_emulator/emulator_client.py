"""A small client for the tests of the emulator; reads frames without any proxy code."""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpx2

from genspark_emulator.serving import RunningEmulator

ASK = "/api/agent/ask_proxy"
COPILOT = "/api/copilot/ask"
COMPLETIONS = "/api/llm_proxy/v1/chat/completions"
SESSION = "session-of-anna"
KEY = "gsk-key-of-anna"


def ask_body(text: str = "hello there", **fields: Any) -> dict[str, Any]:
    """The smallest body the chat route takes, with changes."""
    messages = [{"role": "user", "content": text}]
    return {"type": "ai_chat", "ai_chat_model": "gpt-5.4", "messages": messages, **fields}


def completion_body(text: str = "hello there", **fields: Any) -> dict[str, Any]:
    """The smallest completion request, with changes."""
    return {"model": "gpt-5.4", "messages": [{"role": "user", "content": text}], **fields}


def data_of(body: str) -> list[str]:
    """The text after ``data:`` of every event."""
    lines = body.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [line[5:].removeprefix(" ") for line in lines if line.startswith("data:")]


def frames_of(body: str) -> list[dict[str, Any]]:
    """Every event that is a JSON object."""
    frames = []
    for data in data_of(body):
        try:
            frame = json.loads(data)
        except ValueError:
            continue
        frames += [frame] if isinstance(frame, dict) else []
    return frames


def types_of(body: str) -> list[str]:
    """The frame types in order, repeats folded."""
    types = [str(frame.get("type")) for frame in frames_of(body)]
    return [t for index, t in enumerate(types) if index == 0 or types[index - 1] != t]


def streamed_text(body: str, field: str = "content") -> str:
    """All deltas of one field joined."""
    deltas = (frame for frame in frames_of(body) if frame.get("field_name") == field)
    return "".join(frame["delta"] for frame in deltas if frame["type"] == "message_field_delta")


def results_of(body: str) -> list[dict[str, Any]]:
    """The final messages of the assistant, nested or flat."""
    found = [frame for frame in frames_of(body) if frame.get("type") == "message_result"]
    messages = [frame.get("message", frame) for frame in found]
    return [message for message in messages if message["role"] == "assistant"]


def deltas_of(body: str) -> list[dict[str, Any]]:
    """The deltas of a streamed completion."""
    return [f["choices"][0]["delta"] for f in frames_of(body) if f.get("choices")]


def joined(deltas: Iterable[dict[str, Any]], name: str) -> str:
    """One text field of the deltas joined."""
    return "".join(delta.get(name) or "" for delta in deltas)


class EmulatorClient:
    """Talks to one running emulator as Anna, who has a session and a key."""

    def __init__(self, emulator: RunningEmulator, http: httpx2.Client) -> None:
        self.emulator = emulator
        self.http = http

    def post(self, path: str, body: Any = None, session: str = SESSION) -> httpx2.Response:
        """POST with the session cookie."""
        return self.http.post(path, json=body, headers={"cookie": f"session_id={session}"})

    def get(self, path: str, session: str | None = SESSION) -> httpx2.Response:
        """GET with the session cookie, unless it is None."""
        headers = {"cookie": f"session_id={session}"} if session else {}
        return self.http.get(path, headers=headers)

    def ask(self, text: str = "hello there", session: str = SESSION, **fields: Any) -> str:
        """One turn on the cookie route; the raw stream."""
        response = self.post(ASK, ask_body(text, **fields), session)
        assert response.headers["content-type"].startswith("text/event-stream")
        return response.text

    def complete(self, text: str = "hello there", **fields: Any) -> httpx2.Response:
        """One completion with the key."""
        return self.post_completion(completion_body(text, **fields))

    def post_completion(self, body: Any, key: str = KEY) -> httpx2.Response:
        """POST to the key route."""
        headers = {"authorization": f"Bearer {key}"}
        return self.http.post(COMPLETIONS, json=body, headers=headers)

    def script(self, **rule: Any) -> None:
        """Add one rule."""
        response = self.http.post("/__emulator__/script", json=rule)
        assert response.status_code == 200, response.text

    def rejected(self, rule: Any) -> str:
        """The complaint about a bad rule."""
        response = self.http.post("/__emulator__/script", json=rule)
        assert response.status_code == 400
        return str(response.json()["error"])

    def log(self, since: int = 0) -> list[dict[str, Any]]:
        """The journal."""
        response = self.http.get("/__emulator__/log", params={"since": since})
        return list(response.json()["entries"])

    def projects(self) -> list[dict[str, Any]]:
        """All conversations."""
        return list(self.http.get("/__emulator__/projects").json()["projects"])


def eventually(condition: Callable[[], bool], seconds: float = 2.0) -> bool:
    """Whether a condition of the other thread becomes true soon."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.002)
    return condition()
