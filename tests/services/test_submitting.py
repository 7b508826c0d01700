"""The first step: one paid request, written down before it leaves, never repeated in doubt."""

import asyncio
from pathlib import Path

import pytest
from services.desks import START, lock
from services.fake_upstream import PNG, Answer, How
from services.job_world import (
    PATIENCE,
    QUEUE_TIMEOUT,
    JobWorld,
    cookie,
    key,
    play,
)

from proxy.core.failures import AMBIGUOUS, Failure, Kind
from proxy.core.jobs import Job, JobState
from proxy.core.media import Given, MediaWish, Terms, Use
from proxy.core.products import Product, Route
from proxy.services.job_log import WRITE_TRIES
from proxy.services.jobs import Order
from proxy.services.worker import LEASE

S = JobState
TWO = (key("k1"), key("k2"))


def _refused(kind: Kind, retry_after: float | None = None) -> Answer:
    return Answer(How.REFUSED, Failure(kind, "as scripted", retry_after))


async def _with_picture(here: JobWorld, prompt: str) -> Job:
    terms = Terms(product=Product.VIDEO, model="gemini/veo3.1", prompt=prompt)
    wish = MediaWish(terms=terms, given=(Given(Use.FIRST_FRAME, PNG, "image"),))
    return (await here.service.create(Order(wish, "caller")))[0]


# The intent.


def test_the_intent_says_who_is_asked_for_what_before_the_request_leaves(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer(held=True))
        here.now += 5
        await here.turn()
        row = await here.row(job)
        assert row.state is S.SUBMITTING
        assert (row.account_id, row.account_label, row.route) == ("k1", "k1", Route.KEY)
        assert (row.attempts, row.sent_at) == (1, START + 5)
        assert row.upstream_model == here.fake.orders[0].model
        assert row.filled["seconds"] is not None

    play(tmp_path, story)


def test_nothing_is_sent_while_the_intent_cannot_be_written(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer(held_before=True), Answer())
        await here.turn()
        here.hand.store.failures = 1
        here.fake.gate.set()
        await here.rest()
        assert here.fake.orders == []
        assert await here.state(job) is S.QUEUED
        assert here.busy() == {"k1": 0}
        here.now += LEASE
        await here.finish(job)
        assert await here.state(job) is S.COMPLETED
        assert here.fake.purchases == {"a cat": 1}

    play(tmp_path, story)


def test_an_intent_that_was_written_unheard_is_not_acted_upon(tmp_path: Path) -> None:
    """Nothing was sent, but nobody else can know that."""

    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer(held_before=True), Answer())
        await here.turn()
        here.hand.store.mute = 1
        here.fake.gate.set()
        await here.rest()
        assert here.fake.orders == []
        here.now += LEASE
        await here.turn()
        assert await here.verdict(job) is Kind.UNCONFIRMED
        assert here.fake.purchases == {}

    play(tmp_path, story)


# Refusals.


