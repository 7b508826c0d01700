"""Read ``Terms``: what a generation shall be like, by every name that a known client gives it.

Sources: Genspark's own tool fields (observed 2026-09) and web agents (2026-10), OpenAI's Videos
and Images, APIMart, new-api, Genspark2API. Genspark's fields count in ``metadata`` too, which is
the only way through gateways that keep to OpenAI's names.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from proxy.core.ask import InvalidRequest
from proxy.core.media import Terms
from proxy.core.products import Product
from proxy.wire.media_checks import (
    box,
    camera,
    choice,
    flag,
    link,
    links,
    number,
    text,
    whole,
    word,
    wrong,
)
from proxy.wire.media_form import Check, Fields, Form
from proxy.wire.openai_request import read_model

MAX_PROMPT: Final = 32_000
MAX_SECONDS: Final = 3600.0
MAX_INPUTS: Final = 16
MAX_SEED: Final = 2**32 - 1

_LINKS: Final = links(MAX_INPUTS)

VENDOR_FIELDS: Final[Mapping[Product, Mapping[str, Check[Any]]]] = {
    Product.VIDEO: {
        "reference_mode": flag,
        "video_mode": choice("reference", "edit", "extend"),
        "video_urls": _LINKS,
        "audio_url": link,
        "audio_urls": _LINKS,
        "keep_audio": flag,
        "input_mode": choice("start_video"),
        "file_name": text(200),
        "character_orientation": word,
        "seed": whole(0, MAX_SEED),
        "person_generation": word,
        "resize_mode": choice("pad", "crop"),
    },
    Product.IMAGE: {
        "seed": whole(0, MAX_SEED),
        "bbox": box,
        "camera_control": camera,
        "style": text(200),
        "quality": text(200),
    },
}
"""Fields of single providers that ``Terms`` has no place for, with their types."""

_OPTIONS: Final = frozenset(
    {
        "aspect_ratio", "resolution", "size", "negative_prompt", "auto_prompt", "enhance_prompt",
        "tier", "image_urls",
    }
)  # fmt: skip
_VIDEO_OPTIONS: Final = frozenset(
    {
        "duration", "seconds", "video_size", "audio", "generate_audio", "audio_enable",
        "video_url", "first_frame_image", "last_frame_image", "last_frame",
    }
)  # fmt: skip
_NESTED: Final = {
    Product.VIDEO: _OPTIONS | _VIDEO_OPTIONS | VENDOR_FIELDS[Product.VIDEO].keys(),
    Product.IMAGE: _OPTIONS | {"image_size"} | VENDOR_FIELDS[Product.IMAGE].keys(),
}

_UNUSED: Final = {
    Product.VIDEO: (
        "fps", "user", "safety_identifier", "quality",
        "style", "response_format", "mode",
    ),
    Product.IMAGE: (
        "user", "safety_identifier", "background", "moderation",
        "output_compression", "partial_images", "input_fidelity",
    ),
}  # fmt: skip
# These ask for what happens anyway.
_NO_WISH: Final = ("auto", "url")

_RATIO: Final = re.compile(r"[1-9]\d{0,3}:[1-9]\d{0,3}", re.ASCII)
_RESOLUTION: Final = re.compile(r"\d{3,4}p|\d(?:\.\d)?k", re.ASCII)
_SIZE: Final = re.compile(r"([1-9]\d{1,4})[x*×]([1-9]\d{1,4})", re.ASCII)


def form_of(fields: Fields, product: Product) -> Form:
    """The fields, with the product's own names also looked up in ``metadata``."""
    return Form(fields, _NESTED[product])


def read_terms(form: Form, product: Product, default_model: str) -> Terms:
    """The terms of a form that holds its ``prompt`` and, maybe, its ``model``."""
    named = form.find("model")
    model = read_model({"model": named[1]}) if named else default_model
    return terms_for(form, product, model, read_prompt(form))


def read_prompt(form: Form) -> str:
    """The required prompt, unchanged."""
    prompt = form.read(text(MAX_PROMPT), "prompt")
    if prompt is None:
        raise InvalidRequest(
            "'prompt' must not be empty.", param="prompt", code="missing_required_parameter"
        )
    return prompt


def terms_for(form: Form, product: Product, model: str, prompt: str) -> Terms:
    """The terms when model and prompt are known from elsewhere."""
    shape = (form.read(_size, "size") or {}) | _shaped(form)
    video = product is Product.VIDEO
    return Terms(
        product=product,
        model=model,
        prompt=prompt,
        ratio=shape.get("ratio"),
        resolution=shape.get("resolution"),
        size=shape.get("size"),
        seconds=form.read(number(0, MAX_SECONDS), "seconds", "duration") if video else None,
        negative_prompt=form.read(text(MAX_PROMPT), "negative_prompt"),
        rewrite_prompt=form.read(flag, "auto_prompt", "enhance_prompt"),
        audio=form.read(flag, "audio", "generate_audio", "audio_enable") if video else None,
        tier=form.read(word, "tier"),
        vendor=_vendor(form, product),
        unused=_unused(form, product),
    )


def _shaped(form: Form) -> dict[str, str]:
    """Ratio and resolution by their own fields, which count before what ``size`` says."""
    ratio = form.read(_ratio, "aspect_ratio")
    resolution = form.read(_resolution, "resolution", "video_size", "image_size")
    said = {"ratio": ratio, "resolution": resolution}
    return {name: value for name, value in said.items() if value}


def _ratio(value: Any, where: str) -> str:
    found = _folded(value)
    if found != "auto" and not _RATIO.fullmatch(found):
        raise wrong(where, "a ratio such as 16:9, or auto")
    return found


def _resolution(value: Any, where: str) -> str | None:
    found = _folded(value)
    if found != "auto" and not _RESOLUTION.fullmatch(found):
        raise wrong(where, "a resolution such as 720p or 2k, or auto")
    return None if found == "auto" else found


def _size(value: Any, where: str) -> dict[str, str]:
    """``size`` by what it looks like: APIMart's callers write ratios there, others 720p."""
    found = _folded(value)
    if found == "auto":
        return {}
    if pixels := _SIZE.fullmatch(found):
        return {"size": f"{pixels[1]}x{pixels[2]}"}
    for name, pattern in (("ratio", _RATIO), ("resolution", _RESOLUTION)):
        if pattern.fullmatch(found):
            return {name: found}
    raise wrong(where, "WIDTHxHEIGHT in pixels such as 1280x720, or auto")


def _folded(value: Any) -> str:
    return "".join(value.lower().split()) if isinstance(value, str) else ""


def _vendor(form: Form, product: Product) -> dict[str, Any]:
    checks = VENDOR_FIELDS[product]
    found = {name: form.read(check, name) for name, check in checks.items()}
    return {name: value for name, value in found.items() if value is not None}


def _unused(form: Form, product: Product) -> tuple[str, ...]:
    said = {name: form.find(name) for name in _UNUSED[product]}
    return tuple(name for name, found in said.items() if found and found[1] not in _NO_WISH)
