"""Write requests to servers that speak OpenAI's Videos and Images.

What OpenAI's contract has a field for goes there. All else goes along under the names that this
project's own doors, LiteLLM and new-api read beside it: what a server is not told it cannot even
refuse.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.media import MediaAsk, Terms, Use
from proxy.core.products import Product
from proxy.core.sizes import nearest_ratio, read_size
from proxy.wire.media_terms import VENDOR_FIELDS
from proxy.wire.multipart_body import FilePart, multipart
from proxy.wire.provider import Call, Picture

# The contract's own default size has 720 lines.
USUAL_LINES: Final = 720

_OPTIONS: Final = frozenset(
    {"negative_prompt", "rewrite_prompt", "resolution", "references", "tier"}
)
_TAKES: Final = {
    Product.VIDEO: _OPTIONS
    | {"audio", "audio_off", "last_frame"}
    | VENDOR_FIELDS[Product.VIDEO].keys(),
    Product.IMAGE: _OPTIONS | {"mask"} | VENDOR_FIELDS[Product.IMAGE].keys(),
}
TAKES: Final = _TAKES[Product.VIDEO] | _TAKES[Product.IMAGE]
"""All optional terms that have a field."""

# The first frame has OpenAI's own field, but beside references it would count as one of them.
_FIELDS: Final = {
    Use.FIRST_FRAME: "input_reference",
    Use.LAST_FRAME: "last_frame",
    Use.REFERENCE: "images[]",
    Use.VIDEO: "video",
}
_BESIDE_REFERENCES: Final = {**_FIELDS, Use.FIRST_FRAME: "first_frame_image"}
_EDIT_FIELDS: Final = dict.fromkeys(Use, "image[]") | {Use.MASK: "mask"}

# OpenAI's GPT image models always answer with base64, and refuse to be asked for it.
_ALWAYS_BASE64: Final = ("gpt-image", "chatgpt-image")


def takes(model: str, product: Product) -> frozenset[str]:
    """The optional terms that have a field, whatever the model: which of them it heeds is for the
    server to say.
    """
    return frozenset(_TAKES.get(product, ()))


def video_call(ask: MediaAsk, model: str, inputs: Sequence[Picture]) -> Call:
    """``POST /videos``. A mask has no field there: it raises ``UpstreamError``."""
    terms, uses = ask.terms, [picture.use for picture in inputs]
    if Use.MASK in uses:
        told = "A mask cannot be given for a video."
        raise UpstreamError(Failure(Kind.BAD_REQUEST, "no field for it", told=told))
    fields = {
        "model": model,
        "prompt": terms.prompt,
        "seconds": None if terms.seconds is None else f"{terms.seconds:g}",
        **_shape(terms),
        **_common(terms),
        "generate_audio": terms.audio,
        **terms.vendor,
    }
    if Use.REFERENCE not in uses:
        return _form("/videos", fields, _files(inputs, _FIELDS))
    if Use.FIRST_FRAME not in uses:
        # A picture or two without a role are frames.
        fields["reference_mode"] = True
    return _form("/videos", fields, _files(inputs, _BESIDE_REFERENCES))


def image_call(ask: MediaAsk, model: str, inputs: Sequence[Picture]) -> Call:
    """``POST /images/generations``, or ``/images/edits`` where there are pictures."""
    terms = ask.terms
    fields = {
        "model": model,
        "prompt": terms.prompt,
        **_said_shape(terms),
        **_common(terms),
        **terms.vendor,
    }
    if not model.startswith(_ALWAYS_BASE64):
        fields["response_format"] = "b64_json"
    if inputs:
        return _form("/images/edits", fields, _files(inputs, _EDIT_FIELDS))
    said = {name: value for name, value in fields.items() if value is not None}
    return Call(method="POST", path="/images/generations", content=msgspec.json.encode(said))


def _form(path: str, fields: dict[str, Any], files: Iterable[FilePart]) -> Call:
    content, kind = multipart(fields, list(files))
    return Call(method="POST", path=path, content=content, headers={"Content-Type": kind})


def _files(inputs: Sequence[Picture], names: dict[Use, str]) -> Iterable[FilePart]:
    return (FilePart(names[each.use], each.use.value, each.mime, each.data) for each in inputs)


def _common(terms: Terms) -> dict[str, Any]:
    return {
        "negative_prompt": terms.negative_prompt,
        "enhance_prompt": terms.rewrite_prompt,
        "tier": terms.tier,
    }


# The shape of the result.


def _shape(terms: Terms) -> dict[str, str | None]:
    """A ratio is a ``size`` where the contract has one for it: every server knows that field."""
    lines = _lines(terms.resolution)
    if terms.size is None and lines is not None and (sides := _sides(terms.ratio)) is not None:
        unit = lines / min(sides)
        return {"size": "x".join(str(2 * round(side * unit / 2)) for side in sides)}
    return _said_shape(terms)


def _said_shape(terms: Terms) -> dict[str, str | None]:
    """As the caller said it. A ratio that only repeats the size says nothing more."""
    pixels = read_size(terms.size) if terms.size is not None else None
    repeats = pixels is not None and _repeats(terms.ratio, *pixels)
    return {
        "size": terms.size,
        "aspect_ratio": None if repeats else terms.ratio,
        "resolution": terms.resolution,
    }


def _repeats(ratio: str | None, width: int, height: int) -> bool:
    return ratio is not None and nearest_ratio(width, height, [ratio]) is not None


def _lines(resolution: str | None) -> int | None:
    if resolution is None:
        return USUAL_LINES
    number = resolution.removesuffix("p")
    return int(number) if number != resolution and number.isdecimal() and int(number) else None


def _sides(ratio: str | None) -> tuple[int, int] | None:
    width, _, height = (ratio or "").partition(":")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        return None
    return int(width), int(height)
