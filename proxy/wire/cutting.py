"""End a text where the caller wants it to end: at a stop sequence, or after so many tokens."""

from typing import Final

from proxy.core.tokens import count

# Counting what came since the last whole piece again and again costs; a longer piece is settled.
_SETTLED: Final = 200
# No token of the vocabulary is longer, in characters; spaces come close.
_LONGEST_TOKEN: Final = 128


class Cutter:
    """``feed`` returns what may go out. ``reason`` is set once the text has ended here, and
    ``stop`` too when a stop sequence was the end.

    A stop sequence is left out, as in OpenAI's answers; of several the one that is complete first
    counts. Tokens are our own estimate.
    """

    def __init__(self, stops: tuple[str, ...], limit: int | None) -> None:
        self._stops = stops
        self._longest = max(map(len, stops), default=0)
        self._left = limit
        self._piece = ""
        self._held = ""
        self.reason = ""
        self.stop = ""

    def feed(self, text: str) -> str:
        """The next piece, cut if its end is there; empty once ``reason`` is set."""
        if self.reason:
            return ""
        return self._within_limit(self._before_stop(text) if self._stops else text)

    def close(self) -> str:
        """What was held back as the possible beginning of a stop sequence."""
        held, self._held = self._held, ""
        return "" if self.reason else self._within_limit(held)

    def _before_stop(self, text: str) -> str:
        text, self._held = self._held + text, ""
        ends = [(at + len(stop), at, stop) for stop in self._stops if (at := text.find(stop)) >= 0]
        if ends:
            _, at, self.stop = min(ends)
            self.reason = "stop"
            return text[:at]
        kept = self._beginning_at_end(text)
        if kept:
            self._held = text[-kept:]
        return text[: len(text) - kept]

    def _beginning_at_end(self, text: str) -> int:
        """How many characters at the end may become a stop sequence."""
        for size in range(min(self._longest - 1, len(text)), 0, -1):
            if any(stop.startswith(text[-size:]) for stop in self._stops):
                return size
        return 0

    def _within_limit(self, text: str) -> str:
        if self._left is None or not text:
            return text
        used = count(self._piece + text)
        if used > self._left:
            # The text ends before a stop sequence that may have been found behind this.
            self.reason, self.stop = "length", ""
            return self._longest_that_fits(text)
        self._piece += text
        if len(self._piece) > _SETTLED:
            self._left -= used
            self._piece = ""
        return text

    def _longest_that_fits(self, text: str) -> str:
        assert self._left is not None
        low, high = 0, min(len(text), self._left * _LONGEST_TOKEN)
        while low < high:
            middle = (low + high + 1) // 2
            if count(self._piece + text[:middle]) <= self._left:
                low = middle
            else:
                high = middle - 1
        return text[:low]
