"""Lossless or loud: what a provider cannot be told is refused by name, or dropped and listed."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from proxy.core.ask import InvalidRequest
from proxy.core.media import Terms, Use
from proxy.core.media_models import MediaCandidate

# A wish about the prompt's wording, not about the result: dropped without a refusal.
_SOFT: Final = "rewrite_prompt"


class Adapted(Struct, frozen=True):
    """A wish as one provider can be told it; ``dropped`` names what it cannot be told."""

    terms: Terms
    given: tuple[Use, ...]
    dropped: tuple[str, ...] = ()


def adapt(
    terms: Terms, given: Sequence[Use], candidate: MediaCandidate, *, lenient: bool
) -> Adapted:
    """The wish without what this candidate has no field for.

    ``lenient`` is LENIENT_PARAMS; without it a field that would be lost is an ``InvalidRequest``
    (400 ``unsupported_value``). What is unwanted goes into the prompt where it has no field.
    """
    takes = candidate.facts.terms
    if takes is None:
        return Adapted(terms, tuple(given))
    lost = [name for name in _said(terms) if name not in takes]
    if candidate.facts.last_frame is False and Use.LAST_FRAME in given:
        lost.append("last_frame")
    hard = [name for name in lost if name not in (_SOFT, "negative_prompt")]
    if hard and not lenient:
        raise InvalidRequest(
            f"{candidate.route.value}/{candidate.model} has nothing like '{_field(hard[0])}';"
            " leave it out, choose another model, or let the operator set LENIENT_PARAMS=1.",
            param=_field(hard[0]),
            code="unsupported_value",
        )
    kept = tuple(use for use in given if "last_frame" not in lost or use is not Use.LAST_FRAME)
    return Adapted(_without(terms, lost), kept, tuple(_field(name) for name in lost))


def _said(terms: Terms) -> list[str]:
    """The optional terms that the caller did say, by the names of ``Facts.terms``."""
    said = {
        "negative_prompt": terms.negative_prompt is not None,
        "audio": terms.audio is True,
        "audio_off": terms.audio is False,
        "tier": terms.tier is not None,
        _SOFT: terms.rewrite_prompt is not None,
    }
    return [name for name, there in said.items() if there] + sorted(terms.vendor)


def _field(name: str) -> str:
    """The name in the caller's words."""
    return {"audio": "generate_audio", "audio_off": "generate_audio", _SOFT: "auto_prompt"}.get(
        name, name
    )


def _without(terms: Terms, lost: list[str]) -> Terms:
    prompt = terms.prompt
    if "negative_prompt" in lost:
        unwanted = (terms.negative_prompt or "").strip().rstrip(".")
        prompt = f"{prompt}\n\nAvoid the following: {unwanted}." if unwanted else prompt
    silent = {"audio", "audio_off"} & set(lost)
    return replace(
        terms,
        prompt=prompt,
        negative_prompt=None if "negative_prompt" in lost else terms.negative_prompt,
        audio=None if silent else terms.audio,
        tier=None if "tier" in lost else terms.tier,
        rewrite_prompt=None if _SOFT in lost else terms.rewrite_prompt,
        vendor={name: value for name, value in terms.vendor.items() if name not in lost},
    )
