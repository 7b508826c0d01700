"""Waiting for jobs: how often the server is asked, and what of its absence is borne."""

import asyncio
from typing import Any

import pytest
from generate.watchers import Shown, Time, Told, away, job

from proxy.generate.job_news import JobNews
from proxy.generate.server import NoAnswer, Refused, Stop
from proxy.generate.watching import PATIENCE, Watch

BUSY = Refused("Too many requests.", 429, 20.0)


def _watched(
    *answers: Any, met: bool = False, ids: tuple[str, ...] = ("video_1",)
) -> tuple[list[JobNews], Shown, Time]:
    shown, time = Shown(), Time()
    watch = Watch(Told(answers), shown, met, time.sleep, time.clock)  # type: ignore[arg-type]
    return asyncio.run(watch.until_ended(ids)), shown, time


def test_until_the_job_has_ended() -> None:
    jobs, shown, time = _watched(job("queued"), job("running"), job("completed", urls=["http://h"]))
    assert [news.state for news in shown.jobs] == ["queued", "running", "completed"]
    assert jobs[0].good
    assert len(time.slept) == 2


def test_a_finished_job_takes_no_time() -> None:
    assert _watched(job("failed"))[2].slept == []


def test_jobs_that_have_ended_are_not_asked_about_again() -> None:
    _, shown, _ = _watched(
        job("running", id="a"), job("completed", id="b"), job("completed", id="a"), ids=("a", "b")
    )
    assert [news.id for news in shown.jobs] == ["a", "b", "a"]


def test_a_long_job_stays_below_the_usual_limit_of_requests() -> None:
    *_, time = _watched(*[job("running")] * 40, job("completed"))
    assert len([at for at in _moments(time) if at < 60]) < 30
    assert time.slept[-1] == 5


def _moments(time: Time) -> list[float]:
    return [sum(time.slept[:number]) for number in range(len(time.slept))]


def test_a_restart_is_sat_out_and_told_once() -> None:
    jobs, shown, _ = _watched(
        job("running"), away(), away(sent=True), Refused("Draining.", 503, 1.0), job("completed")
    )
    assert jobs[0].state == "completed"
    assert len(shown.troubles) == 1


def test_patience_ends() -> None:
    with pytest.raises(NoAnswer):
        _watched(job("running"), *[away()] * 1000)


def test_each_absence_has_patience_of_its_own() -> None:
    pauses = [away()] * int(PATIENCE / 2.5)
    jobs, shown, _ = _watched(job("running"), *pauses, job("running"), *pauses, job("completed"))
    assert jobs[0].state == "completed"
    assert len(shown.troubles) == 2


def test_a_server_that_was_never_there_is_not_waited_for() -> None:
    with pytest.raises(NoAnswer):
        _watched(away())


def test_after_a_create_it_was_there() -> None:
    assert _watched(away(), job("completed"), met=True)[0][0].ended


@pytest.mark.parametrize("status", [401, 404])
def test_what_does_not_pass_is_told_at_once(status: int) -> None:
    with pytest.raises(Refused):
        _watched(job("running"), Refused("No.", status))
    with pytest.raises(Refused):
        _watched(job("running"), away(), Refused("No.", status))


def test_a_limit_is_waited_for_however_long() -> None:
    jobs, shown, time = _watched(*[BUSY] * 10, job("completed"))
    assert jobs[0].ended
    assert time.slept == [20.0] * 10
    assert shown.troubles == []


def test_an_answer_without_a_state_ends_the_watch() -> None:
    with pytest.raises(Stop, match="unknown way"):
        _watched({"id": "video_1"})
