"""``POST /api/tool_cli/image_generation`` and ``…/video_generation``: media with a key.

The call stays open until the task is final, with heartbeats in between.
"""

import base64
import binascii
from collections.abc import AsyncGenerator, Iterator

from genspark_emulator.calls import Call
from genspark_emulator.endpoint import Endpoint, toolless
from genspark_emulator.events import Frame, JsonObject
from genspark_emulator.file_service import found_file, id_in, is_wrapper
from genspark_emulator.media_models import KEY_IMAGE_DEFAULT, KEY_IMAGE_MODELS, KEY_VIDEO_MODELS
from genspark_emulator.purchase import buy
from genspark_emulator.reply import Reply
from genspark_emulator.rules import Rule
from genspark_emulator.scenarios.tool_streams import (
    TOOL_DOCUMENTS,
    TOOL_STREAMS,
    Run,
    ToolStream,
    heartbeat,
)
from genspark_emulator.state import EmulatorState
from genspark_emulator.tasks import Order, Task
from genspark_emulator.tool_envelope import tool_error
from genspark_emulator.tool_parameters import IMAGE_TOOL, VIDEO_TOOL, problems, tool_listing

MODELS = {IMAGE_TOOL: KEY_IMAGE_MODELS, VIDEO_TOOL: tuple(KEY_VIDEO_MODELS)}
OTHER_MODELS = {IMAGE_TOOL: "qwen-image-3", VIDEO_TOOL: "wan/v2.7"}
INPUT_LISTS = ("image_urls", "video_urls", "audio_urls")
SINGLE_INPUTS = ("video_url", "audio_url")


def tool_of(call: Call) -> str:
    """The tool's name, which is the end of the path."""
    return call.path.rpartition("/")[2]


def refuse_generation(call: Call, state: EmulatorState) -> Reply | None:
    """No key, a wrong argument, an unknown model, or an input that cannot be read."""
    refusal = toolless(call, state)
    if refusal is not None:
        return refusal
    for complaint in problems(tool_of(call), call.fields):
        return tool_error(f"Invalid parameters: {complaint}", "invalid_parameters")
    return _unknown_model(call) or _bad_input(call, state)


def _unknown_model(call: Call) -> Reply | None:
    allowed, asked = MODELS[tool_of(call)], _model(call)
    if asked in allowed:
        return None
    message = f"Model '{asked}' is not available. Allowed models: {', '.join(allowed)}"
    return tool_error(message, "model_not_available", allowed_models=list(allowed))


def _bad_input(call: Call, state: EmulatorState) -> Reply | None:
    for name, address in _inputs(call.fields):
        if not _readable(address, call, state):
            return tool_error(f"The file given in '{name}' could not be read.", "invalid_input")
    if tool_of(call) == VIDEO_TOOL and _lacks_input(call.fields):
        return tool_error("The model needs an image or a video as input.", "missing_input")
    return None


def _inputs(body: JsonObject) -> Iterator[tuple[str, str]]:
    for name in INPUT_LISTS:
        yield from ((name, address) for address in body.get(name) or [])
    yield from ((name, body[name]) for name in SINGLE_INPUTS if body.get(name))


def _readable(address: str, call: Call, state: EmulatorState) -> bool:
    """Uploads and results must be the caller's own; other hosts are not visited."""
    if is_wrapper(address):
        found = found_file(id_in(address), state)
        return found is not None and found[0] == call.account
    if address.startswith("data:"):
        return _is_base64(address)
    return address.startswith(("http://", "https://"))


def _is_base64(address: str) -> bool:
    head, separator, content = address.partition(";base64,")
    try:
        return bool(separator) and "/" in head and bool(base64.b64decode(content, validate=True))
    except binascii.Error:
        return False


def _lacks_input(body: JsonObject) -> bool:
    has_source = bool(body.get("video_url") or body.get("video_urls"))
    has_image = bool(body.get("image_urls"))
    need = KEY_VIDEO_MODELS[str(body["model"])].need
    given = {"": True, "image": has_image, "source": has_source, "either": has_image or has_source}
    return not given[need]


def _model(call: Call) -> str:
    return str(call.fields.get("model") or KEY_IMAGE_DEFAULT)


def _order(call: Call, rule: Rule) -> Order:
    body, tool = call.fields, tool_of(call)
    model = OTHER_MODELS[tool] if rule.scenario == "other_model" else _model(call)
    if tool == IMAGE_TOOL:
        details = {"image_size": body.get("image_size") or "auto"}
        return Order("image", model, body["query"], details)
    asked = body.get("duration")
    seconds = KEY_VIDEO_MODELS[model].clamped(5 if asked is None else asked)
    facts = {"duration": seconds, "tier": body.get("tier") or "standard", "try_count": 1}
    return Order("video", model, body["query"], facts)


def generate(call: Call, state: EmulatorState, rule: Rule) -> Reply:
    """Buy a task and tell of it until it is final."""
    task = buy(call, state, rule, _order(call, rule))
    stream = TOOL_STREAMS[rule.scenario or "answered"]
    beat = rule.heartbeat_s or stream.heartbeat_s
    told = _told(stream, task, state, call.origin, beat)
    return Reply(told=told, framing="lines", spaced=False)


async def _told(
    stream: ToolStream, task: Task, state: EmulatorState, origin: str, beat: float
) -> AsyncGenerator[Frame, None]:
    for part in stream.opening:
        for frame in part(Run(task, state.clock(), origin)):
            yield frame
    if stream.waits:
        async for frame in _heartbeats(task, state, beat):
            yield frame
    for part in stream.closing:
        for frame in part(Run(task, state.clock(), origin)):
            yield frame


async def _heartbeats(task: Task, state: EmulatorState, beat: float) -> AsyncGenerator[Frame, None]:
    """One every ``beat`` seconds of the emulator's clock, until the task is final."""
    number = 0
    while True:
        await state.alarms.until(min(task.due, state.clock() + beat))
        now = state.clock()
        if task.is_final(now):
            return
        number += 1
        yield heartbeat(number, now - task.created)


def list_tools(_call: Call, _state: EmulatorState, _rule: Rule) -> Reply:
    """Every tool with its arguments; the models are the values of one of them."""
    return Reply(tool_listing(), spaced=False)


ENDPOINTS = (
    *(
        Endpoint(
            "POST",
            f"/api/tool_cli/{tool}",
            flow,
            "key",
            generate,
            refuse_generation,
            TOOL_DOCUMENTS,
            framing="lines",
        )
        for tool, flow in ((IMAGE_TOOL, "key_image"), (VIDEO_TOOL, "key_video"))
    ),
    Endpoint("GET", "/api/tool_cli/tools", "models", "key", list_tools, toolless),
)
