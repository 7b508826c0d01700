"""The body of a request to Runway, made from a model's form and nothing else.

What a form has no field for is refused before anything is sent: nothing is dropped or bent to fit.
"""

from collections.abc import Sequence
from typing import Any, Final

from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.media import MediaAsk, Terms, Use
from proxy.core.products import Product
from proxy.core.sizes import AUTO, nearest_ratio
from proxy.wire.media_types import data_url, image_size
from proxy.wire.provider import Picture
from proxy.wire.runway_forms import FILM, FORMS, IMAGE, STILL, TEXT, Form

# A whole data URI must be shorter than this (Runway's page on inputs, 2026).
DATA_URI_LIMIT: Final = 5 * 1024 * 1024

_OPTIONS: Final = {
    "negative_prompt": "negativePrompt",
    "seed": "seed",
    "audio": "audio",
    "video_mode": "mode",
}
_POSITIONS: Final = {Use.FIRST_FRAME: "first", Use.LAST_FRAME: "last"}
_NAMES: Final = {
    Use.FIRST_FRAME: "first frame",
    Use.LAST_FRAME: "last frame",
    Use.REFERENCE: "reference images",
    Use.VIDEO: "video",
}
# The use of each input says it already.
_SAID_BY_INPUTS: Final = "reference_mode"


class Uploaded(Picture, frozen=True):
    """An input that lies at Runway already, under a ``runway://`` address."""

    uri: str


class _NoPlace(Exception):
    """The form has no place for something; the text goes on from the model's name."""


def request_of(ask: MediaAsk, model: str, inputs: Sequence[Picture]) -> tuple[str, dict[str, Any]]:
    """The endpoint and the body's fields. A mask has no field at any model and is left out.

    Raises ``UpstreamError``: ``MODEL_UNKNOWN``, or ``BAD_REQUEST`` with a text for the caller.
    """
    if model not in FORMS:
        raise UpstreamError(Failure(Kind.MODEL_UNKNOWN, "no form for this Runway model"))
    given = [picture for picture in inputs if picture.use is not Use.MASK]
    try:
        return _request(ask.terms, model, given)
    except _NoPlace as error:
        told = f"{model} {error}."
        raise UpstreamError(Failure(Kind.BAD_REQUEST, "no field for it", told=told)) from None


def _request(terms: Terms, model: str, given: list[Picture]) -> tuple[str, dict[str, Any]]:
    endpoint = _endpoint(terms.product, given)
    form = FORMS[model].get(endpoint)
    if form is None:
        raise _NoPlace(f"has no way from these inputs to a result ({endpoint})")
    fields = {
        "model": model,
        "promptText": _prompt(form, terms.prompt),
        **_media(form, given),
        **_shape(form, terms, given),
        **_length(form, terms.seconds),
        **_options(form, terms),
    }
    return endpoint, fields


def _endpoint(product: Product, given: list[Picture]) -> str:
    uses = {picture.use for picture in given}
    if product is Product.IMAGE:
        return STILL
    if Use.VIDEO in uses:
        return FILM
    return IMAGE if uses & _POSITIONS.keys() else TEXT


def _prompt(form: Form, prompt: str) -> str:
    units = len(prompt.encode("utf-16-le", "surrogatepass")) // 2
    if form.prompt and units > form.prompt:
        raise _NoPlace(f"takes a prompt of at most {form.prompt} UTF-16 units; it has {units}")
    return prompt


# Inputs.


def fits_inline(picture: Picture) -> bool:
    """Whether the input may travel inside the body."""
    encoded = len(f"data:{picture.mime};base64,") + (len(picture.data) + 2) // 3 * 4
    return isinstance(picture, Uploaded) or encoded < DATA_URI_LIMIT


def _uri(picture: Picture) -> str:
    if isinstance(picture, Uploaded):
        return picture.uri
    if not fits_inline(picture):
        # Base64 makes 4 bytes of 3.
        raise _NoPlace("takes inputs of at most 3.9 MB here; one has more")
    return data_url(picture.mime, picture.data)


def _media(form: Form, given: list[Picture]) -> dict[str, Any]:
    for picture in given:
        if picture.use not in form.inputs:
            raise _NoPlace(f"takes no {_NAMES[picture.use]} here")
    found = {use: [each for each in given if each.use is use] for use in form.inputs}
    for use in (*_POSITIONS, Use.VIDEO):
        if len(found.get(use, [])) > 1:
            raise _NoPlace(f"takes one {_NAMES[use]}")
    fields = _frames([each for each in given if each.use in _POSITIONS])
    if references := found.get(Use.REFERENCE):
        fields[form.inputs[Use.REFERENCE]] = [{"uri": _uri(each)} for each in references]
    if films := found.get(Use.VIDEO):
        fields[form.inputs[Use.VIDEO]] = _uri(films[0])
    return fields


