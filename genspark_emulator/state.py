"""Everything one emulator remembers."""

import time
from collections.abc import Callable
from typing import Protocol

from genspark_emulator.accounts import Accounts
from genspark_emulator.alarms import Alarms
from genspark_emulator.file_links import Links
from genspark_emulator.journal import Journal
from genspark_emulator.projects import Projects
from genspark_emulator.recaptcha_guard import Guard
from genspark_emulator.script import Script
from genspark_emulator.tasks import Tasks
from genspark_emulator.uploads import Uploads


class _Memory(Protocol):
    def clear(self) -> None: ...


class EmulatorState:
    """Accounts, conversations, tasks, files, captcha, the script of coming answers, the journal.

    ``clock`` tells the age of tasks, links and captcha tokens; a test may replace it and let it
    run ahead. ``alarms`` wakes the answers that wait for a moment of it.
    """

    def __init__(self) -> None:
        self.clock: Callable[[], float] = time.time
        self.alarms = Alarms(self._now)
        self.accounts = Accounts()
        self.projects = Projects()
        self.tasks = Tasks()
        self.uploads = Uploads(self._now)
        self.links = Links(self._now)
        self.recaptcha = Guard(self._now)
        self.script = Script()
        self.journal = Journal()

    def _now(self) -> float:
        return self.clock()

    def reset(self) -> None:
        """Back to an empty emulator with the real time; journal numbering goes on."""
        self.clock = time.time
        parts: tuple[_Memory, ...] = (
            *(self.accounts, self.projects, self.tasks, self.uploads),
            *(self.recaptcha, self.script, self.journal),
        )
        for part in parts:
            part.clear()
