"""Read a request for images as OpenAI's Images API has it: fields in, an ``ImageWish`` out.

Unknown fields are ignored, null and blank ones are absent. All functions raise ``InvalidRequest``
and nothing else, whatever the fields hold.
"""

from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from proxy.core.ask import InvalidRequest
from proxy.core.media import Given, MediaWish, Terms, Use
from proxy.core.products import Product
from proxy.wire.media_checks import choice, flag, whole, wrong
from proxy.wire.media_form import Fields, Form
from proxy.wire.media_inputs import image_inputs
from proxy.wire.media_terms import form_of, read_terms

MAX_IMAGES: Final = 10
MAX_SIDE: Final = 3840
MAX_SHAPE: Final = 3

AnswerForm = Literal["url", "b64_json"]

# OpenAI's words, old and new; any other word, and all in ``metadata``, is meant for the upstream.
_OPENAI_WORDS: Final = {
    "style": ("vivid", "natural"),
    "quality": ("auto", "low", "medium", "high", "xhigh", "max", "standard", "hd"),
}


class ImageWish(Struct, frozen=True):
    """A validated request for images, and how the caller wants to be given them.

    ``output_format`` is the file type asked for (``jpeg``, ``png``, …); None: whatever comes.
    """

    wish: MediaWish
    answer: AnswerForm
    output_format: str | None = None


def read_generation(fields: Fields, default_model: str) -> ImageWish:
    """``POST /v1/images/generations``; pictures, an extra of ours, are references."""
    form = form_of(fields, Product.IMAGE)
    return _read(form, default_model, image_inputs(form))


def read_edit(fields: Fields, default_model: str) -> ImageWish:
    """``POST /v1/images/edits``, multipart or JSON: at least one picture, and maybe a mask."""
    form = form_of(fields, Product.IMAGE)
    given = image_inputs(form)
    if all(each.use is Use.MASK for each in given):
        raise InvalidRequest(
            "'image' must hold at least one picture: a file, a URL, a data URL or base64.",
            param="image",
            code="missing_required_parameter",
        )
    return _read(form, default_model, given)


def _read(form: Form, default_model: str, given: tuple[Given, ...]) -> ImageWish:
    if form.read(flag, "stream"):
        raise InvalidRequest(
            "Images are not streamed; leave 'stream' out.", param="stream", code="unsupported_value"
        )
    terms = _without_openais(form, read_terms(form, Product.IMAGE, default_model))
    if terms.size:
        _check_size(terms.size)
    wish = MediaWish(
        terms=terms,
        given=given,
        count=form.read(whole(1, MAX_IMAGES), "n") or 1,
        metadata=form.metadata,
    )
    return ImageWish(
        wish,
        form.read(_answer, "response_format") or _usual_answer(terms.model),
        form.read(_file_type, "output_format"),
    )


def _without_openais(form: Form, terms: Terms) -> Terms:
    """``style`` and ``quality`` in OpenAI's words are accepted, and no upstream's."""
    named = {name: form.find(name) for name in _OPENAI_WORDS}
    openais = [name for name, found in named.items() if found in _openais(name)]
    vendor = {name: value for name, value in terms.vendor.items() if name not in openais}
    unused = [name for name in openais if terms.vendor[name] != "auto"]
    return msgspec.structs.replace(terms, vendor=vendor, unused=(*terms.unused, *unused))


def _openais(name: str) -> list[tuple[str, str]]:
    return [(name, word) for word in _OPENAI_WORDS[name]]


def _check_size(size: str) -> None:
    """OpenAI's rule of 2026, without its multiples of 16: the upstream picks the pixels itself."""
    short, long = sorted(int(side) for side in size.split("x"))
    if long > MAX_SIDE or long > MAX_SHAPE * short:
        raise wrong(
            "size",
            f"auto, or WIDTHxHEIGHT of at most {MAX_SIDE} pixels a side"
            f" and no slimmer than 1:{MAX_SHAPE}",
        )


def _answer(value: Any, where: str) -> AnswerForm:
    return "url" if choice("url", "b64_json")(value, where) == "url" else "b64_json"


def _usual_answer(model: str) -> AnswerForm:
    """What OpenAI gives to callers that do not say: its GPT image models know no links."""
    return "b64_json" if model.lower().startswith("gpt-image") else "url"


def _file_type(value: Any, where: str) -> str:
    found = choice("png", "jpeg", "jpg", "webp", "gif", "svg")(value, where)
    return "jpeg" if found == "jpg" else found
