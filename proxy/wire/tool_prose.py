"""The text around calls: passed on at once, up to where a call may begin.

Code, quotations and thinking are for reading: ``<tool_call>`` in backticks or quotes, in a fence of
another language or inside ``<think>`` is text, and so is JSON in the middle of a line.
"""

import re
from typing import Final

from msgspec import Struct

from proxy.wire.tool_candidates import CLOSE_TAG, OPEN_TAG

MISTRAL_TAG: Final = "[TOOL_CALLS]"
# A fence opens within one line; a longer line that begins with backticks is no fence.
LONGEST_LINE: Final = 200
_CALL_LANGUAGES: Final = frozenset(
    {"", "json", "jsonc", "json5", "tool", "tool_call", "tool_calls", "tool_code", "function",
     "function_call", "xml", "text", "txt", "plaintext"}
)  # fmt: skip
_QUOTES: Final = frozenset("\"'`\\“”‘’«»「『„")
_THINKING: Final = {"<think>": "</think>", "<thinking>": "</thinking>"}

_BLANKS = re.compile(r"[ \t\r\n]*")
_REMARKABLE = re.compile(r"[<`\n]")
_FENCE = re.compile(r"(`{3,}|~{3,})([^`\n]*)\n")
_FENCE_BEGINNING = re.compile(r"`{1,2}|~{1,2}|(?:`{3,}|~{3,})[^`\n]*")
_FENCE_END = re.compile(r"[ \t]*(`+|~+)?[ \t\r]*")


class Opening(Struct, frozen=True):
    """Where a call may begin: what of it was read, and what must close it."""

    read: str
    closers: list[str]
    firm: bool = False


class Prose:
    """``feed`` returns text to pass on, then an opening and the rest behind it, if there is one."""

    def __init__(self) -> None:
        self._held = ""
        self._before = ""  # the last character before what is held
        self._at_start = True
        self._at_line_start = True
        self._ticks = 0  # how many backticks opened the code span that we are in
        self._run = 0  # backticks just seen, perhaps with more to come
        self._fence = ""
        self._thinking = ""

    def feed(self, text: str) -> tuple[str, Opening | None, str]:
        """Read on. Without an opening all is passed on, or held back for the next time."""
        text, self._held = self._held + text, ""
        at = 0
        while at < len(text):
            step = self._step(text, at)
            if step is None:
                break
            if isinstance(step, Opening):
                return self._cut(text, at, step)
            at = step
        if at:
            self._before = text[at - 1]
        self._held = text[at:]
        return text[:at], None, ""

    def close(self) -> str:
        """The answer is over: what was held back is text."""
        return self._held

    def skip(self, raw: str, open_fence: str) -> None:
        """A candidate was text after all; ``open_fence`` is the mark of the fence it has opened."""
        self.restart()
        self._before = raw[-1:]
        self._at_line_start = not raw.rpartition("\n")[2].strip(" \t\r") and "\n" in raw
        self._fence = open_fence

    def restart(self) -> None:
        """A call has ended; another may follow at once."""
        self._before, self._at_line_start, self._ticks, self._run = "", True, 0, 0

    def _cut(self, text: str, at: int, opening: Opening) -> tuple[str, Opening, str]:
        self._at_start = False
        return text[:at], opening, text[at + len(opening.read) :]

    def _step(self, text: str, at: int) -> int | Opening | None:
        """How far the text is clear, or what begins at ``at``; None when more must be seen."""
        if self._thinking:
            return self._through_thinking(text, at)
        if self._fence:
            return self._through_fence(text, at)
        if not self._at_line_start:
            return self._in_line(text, at)
        clear = _end(_BLANKS, text, at)
        return clear if clear > at else self._line(text, at)

    def _line(self, text: str, at: int) -> int | Opening | None:
        """The first mark of a line."""
        mark = text[at]
        if mark == "{":
            return Opening("", [])
        if mark == "[":
            if text.startswith(MISTRAL_TAG, at):
                return Opening(MISTRAL_TAG, [])
            return None if _may_become(MISTRAL_TAG, text, at) else Opening("", [])
        if mark in "`~":
            return self._fence_line(text, at)
        if mark == "<":
            return self._thought(text, at) if self._at_start else self._tag(text, at, firm=True)
        self._at_start = self._at_line_start = False
        return at

    def _thought(self, text: str, at: int) -> int | Opening | None:
        """The answer begins with a tag: perhaps it thinks aloud."""
        for tag, end in _THINKING.items():
            if text.startswith(tag, at):
                self._thinking = end
                self._at_start = False
                return at + len(tag)
            if _may_become(tag, text, at):
                return None
        return self._tag(text, at, firm=True)

    def _tag(self, text: str, at: int, *, firm: bool) -> int | Opening | None:
        if text.startswith(OPEN_TAG, at):
            return Opening(OPEN_TAG, [CLOSE_TAG], firm)
        if _may_become(OPEN_TAG, text, at):
            return None
        self._at_start = self._at_line_start = False
        return at + 1

    def _fence_line(self, text: str, at: int) -> int | Opening | None:
        line = text[at : at + LONGEST_LINE + 1]
        found = _FENCE.match(line)
        if found is None and len(line) <= LONGEST_LINE and _FENCE_BEGINNING.fullmatch(line):
            return None
        self._at_start = False
        if found is None:
            self._at_line_start = False
            return at
        language = next(iter(found[2].split()), "").lower()
        if language in _CALL_LANGUAGES:
            return Opening(found[0], [found[1]])
        self._fence = found[1]
        return at + found.end()

    def _in_line(self, text: str, at: int) -> int | Opening | None:
        """Up to the next mark that may matter."""
        if self._run and text[at] != "`":
            self._settle_ticks()
        found = _REMARKABLE.search(text, at)
        if found is None:
            return len(text)
        if found.start() > at:
            return found.start()
        if found[0] == "\n":
            self._at_line_start, self._ticks, self._run = True, 0, 0
        elif found[0] == "`":
            self._run += 1
        else:
            self._settle_ticks()
            before = text[at - 1] if at else self._before
            if not self._ticks and before not in _QUOTES:
                return self._tag(text, at, firm=False)
        return at + 1

    def _settle_ticks(self) -> None:
        """As many backticks as opened a code span close it; others inside it are code."""
        if self._run and self._ticks in (0, self._run):
            self._ticks = self._run - self._ticks
        self._run = 0

    def _through_fence(self, text: str, at: int) -> int | None:
        """Code of another kind, up to the line that closes it."""
        if self._at_line_start:
            found = _FENCE_END.match(text, at)
            end = found.end() if found else at
            if end - at <= LONGEST_LINE:
                if end == len(text):
                    return None
                if found and (found[1] or "").startswith(self._fence) and text[end] == "\n":
                    self._fence = ""
                    return end
        newline = text.find("\n", at)
        self._at_line_start = newline >= 0
        return newline + 1 if newline >= 0 else len(text)

    def _through_thinking(self, text: str, at: int) -> int | None:
        found = text.find(self._thinking, at)
        if found >= 0:
            at = found + len(self._thinking)
            self._thinking = ""
            self.restart()
            return at
        tail = text.rfind("<", max(at, len(text) - len(self._thinking) + 1))
        if tail < 0 or not _may_become(self._thinking, text, tail):
            return len(text)
        return tail if tail > at else None


def _may_become(tag: str, text: str, at: int) -> bool:
    """Whether the text ends inside what may be the tag."""
    return len(text) - at < len(tag) and tag.startswith(text[at:])


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
