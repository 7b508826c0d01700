"""How long a foreign regular expression may take at worst, judged before it is run.

Python's engine backtracks, so its steps are bounded by the product of the choices that the pattern
leaves open: how often each quantifier repeats, which branch is taken, where the match begins. Only
a plain part of the language is judged; everything else costs infinity.
"""

import math
from typing import Final

LONGEST_PATTERN: Final = 256
MAX_GROUPS_DEEP: Final = 8
_COUNTED_ESCAPES: Final = {"x": 2, "u": 4}
_LETTER_ESCAPES: Final = frozenset("dDwWsSbBnrtfv")
# Python warns about these inside a class, as they may mean something else one day.
_AMBIGUOUS_IN_CLASS: Final = ("[", "--", "&&", "~~", "||")


class _Unjudged(Exception):
    """The pattern uses something whose cost is not known here."""


def worst_steps(pattern: str, length: int) -> float:
    """An upper bound on the steps of ``re.search`` in a text of ``length`` characters."""
    if not 0 < len(pattern) <= LONGEST_PATTERN:
        return math.inf if pattern else 1.0
    reader = _Reader(pattern, length)
    try:
        steps = reader.choice(0)
    except _Unjudged:
        return math.inf
    if reader.at < len(pattern):
        return math.inf
    # "^*" and "^{0}" are no anchors, nor is the "^" of one branch among several.
    anchored = pattern[0] == "^" and pattern[1:2] not in "*+?{" and "|" not in pattern
    return steps if anchored else steps * (length + 1)


class _Reader:
    """Recursive descent; each method reads its part and returns how many ways it can match."""

    def __init__(self, pattern: str, length: int) -> None:
        self.at = 0
        self._pattern = pattern
        self._length = length

    def choice(self, depth: int) -> float:
        """Branches divided by ``|``, up to a closing bracket or the end."""
        if depth > MAX_GROUPS_DEEP:
            raise _Unjudged
        ways = self._sequence(depth)
        while self._take("|"):
            ways += self._sequence(depth)
        return ways

    def _sequence(self, depth: int) -> float:
        ways = 1.0
        while self.at < len(self._pattern) and self._pattern[self.at] not in "|)":
            ways *= self._repeated(self._atom(depth))
        return ways

    def _atom(self, depth: int) -> float:
        if self._take("("):
            if self._take("?") and not self._take(":"):
                raise _Unjudged
            ways = self.choice(depth + 1)
            if not self._take(")"):
                raise _Unjudged
            return ways
        if self._take("["):
            self._class()
        elif self._take("\\"):
            self._escape()
        elif self._pattern[self.at] in "*+?{":
            raise _Unjudged
        else:
            self.at += 1
        return 1.0

    def _escape(self) -> None:
        letter = self._pattern[self.at : self.at + 1]
        if not letter or (letter.isalnum() and letter not in _LETTER_ESCAPES | {*_COUNTED_ESCAPES}):
            raise _Unjudged
        self.at += 1 + _COUNTED_ESCAPES.get(letter, 0)

    def _class(self) -> None:
        start = self.at
        self._take("^")
        first = True
        while first or not self._take("]"):
            first = False
            if self.at >= len(self._pattern):
                raise _Unjudged
            if self._take("\\"):
                self._escape()
            else:
                self.at += 1
        if any(odd in self._pattern[start : self.at] for odd in _AMBIGUOUS_IN_CLASS):
            raise _Unjudged

    def _repeated(self, ways: float) -> float:
        bounds = self._quantifier()
        if bounds is None:
            return ways
        self._take("?")  # a lazy quantifier has the same choices, in another order
        least, most = bounds
        if most < least:
            raise _Unjudged
        if ways == 1:
            return min(most, max(self._length, least)) - least + 1
        if most > self._length:
            return math.inf
        return _sum_of_powers(ways, least, int(most))

    def _quantifier(self) -> tuple[int, float] | None:
        for mark, bounds in (("*", (0, math.inf)), ("+", (1, math.inf)), ("?", (0, 1.0))):
            if self._take(mark):
                return bounds
        if not self._take("{"):
            return None
        least, comma, most = self._until("}").partition(",")
        if not least.isdecimal() or (most and not most.isdecimal()) or len(least + most) > 8:
            raise _Unjudged
        if not comma:
            return int(least), int(least)
        return int(least), int(most) if most else math.inf

    def _until(self, end: str) -> str:
        found = self._pattern.find(end, self.at)
        if found < 0:
            raise _Unjudged
        text, self.at = self._pattern[self.at : found], found + 1
        return text

    def _take(self, mark: str) -> bool:
        found = self._pattern.startswith(mark, self.at)
        self.at += len(mark) if found else 0
        return found


def _sum_of_powers(base: float, first: int, last: int) -> float:
    """``base**first + … + base**last``; infinity once it is beyond any use."""
    if last * math.log(base) > 100:
        return math.inf
    return math.fsum(base**power for power in range(first, last + 1))
