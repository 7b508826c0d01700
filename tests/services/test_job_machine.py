"""Nothing is lost and nothing is bought twice, whatever happens in whatever order.

Two processes work on one database. Processes are killed at any call to it, leases run out under
steps that go on, databases are away or carry out what nobody hears of, callers call off and delete.
"""

import asyncio
import os
import tempfile
from collections import Counter
from collections.abc import Awaitable
from functools import cache
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from services.fake_upstream import HOLD, MP4, PAGE, Answer, Hold, How
from services.job_world import Hand, JobWorld, cookie, job_world, key

from proxy.core.failures import Failure, Kind
from proxy.core.jobs import ENDED, TRANSITIONS, Job, JobEvent, JobState
from proxy.core.products import Product
from proxy.services.worker import LEASE
from proxy.store.database import open_database
from proxy.store.failures import StoreUnavailable
from proxy.store.jobs import Page

T = TypeVar("T")
S = JobState
EXAMPLES = int(os.environ.get("JOB_MACHINE_EXAMPLES", "25"))

# What a purchase may end as, when there is no result: none of these is ever sent again by itself.
NO_RESULT = {
    Kind.UNCONFIRMED,
    Kind.NOT_UNDERSTOOD,
    Kind.TASK_FAILED,
    Kind.TASK_UNKNOWN,
    Kind.RESULT_LOST,
    Kind.OVERDUE,
    Kind.BROKEN,
}
REFUSALS = [Kind.OVERLOADED, Kind.DAILY_QUOTA, Kind.FORBIDDEN, Kind.PLAN_REQUIRED]
DOUBTS = [Kind.BROKEN_STREAM, Kind.TIMEOUT, Kind.EMPTY]

usual = st.builds(
    Answer,
    st.sampled_from(How),
    failure=st.none(),
    held=st.booleans(),
    held_before=st.sampled_from([False, False, True]),
)
refusals = st.builds(
    Answer,
    st.just(How.REFUSED),
    st.sampled_from(REFUSALS).map(lambda kind: Failure(kind, "as scripted")),
    held=st.booleans(),
)
doubts = st.builds(
    Answer,
    st.sampled_from([How.SOLD_AND_CUT, How.CUT]),
    st.sampled_from(DOUBTS).map(lambda kind: Failure(kind, "as scripted")),
    held=st.booleans(),
)
answers = usual | refusals | doubts
hands = st.sampled_from([0, 1])
troubles = st.sampled_from(
    [
        Failure(Kind.UNREACHABLE),
        Failure(Kind.TASK_UNKNOWN),
        Failure(Kind.DEAD_CREDENTIAL),
        RuntimeError("ours"),
        HOLD,
    ]
)
copies = st.sampled_from([Failure(Kind.RESULT_LOST, "HTTP 404"), PAGE, HOLD, MP4[:10]])


@cache
def _template() -> Path:
    """A database with its schema, made once."""
    path = Path(tempfile.mkdtemp(prefix="jobs-")) / "template.db"

    async def make() -> None:
        async with open_database(f"sqlite+aiosqlite:///{path}"):
            pass

    asyncio.run(make())
    return path


