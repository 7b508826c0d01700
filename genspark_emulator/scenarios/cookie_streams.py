"""Streams of the cookie chat route, by scenario name."""

from collections.abc import Iterator

from genspark_emulator import cookie_frames as part
from genspark_emulator.events import Frame
from genspark_emulator.scenarios.failures import FAILURES
from genspark_emulator.turn import Part, Stream, Turn

LIMIT_FIELD = "session_state.session_limit_message"
ERROR_TEXT = "The model provider reported an error."

_OPENING: Stream = (part.project_start, part.search_result, part.message_start)
_CLOSING: Stream = (part.full_field, part.nested_result, part.finished)
_TITLED: Stream = (*_OPENING, part.title, part.thinking)


def window_limit(turn: Turn) -> Iterator[Frame]:
    """A rolling window is used up; the reset time is an epoch inside the text."""
    yield part.project_field(LIMIT_FIELD, _limit_text(turn))


def window_limit_object(turn: Turn) -> Iterator[Frame]:
    """The same text inside an object."""
    yield part.project_field(LIMIT_FIELD, {"value": _limit_text(turn)})


def _limit_text(turn: Turn) -> str:
    return f"{turn.product} [5-hour limit] reached. Resets {{time:{turn.epoch}}}"


def window_warning(_turn: Turn) -> Iterator[Frame]:
    """A warning only; the answer follows."""
    yield part.project_field(LIMIT_FIELD, "Approaching 5-hour limit.")


def error_frame(_turn: Turn) -> Iterator[Frame]:
    """An explicit error."""
    yield {"type": "error", "message": ERROR_TEXT}


def error_frame_nested(_turn: Turn) -> Iterator[Frame]:
    """An explicit error whose text is inside an ``error`` object."""
    yield {"type": "error", "error": {"message": ERROR_TEXT}}


BREAKDOWNS: dict[str, tuple[Part, ...]] = {
    **{name: (part.ended_by(result), part.finished) for name, result in FAILURES.items()},
    "window_limit": (window_limit, part.finished),
    "window_limit_object": (window_limit_object, part.finished),
    "error_frame": (error_frame,),
    "error_frame_nested": (error_frame_nested,),
}
"""Ways a stream ends badly after a normal beginning, also on the media agents."""

COOKIE_STREAMS: dict[str, Stream] = {
    "answered": (*_TITLED, part.deltas, *_CLOSING),
    "flat_result": (*_TITLED, part.deltas, part.full_field, part.flat_result, part.finished),
    "duplicate_full_field": (
        *_TITLED,
        part.deltas,
        part.full_field,
        part.full_field,
        part.nested_result,
        part.full_field,
        part.finished,
    ),
    "no_deltas": (*_TITLED, part.nested_result, part.finished),
    "finished_only": (*_TITLED, part.deltas, part.full_field, part.finished),
    "no_terminator": (*_TITLED, part.deltas),
    "tool_frames": (*_TITLED, part.tool_arguments, part.tool_message, part.deltas, *_CLOSING),
    "notifications": (*_TITLED, part.deltas_with_notifications, *_CLOSING),
    "unknown_frames": (*_TITLED, part.deltas_among_unknown, *_CLOSING),
    "reasoning_fields": (*_TITLED, part.opaque_reasoning, part.deltas, *_CLOSING),
    "answerthink": (*_OPENING, part.title, part.always_thinking, part.deltas, *_CLOSING),
    "set_cookie": (*_TITLED, part.deltas, *_CLOSING),
    "huge_result": (*_TITLED, part.deltas, part.full_field, part.huge_result, part.finished),
    "other_model": (
        *_TITLED,
        part.deltas,
        part.full_field,
        part.result_of_other_model,
        part.finished,
    ),
    "search_sources": (
        part.project_start,
        part.sources,
        part.message_start,
        part.title,
        part.thinking,
        part.deltas,
        *_CLOSING,
    ),
    "window_warning": (*_TITLED, window_warning, part.deltas, *_CLOSING),
    "empty_stream": _OPENING,
    "no_frames": (),
    "empty_content": (*_OPENING, part.empty_result, part.finished),
    "canned_apology_streamed": (
        *_OPENING,
        part.apology_delta,
        part.ended_by(FAILURES["canned_apology"]),
        part.finished,
    ),
    **{name: (*_OPENING, *parts) for name, parts in BREAKDOWNS.items()},
    **{f"{name}_mid": (*_OPENING, part.first_deltas, *parts) for name, parts in BREAKDOWNS.items()},
}
