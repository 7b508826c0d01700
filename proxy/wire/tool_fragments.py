"""Tool-call fragments of one choice, put in the order that strict clients need.

NextChat appends arguments to whichever call was opened last, so calls must come one after the
other. Upstreams mostly do that by themselves; a call that starts while another is unfinished waits.
"""

from dataclasses import dataclass, field

import msgspec

from proxy.core.events import ToolCallDelta


@dataclass(slots=True)
class _Call:
    id: str
    name: str
    arguments: list[str] = field(default_factory=list)

    def is_whole(self) -> bool:
        """Whether the arguments so far are complete JSON."""
        try:
            msgspec.json.decode("".join(self.arguments))
        except (msgspec.DecodeError, RecursionError):
            return False
        return True


@dataclass(slots=True)
class ToolFragments:
    """``feed`` and ``close`` return what may go out now; id and name are said once per call."""

    choice: int
    _calls: dict[int, _Call] = field(default_factory=dict)
    _current: int | None = None
    _waiting: list[int] = field(default_factory=list)

    def feed(self, index: int, call_id: str, name: str, arguments: str) -> list[ToolCallDelta]:
        """Enter one fragment."""
        call = self._calls.get(index)
        fresh = call is None
        if call is None:
            call = self._calls[index] = _Call(call_id, name)
        if arguments:
            call.arguments.append(arguments)
        if index == self._current:
            return [ToolCallDelta(index, arguments=arguments, choice=self.choice), *self._advance()]
        if fresh:
            self._waiting.append(index)
        return self._advance()

    def close(self) -> list[ToolCallDelta]:
        """The choice is finished: whatever waits goes out, and no call is without arguments."""
        events = self._empty_arguments()
        while self._waiting:
            events += self._open_next()
            events += self._empty_arguments()
        self._current = None
        return events

    def _advance(self) -> list[ToolCallDelta]:
        """Open the next call as soon as the current one is complete."""
        events: list[ToolCallDelta] = []
        while self._waiting and (self._current is None or self._calls[self._current].is_whole()):
            events += self._open_next()
        return events

    def _open_next(self) -> list[ToolCallDelta]:
        index = self._current = self._waiting.pop(0)
        call = self._calls[index]
        so_far = "".join(call.arguments)
        return [ToolCallDelta(index, call.id, call.name, so_far, self.choice)]

    def _empty_arguments(self) -> list[ToolCallDelta]:
        if self._current is None or self._calls[self._current].arguments:
            return []
        return [ToolCallDelta(self._current, arguments="{}", choice=self.choice)]
