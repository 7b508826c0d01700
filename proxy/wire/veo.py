"""Veo's ``predictLongRunning``: the body and the operation, at Vertex AI and at the Gemini API.

Google ended Veo at the Gemini API on 2026-10-22; gateways that mimic it go on. Sources:
google-genai 1.75 and 3.4, LiteLLM, new-api, Google's pages (2026).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec

from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.media import MediaAsk, TaskReport, TaskState, Terms, Use
from proxy.core.sizes import AUTO
from proxy.wire.google_errors import reason_of
from proxy.wire.json_values import child, list_at, number_at, object_at, text_at
from proxy.wire.media_types import read_base64
from proxy.wire.provider import Picture

# What 3.1 takes wherever it runs. "audio": it sounds by itself.
COMMON_TERMS: Final = frozenset({"audio", "resolution", "person_generation"})
# 3.1 Lite begins with a frame and knows nothing else.
BEYOND_LITE: Final = frozenset({"negative_prompt", "last_frame", "references", "reference_mode"})

# A clip of 8 s at 4K is said to stay far below; a reply is read up to this size anyway.
LARGEST: Final = 256 * 1024 * 1024
_LONGEST_URL: Final = 8192
_MOST_CLIPS: Final = 16
_NAME: Final = re.compile(r"(?:[\w.:@~-]+/)*operations/[\w.:@~-]+", re.ASCII)
_LONGEST_NAME: Final = 1000

_INSTANCE: Final = {Use.FIRST_FRAME: "image", Use.LAST_FRAME: "lastFrame", Use.VIDEO: "video"}
# APIMart's word, and that of Vertex AI's older pages.
_PEOPLE: Final = {"disallow": "dont_allow"}
# With these a clip of 3.1 always lasts eight seconds.
_ONE_LENGTH: Final = frozenset({"1080p", "4k"})
_ITS_LENGTH: Final = 8


def is_lite(model: str) -> bool:
    """Whether this is the small one, which takes less."""
    return "-lite-" in model


def terms_of(model: str) -> frozenset[str]:
    """The optional terms that both hosts know for this model."""
    return COMMON_TERMS if is_lite(model) else COMMON_TERMS | BEYOND_LITE


def body(ask: MediaAsk, inputs: Sequence[Picture], own: dict[str, Any]) -> bytes:
    """The request; ``own`` are the host's own parameters. Masks are left out.

    Raises ``UpstreamError`` (``BAD_REQUEST``) for combinations that Google is known to refuse.
    """
    _check(ask.terms, {picture.use for picture in inputs})
    parameters = _parameters(ask.terms) | own
    said = {name: value for name, value in parameters.items() if value is not None}
    return msgspec.json.encode(
        {"instances": [_instance(ask.terms.prompt, inputs)], "parameters": said}
    )


def _check(terms: Terms, uses: set[Use]) -> None:
    if Use.REFERENCE in uses and uses & _INSTANCE.keys():
        raise _refused("takes reference images or frames, not both")
    if Use.VIDEO in uses and uses & {Use.FIRST_FRAME, Use.LAST_FRAME}:
        raise _refused("takes a video or frames, not both")
    if terms.resolution in _ONE_LENGTH and terms.seconds not in (None, _ITS_LENGTH):
        raise _refused(f"makes {terms.resolution} in {_ITS_LENGTH} seconds only")


def _refused(why: str) -> UpstreamError:
    return UpstreamError(Failure(Kind.BAD_REQUEST, "not possible with Veo", told=f"Veo {why}."))


def _instance(prompt: str, inputs: Sequence[Picture]) -> dict[str, Any]:
    frames = {_INSTANCE[each.use]: _media(each) for each in inputs if each.use in _INSTANCE}
    references = [
        {"image": _media(each), "referenceType": "asset"}
        for each in inputs
        if each.use is Use.REFERENCE
    ]
    more = {"referenceImages": references} if references else {}
    return {"prompt": prompt, **frames, **more}


def _media(picture: Picture) -> dict[str, Any]:
    return {"bytesBase64Encoded": picture.data, "mimeType": picture.mime}


def _parameters(terms: Terms) -> dict[str, Any]:
    seconds, people = terms.seconds, terms.vendor.get("person_generation")
    whole = seconds is not None and float(seconds).is_integer()
    return {
        "aspectRatio": None if terms.ratio == AUTO else terms.ratio,
        # A number: the quoted one of Google's examples is refused.
        "durationSeconds": int(seconds) if whole and seconds is not None else seconds,
        "resolution": terms.resolution,
        "negativePrompt": terms.negative_prompt,
        "personGeneration": _PEOPLE.get(people, people) if isinstance(people, str) else None,
    }


def name_of(operation: Any) -> str:
    """The operation's full name, or '' when there is none that fits into a path."""
    name = text_at(operation, "name")
    return name if len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) else ""


def is_operation(body: Any) -> bool:
    """Whether a body tells of an operation at all: one that runs tells its name and no more."""
    return any(child(body, key) is not None for key in ("name", "done", "response"))


def read(operation: Any, task_id: str, link: Callable[[str], str | None]) -> TaskReport:
    """An operation: ``done`` is absent while it runs. ``link`` makes an address of what a result
    says of its place, or None.
    """
    if child(operation, "done") is not True:
        return TaskReport(task_id=task_id, state=TaskState.PENDING)
    urls = tuple(_urls(operation, link))
    error = object_at(operation, "error")
    if urls and not error:
        return TaskReport(task_id=task_id, state=TaskState.DONE, urls=urls)
    reason = _reason(operation, error)
    return TaskReport(task_id=task_id, state=TaskState.FAILED, reason=reason)


def _reason(operation: Any, error: dict[str, Any]) -> str:
    if error:
        return reason_of(text_at(error, "message")) or "Google gave no reason."
    answer = _answer(operation)
    listed = list_at(answer, "raiMediaFilteredReasons")
    told = " ".join(reason for reason in listed if isinstance(reason, str))
    if told or (number_at(answer, "raiMediaFilteredCount") or 0) > 0:
        return reason_of(told, filtered=True)
    return "The operation ended without a video."


def _answer(operation: Any) -> dict[str, Any]:
    response = object_at(operation, "response")
    return object_at(response, "generateVideoResponse") or response


def _clips(operation: Any) -> list[dict[str, Any]]:
    """What was made, in the Gemini API's form or in Vertex AI's; gateways mix them."""
    answer = _answer(operation)
    samples = list_at(answer, "generatedSamples") or list_at(answer, "videos")
    return [object_at(sample, "video") or object_at(sample) for sample in samples[:_MOST_CLIPS]]


def _urls(operation: Any, link: Callable[[str], str | None]) -> Iterator[str]:
    for number, clip in enumerate(_clips(operation)):
        place = text_at(clip, "gcsUri") or text_at(clip, "uri")
        address = link(place) if place and len(place) <= _LONGEST_URL else None
        if address is not None:
            yield address
        elif _encoded(clip):
            yield f"inline:{number}"


def _encoded(clip: dict[str, Any]) -> str:
    return text_at(clip, "bytesBase64Encoded") or text_at(clip, "encodedVideo")


def inline(operation: Any, number: int) -> bytes | None:
    """The clip that lies in the answer under this number."""
    clips = _clips(operation)
    if not 0 <= number < len(clips):
        return None
    try:
        return read_base64(_encoded(clips[number]), LARGEST) or None
    except ValueError:
        return None
