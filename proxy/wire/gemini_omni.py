"""Gemini Omni's videos over the Interactions API: bodies, and interactions as they are told.

Sources: google-genai 3.4, Google's page on Omni (2026-09), public clients (2026-07 … 2026-10). A
clip comes as an address or, whatever was asked for, as base64 inside the answer.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from proxy.core.media import MediaAsk, TaskReport, TaskState, Terms, Use
from proxy.core.sizes import AUTO
from proxy.wire.google_errors import error_of, reason_of
from proxy.wire.json_values import child, list_at, text_at
from proxy.wire.provider import Picture

PATH: Final = "/v1beta/interactions"

# "audio": it cannot but make sound. "reference_mode": the uses of the inputs say it.
TAKES: Final = frozenset(
    {"audio", "resolution", "last_frame", "references", "reference_mode", "video_mode"}
)
"""Optional terms that can be said. Seed, negative prompt and silence have no field."""

_ID: Final = re.compile(r"[\w.=~-]{1,500}", re.ASCII)
_LONGEST_URL: Final = 8192
_MOST_STEPS: Final = 64

_ORDER: Final = (Use.FIRST_FRAME, Use.LAST_FRAME, Use.REFERENCE, Use.VIDEO)
_KINDS: Final = dict.fromkeys(_ORDER[:3], "image") | {Use.VIDEO: "video"}
_FRAMES: Final = {Use.FIRST_FRAME: "<FIRST_FRAME>", Use.LAST_FRAME: "<LAST_FRAME>"}
_MODES: Final = {"edit": "edit", "extend": "extend", "reference": "reference_to_video"}

_ENDED_WITHOUT: Final = frozenset({"failed", "cancelled", "incomplete", "budget_exceeded"})
_NO_MODEL_WORDS: Final = frozenset({"user_input", "thought"})
_BLOCKED: Final = re.compile(r"safety|prohibited|blocklist|policy|spii", re.IGNORECASE)


def body(ask: MediaAsk, model: str, inputs: Sequence[Picture]) -> bytes:
    """The request. ``background`` gives the id at once instead of after the generation, and needs
    ``store``; masks have no field and are left out.
    """
    given = [picture for use in _ORDER for picture in inputs if picture.use is use]
    terms = ask.terms
    prompt = _prompt(terms, [picture.use for picture in given])
    task = _task(terms, {picture.use for picture in given})
    parts = [
        {"type": _KINDS[each.use], "data": each.data, "mime_type": each.mime} for each in given
    ]
    config = {"generation_config": {"video_config": {"task": task}}} if task else {}
    return msgspec.json.encode(
        {
            "model": model,
            "input": [*parts, {"type": "text", "text": prompt}] if parts else prompt,
            "response_format": _format(terms),
            **config,
            "background": True,
            "store": True,
        }
    )


def _format(terms: Terms) -> dict[str, str]:
    """Clips beyond 4 MB have to come as an address, so it is always asked for."""
    said = {
        "aspect_ratio": None if terms.ratio == AUTO else terms.ratio,
        "resolution": terms.resolution,
        # A protobuf Duration: a bare number is refused.
        "duration": None if terms.seconds is None else f"{terms.seconds:g}s",
    }
    given = {name: value for name, value in said.items() if value is not None}
    return {"type": "video", "delivery": "uri", **given}


def _task(terms: Terms, uses: set[Use]) -> str | None:
    """What is to be done, where the inputs leave no doubt; else the model infers it."""
    mode = terms.vendor.get("video_mode")
    if isinstance(mode, str) and mode in _MODES:
        return _MODES[mode]
    if not uses:
        return "text_to_video"
    if uses <= _FRAMES.keys():
        return "image_to_video"
    return "reference_to_video" if uses == {Use.REFERENCE} else None


def _prompt(terms: Terms, uses: list[Use]) -> str:
    """The prompt with the roles of the inputs: tags at its beginning, as Google's page has them.
    Roles that the caller declared are left alone.
    """
    prompt = terms.prompt
    if not uses or "[#" in prompt:
        return prompt
    if all(use in _FRAMES for use in uses):
        tags = [_FRAMES[use] for use in uses if _FRAMES[use] not in prompt]
        return " ".join([*tags, prompt])
    return " ".join([*_declared(uses, terms.vendor.get("video_mode")), prompt])


def _declared(uses: list[Use], mode: Any) -> Iterator[str]:
    """``[# Sources <FIRST_FRAME>@Image1] [# References <IMAGE_REF_0>@Image2]``."""
    images = [use for use in uses if use is not Use.VIDEO]
    roles = {
        "Sources": [f"{_FRAMES[u]}@Image{n}" for n, u in enumerate(images, 1) if u in _FRAMES],
        "References": [
            f"<IMAGE_REF_{k}>@Image{n}"
            for k, n in enumerate(n for n, u in enumerate(images, 1) if u is Use.REFERENCE)
        ],
    }
    films = range(uses.count(Use.VIDEO))
    if mode == "edit":
        roles["Sources"] += [f"<VIDEO_{k}>@Video{k + 1}" for k in films]
    elif mode == "reference":
        roles["References"] += [f"<VIDEO_REF_{k}>@Video{k + 1}" for k in films]
    return (f"[# {role} {' '.join(found)}]" for role, found in roles.items() if found)


def task_id_of(interaction: Any) -> str:
    """``interactions/<id>``, or '' when there is none that fits into a path."""
    found = text_at(interaction, "id").removeprefix("interactions/")
    return f"interactions/{found}" if _ID.fullmatch(found) else ""


def read(interaction: Any, task_id: str) -> TaskReport:
    """An interaction. A status that is not known means that it still runs."""
    status, clips = text_at(interaction, "status"), media(interaction)
    state = TaskState.PENDING
    if status == "completed":
        state = TaskState.DONE if clips else TaskState.FAILED
    elif status in _ENDED_WITHOUT:
        state = TaskState.FAILED
    return TaskReport(
        task_id=task_id,
        state=state,
        urls=tuple(_urls(clips)) if state is TaskState.DONE else (),
        reason=_reason(interaction, status) if state is TaskState.FAILED else "",
        model=text_at(interaction, "model")[:200],
    )


def media(interaction: Any) -> list[dict[str, Any]]:
    """The clips, each with a ``uri`` or ``data``: of the steps, of the SDK's short cut, or of the
    schema before May 2026.
    """
    return next(
        (found for parts in _places(interaction) if (found := [p for p in parts if _is_clip(p)])),
        [],
    )


def _places(interaction: Any) -> Iterator[list[Any]]:
    yield _said(interaction)
    yield [child(interaction, "output_video")]
    yield list_at(interaction, "outputs")[:_MOST_STEPS]


def _said(interaction: Any) -> list[Any]:
    """What the model put out, not what it was given or thought."""
    steps = list_at(interaction, "steps")[:_MOST_STEPS]
    return [
        part
        for step in steps
        if text_at(step, "type") not in _NO_MODEL_WORDS
        for part in list_at(step, "content")[:_MOST_STEPS]
    ]


def _is_clip(part: Any) -> bool:
    if text_at(part, "type") != "video" and not text_at(part, "mime_type").startswith("video/"):
        return False
    return bool(text_at(part, "data")) or _is_address(text_at(part, "uri"))


def _is_address(uri: str) -> bool:
    return uri.startswith(("https://", "http://", "files/")) and len(uri) <= _LONGEST_URL


def _urls(clips: Iterable[dict[str, Any]]) -> Iterator[str]:
    for number, clip in enumerate(clips):
        uri = text_at(clip, "uri")
        yield uri if _is_address(uri) else f"inline:{number}"


def _reason(interaction: Any, status: str) -> str:
    """Why there is no clip. Words alone are the model's refusal."""
    faults = [*list_at(interaction, "errors"), error_of(interaction)]
    faults += [child(step, "error") for step in list_at(interaction, "steps")[:_MOST_STEPS]]
    told = "; ".join(filter(None, (text_at(fault, "message") for fault in faults)))
    codes = " ".join(text_at(fault, "code") for fault in faults)
    if told:
        return reason_of(told, filtered=_BLOCKED.search(codes) is not None)
    words = " ".join(text for part in _said(interaction) if (text := text_at(part, "text")))
    if status == "completed" and words:
        return reason_of(words, filtered=True)
    return reason_of(words) or f"Google ended it as '{status[:40]}', without a video."
