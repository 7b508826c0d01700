"""Streams of the legacy chat route, by scenario name."""

from genspark_emulator import legacy_frames as legacy
from genspark_emulator.cookie_frames import project_start
from genspark_emulator.scenarios.cookie_streams import error_frame
from genspark_emulator.scenarios.failures import FAILURES
from genspark_emulator.scenarios.fates import FATES
from genspark_emulator.turn import Part, Stream

_OPENING: Stream = (project_start, legacy.thinking)

_BREAKDOWNS: dict[str, Part] = {
    **{name: legacy.ended_by(failure) for name, failure in FAILURES.items()},
    "error_frame": error_frame,
}

LEGACY_STREAMS: dict[str, Stream] = {
    "answered": (*_OPENING, legacy.answer_deltas, legacy.result),
    "legacy_field_value": (*_OPENING, legacy.answer_field, legacy.result),
    "legacy_detail_answer": (*_OPENING, legacy.detail_deltas, legacy.result),
    "legacy_detail_json": (*_OPENING, legacy.detail_result),
    "legacy_markmap": (*_OPENING, legacy.markmap_deltas, legacy.result),
    "legacy_layers": (*_OPENING, legacy.layer_deltas, legacy.answer_deltas, legacy.result),
    "answerthink": (project_start, legacy.always_thinking, legacy.answer_deltas, legacy.result),
    "no_deltas": (project_start, legacy.result),
    "no_terminator": (*_OPENING, legacy.answer_deltas),
    "empty_stream": (project_start,),
    **{name: (project_start, breakdown) for name, breakdown in _BREAKDOWNS.items()},
    **{
        f"{name}_mid": (project_start, legacy.first_answer_deltas, breakdown)
        for name, breakdown in _BREAKDOWNS.items()
    },
}
"""What the endpoint answered before it was retired; frames as of 2026-02-27."""

LEGACY_MEDIA_STREAMS: dict[str, Stream] = {
    **dict.fromkeys(("answered", *FATES), (project_start, legacy.generated)),
    "no_task": (project_start, legacy.result),
    "empty_stream": (project_start,),
    **{name: (project_start, breakdown) for name, breakdown in _BREAKDOWNS.items()},
}
"""The same for ``COPILOT_MOA_IMAGE`` and ``COPILOT_MOA_VIDEO``."""
