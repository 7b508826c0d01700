"""Asks for images and videos, and what is read from their answers."""

import json
from typing import Any

import httpx2
from emulator_client import ASK, COPILOT, KEY, SESSION, EmulatorClient, frames_of

IMAGE_TOOL = "/api/tool_cli/image_generation"
VIDEO_TOOL = "/api/tool_cli/video_generation"
POLLS = {"image": "/api/ig_tasks_status", "video": "/api/vg_tasks_status"}
DETAIL = "/api/spark/image_generation_task_detail"
KEY_HEADERS = {"x-api-key": KEY}
SESSION_HEADERS = {"cookie": f"session_id={SESSION}"}
START = 1_000_000.0


class Clock:
    """A clock that only moves when told."""

    def __init__(self, emulator: EmulatorClient) -> None:
        self.now = START
        emulator.emulator.state.clock = lambda: self.now


def image_body(prompt: str = "a cat", model: str = "gpt-image-2", **fields: Any) -> dict[str, Any]:
    """An ask of the image agent, as the web application of 2026-09 sends it."""
    params = {
        "type": "image",
        "model": model,
        "aspect_ratio": "1:1",
        "auto_prompt": False,
        "style": "auto",
        "image_size": "auto",
        "background_mode": True,
        "generation_count": 1,
    }
    return _agent_body("image_generation_agent", prompt, params, fields)


def video_body(prompt: str = "a cat", model: str = "sora-2", **fields: Any) -> dict[str, Any]:
    """An ask of the video agent; the duration is a text."""
    params = {
        "type": "video",
        "model": model,
        "aspect_ratio": "16:9",
        "duration": "8",
        "tier": "standard",
        "video_size": "auto",
        "generation_count": 1,
    }
    return _agent_body("video_generation_agent", prompt, params, fields)


def _agent_body(
    kind: str, prompt: str, params: dict[str, Any], fields: dict[str, Any]
) -> dict[str, Any]:
    return {
        "type": kind,
        "project_id": None,
        "user_s_input": prompt,
        "g_recaptcha_token": "",
        "is_private": True,
        "push_token": "",
        "writingContent": None,
        "messages": [{"role": "user", "content": prompt}],
        "model_params": params,
        **fields,
    }


BODIES = {"image": image_body, "video": video_body}


def legacy_body(kind: str, model: str) -> dict[str, Any]:
    """An ask of the retired route."""
    return {
        "type": f"COPILOT_MOA_{kind.upper()}",
        "current_query_string": f"type=COPILOT_MOA_{kind.upper()}",
        "messages": [{"role": "user", "content": "a cat"}],
        "user_s_input": "a cat",
        "action_params": {},
        "extra_data": {"model_configs": [{"model": model, "aspect_ratio": "auto"}]},
        "g_recaptcha_token": "",
    }


def lines_of(text: str) -> list[dict[str, Any]]:
    """The objects of newline-delimited JSON."""
    return [json.loads(line) for line in text.splitlines() if line]


class Media:
    """Anna asking for media, with her session or her key."""

    def __init__(self, emulator: EmulatorClient) -> None:
        self.emulator = emulator
        self.http = emulator.http

    def tool(self, path: str, headers: Any = None, **arguments: Any) -> httpx2.Response:
        """One call of a tool."""
        return self.http.post(path, json=arguments, headers=headers or KEY_HEADERS)

    def told(self, path: str, **arguments: Any) -> list[dict[str, Any]]:
        """What a tool said, line by line."""
        response = self.tool(path, **arguments)
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/x-ndjson"
        return lines_of(response.text)

    def made(self, path: str, **arguments: Any) -> dict[str, Any]:
        """The only result of a tool."""
        final = self.told(path, **arguments)[-1]
        assert final["status"] == "ok"
        [item] = next(iter(final["data"].values()))
        return dict(item)

    def ask(self, kind: str, session: str = SESSION, **fields: Any) -> str:
        """One ask of an agent; the raw stream."""
        response = self.emulator.post(ASK, BODIES[kind](**fields), session)
        assert response.headers["content-type"].startswith("text/event-stream"), response.text
        return response.text

    def asked(self, kind: str, session: str = SESSION, **fields: Any) -> dict[str, Any]:
        """The first result told in an ask of an agent."""
        return dict(results_of(self.ask(kind, session, **fields), kind)[0])

    def copilot(self, kind: str, model: str = "sora-2") -> httpx2.Response:
        """One ask on the retired route."""
        return self.emulator.post(COPILOT, legacy_body(kind, model))

    def poll(self, kind: str, *ids: str, headers: Any = None) -> httpx2.Response:
        """Ask how far tasks are, and wait."""
        body = {"task_ids": list(ids)}
        return self.http.post(POLLS[kind], json=body, headers=headers or SESSION_HEADERS)

    def final(self, kind: str, task_id: str, headers: Any = None) -> dict[str, Any]:
        """How a task ended."""
        last = frames_of(self.poll(kind, task_id, headers=headers).text)[-1]
        assert last["type"] == "TASKS_STATUS_COMPLETE"
        return dict(last["final_status"][task_id])

    def tasks(self) -> list[dict[str, Any]]:
        """Everything that was bought."""
        return list(self.http.get("/__emulator__/tasks").json()["tasks"])


def results_of(stream: str, kind: str) -> list[dict[str, Any]]:
    """The list in the field that carries an agent's results."""
    name = f"{kind}_generation_agent.results"
    found = (f for f in frames_of(stream) if str(f.get("field_name", "")).endswith(name))
    value = next(found)["field_value"]
    return list(json.loads(value) if isinstance(value, str) else value)
