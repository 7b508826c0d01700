"""Turn what a text-only route says into what the caller asked for.

Calls of tools are found in the text, a structured answer is checked, and the text ends where the
caller wants it to end. What does not fit is asked for once more; then it is told as it is.
"""

from collections.abc import Iterable

from proxy.core.ask import Role, Turn
from proxy.core.events import (
    ChatEvent,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
)
from proxy.core.wishes import Wishes
from proxy.wire import structure_text, tool_prompt
from proxy.wire.cutting import Cutter
from proxy.wire.structure_text import Misfit
from proxy.wire.tool_text import Called, Piece, Said, Spoiled, ToolText


def supplies(wishes: Wishes) -> bool:
    """Whether an answer has to be read for these wishes; else it goes out as it is."""
    return bool(wishes.tools or wishes.structure or wishes.stops or wishes.limit)


class TextAnswer:
    """One answer, and its repair. Feed events with ``read`` until ``ended``.

    Then ``wanted`` is None, or what is to be said to the model to get a better answer: that ask's
    events are read after ``begin_repair``, or ``give_up`` is called. ``stem`` makes the ids of
    calls unique. ``cut`` says that the upstream goes on and should be stopped, ``silenced`` that
    it went on after its calls, which the caller does not see.
    """

    def __init__(self, wishes: Wishes, stem: str) -> None:
        self._wishes = wishes
        self._stem = stem
        self._calls = 0
        self._problems: list[str] = []
        self._spoiled: list[str] = []
        self._first_document = ""
        self._repairing = False
        self.silenced = False
        self._begin()

    def _begin(self) -> None:
        wishes = self._wishes
        self._cutter = Cutter(wishes.stops, wishes.limit)
        self._tools = ToolText(wishes.tools) if wishes.tools else None
        self._calls_before = self._calls
        self._raw: list[str] = []
        self._document: list[str] = []
        self.ended = False
        self.cut = False
        self.wanted: str | None = None

    def read(self, events: Iterable[ChatEvent]) -> list[ChatEvent]:
        """The events for the caller."""
        out: list[ChatEvent] = []
        for event in events:
            if self.ended:
                break
            if isinstance(event, TextDelta):
                self._text(event.text, out)
            elif isinstance(event, Finished):
                self._finish(event.reason, out)
            elif not (self._repairing and isinstance(event, ReasoningDelta)):
                out.append(event)
        return out

    def repair_turns(self) -> tuple[Turn, ...]:
        """What follows the conversation in the second ask."""
        assert self.wanted is not None
        return (Turn(Role.ASSISTANT, "".join(self._raw)), Turn(Role.USER, self.wanted))

    def begin_repair(self) -> None:
        """The second ask's answer comes next."""
        self._repairing = True
        self._first_document = "".join(self._document)
        self._begin()

    def give_up(self) -> list[ChatEvent]:
        """There is no second answer, or only half of one: the first one is told as it is."""
        out: list[ChatEvent] = []
        self.wanted = None
        if self._repairing:
            self._document.clear()
        self._conclude("stop", out, mended=False)
        return out

    def _text(self, text: str, out: list[ChatEvent]) -> None:
        self._raw.append(text)
        self._show(self._cutter.feed(text), out)
        if self._cutter.reason and not self.ended:
            self.cut = True
            self._finish(self._cutter.reason, out)

    def _show(self, text: str, out: list[ChatEvent]) -> None:
        if self._tools is not None:
            self._pieces(self._tools.feed(text), out)
        elif self._wishes.structure is not None:
            self._document.append(text)
        elif text:
            out.append(TextDelta(text))

    def _pieces(self, pieces: Iterable[Piece], out: list[ChatEvent]) -> None:
        for piece in pieces:
            if self.ended:
                return
            if isinstance(piece, Called):
                self._call(piece, out)
                continue
            if isinstance(piece, Spoiled):
                self._problems.append(piece.problem)
            self._words(piece, out)

    def _words(self, piece: Said | Spoiled, out: list[ChatEvent]) -> None:
        """What is no call; from a spoiled call on it is told only if that is not mended."""
        text = piece.raw if isinstance(piece, Spoiled) else piece.text
        if self._calls:
            # After a call models make its result up.
            self.silenced = True
        elif self._wishes.structure is not None:
            self._document.append(text)
        elif self._repairing:
            # A repair's own words are not the answer.
            return
        elif isinstance(piece, Spoiled) or self._spoiled:
            self._spoiled.append(text)
        elif text:
            out.append(TextDelta(text))

    def _call(self, call: Called, out: list[ChatEvent]) -> None:
        assert self._wishes.tools is not None
        name = f"call_{self._stem}{self._calls}"
        out.append(ToolCallDelta(self._calls, name, call.name, call.arguments))
        self._calls += 1
        if not self._wishes.tools.parallel:
            self.ended = self.cut = True
            self._conclude("stop", out, mended=True)

    def _finish(self, reason: str, out: list[ChatEvent]) -> None:
        self._show(self._cutter.close(), out)
        if self._tools is not None:
            self._pieces(self._tools.close(), out)
        if self.ended:
            return
        self.ended = True
        final = self._repairing or reason == "length"
        self.wanted = None if final else self._complaint()
        if self.wanted is None:
            self._conclude(reason, out, mended=self._is_mended())

    def _is_mended(self) -> bool:
        """Whether the second answer made good what the first one had spoiled."""
        return self._repairing and self._calls > self._calls_before

    def _complaint(self) -> str | None:
        """What to tell the model about its answer; None when there is nothing."""
        tools, structure = self._wishes.tools, self._wishes.structure
        if tools is not None and self._problems:
            return tool_prompt.repair_text(self._problems, tools)
        if tools is not None and tools.required and not self._calls:
            return tool_prompt.demand_text(tools)
        if structure is None or self._calls:
            return None
        read = structure_text.read("".join(self._document), structure)
        return structure_text.repair_text(read.problem) if isinstance(read, Misfit) else None

    def _conclude(self, reason: str, out: list[ChatEvent], *, mended: bool) -> None:
        if not mended:
            out.extend(TextDelta(text) for text in self._spoiled)
        if self._calls:
            out.append(Finished("tool_calls"))
            return
        if self._wishes.structure is not None:
            out.append(self._structured(reason))
        out.append(Finished(reason, stop=self._cutter.stop))

    def _structured(self, reason: str) -> ChatEvent:
        """The document; of two answers the second, unless only the first one holds any."""
        assert self._wishes.structure is not None
        text, first = "".join(self._document), self._first_document
        misfits = []
        for answer in [text, first] if text else [first]:
            read = structure_text.read(answer, self._wishes.structure)
            if not isinstance(read, Misfit):
                return TextDelta(read.text)
            misfits.append((answer, read))
        said, misfit = misfits[0]
        if reason == "length":
            return TextDelta(said)
        return RefusalDelta(
            said if misfit.is_prose else f"The answer did not fit: {misfit.problem}"
        )
