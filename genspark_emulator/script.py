"""The script: rules waiting to answer calls, first in, first out."""

import threading
from dataclasses import dataclass
from typing import Any

import msgspec

from genspark_emulator.rules import NO_RULE, Rule


@dataclass(slots=True, eq=False)
class _Waiting:
    rule: Rule
    times: int | None


class Script:
    """The queue of rules; safe to fill from another thread than the server's."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._lock = threading.Lock()

    def add(self, *rules: Rule) -> None:
        """Append rules."""
        with self._lock:
            self._waiting += [_Waiting(rule, rule.times) for rule in rules]

    def take(self, flow: str, account: str | None) -> Rule | None:
        """The first rule that applies; one of its times is used up."""
        with self._lock:
            for waiting in self._waiting:
                if waiting.rule.applies(flow, account):
                    self._use(waiting)
                    return waiting.rule
        return None

    def _use(self, waiting: _Waiting) -> None:
        if waiting.times is not None:
            waiting.times -= 1
        if waiting.times == 0:
            self._waiting.remove(waiting)

    def listing(self) -> list[dict[str, Any]]:
        """The remaining rules, with the fields that differ from the defaults."""
        with self._lock:
            return [_as_json(waiting) for waiting in self._waiting]

    def clear(self) -> None:
        """Drop all rules."""
        with self._lock:
            self._waiting.clear()


def _as_json(waiting: _Waiting) -> dict[str, Any]:
    defaults = msgspec.to_builtins(NO_RULE)
    fields = msgspec.to_builtins(waiting.rule)
    changed = {name: value for name, value in fields.items() if value != defaults[name]}
    essentials = {"account": waiting.rule.account, "flow": waiting.rule.flow}
    return {**essentials, **changed, "times": waiting.times}
