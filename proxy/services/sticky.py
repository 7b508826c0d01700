"""Upstream projects that a follow-up may go on in, instead of telling the whole story again.

Only ``AUTO_MODEL_CHAT_MAP_TYPE=1`` fills this. An entry is used once: whoever continues a project
takes it out, and it comes back under the longer conversation's key when that answer was whole. So
no two requests share a project, and any doubt ends in a fresh one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cachetools import TTLCache

from proxy.core.ask import ChatAsk, Turn
from proxy.core.catalogue import Candidate
from proxy.core.conversation_key import conversation_key, split_at_answer

ANONYMOUS: Final = "anonymous"
# How long Genspark keeps an unused project is not known; a lost one costs one attempt.
KEPT_SECONDS: Final = 6 * 3600.0
MOST: Final = 20_000


@dataclass(frozen=True, slots=True)
class Thread:
    """A project that holds the first ``known`` turns of a conversation."""

    account_id: str
    project_id: str
    candidate: Candidate
    known: int = 0


@dataclass(slots=True)
class Sticky:
    """``clock`` counts seconds."""

    enabled: bool
    clock: Callable[[], float]
    _threads: TTLCache[str, Thread] = field(init=False)

    def __post_init__(self) -> None:
        self._threads = TTLCache(MOST, KEPT_SECONDS, self.clock)

    def take(self, caller: str, ask: ChatAsk) -> Thread | None:
        """The project in which this very conversation of this caller stands, now in use.

        Callers without a key of their own cannot be told apart, so theirs is always a fresh one.
        """
        known = split_at_answer(ask.turns) if self._serves(caller, ask) else 0
        if not known:
            return None
        return self._threads.pop(conversation_key(caller, ask, ask.turns[:known]), None)

    def keep(self, caller: str, ask: ChatAsk, reply: Turn, thread: Thread) -> None:
        """The project now holds the ask's turns and this answer, as the caller saw it."""
        if self._serves(caller, ask):
            turns = (*ask.turns, reply)
            held = Thread(thread.account_id, thread.project_id, thread.candidate, len(turns))
            self._threads[conversation_key(caller, ask, turns)] = held

    def _serves(self, caller: str, ask: ChatAsk) -> bool:
        return self.enabled and caller != ANONYMOUS and ask.wishes.choices == 1
