"""The pictures and the clip that come with a media request, and what each of them is for."""

from collections.abc import Sequence
from typing import Any, Final

from proxy.core.ask import InvalidRequest
from proxy.core.media import Given, Use
from proxy.wire.media_checks import clip, flag, several, source, wrong
from proxy.wire.media_form import Form
from proxy.wire.media_terms import MAX_INPUTS

Source = tuple[str | bytes, str]
"""An input as it came, and the field that held it."""

_PICTURES: Final = ("input_reference", "image", "image_url", "images", "image_urls")


def video_inputs(form: Form, names: Sequence[str] = _PICTURES) -> tuple[Given, ...]:
    """The inputs for a video; ``names`` are the fields of pictures without a role.

    One picture is the first frame, two are first and last; more are references: so does Genspark's
    tool read its ``image_urls`` (observed 2026-09). ``reference_mode`` makes references of all;
    frames that have a field of their own are what its name says.
    """
    first = _single(form, "first_frame_image")
    last = _single(form, "last_frame_image", "last_frame")
    references = form.read(flag, "reference_mode") is True
    opening = [content for content, _ in first]
    plain = [each for each in _pictures(form, names) if each[0] not in opening]
    free = () if first else (Use.FIRST_FRAME,) if last else (Use.FIRST_FRAME, Use.LAST_FRAME)
    found = [
        *_as(Use.FIRST_FRAME, first),
        *_for_uses(plain, () if references else free),
        *_as(Use.LAST_FRAME, last),
    ]
    if last and all(given.use is not Use.FIRST_FRAME for given in found):
        raise InvalidRequest(
            f"'{last[0][1]}' needs a first frame as well.", param="first_frame_image"
        )
    return _limited(found) + _as(Use.VIDEO, form.read(_one_clip, "video", "video_url"))


def image_inputs(form: Form, names: Sequence[str] = _PICTURES) -> tuple[Given, ...]:
    """All pictures as references, and the mask."""
    references = _as(Use.REFERENCE, _pictures(form, names))
    return _limited(references) + _as(Use.MASK, _single(form, "mask"))


def _for_uses(plain: list[Source], uses: tuple[Use, ...]) -> tuple[Given, ...]:
    if len(plain) > len(uses):
        return _as(Use.REFERENCE, plain)
    return tuple(Given(use, *each) for use, each in zip(uses, plain, strict=False))


def _pictures(form: Form, names: Sequence[str]) -> list[Source]:
    """The pictures that have no role of their own. Some clients send one under two names."""
    found: list[Source] = []
    for name in names:
        seen = {content for content, _ in found}
        found += [each for each in form.read(_sources, name) or () if each[0] not in seen]
    return found


def _single(form: Form, *names: str) -> list[Source]:
    return form.read(_one_source, *names) or []


def _one_source(value: Any, where: str) -> list[Source]:
    return [(source(*_only(value, where)), where)]


def _one_clip(value: Any, where: str) -> list[Source]:
    return [(clip(*_only(value, where)), where)]


def _only(value: Any, where: str) -> tuple[Any, str]:
    items = several(value, where)
    if len(items) != 1:
        raise wrong(where, "a single input")
    return items[0]


def _sources(value: Any, where: str) -> list[Source]:
    items = several(value, where)
    if len(items) > MAX_INPUTS:
        raise _too_many(where)
    return [(source(item, name), name) for item, name in items]


def _as(use: Use, sources: Sequence[Source] | None) -> tuple[Given, ...]:
    return tuple(Given(use, *each) for each in sources or ())


def _limited(found: Sequence[Given]) -> tuple[Given, ...]:
    if len(found) > MAX_INPUTS:
        raise _too_many(found[MAX_INPUTS].param)
    return tuple(found)


def _too_many(where: str) -> InvalidRequest:
    return InvalidRequest(f"At most {MAX_INPUTS} pictures can be given.", param=where)
