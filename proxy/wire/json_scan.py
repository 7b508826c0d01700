"""One JSON object or list at the head of a longer text: followed as it arrives, never re-read.

Only the structure is followed: where the value ends, or from where on it cannot be JSON any more.
Raw line breaks in strings are let through, as models write them; escapes are left to the decoder.
"""

import re
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

MAX_DEPTH: Final = 64
_LONGEST_WORD: Final = 400
_WATCHED_DEPTH: Final = 2
_LONGEST_WATCHED: Final = 80

_WHITE = re.compile(r"[ \t\r\n]*")
_IN_STRING = re.compile(r'[^"\\]+')
_WORD = re.compile(r"[-+.0-9A-Za-z]+")
_LITERAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null")

# Told each key, string and literal near the top: the depth (1 is inside the outermost brackets),
# whether it is a key, its beginning as written. False ends the scan: this is not what is sought.
Watch = Callable[[int, bool, str], bool]


class _Want(Enum):
    """What may come next, white space apart."""

    VALUE = auto()
    VALUE_OR_END = auto()
    KEY = auto()
    KEY_OR_END = auto()
    COLON = auto()
    COMMA_OR_END = auto()
    REST_OF_STRING = auto()
    ESCAPED = auto()
    REST_OF_WORD = auto()


class JsonScan:
    """Begins before the opening bracket. ``ended``: the value is whole; ``failed``: it is none."""

    __slots__ = ("_is_key", "_stack", "_token", "_want", "_watch", "ended", "failed")

    def __init__(self, watch: Watch | None = None) -> None:
        self.ended = False
        self.failed = False
        self._stack: list[str] = []
        self._want = _Want.VALUE
        self._is_key = False
        self._token: list[str] = []
        self._watch = watch

    def feed(self, text: str, at: int = 0) -> int:
        """Read on from ``at``; where reading stopped: behind the value, at what failed, or the end.

        May be called until ``ended`` or ``failed``.
        """
        while at < len(text) and not (self.ended or self.failed):
            if self._want is _Want.REST_OF_STRING:
                at = self._string(text, at)
            elif self._want is _Want.ESCAPED:
                self._note(text[at])
                self._want = _Want.REST_OF_STRING
                at += 1
            elif self._want is _Want.REST_OF_WORD:
                at = self._word(text, at)
            else:
                at = self._structure(text, at)
        return at

    def _string(self, text: str, at: int) -> int:
        run = _IN_STRING.match(text, at)
        if run is not None:
            self._note(run[0])
            return run.end()
        if text[at] == "\\":
            self._note("\\")
            self._want = _Want.ESCAPED
        else:
            self._want = _Want.COLON if self._is_key else _Want.COMMA_OR_END
            self.failed = not self._is_wanted()
        return at + 1

    def _word(self, text: str, at: int) -> int:
        run = _WORD.match(text, at)
        if run is not None:
            self._token.append(run[0])
            self.failed = sum(map(len, self._token)) > _LONGEST_WORD
            return run.end()
        self._want = _Want.COMMA_OR_END
        self.failed = not (_LITERAL.fullmatch("".join(self._token)) and self._is_wanted())
        return at

    def _structure(self, text: str, at: int) -> int:
        white = _WHITE.match(text, at)
        at = white.end() if white else at
        if at < len(text):
            self._mark(text[at])
            # The first character of a number or a literal is read again with the rest of it.
            at += 0 if self.failed or self._want is _Want.REST_OF_WORD else 1
        return at

    def _mark(self, mark: str) -> None:
        """One character between the strings and words."""
        want = self._want
        if want is _Want.COLON:
            self._want = _Want.VALUE
            self.failed = mark != ":"
        elif want is _Want.COMMA_OR_END and mark == ",":
            self._want = _Want.KEY if self._stack[-1] == "}" else _Want.VALUE
        elif want in _MAY_END and mark == self._stack[-1]:
            self._stack.pop()
            self._want = _Want.COMMA_OR_END
            self.ended = not self._stack
        elif want is _Want.KEY or want is _Want.KEY_OR_END:
            self._begin_string(mark, is_key=True)
        elif want is _Want.COMMA_OR_END:
            self.failed = True
        else:
            self._begin_value(mark)

    def _begin_value(self, mark: str) -> None:
        if mark in "{[":
            self._stack.append("}" if mark == "{" else "]")
            self._want = _Want.KEY_OR_END if mark == "{" else _Want.VALUE_OR_END
            self.failed = len(self._stack) > MAX_DEPTH
        elif mark in "-0123456789tfn":
            self._is_key = False
            self._token.clear()
            self._want = _Want.REST_OF_WORD
            self.failed = not self._stack
        else:
            self._begin_string(mark, is_key=False)

    def _begin_string(self, mark: str, *, is_key: bool) -> None:
        self._is_key = is_key
        self._token.clear()
        self._want = _Want.REST_OF_STRING
        self.failed = mark != '"' or not self._stack

    def _note(self, part: str) -> None:
        """Keep the beginning of a string that is watched."""
        if self._watch is not None and len(self._stack) <= _WATCHED_DEPTH:
            room = _LONGEST_WATCHED - sum(map(len, self._token))
            if room > 0:
                self._token.append(part[:room])

    def _is_wanted(self) -> bool:
        depth = len(self._stack)
        if self._watch is None or depth > _WATCHED_DEPTH:
            return True
        return self._watch(depth, self._is_key, "".join(self._token))


_MAY_END: Final = frozenset({_Want.VALUE_OR_END, _Want.KEY_OR_END, _Want.COMMA_OR_END})