def _frames(frames: list[Picture]) -> dict[str, Any]:
    """A first frame alone is a plain string; with a last one each names its position."""
    if not frames:
        return {}
    if all(frame.use is Use.LAST_FRAME for frame in frames):
        raise _NoPlace("needs a first frame beside the last one")
    if len(frames) == 1:
        return {"promptImage": _uri(frames[0])}
    return {"promptImage": [{"uri": _uri(f), "position": _POSITIONS[f.use]} for f in frames]}


# The shape of the result.


def _shape(form: Form, terms: Terms, given: list[Picture]) -> dict[str, str]:
    said = terms.resolution
    if said is not None and said not in form.lines and said not in form.sizes:
        raise _NoPlace(f"has no resolution {said} here")
    words = form.sizes.get(said or "") or form.sizes.get("") or _usual(form)
    word = _word(form, words, terms, given)
    return {
        **({"resolution": said} if said is not None and form.lines else {}),
        **({form.shape: word} if word else {}),
    }


def _usual(form: Form) -> dict[str, str]:
    return next(iter(form.sizes.values()), {})


def _word(form: Form, words: dict[str, str], terms: Terms, given: list[Picture]) -> str | None:
    asked = terms.ratio
    if asked not in (None, AUTO):
        return _asked_word(form, asked, words, given)
    if given and AUTO in words:
        return words[AUTO]
    must = form.needs_shape or (terms.resolution is not None and not form.lines)
    return _nearest(form, words, given) or (next(iter(words.values()), None) if must else None)


def _asked_word(form: Form, asked: str, words: dict[str, str], given: list[Picture]) -> str | None:
    """None where the result keeps an input's shape without a word, and that is the one asked."""
    if asked in words:
        return words[asked]
    size = _pattern_size(form, given) if not words or AUTO in words else None
    if size is None or nearest_ratio(*size, [asked]) is None:
        raise _NoPlace(f"has no ratio {asked} here")
    return words.get(AUTO)


def _nearest(form: Form, words: dict[str, str], given: list[Picture]) -> str | None:
    """The word nearest to the input's shape: Runway crops what does not fit."""
    size = _pattern_size(form, given)
    if size is None or not words:
        return None
    shape = size[0] / size[1]
    ratios = {ratio: _value(ratio) / shape for ratio in words}
    return words[min(ratios, key=lambda ratio: max(ratios[ratio], 1 / ratios[ratio]))]


def _pattern_size(form: Form, given: list[Picture]) -> tuple[int, int] | None:
    first = next((each for each in given if each.use is form.pattern), None)
    return image_size(first.data) if first is not None else None


def _value(ratio: str) -> float:
    width, height = ratio.split(":")
    return int(width) / int(height)


# Everything else.


def _length(form: Form, seconds: float | None) -> dict[str, int]:
    if seconds is None:
        return {}
    if not form.timed:
        raise _NoPlace("has no choice of length here")
    if not float(seconds).is_integer():
        raise _NoPlace(f"makes whole seconds; {seconds:g} was asked for")
    return {"duration": int(seconds)}


def _options(form: Form, terms: Terms) -> dict[str, Any]:
    said = {
        **terms.vendor,
        "negative_prompt": terms.negative_prompt,
        "audio": terms.audio,
        "rewrite_prompt": terms.rewrite_prompt,
        "tier": terms.tier,
    }
    fields: dict[str, Any] = {}
    for name, value in said.items():
        if value is None or name == _SAID_BY_INPUTS or form.fixed.get(name) == value:
            continue
        if name not in form.options:
            raise _NoPlace(f"has nothing like '{name}' here")
        fields |= _option(name, value)
    return fields


def _option(name: str, value: Any) -> dict[str, Any]:
    if name == "rewrite_prompt":
        # "balanced" is what happens when nothing is said.
        return {"promptExpansionMode": "balanced" if value else "disabled"}
    if name == "keep_audio":
        return {"providerSettings": {"keepOriginalSound": value}}
    return {_OPTIONS[name]: value}


def takes(model: str, product: Product) -> frozenset[str]:
    """The optional terms that a model can be told at one endpoint at least; see ``TAKES``."""
    forms = [
        form
        for endpoint, form in FORMS.get(model, {}).items()
        if (endpoint == STILL) is (product is Product.IMAGE)
    ]
    return frozenset[str]().union(*map(_taken, forms))


def _taken(form: Form) -> set[str]:
    names = set(form.options) | (form.fixed.keys() - {"audio"})
    if "audio" in form.fixed:
        names.add("audio" if form.fixed["audio"] else "audio_off")
    if "audio" in form.options:
        names.add("audio_off")
    if form.lines or form.sizes.keys() - {""}:
        names.add("resolution")
    if Use.LAST_FRAME in form.inputs:
        names.add("last_frame")
    if Use.REFERENCE in form.inputs:
        names |= {"references", _SAID_BY_INPUTS}
    return names


TAKES: Final = frozenset[str]().union(
    *(takes(model, product) for model in FORMS for product in (Product.IMAGE, Product.VIDEO))
)
"""All optional terms that some model can be told."""
