"""Read a request for a video from any of the doors: fields in, a ``MediaWish`` out.

Unknown fields are ignored, null and blank ones are absent. All functions raise ``InvalidRequest``
and nothing else, whatever the fields hold.
"""

from typing import Final

from proxy.core.media import MediaWish
from proxy.core.products import Product
from proxy.wire.media_checks import choice, flag, whole
from proxy.wire.media_form import Fields, Form
from proxy.wire.media_inputs import video_inputs
from proxy.wire.media_terms import form_of, read_prompt, read_terms

MAX_VIDEOS: Final = 4
_COUNT: Final = whole(1, MAX_VIDEOS)
_SIDE: Final = whole(16, 16_384)
# Kling's words for its tiers, which new-api calls modes.
_TIER_OF_MODE: Final = {"std": "standard", "standard": "standard", "pro": "pro"}


def read_videos(fields: Fields, default_model: str) -> MediaWish:
    """OpenAI's ``POST /v1/videos``, with the extras that other clients of it send."""
    return _wish(form_of(fields, Product.VIDEO), default_model)


def read_generations(fields: Fields, default_model: str) -> MediaWish:
    """``POST /v1/videos/generations`` as Genspark2API and APIMart document it."""
    form = form_of(fields, Product.VIDEO)
    form.read(choice("url"), "response_format")
    return _wish(form, default_model, form.read(_COUNT, "sample_count", "n"))


def read_video_generations(fields: Fields, default_model: str) -> MediaWish:
    """new-api's ``POST /v1/video/generations``, old fields and new."""
    form = form_of(_without_habits(fields), Product.VIDEO)
    return _wish(form, default_model, form.read(_COUNT, "n", "sample_count"))


def read_remix(fields: Fields) -> str:
    """The prompt of ``POST /v1/videos/{id}/remix``."""
    return read_prompt(form_of(fields, Product.VIDEO))


def wants_async(fields: Fields, prefer_header: str | None) -> bool:
    """Whether the caller wants a task id at once: ``async``, else ``Prefer: respond-async``."""
    said = Form({"async": fields.get("async")}).read(flag, "async")
    if said is not None:
        return said
    wishes = (wish.partition(";")[0].strip().lower() for wish in (prefer_header or "").split(","))
    return "respond-async" in wishes


def _wish(form: Form, default_model: str, count: int | None = None) -> MediaWish:
    return MediaWish(
        terms=read_terms(form, Product.VIDEO, default_model),
        given=video_inputs(form),
        count=count or 1,
        metadata=form.metadata,
    )


def _without_habits(fields: Fields) -> Fields:
    """``width`` with ``height`` as ``size``, and ``mode`` as ``tier``, where those are not said."""
    form = form_of(fields, Product.VIDEO)
    width, height = form.read(_SIDE, "width"), form.read(_SIDE, "height")
    habits: Fields = {}
    if width and height and form.find("size") is None:
        habits["size"] = f"{width}x{height}"
    mode = form.find("mode")
    tier = _TIER_OF_MODE.get(mode[1]) if mode and isinstance(mode[1], str) else None
    if tier and form.find("tier") is None:
        habits |= {"tier": tier, "mode": None}
    return fields | habits
