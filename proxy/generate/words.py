"""Times and sizes as people read them."""

from typing import Final

_UNITS: Final = ("kB", "MB", "GB", "TB")
_AGES: Final = ((86_400, "d"), (3600, "h"), (60, "m"))


def clock(seconds: float) -> str:
    """A duration as a stopwatch shows it: ``0:07``, ``2:53``, ``1:00:05``."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def age(seconds: float) -> str:
    """How long ago, in its largest unit: ``12s``, ``3m``, ``5h``, ``2d``."""
    for length, unit in _AGES:
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{int(max(0.0, seconds))}s"


def size(count: float) -> str:
    """Bytes in the unit that fits: ``512 bytes``, ``19.3 kB``, ``1.2 GB``."""
    if count < 1000:
        return f"{int(count)} bytes"
    for unit in _UNITS:
        count /= 1000
        if count < 999.95 or unit == _UNITS[-1]:
            break
    return f"{count:.1f} {unit}"


def took(elapsed: float, expected: float | None) -> str:
    """Time gone by, and what is usual: ``0:18 of about 3:00``."""
    if not expected:
        return clock(elapsed)
    if elapsed > expected:
        return f"{clock(elapsed)} (usually {clock(expected)})"
    return f"{clock(elapsed)} of about {clock(expected)}"
