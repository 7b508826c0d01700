"""Tool calls in the text of a model that has no other way to make them.

``ToolText`` reads an answer as it arrives. What is text goes out at once; what may be a call is
held back until it is known. Whatever the pieces an answer arrives in, the outcome is the same, and
each character is looked at a fixed number of times.
"""

from typing import Final

from proxy.core.wishes import ToolUse
from proxy.wire.tool_candidates import LIMIT, Candidate
from proxy.wire.tool_prose import Prose
from proxy.wire.tool_reading import Called, Piece, Said, Spoiled, Tools

__all__ = ["LIMIT", "Called", "Piece", "Said", "Spoiled", "ToolText"]

_WHITE: Final = " \t\r\n"
# Readers hand back what they did not need; short slices keep that cheap, however large a read is.
_SLICE: Final = 4096
LONGEST_GAP: Final = 4096


class ToolText:
    """``feed`` and ``close`` return what is certain: text, calls, and calls that went wrong.

    White space beside a call is dropped; without any call, texts and spoiled calls joined are the
    answer as it came. ``use.parallel`` and text after a call are the caller's business.
    """

    def __init__(self, use: ToolUse) -> None:
        self._tools = Tools(use.tools)
        self._prose = Prose()
        self._candidate: Candidate | None = None
        self._outlet = _Outlet()

    def feed(self, text: str) -> list[Piece]:
        """A further piece of the answer."""
        for start in range(0, len(text), _SLICE):
            rest = text[start : start + _SLICE]
            while rest:
                rest = self._read(rest)
        return self._outlet.take()

    def close(self) -> list[Piece]:
        """The answer is over."""
        if self._candidate is not None:
            self._candidate.close()
            self._settle(self._candidate)
        self._outlet.say(self._prose.close())
        self._outlet.end()
        return self._outlet.take()

    def _read(self, text: str) -> str:
        """Read some of the text and return the rest."""
        if self._candidate is None:
            said, opening, rest = self._prose.feed(text)
            self._outlet.say(said)
            if opening is not None:
                self._candidate = Candidate(
                    opening.read, opening.closers, self._tools, firm=opening.firm
                )
            return rest
        left = self._candidate.feed(text)
        if left is None:
            return ""
        self._settle(self._candidate)
        return left

    def _settle(self, candidate: Candidate) -> None:
        self._candidate = None
        calls = candidate.calls()
        if calls is None:
            raw = candidate.raw
            self._outlet.say(raw)
            self._prose.skip(raw, candidate.open_fence)
        else:
            self._outlet.put(calls)
            self._prose.restart()


class _Outlet:
    """Joins text, and decides about white space: beside a call it is dropped."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._texts: list[str] = []
        self._gap: list[str] = []
        self._gap_size = 0
        self._is_after_call = False

    def say(self, text: str) -> None:
        """Text; white space at its end waits for what comes."""
        if self._is_after_call:
            text = text.lstrip(_WHITE)
        if not text:
            return
        self._is_after_call = False
        body = text.rstrip(_WHITE)
        if body:
            self._texts += [*self._gap, body]
            self._gap.clear()
            self._gap_size = 0
        self._wait(text[len(body) :])

    def _wait(self, gap: str) -> None:
        self._gap.append(gap)
        self._gap_size += len(gap)
        if self._gap_size > LONGEST_GAP:
            # No gap beside a call is this long: from here on it is part of the text.
            self._texts += self._gap
            self._gap.clear()

    def put(self, calls: list[Called | Spoiled]) -> None:
        """The outcome of one block."""
        is_call = any(isinstance(each, Called) for each in calls)
        if is_call:
            self._gap.clear()
        self._flush()
        self._pieces += calls
        self._is_after_call = is_call

    def end(self) -> None:
        """Nothing follows that the last white space could be beside."""
        self._flush()

    def take(self) -> list[Piece]:
        """All that is certain now."""
        self._join()
        pieces, self._pieces = self._pieces, []
        return pieces

    def _flush(self) -> None:
        self._texts += self._gap
        self._gap.clear()
        self._gap_size = 0
        self._join()

    def _join(self) -> None:
        text = "".join(self._texts)
        self._texts.clear()
        if text:
            self._pieces.append(Said(text))
