"""An order that comes twice is one job, and two orders are two."""

import asyncio
from pathlib import Path

import pytest
from services.fake_upstream import PNG, Answer, How
from services.job_world import JobWorld, play

from proxy.core.ask import InvalidRequest
from proxy.core.failures import Failure, Kind
from proxy.core.jobs import Job, JobState
from proxy.core.media import Given, Input, MediaWish, Terms, Use
from proxy.core.products import Product
from proxy.services.inputs import Inputs
from proxy.services.jobs import KeyReused, Order

S = JobState


async def _with_picture(here: JobWorld, picture: bytes) -> Job:
    terms = Terms(product=Product.VIDEO, model="gemini/veo3.1", prompt="a cat")
    wish = MediaWish(terms=terms, given=(Given(Use.FIRST_FRAME, picture, "image"),))
    return (await here.service.create(Order(wish, "caller", retried=True)))[0]


def test_the_same_key_is_the_same_job_and_another_key_is_another(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        first = await here.order("a cat", key="one")
        assert await here.order("a cat", key="one") == first
        # A retry under a key of its own was never here before: it is no retry of the first.
        second = await here.order("a cat", key="two", retried=True)
        third = await here.order("a cat", retried=True)
        assert len({first.id, second.id, third.id}) == 3
        assert await here.order("a cat", retried=True) == third

    play(tmp_path, story)


def test_a_retry_that_overtakes_its_first_attempt_is_the_same_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller lost patience while its picture was still being fetched."""

    async def story(here: JobWorld) -> None:
        asked, fetched = asyncio.Event(), asyncio.Event()

        async def keep(*_given: object) -> tuple[Input, ...]:
            asked.set()
            await fetched.wait()
            return ()

        monkeypatch.setattr(Inputs, "keep", keep)
        async with asyncio.TaskGroup() as callers:
            first = callers.create_task(here.order("a cat"))
            await asked.wait()
            retry = callers.create_task(here.order("a cat", retried=True))
            await asyncio.wait([retry], timeout=0.1)
            fetched.set()
        assert first.result().id == retry.result().id
        assert await here.store.counts() == {S.QUEUED: 1}

    play(tmp_path, story)


def test_equal_requests_that_are_no_retries_are_bought_each(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        async with asyncio.TaskGroup() as callers:
            made = [callers.create_task(here.order("a cat")) for _ in range(3)]
        assert len({task.result().id for task in made}) == 3

    play(tmp_path, story)


def test_a_first_attempt_that_ends_without_a_job_lets_its_retry_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(here: JobWorld) -> None:
        asked = asyncio.Event()

        async def keep(*_given: object) -> tuple[Input, ...]:
            if asked.is_set():
                return ()
            asked.set()
            await asyncio.sleep(0)
            raise InvalidRequest("There is no picture.")

        async def refused() -> None:
            with pytest.raises(InvalidRequest):
                await here.order("a cat")

        monkeypatch.setattr(Inputs, "keep", keep)
        async with asyncio.TaskGroup() as callers:
            callers.create_task(refused())
            await asked.wait()
            retry = callers.create_task(here.order("a cat", retried=True))
        assert await here.store.counts() == {S.QUEUED: 1}
        assert await here.state(retry.result()) is S.QUEUED

    play(tmp_path, story)


def test_a_retry_of_what_was_refused_is_a_new_job(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        no = Answer(How.REFUSED, Failure(Kind.NO_ACCOUNT, "as scripted"))
        first = await here.order("a cat", no, Answer())
        await here.work(5)
        assert await here.state(first) is S.FAILED
        assert (await here.order("a cat", retried=True)).id != first.id

    play(tmp_path, story)


def test_a_retry_of_what_may_have_been_bought_is_not_bought_again(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        first = await here.order("a cat", Answer(held=True))
        await here.turn()
        await here.hand.worker.stop(0.0)
        here.hands[0] = here.hire()
        await here.turn()
        assert await here.verdict(first) is Kind.UNCONFIRMED
        assert (await here.order("a cat", retried=True)).id == first.id

    play(tmp_path, story)


def test_a_key_belongs_to_its_body(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        await here.order("a cat", key="one")
        with pytest.raises(KeyReused):
            await here.order("a dog", key="one")

    play(tmp_path, story)


def test_requests_with_other_pictures_are_other_requests(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        first = await _with_picture(here, PNG)
        assert (await _with_picture(here, PNG)).id == first.id
        assert (await _with_picture(here, PNG + b"more")).id != first.id

    play(tmp_path, story)
