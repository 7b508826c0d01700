"""How a model's reasoning is shown, and how much of it a caller can ask for."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# OpenAI's ``reasoning_effort``, from the least to the most.
SCALE: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
# The one level that is not on the scale: some models can only be told to reason or not to.
THINKING: Final = "thinking"


class ReasoningStyle(StrEnum):
    """Where the caller finds the reasoning (``REASONING_STYLE``, ``REASONING_HIDE``)."""

    HIDE = "hide"
    FIELD = "field"
    THINK = "think"
    BOTH = "both"

    @property
    def in_field(self) -> bool:
        """Whether it stands in a field of its own, ``reasoning_content``."""
        return self in (ReasoningStyle.FIELD, ReasoningStyle.BOTH)

    @property
    def in_content(self) -> bool:
        """Whether it stands between ``<think>`` tags in front of the answer."""
        return self in (ReasoningStyle.THINK, ReasoningStyle.BOTH)


@dataclass(frozen=True, slots=True)
class EffortFamily:
    """Models that take the same levels; ``pattern`` fits a whole id in lower case."""

    pattern: re.Pattern[str]
    levels: tuple[str, ...]


def levels_of(model: str, families: Iterable[EffortFamily]) -> tuple[str, ...]:
    """The levels that the first fitting family takes; empty for a model nobody has described.

    A vendor's name in front (``openai/gpt-5.4``) does not matter.
    """
    bare = model.lower().rpartition("/")[2]
    return next((family.levels for family in families if family.pattern.fullmatch(bare)), ())


def effort_for(wanted: str, levels: Collection[str]) -> str:
    """The level to ask for: the nearest that the model takes, of two the lower.

    A word that is no level, and any word for a model without known ``levels``, stays as it is:
    the upstream judges it.
    """
    if not levels or wanted in levels:
        return wanted
    if THINKING in levels:
        return THINKING
    if wanted not in SCALE:
        return wanted
    place = SCALE.index(wanted)
    return min(levels, key=lambda level: (abs(SCALE.index(level) - place), SCALE.index(level)))
