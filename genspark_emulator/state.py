"""Everything one emulator remembers."""

import time
from collections.abc import Callable

from genspark_emulator.accounts import Accounts
from genspark_emulator.journal import Journal
from genspark_emulator.projects import Projects
from genspark_emulator.recaptcha_guard import Guard
from genspark_emulator.script import Script


class EmulatorState:
    """Accounts, conversations, captcha, the script of coming answers, the journal of past calls.

    ``clock`` tells the age of captcha tokens; a test may replace it and let it run ahead.
    """

    def __init__(self) -> None:
        self.clock: Callable[[], float] = time.time
        self.accounts = Accounts()
        self.projects = Projects()
        self.recaptcha = Guard(lambda: self.clock())
        self.script = Script()
        self.journal = Journal()

    def reset(self) -> None:
        """Back to an empty emulator with the real time; journal numbering goes on."""
        self.clock = time.time
        for part in (self.accounts, self.projects, self.recaptcha, self.script, self.journal):
            part.clear()