def test_after_a_clear_no_another_account_is_asked(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", _refused(Kind.DAILY_QUOTA), Answer())
        await here.turn()
        row = await here.row(job)
        assert (row.state, row.attempts, row.account_id) == (S.RUNNING, 2, "k2")
        assert await here.told(job) == ["created", "intent", "refused", "intent", "accepted"]
        history = await here.store.history(job.id)
        assert history[2].note.startswith("daily_quota: as scripted; ")
        assert "GSK_API_KEY" in history[2].note
        assert here.fake.purchases == {"a cat": 1}
        assert here.busy() == {"k1": 0, "k2": 0}

    play(tmp_path, story, *TWO)


def test_a_route_is_left_for_the_next_one_only_while_nothing_was_sold(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", _refused(Kind.PLAN_REQUIRED), Answer())
        await here.turn()
        row = await here.row(job)
        assert (row.state, row.route, row.account_id) == (S.RUNNING, Route.COOKIE, "c1")

    play(tmp_path, story, key(), cookie())


@pytest.mark.parametrize("kind", sorted(AMBIGUOUS))
@pytest.mark.parametrize("how", [How.SOLD_AND_CUT, How.CUT])
def test_in_doubt_it_is_unconfirmed_and_never_sent_again(
    tmp_path: Path, kind: Kind, how: How
) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer(how, Failure(kind, "odd")), Answer())
        await here.work(2 * LEASE, 10)
        assert await here.verdict(job) is Kind.UNCONFIRMED
        assert await here.told(job) == ["created", "intent", "failed"]
        assert len(here.fake.orders) == 1
        assert here.busy() == {"k1": 0, "k2": 0}

    play(tmp_path, story, *TWO)


def test_what_never_connected_was_never_sold(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer(How.UNREACHABLE), Answer())
        await here.turn()
        assert await here.state(job) is S.RUNNING
        assert here.fake.purchases == {"a cat": 1}

    play(tmp_path, story, *TWO)


def test_an_upload_that_fails_was_no_attempt_to_buy(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer(How.UPLOAD_FAILED), Answer())
        await here.turn()
        row = await here.row(job)
        assert (row.state, row.attempts) == (S.RUNNING, 1)
        assert await here.told(job) == ["created", "intent", "accepted"]

    play(tmp_path, story, *TWO)


@pytest.mark.parametrize("kind", [Kind.POLICY, Kind.BAD_REQUEST])
def test_a_refusal_of_the_request_itself_is_final(tmp_path: Path, kind: Kind) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", _refused(kind), Answer())
        await here.turn()
        assert await here.verdict(job) is kind
        assert len(here.fake.orders) == 1

    play(tmp_path, story, *TWO)


# What was sold.


def test_a_task_that_fails_at_once_is_not_bought_again(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer(How.FAILED_AT_ONCE), Answer())
        await here.turn()
        row = await here.row(job)
        assert await here.verdict(job) is Kind.TASK_FAILED
        assert row.task_ids == ("task-0",)
        assert row.verdict is not None
        assert row.verdict.told == "it did not work"
        assert here.fake.purchases == {"a cat": 1}

    play(tmp_path, story, *TWO)


@pytest.mark.parametrize("disk", [True, False], ids=["kept", "disk in trouble"])
def test_a_paid_answer_that_is_not_understood_is_kept_and_final(tmp_path: Path, disk: bool) -> None:
    async def story(here: JobWorld) -> None:
        if not disk:
            (tmp_path / "media").write_text("a file where the folder should be")
        job = await here.order("a cat", Answer(How.UNREAD), Answer())
        await here.turn()
        assert await here.verdict(job) is Kind.NOT_UNDERSTOOD
        assert len(here.fake.orders) == 1
        note = here.files.path(f"unread-{job.id}.txt")
        assert (note is not None) == disk
        assert note is None or note.read_bytes() == b"nobody understands this"

    play(tmp_path, story, *TWO)


def test_a_sale_is_written_however_long_the_database_is_away(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer(held=True))
        await here.turn()
        here.hand.store.failures = WRITE_TRIES
        here.fake.gate.set()
        await here.rest()
        row = await here.row(job)
        assert (row.state, row.task_ids) == (S.RUNNING, ("task-0",))
        assert await here.told(job) == ["created", "intent", "accepted"]

    play(tmp_path, story)


def test_a_sale_whose_writing_was_not_heard_of_is_no_lost_lease(tmp_path: Path) -> None:
    """It must not be withdrawn as if somebody had called it off."""

    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer(held=True))
        await here.turn()
        here.hand.store.mute = 1
        here.fake.gate.set()
        await here.rest()
        assert here.fake.stopped == []
        assert await here.told(job) == ["created", "intent", "accepted"]
        await here.finish(job)
        assert await here.state(job) is S.COMPLETED

    play(tmp_path, story)


def test_a_sale_is_written_although_the_step_is_broken_off_meanwhile(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer(held=True))
        await here.turn()
        (step,) = here.hand.steps()
        away = asyncio.Event()

        async def pause(_seconds: float) -> None:
            away.set()

        here.hand.log.pause = pause
        here.hand.store.failures = 3
        here.fake.gate.set()
        await away.wait()
        step.cancel()
        await here.hand.worker.stop(0.0)
        row = await here.row(job)
        assert (row.state, row.task_ids) == (S.RUNNING, ("task-0",))

    play(tmp_path, story)


