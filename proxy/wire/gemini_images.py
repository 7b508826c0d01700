"""Gemini's image models: ``generateContent`` answers with the picture itself.

Sources: google-genai 3.4, Google's page on image generation (2026-10).
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from proxy.core.failures import Failure, Kind
from proxy.core.media import MediaAsk, TaskReport, TaskState, Terms, Use
from proxy.core.sizes import AUTO
from proxy.wire.genspark_failures import Reply
from proxy.wire.google_errors import explanation
from proxy.wire.json_values import child, list_at, object_at, text_at
from proxy.wire.media_types import read_base64
from proxy.wire.provider import Created, Picture

TAKES: Final = frozenset({"resolution", "references"})
"""Optional terms that can be said. One call makes one picture."""

# A 4K picture has some ten megabytes.
LARGEST: Final = 64 * 1024 * 1024
_MOST_PARTS: Final = 64

_SIZES: Final = {"0.5k": "512", "1k": "1K", "2k": "2K", "4k": "4K"}

_REFUSALS: Final = frozenset(
    {
        "SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT", "BLOCKLIST",
        "SPII", "RECITATION", "IMAGE_RECITATION", "NO_IMAGE", "MODEL_ARMOR", "JAILBREAK",
        "ESCALATION",
    }
)  # fmt: skip
# An end in good order: words in place of a picture are the model's refusal.
_REGULAR: Final = frozenset({"", "STOP", "FINISH_REASON_UNSPECIFIED"})


def body(ask: MediaAsk, inputs: Sequence[Picture]) -> bytes:
    """The prompt and the pictures in the caller's order; masks have no field and are left out."""
    pictures = [
        {"inlineData": {"mimeType": picture.mime, "data": picture.data}}
        for picture in inputs
        if picture.use is not Use.MASK
    ]
    shape = _shape(ask.terms)
    return msgspec.json.encode(
        {
            "contents": [{"role": "user", "parts": [{"text": ask.terms.prompt}, *pictures]}],
            "generationConfig": {
                "responseModalities": ["TEXT", "IMAGE"],
                **({"imageConfig": shape} if shape else {}),
            },
        }
    )


def _shape(terms: Terms) -> dict[str, str]:
    size = _SIZES.get(terms.resolution or "", terms.resolution)
    said = {"aspectRatio": None if terms.ratio == AUTO else terms.ratio, "imageSize": size}
    return {name: value for name, value in said.items() if value is not None}


def read(reply: Reply) -> Created | Failure:
    """The picture of a 200, or why there is none."""
    answer = reply.json
    candidate = next(iter(list_at(answer, "candidates")), None)
    # Drafts of a thinking model are marked; the picture itself comes without the mark.
    parts = [
        part
        for part in list_at(candidate, "content", "parts")[:_MOST_PARTS]
        if child(part, "thought") is not True
    ]
    data = next((data for part in parts if (data := text_at(part, "inlineData", "data"))), "")
    if not data:
        return _refusal(answer, candidate, parts)
    try:
        picture = read_base64(data, LARGEST)
    except ValueError:
        return Failure(Kind.UNREADABLE, "the picture is no base64, or too large")
    report = TaskReport(
        task_id=f"responses/{text_at(answer, 'responseId')[:200]}",
        state=TaskState.DONE,
        model=text_at(answer, "modelVersion")[:200],
    )
    return Created(report, (picture,))


def _refusal(answer: Any, candidate: Any, parts: list[Any]) -> Failure:
    if not isinstance(candidate, dict) and not object_at(answer, "promptFeedback"):
        return Failure(Kind.UNREADABLE, "an answer without candidates")
    sign = text_at(answer, "promptFeedback", "blockReason") or text_at(candidate, "finishReason")
    words = " ".join(text for part in parts if (text := text_at(part, "text")))
    said = (
        text_at(answer, "promptFeedback", "blockReasonMessage")
        or text_at(candidate, "finishMessage")
        or words
    )
    blocked = bool(text_at(answer, "promptFeedback", "blockReason"))
    told = explanation(said) or f"Google ended it as '{sign[:40]}', without a picture."
    if blocked or sign in _REFUSALS or (sign in _REGULAR and words):
        return Failure(Kind.POLICY, f"no picture: {sign[:40] or 'words alone'}", told=told)
    return Failure(Kind.TASK_FAILED, f"no picture: {sign[:40]}", told=told)
