"""The body of a request to APIMart. What a model has no field for is refused before it is sent."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from msgspec import Struct

from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.media import MediaAsk, Terms, Use
from proxy.core.products import Product
from proxy.core.sizes import AUTO
from proxy.wire.media_types import image_size
from proxy.wire.provider import Picture


class Linked(Picture, frozen=True):
    """A picture that also lies at a public address, where APIMart can fetch it."""

    url: str


class _Form(Struct, frozen=True, kw_only=True):
    """``options``: the fields of optional terms, by our names. ``frames``: those of inputs."""

    options: Mapping[str, str]
    frames: Mapping[Use, str]


# Vendor's page of the official Veo models. ``enhance_prompt`` may only be true, as it is anyway;
# ``sample_count`` stays 1, as every result is a job of its own.
_VEO: Final = _Form(
    options={
        "negative_prompt": "negative_prompt",
        "seed": "seed",
        "audio": "generate_audio",
        "person_generation": "person_generation",
        "resize_mode": "resize_mode",
    },
    frames={Use.FIRST_FRAME: "first_frame_image", Use.LAST_FRAME: "last_frame_image"},
)
_FORMS: Final = {"veo3.1-fast-official": _VEO, "veo3.1-quality-official": _VEO}

_RESOLUTIONS: Final = {"4k": "4K"}
# Google's words for what APIMart calls otherwise.
_PEOPLE: Final = {"dont_allow": "disallow", "disallow": "disallow", "allow_adult": "allow_adult"}


def takes(model: str, product: Product) -> frozenset[str]:
    """The optional terms that a model can be told."""
    form = _FORMS.get(model)
    if form is None or product is not Product.VIDEO:
        return frozenset()
    return frozenset({*form.options, "audio_off", "resolution", "last_frame"})


TAKES: Final = frozenset[str]().union(*(takes(model, Product.VIDEO) for model in _FORMS))
"""All optional terms that some model can be told."""


def fields_of(ask: MediaAsk, model: str, inputs: Sequence[Picture]) -> dict[str, Any]:
    """The body. Raises ``UpstreamError``: ``MODEL_UNKNOWN``, or ``BAD_REQUEST`` with a text for
    the caller.
    """
    terms, form = ask.terms, _FORMS.get(model)
    if form is None or terms.product is not Product.VIDEO:
        raise UpstreamError(Failure(Kind.MODEL_UNKNOWN, "no form for this APIMart model"))
    said = {
        "model": model,
        "prompt": terms.prompt,
        "duration": _whole(terms.seconds),
        "aspect_ratio": _ratio(terms.ratio, inputs),
        "resolution": _RESOLUTIONS.get(terms.resolution or "", terms.resolution),
        **_options(form, terms),
        **_frames(form, inputs),
    }
    return {name: value for name, value in said.items() if value is not None}


def _refuse(told: str) -> NoReturn:
    raise UpstreamError(Failure(Kind.BAD_REQUEST, "no field for it", told=f"APIMart {told}."))


def _whole(seconds: float | None) -> int | None:
    """A number without quotes or fraction; anything else is an error there."""
    if seconds is not None and not float(seconds).is_integer():
        _refuse(f"makes whole seconds; {seconds:g} was asked for")
    return None if seconds is None else int(seconds)


def _ratio(asked: str | None, inputs: Sequence[Picture]) -> str | None:
    """Without a ratio a first frame keeps its orientation: the default would pad a portrait."""
    first = next((each for each in inputs if each.use is Use.FIRST_FRAME), None)
    if asked not in (None, AUTO) or first is None:
        return None if asked == AUTO else asked
    width, height = image_size(first.data) or (0, 0)
    return "9:16" if width < height else None


def _options(form: _Form, terms: Terms) -> dict[str, Any]:
    wishes = {
        **terms.vendor,
        "negative_prompt": terms.negative_prompt,
        "audio": terms.audio,
        "tier": terms.tier,
        "rewrite_prompt": terms.rewrite_prompt,
    }
    said = {name: value for name, value in wishes.items() if value is not None}
    for name in said:
        if name not in form.options:
            _refuse(f"has nothing like '{name}' here")
    if "person_generation" in said:
        said["person_generation"] = _people(said["person_generation"])
    return {form.options[name]: value for name, value in said.items()}


def _people(word: Any) -> str:
    if not isinstance(word, str) or word not in _PEOPLE:
        _refuse("takes the person_generation allow_adult and dont_allow here")
    return _PEOPLE[word]


def _frames(form: _Form, inputs: Sequence[Picture]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in inputs:
        name = form.frames.get(each.use)
        if name is None or name in found:
            _refuse("takes one first frame and one last frame, and no other inputs here")
        if not isinstance(each, Linked):
            _refuse("takes images by their public address alone, and these have none")
        found[name] = each.url
    if form.frames[Use.LAST_FRAME] in found and form.frames[Use.FIRST_FRAME] not in found:
        _refuse("needs a first frame beside a last one")
    return found
