"""The middle step: one question for many tasks, patience with upstreams, and an end at last."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from services.desks import START, lock
from services.fake_upstream import HOLD, Answer, FakeUpstream
from services.job_world import INTERVAL, JOB_TIMEOUT, JobWorld, cookie, key, play

from proxy.core.failures import Failure, Kind
from proxy.core.jobs import Job, JobState, pause_after
from proxy.core.media import MediaAsk, TaskReport, Terms
from proxy.core.products import Product, Route
from proxy.services.polling import DOUBTS, GONE_PAUSE, TOGETHER, UNLINKED_TRIES, groups

S = JobState
AWAY = Failure(Kind.UNREACHABLE, "ConnectError")
UNKNOWN = Failure(Kind.TASK_UNKNOWN, "task not found")


async def _running(here: JobWorld, number: int) -> list[Job]:
    """Jobs whose tasks run upstream."""
    jobs = [await here.order(f"{n}") for n in range(number)]
    for _ in range(number // 10 + 2):
        if (await here.store.counts()).get(S.QUEUED):
            await here.turn()
    here.fake.questions.clear()
    return [await here.row(job) for job in jobs]


def _asked(here: JobWorld) -> list[list[str]]:
    return [sorted(asked.ids) for asked in here.fake.questions]


# Who is asked about together.


def _job(number: int, account: str, route: Route, product: Product = Product.VIDEO) -> Job:
    terms = Terms(product=product, model="m", prompt="p")
    return Job(
        id=f"{number:032x}",
        ask=MediaAsk(terms=terms),
        caller="c",
        created_at=0.0,
        batch="b",
        state=S.RUNNING,
        account_id=account,
        route=route,
    )


def test_a_question_is_about_one_account_one_route_and_one_product() -> None:
    kinds = [
        ("a", Route.COOKIE, Product.VIDEO),
        ("a", Route.COOKIE, Product.IMAGE),
        ("b", Route.COOKIE, Product.VIDEO),
        ("k", Route.KEY, Product.VIDEO),
    ]
    jobs = [_job(n, *kinds[n % 4]) for n in range(4 * TOGETHER + 4)]
    found = groups(jobs)
    assert sorted(len(group) for group in found) == [1] * 4 + [TOGETHER] * 4
    assert sorted(job.id for group in found for job in group) == [job.id for job in jobs]
    for group in found:
        assert len({(job.account_id, job.route, job.product) for job in group}) == 1


def test_tasks_of_one_account_are_asked_about_together(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        await _running(here, 6)
        await here.turn()
        assert _asked(here) == [[f"task-{n}" for n in range(6)]]

    play(tmp_path, story, key(limit=20))


# News.


def test_a_pending_task_is_asked_about_again_after_the_interval(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        (job,) = await _running(here, 1)
        await here.turn()
        row = await here.row(job)
        assert (row.state, row.due_at) == (S.RUNNING, here.now + INTERVAL)
        here.now += INTERVAL - 0.1
        await here.turn()
        assert len(here.fake.questions) == 1
        here.now += 0.1
        await here.turn()
        assert len(here.fake.questions) == 2
        assert await here.told(job) == ["created", "intent", "accepted"]

    play(tmp_path, story)


def test_the_upstreams_own_progress_is_kept(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        (job,) = await _running(here, 1)
        here.fake.sold["task-0"].progress = 40
        await here.turn()
        assert (await here.row(job)).progress == 40

    play(tmp_path, story)


def test_a_task_that_is_done_names_its_result(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        (job,) = await _running(here, 1)
        here.fake.posters = True
        here.now += 11
        await here.turn()
        row = await here.row(job)
        assert (row.state, row.served_model, row.due_at) == (S.STORING, "served", here.now)
        assert row.results[0].url == "https://files.example/task-0"
        assert row.results[0].poster_url == "https://files.example/poster/task-0"

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("it did not work", Kind.TASK_FAILED), ("content policy violation", Kind.POLICY)],
)
def test_a_task_that_failed_ends_its_job_with_the_upstreams_reason(
    tmp_path: Path, reason: str, kind: Kind
) -> None:
    async def story(here: JobWorld) -> None:
        (job,) = await _running(here, 1)
        here.fake.sold["task-0"].fails = reason
        here.now += 11
        await here.turn()
        row = await here.row(job)
        assert await here.verdict(job) is kind
        assert row.verdict is not None
        assert row.verdict.told == reason

    play(tmp_path, story)


def test_each_job_of_a_question_goes_its_own_way(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        jobs = await _running(here, 3)
        here.fake.sold["task-1"].fails = "it did not work"
        here.fake.sold["task-2"].due = here.now + 1000
        here.now += 11
        await here.turn()
        assert [await here.state(job) for job in jobs] == [S.STORING, S.FAILED, S.RUNNING]

    play(tmp_path, story)


def test_a_success_without_a_link_is_asked_about_alone_then_given_up(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        jobs = await _running(here, 2)
        here.fake.sold["task-0"].linked = False
        here.now += 11
        await here.turn()
        assert _asked(here) == [["task-0", "task-1"], ["task-0"]]
        await here.finish(*jobs)
        assert await here.state(jobs[1]) is S.COMPLETED
        assert await here.verdict(jobs[0]) is Kind.RESULT_LOST
        assert _asked(here).count(["task-0"]) == UNLINKED_TRIES

    play(tmp_path, story)


# Patience, and its end.


def test_an_account_that_rests_is_asked_all_the_same(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        (job,) = await _running(here, 1)
        await here.desk.lock(lock("k1", None))
        await here.finish(job)
        assert await here.state(job) is S.COMPLETED
        assert {asked.account for asked in here.fake.questions} == {"k1"}

    play(tmp_path, story)


def test_an_account_that_was_taken_away_may_come_back(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        (job,) = await _running(here, 1)
        here.desk.replace([cookie()])
        await here.turn()
        row = await here.row(job)
        assert (row.state, row.due_at) == (S.RUNNING, here.now + GONE_PAUSE)
        assert here.fake.questions == []
        here.desk.replace([key()])
        await here.finish(job)
        assert await here.state(job) is S.COMPLETED

    play(tmp_path, story)


def test_a_job_whose_account_never_comes_back_ends(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        (job,) = await _running(here, 1)
        here.desk.replace([])
        await here.work(JOB_TIMEOUT + 2 * GONE_PAUSE, 30)
        assert await here.verdict(job) is Kind.OVERDUE

    play(tmp_path, story)


def test_failed_questions_come_at_growing_pauses_until_one_is_answered(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        (job,) = await _running(here, 1)
        here.fake.sold["task-0"].due = here.now + 1000
        for tries in range(1, 6):
            here.fake.news.append(AWAY)
            await here.turn()
            row = await here.row(job)
            assert (row.state, row.tries) == (S.RUNNING, tries)
            assert row.due_at == here.now + pause_after(tries)
            here.now = row.due_at
        await here.turn()
        assert (await here.row(job)).tries == 0

    play(tmp_path, story)


def test_an_upstream_that_names_a_pause_gets_it(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        (job,) = await _running(here, 1)
        here.fake.news.append(Failure(Kind.RATE_LIMITED, retry_after=77.0))
        await here.turn()
        assert (await here.row(job)).due_at == here.now + 77.0

    play(tmp_path, story)


def test_a_question_that_is_never_answered_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.services.polling.GRACE", 0.0)

    async def story(here: JobWorld) -> None:
        (job,) = await _running(here, 1)
        here.hand.worker.polling.intervals = dict.fromkeys(Route, 0.01)
        here.fake.news.append(HOLD)
        await here.hand.worker.turn()
        await asyncio.wait(here.hand.steps(), timeout=10)
        assert (await here.row(job)).tries == 1
        await here.finish(job)
        assert await here.state(job) is S.COMPLETED

    play(tmp_path, story)


def test_a_task_that_never_ends_ends_its_job_and_the_operator_finds_it(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        (job,) = await _running(here, 1)
        here.fake.sold["task-0"].due = here.now + 1e9
        here.now += JOB_TIMEOUT - 1
        await here.turn()
        assert await here.state(job) is S.RUNNING
        here.now += INTERVAL
        await here.turn()
        assert await here.verdict(job) is Kind.OVERDUE
        assert "task-0" in (await here.store.history(job.id))[-1].note

    play(tmp_path, story)


@pytest.mark.parametrize("trouble", [AWAY, UNKNOWN, None], ids=["away", "unknown", "silent"])
def test_trouble_does_not_keep_a_job_alive_for_ever(
    tmp_path: Path, trouble: Failure | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_given: object) -> list[TaskReport]:
        return []

    async def story(here: JobWorld) -> None:
        (job,) = await _running(here, 1)
        here.fake.news = [trouble] * 10_000
        if trouble is None:
            monkeypatch.setattr(FakeUpstream, "tasks", nothing)
        await here.work(JOB_TIMEOUT + 1300, 60)
        assert await here.state(job) is S.FAILED

    play(tmp_path, story)


# "No such task."


def test_one_unknown_task_does_not_spoil_the_others_news(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        jobs = await _running(here, 7)
        del here.fake.sold["task-3"]
        here.now += 11
        await here.turn()
        states = [await here.state(job) for job in jobs]
        assert states.pop(3) is S.RUNNING
        assert set(states) == {S.STORING}
        assert len(here.fake.questions) <= 7

    play(tmp_path, story, key(limit=20))


def test_an_unknown_task_is_believed_only_after_some_doubts(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        (job,) = await _running(here, 1)
        here.fake.news = [UNKNOWN] * DOUBTS
        await here.finish(job)
        assert await here.state(job) is S.COMPLETED
        (lost,) = await _running(here, 1)
        del here.fake.sold["task-1"]
        await here.finish(lost)
        assert await here.verdict(lost) is Kind.TASK_UNKNOWN
        assert len(here.fake.questions) == DOUBTS + 1

    play(tmp_path, story)


# The account.


def test_a_credential_found_dead_rests_its_account_and_the_job_goes_on(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        (job,) = await _running(here, 1)
        here.fake.news = [Failure(Kind.DEAD_CREDENTIAL, "not logged in")]
        await here.turn()
        assert here.desk.pool.seats()[0].locks
        await here.finish(job)
        assert await here.state(job) is S.COMPLETED

    play(tmp_path, story)


def test_other_failures_of_a_question_do_not_rest_the_account(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        await _running(here, 1)
        here.fake.news = [Failure(Kind.RATE_LIMITED, retry_after=5.0)]
        await here.turn()
        assert not here.desk.pool.seats()[0].locks

    play(tmp_path, story)


# Several tasks of one job.


async def _of_two_tasks(here: JobWorld, change: Callable[[FakeUpstream], None]) -> Job:
    first, second = await _running(here, 2)
    both = msgspec.structs.replace(first, task_ids=("task-0", "task-1"))
    await here.store.claim("me", S.RUNNING, here.now, here.now + 1, 9)
    await here.store.postpone([both], "me")
    cancelled = await here.service.cancel(second)
    assert cancelled.state is S.CANCELLED
    await asyncio.sleep(0)
    here.fake.sold["task-1"].stopped = False
    here.now += 11
    change(here.fake)
    await here.turn()
    return await here.row(first)


def test_a_job_of_several_tasks_waits_for_all_and_takes_what_succeeded(tmp_path: Path) -> None:
    def one_fails(fake: FakeUpstream) -> None:
        fake.sold["task-0"].fails = "it did not work"

    async def story(here: JobWorld) -> None:
        row = await _of_two_tasks(here, one_fails)
        assert row.state is S.STORING
        assert [result.url for result in row.results] == ["https://files.example/task-1"]

    play(tmp_path, story)


def test_a_job_of_several_tasks_is_not_done_before_its_last(tmp_path: Path) -> None:
    def one_waits(fake: FakeUpstream) -> None:
        fake.sold["task-1"].due = START + 1e6

    async def story(here: JobWorld) -> None:
        assert (await _of_two_tasks(here, one_waits)).state is S.RUNNING

    play(tmp_path, story)


def test_news_that_are_about_nobody_asked_change_nothing(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer())
        await here.turn()
        here.fake.sold["task-0"].id = "task-of-somebody-else"
        here.now += 11
        await here.turn()
        assert await here.state(job) is S.RUNNING

    play(tmp_path, story)
