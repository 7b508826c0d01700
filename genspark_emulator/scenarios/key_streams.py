"""Streams and soft walls of the key chat route, by scenario name."""

from dataclasses import dataclass, field

from genspark_emulator import completion as part
from genspark_emulator.events import JsonObject
from genspark_emulator.reply import Headers

PRICING = "https://www.genspark.ai/pricing"
EXHAUSTED = f"Your Genspark credits have been exhausted. Top up at {PRICING} to continue."
FREE_PLAN = "Free-plan credits can't be used for API calls. Please upgrade your plan."
BANNED = "This account is not permitted to use the Genspark API. Please contact support."


@dataclass(frozen=True, slots=True)
class KeyStream:
    """How a completion is told.

    ``text`` replaces the answer (a refusal that looks like one), ``as_document`` answers a
    stream request with a whole JSON body, ``error_status`` is the status a non-stream request
    gets, ``forces_tools`` makes the model call tools whatever was asked.
    """

    parts: tuple[part.Chunks, ...]
    text: str | None = None
    headers: Headers = ()
    extra: JsonObject = field(default_factory=dict)
    as_document: bool = False
    error_status: int | None = None
    forces_tools: bool = False


_OPENING = (part.role, part.reasoning)
_SPOKEN = (*_OPENING, part.content, part.tools)
_CLOSING = (part.finish, part.usage, part.done)
_ANSWERED = (*_SPOKEN, *_CLOSING)

_FREE_PLAN_HEADERS = (("x-genspark-credit-wall", "free_plan_block"),)
_EXHAUSTED_HEADERS = (
    ("x-genspark-credit-wall", "credit_exhausted"),
    ("x-genspark-upgrade-url", PRICING),
)
_FREE_PLAN_CODE = {
    "x_genspark": {"code": "free_plan_block", "audience": "free", "signal_version": 1}
}

KEY_STREAMS: dict[str, KeyStream] = {
    "answered": KeyStream(_ANSWERED),
    "other_model": KeyStream(_ANSWERED),
    "json_instead_of_stream": KeyStream(_ANSWERED, as_document=True),
    "error_in_stream": KeyStream((part.role, part.error), error_status=500),
    "error_in_stream_mid": KeyStream((*_OPENING, part.first_content, part.error), error_status=500),
    "no_done": KeyStream(_SPOKEN),
    "empty_stream": KeyStream((part.role,), text=""),
    "two_tool_fragments_in_one_chunk": KeyStream(
        (*_OPENING, part.content, part.paired_tools, *_CLOSING), forces_tools=True
    ),
    "soft_wall_free_plan": KeyStream(
        _ANSWERED,
        text=FREE_PLAN,
        headers=_FREE_PLAN_HEADERS,
        extra=_FREE_PLAN_CODE,
        as_document=True,
    ),
    "soft_wall_free_plan_text": KeyStream(_ANSWERED, text=FREE_PLAN),
    "soft_wall_header": KeyStream(_ANSWERED, text="Please top up.", headers=_EXHAUSTED_HEADERS),
    "soft_wall_exhausted_text": KeyStream(_ANSWERED, text=EXHAUSTED),
    "soft_wall_exhausted_json": KeyStream(_ANSWERED, text=EXHAUSTED, as_document=True),
    "soft_wall_banned": KeyStream(_ANSWERED, text=BANNED),
}
"""Soft walls: HTTP 200 refusals that look like answers (observed 2026-08 and 2026-09)."""

OTHER_KEY_MODEL = "claude-opus-4-7"
SPARE_FUNCTIONS: tuple[JsonObject, ...] = (
    {"name": "get_weather", "parameters": {"type": "object", "required": ["city"]}},
    {"name": "get_time", "parameters": {"type": "object", "required": ["zone"]}},
)
"""Called by a scenario that forces tools when the request offers none."""
