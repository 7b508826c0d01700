"""What a request asks of the mock upstream, said in its last user text."""

import re
from dataclasses import dataclass
from enum import StrEnum

TOKEN = "tok "
# A typo must not turn into an hour of load: the mock refuses to send more than this.
MAX_FRAMES = 20_000
SHORT_FRAMES = 4


class Kind(StrEnum):
    SHORT = "short"
    BURST = "burst"
    PACED = "paced"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Mode:
    """``frames`` text frames; ``period_ms`` apart when paced, held open when idle."""

    kind: Kind
    frames: int
    period_ms: int = 0

    @property
    def words(self) -> str:
        """The user text that asks the mock for this mode."""
        if self.kind is Kind.PACED:
            return f"paced:{self.frames}:{self.period_ms}"
        return f"burst:{self.frames}" if self.kind is Kind.BURST else str(self.kind)


SHORT = Mode(Kind.SHORT, SHORT_FRAMES)
IDLE = Mode(Kind.IDLE, 1)


def burst(frames: int) -> Mode:
    return Mode(Kind.BURST, frames)


def paced(frames: int, period_ms: int) -> Mode:
    return Mode(Kind.PACED, frames, period_ms)


# Searched in the raw body: the proxy decides where in its request the user text ends up.
_WORDS = re.compile(rb"burst:(\d{1,6})|paced:(\d{1,6}):(\d{1,5})|\bidle\b")


def asked_for(body: bytes) -> Mode:
    """The mode named last in a request body; a short answer when none is."""
    all_found = list(_WORDS.finditer(body))
    if not all_found:
        return SHORT
    found = all_found[-1]
    if found[1]:
        return burst(min(int(found[1]), MAX_FRAMES))
    if found[2]:
        return paced(min(int(found[2]), MAX_FRAMES), max(1, int(found[3])))
    return IDLE
