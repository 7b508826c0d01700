"""An answer and its repair: one end whatever breaks, nothing after it, and both asks closed."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from fixtures.genspark.properties import QUICK
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import Role, Turn
from proxy.core.events import ChatEvent, Failed, Finished, TextDelta, ToolCallDelta
from proxy.core.failures import Failure, Kind
from proxy.core.products import Route
from proxy.core.wishes import Structure, Tool, ToolUse, Wishes
from proxy.services.attempts import GaveUp
from proxy.services.chat_answer import ChatAnswer
from proxy.services.supplied import SuppliedAnswer
from proxy.wire.text_answer import TextAnswer

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = Wishes(tools=ToolUse((Tool("get_weather", "", CITY),)))
SHAPE = Wishes(structure=Structure(CITY))
GOOD = '<tool_call>{"name": "get_weather", "arguments": {"city": "Bern"}}</tool_call>'
BAD = '<tool_call>{"name": "get_weather", "arguments": {"city": 5}}</tool_call>'
DOCUMENT = '{"city": "Bern"}'
BROKEN = Failure(Kind.BROKEN_STREAM, "the transfer broke off")


@dataclass
class Scripted:
    """As far as a ``ChatAnswer`` is asked: what one upstream says, in batches."""

    batches: list[str]
    end: Failure | None = None
    route: Route = Route.COOKIE
    ended: bool = False
    failure: Failure | None = None
    retry_after: float | None = None
    reply: Turn | None = None
    kept: Turn | None = None
    closings: int = 0
    _left: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self._left = list(self.batches)

    async def begin(self) -> list[ChatEvent]:
        """The first words."""
        return await self.next_events()

    async def next_events(self) -> list[ChatEvent]:
        """The next words, the end with the last ones; nothing after the end."""
        assert not self.closings
        await asyncio.sleep(0)
        if self.ended:
            return []
        text = self._left.pop(0)
        if self._left:
            return [TextDelta(text)]
        self.ended, self.failure = True, self.end
        if self.end is not None:
            return [TextDelta(text), Failed(self.end)]
        self.reply = Turn(Role.ASSISTANT, "".join(self.batches))
        return [TextDelta(text), Finished("stop")]

    def prompt_tokens(self) -> int:
        """A round number."""
        return 10

    async def aclose(self) -> None:
        """What is kept is decided now."""
        self.closings += 1
        if self.closings == 1:
            self.kept = self.reply


class Play:
    """One supplied answer over scripted ones; ``second`` None: there is no second ask to be had."""

    def __init__(self, wishes: Wishes, first: Scripted, second: Scripted | None) -> None:
        self.first, self.second = first, second
        self.asked: list[tuple[Turn, ...]] = []
        reader = TextAnswer(wishes, "x")
        self.answer = SuppliedAnswer(cast(ChatAnswer, first), reader, self._again)
        self.events: list[ChatEvent] = []

    async def _again(self, turns: tuple[Turn, ...]) -> ChatAnswer:
        assert self.first.closings, "its account may have one seat"
        self.asked.append(turns)
        await asyncio.sleep(0)
        if self.second is None:
            raise GaveUp(Failure(Kind.RATE_LIMITED, "not now"), 5.0, 1)
        return cast(ChatAnswer, self.second)

    async def listen(self) -> None:
        """To the end."""
        self.events += await self.answer.begin()
        while not self.answer.ended:
            self.events += await self.answer.next_events()

    def run(self) -> "Play":
        """Listen, and close."""

        async def story() -> None:
            await self.listen()
            await self.answer.aclose()

        asyncio.run(story())
        return self

    def leave_after(self, turns: int) -> "Play":
        """Listen for so many turns of the event loop, and close."""

        async def story() -> None:
            async with asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(self.listen())
                for _ in range(turns):
                    await asyncio.sleep(0)
                listening.cancel()
            await self.answer.aclose()

        asyncio.run(story())
        return self

    @property
    def text(self) -> str:
        """What the caller reads."""
        return "".join(e.text for e in self.events if isinstance(e, TextDelta))

    @property
    def calls(self) -> list[Any]:
        """The arguments of each call."""
        return [json.loads(e.arguments) for e in self.events if isinstance(e, ToolCallDelta)]

    @property
    def ends(self) -> int:
        """How often it ended well; nothing may follow."""
        ends = [n for n, e in enumerate(self.events) if isinstance(e, Finished)]
        assert not ends or ends[0] == len(self.events) - 1
        return len(ends)


def test_the_first_answer_is_closed_before_the_second_is_asked_for() -> None:
    play = Play(TOOLS, Scripted(["Well. ", BAD]), Scripted([GOOD])).run()
    assert (play.text.strip(), play.calls, play.ends) == ("Well.", [{"city": "Bern"}], 1)
    assert [turn.role for turn in play.asked[0]] == [Role.ASSISTANT, Role.USER]
    assert play.answer.usage()["prompt_tokens"] == 20


def test_a_first_answer_that_was_cut_is_repaired_while_its_upstream_still_speaks() -> None:
    wishes = Wishes(tools=ToolUse(TOOLS.tools.tools if TOOLS.tools else (), required=True),
        stops=("END",))  # fmt: skip
    play = Play(wishes, Scripted(["Which END", " city", "?"]), Scripted([GOOD])).run()
    assert (play.text, play.calls, play.ends) == ("Which ", [{"city": "Bern"}], 1)
    assert not play.first.ended


@pytest.mark.parametrize("first", [[BAD], ["Well. ", BAD]])
@pytest.mark.parametrize("second", [None, Scripted(["Sor", "ry"], BROKEN)])
def test_without_a_whole_second_answer_the_first_is_told(
    first: list[str], second: Scripted | None
) -> None:
    play = Play(TOOLS, Scripted(first), second and Scripted(second.batches, BROKEN)).run()
    assert (play.text, play.ends, play.answer.failure) == ("".join(first), 1, None)


def test_a_first_answer_that_breaks_off_is_a_failure() -> None:
    play = Play(SHAPE, Scripted(['{"city"', ": 5"], BROKEN), Scripted([DOCUMENT])).run()
    assert (play.answer.failure, play.ends, play.asked) == (BROKEN, 0, [])


def test_what_breaks_behind_the_end_takes_nothing_from_it() -> None:
    play = Play(Wishes(stops=("END",)), Scripted(["one END two"], BROKEN), None).run()
    assert (play.text, play.ends, play.answer.failure) == ("one ", 1, None)


@pytest.mark.parametrize(
    ("wishes", "first", "kept"),
    [
        (TOOLS, [GOOD], True),
        (TOOLS, ["Hello"], True),
        (TOOLS, [f"{GOOD}\nIt rains."], False),
        (TOOLS, [BAD], False),
        (Wishes(limit=1), ["one two three"], False),
        (Wishes(limit=5), ["one two three"], True),
    ],
)
def test_only_what_the_caller_saw_as_it_came_is_kept(
    wishes: Wishes, first: list[str], kept: bool
) -> None:
    play = Play(wishes, Scripted(first), Scripted([GOOD])).run()
    assert (play.first.kept is not None) == kept


words = st.sampled_from(["Hello ", BAD, GOOD, DOCUMENT, '{"city": 5}', "END", "<tool_call>", "\n"])
upstreams = st.builds(
    Scripted, st.lists(words, min_size=1, max_size=4), st.sampled_from([None, None, BROKEN])
)


@QUICK
@given(
    st.sampled_from(
        [TOOLS, SHAPE, Wishes(TOOLS.tools, SHAPE.structure), Wishes(TOOLS.tools, stops=("END",))]
    ),
    upstreams,
    st.none() | upstreams,
    st.none() | st.integers(0, 12),
)
def test_there_is_one_end_and_nothing_stays_open(
    wishes: Wishes, first: Scripted, second: Scripted | None, turns: int | None
) -> None:
    fresh = [Scripted(each.batches, each.end) if each else None for each in (first, second)]
    assert fresh[0] is not None
    play = Play(wishes, fresh[0], fresh[1])
    if turns is not None:
        play.leave_after(turns)
        assert play.first.closings >= 1
        assert play.ends <= 1
    else:
        play.run()
        assert play.ends == (play.answer.failure is None)
        assert len(play.asked) <= 1
    if play.asked and play.second is not None and turns is None:
        assert play.second.closings == 1
    assert play.first.kept is None or play.answer.ended
