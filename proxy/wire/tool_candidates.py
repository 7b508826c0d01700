"""A stretch of an answer that may turn out to be a call, from its opening to its verdict.

``<tool_call>`` or a fence or both around JSON values, or bare JSON. Between ``<tool_call>`` tags
everything is meant as a call; elsewhere only JSON with a call's own keys keeps the scan going.
"""

import re
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from proxy.wire.json_scan import JsonScan
from proxy.wire.tool_reading import CALL_KEYS, CALL_TYPES, Called, Spoiled, Tools

OPEN_TAG: Final = "<tool_call>"
CLOSE_TAG: Final = "</tool_call>"
# The most characters that are held back; whatever grows beyond them is text.
LIMIT: Final = 256 * 1024
_FENCE_IN_TAG = re.compile(r"(`{3,}|~{3,})[\w-]{0,20}[ \t\r]*")
_LONGEST_FENCE_LINE: Final = 40
_WHITE: Final = " \t\r\n"


class Verdict(Enum):
    """What a candidate was."""

    BLOCK = auto()  # whole; its JSON decides
    BROKEN = auto()  # meant as a call, but no JSON
    CUT_OFF = auto()  # meant as a call, but the answer ended
    TEXT = auto()


class Candidate:
    """``feed`` returns None until the verdict, then the rest that is not part of it.

    ``opening`` is what was read already. ``closers`` are the marks that must come after the JSON.
    ``firm``: the tag stands where a call stands, so that what follows it need not look like JSON.
    """

    def __init__(self, opening: str, closers: list[str], tools: Tools, *, firm: bool) -> None:
        self.verdict: Verdict | None = None
        self._tools = tools
        self._closers = closers
        self._is_marked = CLOSE_TAG in closers
        self._is_firm = firm
        self._raw = [opening]
        self._size = len(opening)
        self._scan: JsonScan | None = None
        self._starts: list[int] = []
        self._spans: list[tuple[int, int]] = []
        self._word = ""
        self._is_next_line = False
        self._state: Callable[[str, int], int] = self._before_value

    def feed(self, text: str) -> str | None:
        """Read on; each character is looked at once."""
        piece = text[: LIMIT - self._size]
        at = 0
        while at < len(piece) and self.verdict is None:
            at = self._state(piece, at)
        self._raw.append(piece[:at])
        self._size += at
        if self.verdict is None and self._size >= LIMIT:
            self.verdict = Verdict.TEXT
        return None if self.verdict is None else self._given_back() + text[at:]

    def close(self) -> None:
        """The answer is over; there is a verdict now."""
        if self._state == self._in_value:
            meant = self._is_marked or self._tools.names_one(self.raw[self._starts[-1] :])
            self.verdict = Verdict.CUT_OFF if meant else Verdict.TEXT
        elif self._state == self._to_close_tag:
            self.verdict = Verdict.BROKEN if self._starts else Verdict.TEXT
        elif self._spans:
            self.verdict = Verdict.BLOCK
        else:
            self.verdict = Verdict.CUT_OFF if self._is_firm else Verdict.TEXT

    @property
    def open_fence(self) -> str:
        """The mark that ends the fence which was opened first, '' when none is open."""
        return self._closers[0] if self._closers and self._closers[0] != CLOSE_TAG else ""

    @property
    def raw(self) -> str:
        """All that was read, as it came."""
        return "".join(self._raw)

    def calls(self) -> list[Called | Spoiled] | None:
        """What the candidate comes to; None when it is text."""
        raw = self.raw
        if self.verdict is Verdict.TEXT:
            return None
        if self.verdict is Verdict.CUT_OFF:
            return [Spoiled(raw, "it was cut off")]
        if self.verdict is Verdict.BROKEN:
            return [Spoiled(raw, "it is not valid JSON")]
        texts = [raw[start:end] for start, end in self._spans]
        read = self._tools.marked if self._is_marked else self._tools.unmarked
        return read(texts, raw)

    def _before_value(self, text: str, at: int) -> int:
        """A value must come, or one more wrapping of it."""
        mark = text[at]
        if mark in _WHITE:
            return at + 1
        if mark in "{[":
            return self._begin(mark, at)
        if mark in "`~" and self._closers[-1:] == [CLOSE_TAG]:
            self._state = self._fence_line
        elif mark == "<" and self._is_in_fence():
            self._state = self._inner_tag
        else:
            self._misfit()
        return at

    def _begin(self, bracket: str, at: int) -> int:
        self._starts.append(self._size + at)
        watch = None if self._is_marked else _Shape(bracket, self._tools).fits
        self._scan = JsonScan(watch)
        self._state = self._in_value
        return at

    def _in_value(self, text: str, at: int) -> int:
        assert self._scan is not None
        at = self._scan.feed(text, at)
        if self._scan.failed:
            self._misfit()
        elif self._scan.ended:
            self._spans.append((self._starts[-1], self._size + at))
            self._is_next_line = False
            self._state = self._after_value
        return at

    def _after_value(self, text: str, at: int) -> int:
        """Another value, what closes a wrapping, or the end."""
        mark = text[at]
        if mark == "\n" and not self._closers:
            self.verdict = Verdict.BLOCK
            return at
        if mark in _WHITE:
            self._is_next_line |= mark == "\n"
            return at + 1
        if mark in "{[":
            return self._begin(mark, at)
        if mark in ",;":
            self._state = self._before_value if self._closers else self._after_value
            return at + 1
        if self._is_marked and mark in "}]":
            return at + 1  # one bracket too many is a frequent slip, and harmless
        if self._closers and mark == self._closers[-1][0]:
            self._state = self._closing
        elif mark == "<" and self._is_in_fence():
            self._state = self._inner_tag
        else:
            self._misfit(may_end=self._is_next_line or mark == "<")
        return at

    def _closing(self, text: str, at: int) -> int:
        closer = self._closers[-1]
        if text[at] != closer[len(self._word)]:
            # Something else begins here; JSON that is whole needs no closing tag.
            self._misfit(may_end=closer == CLOSE_TAG)
            return at
        self._word += text[at]
        if self._word == closer:
            self._closers.pop()
            self._word = ""
            self._state = self._after_value
            self.verdict = None if self._closers else Verdict.BLOCK
        return at + 1

    def _inner_tag(self, text: str, at: int) -> int:
        """``<tool_call>`` inside a fence."""
        if text[at] != OPEN_TAG[len(self._word)]:
            self._misfit()
            return at
        self._word += text[at]
        if self._word == OPEN_TAG:
            self._wrap(CLOSE_TAG)
        return at + 1

    def _fence_line(self, text: str, at: int) -> int:
        """A fence inside ``<tool_call>``, up to its line end or the JSON."""
        if text[at] in "\n{[":
            fence = _FENCE_IN_TAG.fullmatch(self._word)
            self._wrap(fence[1]) if fence else self._misfit()
            return at
        self._word += text[at]
        if len(self._word) > _LONGEST_FENCE_LINE:
            self._misfit()
        return at + 1

    def _wrap(self, closer: str) -> None:
        self._word = ""
        self._closers.append(closer)
        self._state = self._before_value

    def _misfit(self, *, may_end: bool = False) -> None:
        """What comes cannot be part of a call."""
        if self._is_marked and self._spans and may_end:
            self.verdict = Verdict.BLOCK
        elif self._is_marked and (self._is_firm or self._starts):
            self._word = ""
            self._state = self._to_close_tag
        else:
            self.verdict = Verdict.TEXT

    def _to_close_tag(self, text: str, at: int) -> int:
        """Broken between its tags: all of it belongs together."""
        seen = self._word + text[at:]
        found = seen.find(CLOSE_TAG)
        if found < 0:
            self._word = seen[1 - len(CLOSE_TAG) :]
            return len(text)
        at += found + len(CLOSE_TAG) - len(self._word)
        self._word = ""
        self.verdict = Verdict.BROKEN
        return at

    def _given_back(self) -> str:
        """What was taken for a closing tag and is not: it belongs to what follows."""
        word, self._word = self._word, ""
        if not word or self.verdict is not Verdict.BLOCK:
            return ""
        self._raw = [self.raw[: -len(word)]]
        return word

    def _is_in_fence(self) -> bool:
        return bool(self._closers) and self._closers[-1] != CLOSE_TAG


class _Shape:
    """Whether JSON that nothing marks as a call still looks like one."""

    def __init__(self, bracket: str, tools: Tools) -> None:
        self._level = 1 if bracket == "{" else 2
        self._tools = tools
        self._key = ""

    def fits(self, depth: int, is_key: bool, text: str) -> bool:
        """Only the keys of a call, only the names of tools."""
        if depth != self._level:
            return depth > self._level
        if is_key:
            self._key = text
            return text in CALL_KEYS
        if self._key == "name":
            return self._tools.named(text) is not None
        if self._key == "type":
            return text in CALL_TYPES
        return bool(self._key)
