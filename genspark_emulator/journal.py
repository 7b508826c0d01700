"""The journal of calls: what reached the emulator and what became of it."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from genspark_emulator.calls import Call
from genspark_emulator.recaptcha_tokens import Verdict

KEPT_ENTRIES = 10_000
KEPT_BODY_BYTES = 64 * 1024 * 1024
"""Older entries are dropped beyond either limit, so that a benchmark does not fill memory."""


@dataclass(slots=True)
class Entry:
    """One call. ``status`` and ``ended`` stay None until headers and end were sent.

    ``recaptcha`` is what the captcha token of an ask was worth, ``project`` the conversation that
    an ask opened, continued or, refused or not, tried to continue; both are None on other calls.
    """

    n: int
    call: Call
    started: float = field(default_factory=time.time)
    status: int | None = None
    ended: float | None = None
    cancelled: bool = False
    bytes_sent: int = 0
    recaptcha: Verdict | None = None
    project: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The entry in the form of the control interface."""
        return {
            "n": self.n,
            "flow": self.call.flow,
            "method": self.call.method,
            "path": self.call.path,
            "query": dict(self.call.query),
            "headers": dict(self.call.headers),
            "body": self.call.payload,
            "account": self.call.account,
            "status": self.status,
            "started": self.started,
            "ended": self.ended,
            "cancelled": self.cancelled,
            "bytes_sent": self.bytes_sent,
            "recaptcha": self.recaptcha,
            "project": self.project,
        }


class Journal:
    """The most recent calls, in order of arrival."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._written = 0
        self._body_bytes = 0

    def open(self, call: Call) -> Entry:
        """Note the arrival of a call."""
        self._written += 1
        entry = Entry(self._written, call)
        self._entries.append(entry)
        self._body_bytes += call.size
        while len(self._entries) > KEPT_ENTRIES or self._body_bytes > KEPT_BODY_BYTES:
            self._body_bytes -= self._entries.popleft().call.size
        return entry

    def since(self, n: int = 0) -> list[Entry]:
        """Entries numbered above ``n``."""
        return [entry for entry in list(self._entries) if entry.n > n]

    def clear(self) -> None:
        """Empty the journal; numbering goes on."""
        self._entries.clear()
        self._body_bytes = 0