class JobMachine(RuleBasedStateMachine):
    """The world runs in an event loop that goes on only within a rule."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="jobs-")
        template = _template()
        self.loop = asyncio.new_event_loop()
        self.over = asyncio.Event()
        opened: asyncio.Future[JobWorld] = self.loop.create_future()

        async def home() -> None:
            accounts = (key(limit=2), cookie("c1"), cookie("c2"))
            async with job_world(Path(self.folder.name), *accounts, template=template) as here:
                here.hands.append(here.hire())
                opened.set_result(here)
                await self.over.wait()

        self.home = self.loop.create_task(home())
        self.do(asyncio.wait([opened, self.home], return_when=asyncio.FIRST_COMPLETED))
        if self.home.done():
            self.home.result()
        self.here = opened.result()
        self.jobs: dict[str, Job] = {}
        self.deleted: set[str] = set()
        self.ends: dict[str, Job] = {}

    def do(self, work: Awaitable[T]) -> T:
        """Run this, and what it sets off, until everybody waits."""
        return self.loop.run_until_complete(work)

    # What callers do.

    @rule(first=answers, then=answers, product=st.sampled_from([Product.VIDEO, Product.IMAGE]))
    def order(self, first: Answer, then: Answer, product: Product) -> None:
        """Somebody wants something; an attempt after the first meets the second answer."""
        prompt = f"job {len(self.jobs)}"
        self.jobs[prompt] = self.do(self.here.order(prompt, first, then, product=product))

    @precondition(lambda self: self.living())
    @rule(data=st.data(), delete=st.sampled_from([False, False, True]))
    def call_off(self, data: st.DataObject, delete: bool) -> None:
        """Somebody does not want it any more."""
        prompt = data.draw(st.sampled_from(self.living()))
        job = self.do(self.here.row(self.jobs[prompt]))
        if delete:
            self.do(self.here.service.delete(job))
            self.deleted.add(prompt)
        else:
            self.do(self.here.service.cancel(job))
        self.do(self.here.rest())

    # What the processes do.

    @rule(hand=hands)
    def turn(self, hand: int) -> None:
        """One looks for work and does it."""
        self.do(self._turn(self.here.hands[hand]))

    @rule(hand=hands, seconds=st.sampled_from([1.0, 6.0]))
    def some_turns(self, hand: int, seconds: float) -> None:
        """Work as usual."""
        for _ in range(3):
            self.here.now += seconds
            self.turn(hand)
            self.hold(hand)

    @rule(hand=hands)
    def hold(self, hand: int) -> None:
        """Leases are extended."""
        self.do(self._hold(self.here.hands[hand]))

    @rule(hand=hands, calls=st.integers(1, 12), after=st.booleans())
    def die_at_work(self, hand: int, calls: int, after: bool) -> None:
        """kill -9 right before or after any call to the database, while others are under way."""
        doomed = self.here.hands[hand]
        doomed.store.dies_in, doomed.store.dies_after = calls, after
        self.do(self._turn(doomed))
        self.here.crash(doomed)
        self.do(self.here.rest())

    @rule(hand=hands)
    def die(self, hand: int) -> None:
        """kill -9 at a quiet moment."""
        self.here.crash(self.here.hands[hand])
        self.do(self.here.rest())

    @rule(hand=hands)
    def stop(self, hand: int) -> None:
        """A gentle end, and a new start."""
        self.do(self.here.hands[hand].worker.stop(0.0))
        self.here.hands[hand] = self.here.hire()

    # What the world does.

    @rule(seconds=st.sampled_from([0.5, 5.0, 11.0, LEASE, 3 * LEASE]))
    def wait(self, seconds: float) -> None:
        """Time passes; leases may run out."""
        self.here.now += seconds

    @rule()
    def let_through(self) -> None:
        """What was held upstream goes on; what comes later is held again."""
        self.here.fake.gate.set()
        self.do(self.here.rest())
        self.here.fake.gate.clear()

    @rule(hand=hands, failures=st.integers(0, 3), mute=st.integers(0, 2))
    def trouble_the_database(self, hand: int, failures: int, mute: int) -> None:
        """Calls that fail, or seem to."""
        store = self.here.hands[hand].store
        store.failures, store.mute = failures, mute

    @rule(trouble=troubles)
    def trouble_the_news(self, trouble: Failure | Exception | Hold) -> None:
        """The next question is not answered."""
        self.here.fake.news.append(trouble)

    @rule(copy=copies)
    def trouble_the_copies(self, copy: Failure | bytes | Hold) -> None:
        """The next download goes wrong."""
        self.here.fake.copies.append(copy)

    # What always holds.

    @invariant()
    def nothing_is_bought_twice(self) -> None:
        """Each job at most once, in all its attempts."""
        assert all(number == 1 for number in self.here.fake.purchases.values())

    @invariant()
    def no_job_is_lost_and_the_rows_tell_the_truth(self) -> None:
        """What is queued was not bought; what runs was; what has ended stays so."""
        jobs, more = self.do(self.here.store.page(Page(None, None, limit=1000)))
        rows = {job.ask.terms.prompt: job for job in jobs}
        assert not more
        assert rows.keys() == self.jobs.keys() - self.deleted
        for prompt, row in rows.items():
            bought = self.here.fake.purchases[prompt]
            assert (row.due_at is None) == row.ended
            assert not (row.state is S.QUEUED and bought)
            assert bought or row.state not in (S.RUNNING, S.STORING, S.COMPLETED)
            if prompt in self.ends:
                assert row == self.ends[prompt]
            if row.ended:
                self.ends[prompt] = row

    def teardown(self) -> None:
        """With the troubles over, every job comes to an honest end."""
        try:
            self.do(self._finish())
            for prompt in self.jobs.keys() - self.deleted:
                self._judge(prompt)
            assert all(count == 0 for count in self.here.busy().values())
        finally:
            self.over.set()
            self.do(self.home)
            self.loop.close()
            self.folder.cleanup()

    async def _finish(self) -> None:
        self.here.fake.gate.set()
        self.here.fake.news.clear()
        self.here.fake.copies.clear()
        await self.here.rest()
        for hand in list(self.here.hands):
            hand.store.failures = hand.store.mute = 0
            self.here.crash(hand)
        for step in range(200):
            if not await self.here.store.counts():
                return
            await self.here.turn(self.here.hands[step % 2])
            self.here.now += 7.0
        raise AssertionError("jobs that never end")

    def _judge(self, prompt: str) -> None:
        job = self.do(self.here.row(self.jobs[prompt]))
        bought = self.here.fake.purchases[prompt]
        assert job.state in ENDED
        if job.state is S.COMPLETED:
            assert bought == 1
            (result,) = job.results
            assert result.file is not None
            assert self.here.files.path(result.file.name) is not None
        if job.state is S.FAILED:
            assert job.verdict is not None
            assert not bought or job.verdict.kind in NO_RESULT
            if bought and not job.task_ids:
                assert job.verdict.kind in (Kind.UNCONFIRMED, Kind.NOT_UNDERSTOOD)
        self._follow(job)

    def _follow(self, job: Job) -> None:
        """The history leads from creation to the present state, one allowed step after another."""
        lines = self.do(self.here.store.history(job.id))
        assert (lines[0].event, lines[0].state) == ("created", S.QUEUED)
        state = S.QUEUED
        for line in lines[1:]:
            state = TRANSITIONS[state][JobEvent(line.event)]
            assert line.state is state
        assert state is job.state
        events = Counter(line.event for line in lines)
        assert events[JobEvent.ACCEPTED] + events[JobEvent.DELIVERED] <= 2
        assert events[JobEvent.INTENT] == job.attempts

    def living(self) -> list[str]:
        """The jobs that can be called off or deleted."""
        return sorted(self.jobs.keys() - self.deleted)

    async def _turn(self, hand: Hand) -> None:
        try:
            await hand.worker.turn()
        except (StoreUnavailable, asyncio.CancelledError):
            # The loop around turns survives the first; nobody survives the second.
            pass
        await self.here.rest()

    async def _hold(self, hand: Hand) -> None:
        try:
            await hand.worker.hold()
        except StoreUnavailable:
            pass


TestJobMachine = JobMachine.TestCase
TestJobMachine.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    # Explaining traces every line of every example.
    phases=set(Phase) - {Phase.explain},
    suppress_health_check=[HealthCheck.too_slow],
)
