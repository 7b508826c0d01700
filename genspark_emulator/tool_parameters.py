"""The arguments of the media tools: what ``/tools`` says of them, and what is accepted.

Fields and values: vendor software of 2026-09-22.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genspark_emulator.events import JsonObject
from genspark_emulator.media_models import KEY_IMAGE_DEFAULT, KEY_IMAGE_MODELS, KEY_VIDEO_MODELS

IMAGE_TOOL, VIDEO_TOOL = "image_generation", "video_generation"

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument. An ``array`` has ``items`` of one type, ``length`` of them if that is set."""

    type: str
    description: str
    enum: tuple[str, ...] = ()
    default: Any = None
    items: str = ""
    length: int = 0

    def as_json(self) -> JsonObject:
        """The argument in the form of ``/tools``."""
        given: JsonObject = {"type": self.type, "description": self.description}
        if self.enum:
            given["enum"] = list(self.enum)
        if self.items:
            given["items"] = {"type": self.items}
        return given if self.default is None else {**given, "default": self.default}

    def accepts(self, value: Any) -> bool:
        """Whether a value has the right type and, with an ``enum``, is one of it."""
        if self.type == "array":
            fits = isinstance(value, list) and self.length in (0, len(value))
            return fits and all(_is(self.items, item) for item in value)
        return _is(self.type, value) and (not self.enum or value in self.enum)


def _is(kind: str, value: Any) -> bool:
    """JSON's types: a boolean is no number."""
    return isinstance(value, _PYTHON_TYPES[kind]) and (kind == "boolean") == isinstance(value, bool)


_PROMPT = Parameter("string", "What is to be generated, in words")
_RATIO = Parameter("string", "Aspect ratio; an unsupported one becomes the model's default")
_IMAGES = Parameter("array", "Images: https, data: or file-wrapper addresses", items="string")

IMAGE_PARAMETERS: dict[str, Parameter] = {
    "query": _PROMPT,
    "model": Parameter("string", "The model", KEY_IMAGE_MODELS, KEY_IMAGE_DEFAULT),
    "aspect_ratio": _RATIO,
    "image_size": Parameter("string", "Size", ("auto", "0.5k", "1k", "2k", "3k", "4k"), "auto"),
    "image_urls": _IMAGES,
    "bbox": Parameter("array", "Only for bbox-segment", items="integer", length=4),
}

VIDEO_PARAMETERS: dict[str, Parameter] = {
    "query": _PROMPT,
    "model": Parameter("string", "The model", tuple(KEY_VIDEO_MODELS)),
    "aspect_ratio": _RATIO,
    "duration": Parameter("number", "Seconds, clamped to what the model can do", default=5),
    "image_urls": _IMAGES,
    "reference_mode": Parameter("boolean", "Images are references, not frames"),
    "video_url": Parameter("string", "Source to extend, edit or upscale"),
    "video_mode": Parameter("string", "What to do with it", ("reference", "edit", "extend")),
    "video_urls": Parameter("array", "Reference videos", items="string"),
    "audio_urls": Parameter("array", "Reference sounds", items="string"),
    "audio_url": Parameter("string", "Driving sound"),
    "keep_audio": Parameter("boolean", "Keep the sound of the source"),
    "input_mode": Parameter("string", "Continuation", ("start_video",)),
    "audio_enable": Parameter("boolean", "With sound"),
    "tier": Parameter("string", "Tier", ("standard", "fast", "mini", "pro", "turbo", "max")),
    "video_size": Parameter(
        "string", "Size", ("auto", "480p", "720p", "768p", "1080p", "2K", "4k"), "auto"
    ),
    "file_name": Parameter("string", "A label"),
}

TOOLS: dict[str, tuple[str, Mapping[str, Parameter], tuple[str, ...]]] = {
    IMAGE_TOOL: ("Generate or edit images", IMAGE_PARAMETERS, ("query",)),
    VIDEO_TOOL: ("Generate or edit videos", VIDEO_PARAMETERS, ("query", "model")),
    "web_search": ("Search the web", {"q": Parameter("string", "What to look for")}, ("q",)),
}
"""Name, description, arguments, and which of them must be given."""


def problems(tool: str, arguments: JsonObject) -> Iterator[str]:
    """What is wrong with the arguments, the model's name apart; null means not given."""
    _, parameters, required = TOOLS[tool]
    for name in required:
        if arguments.get(name) in (None, ""):
            yield f"'{name}' is required"
    for name, parameter in parameters.items():
        value = arguments.get(name)
        if value in (None, "") or (name == "model" and isinstance(value, str)):
            continue
        if not parameter.accepts(value):
            allowed = f", one of {', '.join(parameter.enum)}" if parameter.enum else ""
            yield f"'{name}' must be of type {parameter.type}{allowed}"


def tool_listing() -> JsonObject:
    """Body of ``GET /api/tool_cli/tools``, which has no envelope."""
    return {
        "tools": [
            {
                "name": name,
                "description": description,
                "requires_project": False,
                "parameters": {
                    "type": "object",
                    "properties": {key: value.as_json() for key, value in parameters.items()},
                    "required": list(required),
                },
                "cli": {"group": "media" if name != "web_search" else "web"},
            }
            for name, (description, parameters, required) in TOOLS.items()
        ],
        "features": {},
    }
