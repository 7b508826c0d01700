"""What is known of an image or video model: what it takes, and what it does not.

None always means: not known, so not checked. An empty list means: there is no choice.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from proxy.core.media import Use

EDIT: Final = "edit"


class Presence(StrEnum):
    """Whether an input must, may or must not be given."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    FORBIDDEN = "forbidden"


class Seconds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lengths a model makes: those in ``only``, and whole seconds from ``low`` to ``high``.

    With neither list nor range every length passes. ``default`` is asked for when the caller names
    no length; None then leaves the length to the upstream, as an edit keeps its source's.
    """

    only: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None
    default: float | None = None

    def allow(self, seconds: float) -> bool:
        """Whether this length can be asked for."""
        if seconds in self.only or not (self.only or self.high):
            return True
        if self.high is None or not float(seconds).is_integer():
            return False
        return (1 if self.low is None else self.low) <= seconds <= self.high


class Facts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model on one route. ``known`` is the date of the lists (YYYY-MM-DD, or YYYY-MM).

    ``references`` and ``videos`` are the most images given as references and videos it reads.
    ``image_or_video`` says that one of the two must be there. ``modes`` is what it does to a given
    video (``edit``, ``extend``, ``reference``, ``upscale``, ``lipsync``). ``audio`` is whether it
    sounds by itself, ``audio_choice`` whether that can be changed. ``terms`` names the optional
    terms that can be said at all, ``price`` is in US dollars per second of video or per image.

    The last three hold the facts that differ when references or a video are given, or in a tier.
    """

    known: str = ""
    ratios: tuple[str, ...] | None = None
    default_ratio: str | None = None
    seconds: Seconds | None = None
    resolutions: tuple[str, ...] | None = None
    tiers: tuple[str, ...] | None = None
    image: Presence | None = None
    video: Presence | None = None
    image_or_video: Presence | None = None
    references: int | None = None
    videos: int | None = None
    last_frame: bool | None = None
    modes: tuple[str, ...] | None = None
    terms: frozenset[str] | None = None
    price: float | None = None
    audio: bool | None = None
    audio_choice: bool | None = None
    with_references: "Facts | None" = None
    with_video: "Facts | None" = None
    at_tier: "dict[str, Facts]" = field(default_factory=dict)

    def under(self, tier: str | None, given: Collection[Use]) -> "Facts":
        """The facts that hold for this tier and these inputs."""
        facts = self
        for _, differing in self.circumstances(tier, given):
            known = {
                name: value
                for name in differing.__struct_fields__
                if (value := getattr(differing, name)) not in (None, "", {})
            }
            facts = replace(facts, **known)
        return facts

    def circumstances(self, tier: str | None, given: Collection[Use]) -> "list[tuple[str, Facts]]":
        """What makes a difference here, in the words of an error text, and which."""
        found = [
            (f"in the tier {tier}", self.at_tier.get(tier or "")),
            ("with reference images", self.with_references if Use.REFERENCE in given else None),
            ("with a given video", self.with_video if Use.VIDEO in given else None),
        ]
        return [(words, facts) for words, facts in found if facts is not None]


def remix_of(facts: Facts) -> bool:
    """Whether the model is known to edit a given video, as ``/v1/videos/{id}/remix`` needs."""
    return facts.video is not Presence.FORBIDDEN and EDIT in (facts.modes or ())