def test_a_request_that_is_broken_off_leaves_its_fate_to_the_next_start(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer(held=True))
        await here.turn()
        await here.hand.worker.stop(0.0)
        assert await here.state(job) is S.SUBMITTING
        here.hands[0] = here.hire()
        await here.turn()
        assert await here.verdict(job) is Kind.UNCONFIRMED

    play(tmp_path, story)


def test_a_sale_that_comes_too_late_is_withdrawn(tmp_path: Path) -> None:
    """Another process has given the job up meanwhile."""

    async def story(here: JobWorld) -> None:
        other = here.hire()
        here.hands.append(other)
        job = await here.order("a cat", Answer(held=True))
        await here.turn()
        here.now += LEASE
        await here.turn(other)
        assert await here.verdict(job) is Kind.UNCONFIRMED
        here.fake.gate.set()
        await here.rest()
        assert here.fake.stopped == ["project of task-0"]
        assert await here.told(job) == ["created", "intent", "failed"]

    play(tmp_path, story)


# Waiting.


def test_a_job_waits_while_every_account_is_busy_but_not_for_ever(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        first = await here.order("first", Answer(held=True))
        await here.turn()
        second, third = await here.order("second"), await here.order("third")
        await here.desk.lock(lock("k2", START + 40))
        await here.work(10)
        assert [await here.state(job) for job in (second, third)] == [S.QUEUED] * 2
        assert await here.told(second) == ["created"]
        here.now += QUEUE_TIMEOUT
        await here.hand.worker.hold()
        here.desk.pool.seats()[0].busy += 1
        here.desk.pool.seats()[1].busy += 1
        await here.work(3)
        assert await here.verdict(second) is Kind.ALL_BUSY
        assert await here.state(first) is S.SUBMITTING

    play(tmp_path, story, key("k1", 1), key("k2", 1))


def test_a_short_rest_is_waited_for(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", _refused(Kind.RATE_LIMITED, PATIENCE - 1), Answer())
        await here.turn()
        assert await here.state(job) is S.QUEUED
        await here.finish(job)
        assert await here.state(job) is S.COMPLETED
        assert here.fake.purchases == {"a cat": 1}

    play(tmp_path, story)


def test_a_long_rest_is_told_at_once(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", _refused(Kind.RATE_LIMITED, PATIENCE + 60), Answer())
        await here.turn()
        row = await here.row(job)
        assert await here.verdict(job) is Kind.RATE_LIMITED
        assert row.verdict is not None
        assert row.verdict.retry_after == PATIENCE + 60

    play(tmp_path, story)


def test_short_rests_without_end_end_with_the_queues_patience(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", _refused(Kind.RATE_LIMITED, PATIENCE - 1))
        await here.work(QUEUE_TIMEOUT + 2 * PATIENCE, PATIENCE)
        assert await here.verdict(job) is Kind.RATE_LIMITED
        assert len(await here.told(job)) < 3 * QUEUE_TIMEOUT / PATIENCE
        assert here.fake.purchases == {}

    play(tmp_path, story)


# Inputs.


def test_inputs_reach_the_upstream_as_they_were_given(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await _with_picture(here, "a cat")
        await here.turn()
        assert await here.state(job) is S.RUNNING
        (loaded,) = here.fake.orders[0].inputs
        assert (loaded.use, loaded.mime, loaded.data) == (Use.FIRST_FRAME, "image/png", PNG)

    play(tmp_path, story)


def test_a_job_whose_input_is_gone_says_so_and_buys_nothing(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await _with_picture(here, "a cat")
        await here.files.remove(job.ask.inputs[0].file)
        await here.turn()
        assert await here.verdict(job) is Kind.BAD_REQUEST
        assert here.fake.orders == []
        assert here.busy() == {"k1": 0}

    play(tmp_path, story)


def test_a_model_that_is_no_longer_served_is_told(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat")
        here.plans.cookie_video = False
        here.desk.replace([cookie()])
        await here.turn()
        assert await here.verdict(job) is Kind.NO_ACCOUNT
        assert here.fake.orders == []

    play(tmp_path, story)
