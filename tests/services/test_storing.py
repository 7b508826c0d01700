"""The last step: a result is on our disk whole, or the job says that it was lost, and when."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from services.fake_upstream import HOLD, MP4, PAGE, PNG, Answer, How
from services.job_world import JobWorld, cookie, key, play

from proxy.core.failures import Failure, Kind
from proxy.core.jobs import STORE_TRIES, Job, JobState, pause_after
from proxy.core.products import Product
from proxy.services.worker import LEASE, MOST_STORED

S = JobState
LOST = Failure(Kind.RESULT_LOST, "HTTP 404 for the result")


async def _delivered(here: JobWorld, prompt: str = "a cat", **given: Product) -> Job:
    job = await here.order(prompt, Answer(How.DELIVERED), **given)
    await here.turn()
    assert await here.state(job) is S.STORING
    return job


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "media").glob("*"))


@pytest.mark.parametrize(("product", "body"), [(Product.VIDEO, MP4), (Product.IMAGE, PNG)])
def test_a_copy_is_whole_checked_and_has_an_end(
    tmp_path: Path, product: Product, body: bytes
) -> None:
    async def story(here: JobWorld) -> None:
        job = await _delivered(here, product=product)
        await here.turn()
        row = await here.row(job)
        file = row.results[0].file
        assert file is not None
        assert (file.size, file.sha256) == (len(body), hashlib.sha256(body).hexdigest())
        assert (tmp_path / "media" / file.name).read_bytes() == body
        assert row.state is S.COMPLETED
        assert (row.completed_at, row.expires_at) == (here.now, here.now + 86_400)
        assert _names(tmp_path) == [file.name]

    play(tmp_path, story)


def test_without_copies_the_upstreams_own_address_serves(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await _delivered(here)
        await here.turn()
        row = await here.row(job)
        assert row.state is S.COMPLETED
        assert row.results[0].file is None
        assert row.expires_at == here.now + 86_400
        assert here.fake.opened == []

    play(tmp_path, story, copies=False)


def test_a_still_image_comes_along_and_its_lack_is_no_failure(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        here.fake.posters = True
        for trouble in (None, LOST, PAGE):
            job = await _delivered(here, f"with {trouble!r}")
            here.fake.copies = [None, trouble]
            await here.turn()
            row = await here.row(job)
            assert row.state is S.COMPLETED
            assert (row.results[0].poster is not None) == (trouble is None)

    play(tmp_path, story)


@pytest.mark.parametrize("trouble", [LOST, PAGE, b""], ids=["gone", "a page", "empty"])
def test_a_copy_that_fails_is_tried_again_at_growing_pauses(
    tmp_path: Path, trouble: Failure | bytes
) -> None:
    async def story(here: JobWorld) -> None:
        job = await _delivered(here)
        here.fake.copies += [trouble] * 3
        for tries in range(1, 4):
            await here.turn()
            row = await here.row(job)
            assert (row.state, row.tries) == (S.STORING, tries)
            assert row.due_at == here.now + pause_after(tries)
            here.now = row.due_at
            assert _names(tmp_path) == []
        await here.turn()
        assert await here.state(job) is S.COMPLETED

    play(tmp_path, story)


def test_a_result_that_stays_away_is_lost_and_the_operator_finds_it(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await _delivered(here)
        here.fake.copies += [LOST] * 1000
        await here.work(6000, 60)
        assert await here.verdict(job) is Kind.RESULT_LOST
        assert len(here.fake.opened) == STORE_TRIES
        note = (await here.store.history(job.id))[-1].note
        assert "task-0 on k1" in note

    play(tmp_path, story)


def test_a_result_beyond_the_cap_is_not_kept_nor_tried_again(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await _delivered(here)
        await here.turn()
        assert await here.verdict(job) is Kind.RESULT_LOST
        assert len(here.fake.opened) == 1
        assert _names(tmp_path) == []

    play(tmp_path, story, limit=len(MP4) - 1)


def test_a_disk_in_trouble_is_waited_for(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await _delivered(here)
        folder = tmp_path / "media"
        folder.write_text("a file where the folder should be")
        await here.turn()
        row = await here.row(job)
        assert (row.state, row.tries) == (S.STORING, 1)
        folder.unlink()
        await here.finish(job)
        assert await here.state(job) is S.COMPLETED

    play(tmp_path, story)


def test_the_owning_account_alone_fetches_and_may_come_back(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await _delivered(here)
        here.desk.replace([cookie()])
        await here.turn()
        assert (await here.row(job)).tries == 1
        assert here.fake.opened == []
        here.desk.replace([key()])
        await here.finish(job)
        assert await here.state(job) is S.COMPLETED

    play(tmp_path, story)


def test_a_crash_while_copying_copies_again_from_the_start(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await _delivered(here)
        here.fake.copies = [HOLD]
        await here.turn()
        here.crash()
        here.now += LEASE
        await here.turn()
        file = (await here.row(job)).results[0].file
        assert file is not None
        assert (tmp_path / "media" / file.name).read_bytes() == MP4
        assert _names(tmp_path) == [file.name]
        assert here.fake.purchases == {"a cat": 1}

    play(tmp_path, story)


def test_a_copy_that_was_made_but_not_written_down_is_made_again(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await _delivered(here)
        here.fake.copies = [HOLD]
        await here.turn()
        here.hand.store.failures = 1_000
        here.fake.gate.set()
        await here.rest()
        assert await here.state(job) is S.STORING
        here.hand.store.failures = 0
        here.now += LEASE
        await here.turn()
        assert await here.state(job) is S.COMPLETED
        assert len(_names(tmp_path)) == 1

    play(tmp_path, story)


def test_a_copy_that_drips_in_for_ever_gives_up_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.services.storing.LONGEST_COPY", 0.02)

    async def story(here: JobWorld) -> None:
        job = await _delivered(here)
        here.fake.copies = [HOLD]
        await here.hand.worker.turn()
        await asyncio.wait(here.hand.steps(), timeout=10)
        assert (await here.row(job)).tries == 1
        assert _names(tmp_path) == []

    play(tmp_path, story)


def test_few_copies_are_made_at_once(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        jobs = [await here.order(f"{n}", Answer(How.DELIVERED)) for n in range(MOST_STORED + 4)]
        await here.turn()
        here.fake.copies = [HOLD] * len(jobs)
        await here.turn()
        await here.turn()
        assert here.fake.waiting == MOST_STORED
        here.fake.gate.set()
        await here.rest()
        await here.turn()
        assert {await here.state(job) for job in jobs} == {S.COMPLETED}

    play(tmp_path, story, key(limit=50))
