"""Streams of the image and the video agent, by scenario name."""

from genspark_emulator import cookie_frames as part
from genspark_emulator import media_frames as media
from genspark_emulator.scenarios.cookie_streams import BREAKDOWNS, window_limit, window_warning
from genspark_emulator.scenarios.fates import FATES
from genspark_emulator.turn import Stream

_OPENING: Stream = (part.project_start, part.message_start, part.title, part.tool_arguments)
_ENDING: Stream = (part.deltas, part.full_field, part.nested_result, part.finished)
_ANSWERED: Stream = (*_OPENING, media.results, *_ENDING)

MEDIA_STREAMS: dict[str, Stream] = {
    **dict.fromkeys(("answered", "other_model", *FATES), _ANSWERED),
    "flat_result": (
        *_OPENING,
        media.results,
        part.deltas,
        part.full_field,
        part.flat_result,
        part.finished,
    ),
    "results_as_json_text": (*_OPENING, media.results_as_text, *_ENDING),
    "results_in_message_field": (*_OPENING, media.results_of_message, *_ENDING),
    "task_in_tool_message": (*_OPENING, media.ids_in_tool_message, *_ENDING),
    "task_in_substring": (*_OPENING, media.ids_in_substring, *_ENDING),
    "task_deep_inside": (*_OPENING, media.ids_deep_inside, *_ENDING),
    "duplicate_results": (
        *_OPENING,
        media.ids_in_tool_message,
        media.results,
        media.results,
        *_ENDING,
    ),
    "no_terminator": (*_OPENING, media.results),
    "no_task": (*_OPENING, *_ENDING),
    "empty_stream": _OPENING,
    "no_frames": (),
    "window_warning": (*_OPENING, window_warning, media.results, *_ENDING),
    "limit_with_task": (*_OPENING, window_limit, media.results, *_ENDING),
    **{name: (*_OPENING, *parts) for name, parts in BREAKDOWNS.items()},
    **{f"{name}_mid": (*_OPENING, media.results, *parts) for name, parts in BREAKDOWNS.items()},
}
"""``_mid`` is after the task was bought and told. A limit that comes with a task is only a
warning (seen 2026-09-29)."""


def buys(stream: Stream) -> bool:
    """Whether an ask that is answered like this has bought something."""
    return any(piece in media.CARRIERS for piece in stream)
