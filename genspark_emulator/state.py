"""Everything one emulator remembers."""

from genspark_emulator.accounts import Accounts
from genspark_emulator.journal import Journal
from genspark_emulator.projects import Projects
from genspark_emulator.script import Script


class EmulatorState:
    """Accounts, conversations, the script of coming answers and the journal of past calls."""

    def __init__(self) -> None:
        self.accounts = Accounts()
        self.projects = Projects()
        self.script = Script()
        self.journal = Journal()

    def reset(self) -> None:
        """Back to an empty emulator; journal numbering goes on."""
        for part in (self.accounts, self.projects, self.script, self.journal):
            part.clear()
