"""The control interface under ``/__emulator__/``: script, journal, projects, tasks, reset."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from genspark_emulator.calls import decode_payload
from genspark_emulator.events import encode_json, to_bytes
from genspark_emulator.modifiers import Modifiers
from genspark_emulator.recaptcha_guard import RequirementError
from genspark_emulator.rules import Rule, RuleError, read_rules
from genspark_emulator.scenarios.names import scenario_names
from genspark_emulator.state import EmulatorState
from genspark_emulator.tasks import SecondsError

HELP = {
    "POST /__emulator__/script": "add one rule, or {'rules': [...]}; first in, first out",
    "GET /__emulator__/script": "the remaining rules",
    "DELETE /__emulator__/script": "drop all rules",
    "GET /__emulator__/log?since=N": "the calls numbered above N",
    "DELETE /__emulator__/log": "empty the log",
    "GET /__emulator__/projects": "all conversations with their owners and messages",
    "GET /__emulator__/tasks": "every task ever bought, also those whose answer was cut",
    "POST /__emulator__/tasks": "how long new tasks live: {'seconds': {'video': 120}}",
    "GET /__emulator__/recaptcha": "required tokens, and counts of issued, accepted and refused",
    "POST /__emulator__/recaptcha": "require tokens, or no longer: {'require': {flow: true}}",
    "POST /__emulator__/reset": "forget script, log, projects, tasks, files, cookies, captcha",
}


def _help() -> dict[str, Any]:
    modifiers = list(Modifiers.__struct_fields__)
    fields = [name for name in Rule.__struct_fields__ if name not in modifiers]
    return {
        "calls": HELP,
        "rule_fields": fields,
        "modifiers": modifiers,
        "scenarios": scenario_names(),
    }


def _json(value: object, status: int = 200) -> Response:
    """A JSON answer that survives whatever text a client sent, lone surrogates included."""
    content = to_bytes(encode_json(value, spaced=False))
    return Response(content, status_code=status, media_type="application/json")


class Control:
    """Handlers of the control interface, bound to one emulator."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    async def help(self, _request: Request) -> Response:
        """What can be called, and every name a rule may use."""
        return _json(_help())

    async def list_rules(self, _request: Request) -> Response:
        """The remaining rules."""
        return _json({"rules": self._state.script.listing()})

    async def add_rules(self, request: Request) -> Response:
        """Add rules; a bad one is answered with HTTP 400 and nothing is added."""
        try:
            rules = read_rules(decode_payload(await request.body()))
        except RuleError as error:
            return _json({"error": str(error)}, status=400)
        self._state.script.add(*rules)
        return _json({"added": len(rules)})

    async def clear_rules(self, _request: Request) -> Response:
        """Drop all rules."""
        self._state.script.clear()
        return _json({"rules": []})

    async def read_log(self, request: Request) -> Response:
        """The journal, from an entry number on."""
        since = request.query_params.get("since", "0")
        if not since.isdecimal():
            return _json({"error": "since must be a whole number"}, status=400)
        entries = self._state.journal.since(int(since))
        return _json({"entries": [entry.as_json() for entry in entries]})

    async def clear_log(self, _request: Request) -> Response:
        """Empty the journal."""
        self._state.journal.clear()
        return _json({"entries": []})

    async def list_projects(self, _request: Request) -> Response:
        """All conversations."""
        return _json({"projects": self._state.projects.listing()})

    async def list_tasks(self, _request: Request) -> Response:
        """Everything that was bought."""
        state = self._state
        tasks = state.tasks.listing(state.clock())
        return _json({"tasks": tasks, "seconds": state.tasks.seconds})

    async def set_task_seconds(self, request: Request) -> Response:
        """Change lifetimes; bad ones are answered with HTTP 400 and nothing is changed."""
        try:
            self._state.tasks.live(decode_payload(await request.body()))
        except SecondsError as error:
            return _json({"error": str(error)}, status=400)
        return _json({"seconds": self._state.tasks.seconds})

    async def read_recaptcha(self, _request: Request) -> Response:
        """Requirements and counters of the captcha."""
        return _json(self._state.recaptcha.listing())

    async def require_recaptcha(self, request: Request) -> Response:
        """Change requirements; bad ones are answered with HTTP 400 and nothing is changed."""
        try:
            self._state.recaptcha.require(decode_payload(await request.body()))
        except RequirementError as error:
            return _json({"error": str(error)}, status=400)
        return _json(self._state.recaptcha.listing())

    async def reset(self, _request: Request) -> Response:
        """Forget everything."""
        self._state.reset()
        return _json({"reset": True})


def control_routes(state: EmulatorState) -> Mount:
    """The control interface as routes."""
    control = Control(state)
    return Mount(
        "/__emulator__",
        routes=[
            Route("/", control.help, methods=["GET"]),
            Route("/script", control.list_rules, methods=["GET"]),
            Route("/script", control.add_rules, methods=["POST"]),
            Route("/script", control.clear_rules, methods=["DELETE"]),
            Route("/log", control.read_log, methods=["GET"]),
            Route("/log", control.clear_log, methods=["DELETE"]),
            Route("/projects", control.list_projects, methods=["GET"]),
            Route("/tasks", control.list_tasks, methods=["GET"]),
            Route("/tasks", control.set_task_seconds, methods=["POST"]),
            Route("/recaptcha", control.read_recaptcha, methods=["GET"]),
            Route("/recaptcha", control.require_recaptcha, methods=["POST"]),
            Route("/reset", control.reset, methods=["POST"]),
        ],
    )
