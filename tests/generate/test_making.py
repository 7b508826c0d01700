"""A request is made once, whatever happens to the connection."""

import asyncio
from typing import Any

import pytest
from generate.watchers import Shown, Time, Told, away

from proxy.generate.making import Making, job_ids
from proxy.generate.server import Answer, NoAnswer, Refused, Stop

GOOD = {"id": "video_1"}


def _made(*answers: Any) -> tuple[Answer, Told, Shown, Time]:
    told, shown, time = Told(answers), Shown(), Time()
    making = Making(told, shown, time.sleep)  # type: ignore[arg-type]
    return asyncio.run(making.make("/v1/videos", {"prompt": "a cat"})), told, shown, time


def _keys(told: Told) -> set[str]:
    return {headers["Idempotency-Key"] for _, headers in told.asked}


def test_every_request_has_a_key_of_its_own() -> None:
    assert _keys(_made(GOOD)[1]) != _keys(_made(GOOD)[1])


def test_a_request_that_broke_off_is_repeated_under_its_key() -> None:
    answer, told, shown, _ = _made(away(sent=True), away(), GOOD)
    assert job_ids(answer) == ["video_1"]
    assert len(told.asked) == 3
    assert len(_keys(told)) == 1
    assert len(shown.troubles) == 2


def test_a_server_that_is_not_there_is_not_asked_again() -> None:
    with pytest.raises(NoAnswer):
        _made(away())


def test_when_it_stays_away_nobody_knows_whether_it_took_the_request() -> None:
    with pytest.raises(Stop, match="jobs list"):
        _made(away(sent=True), away(), away(), away())


def test_what_passes_soon_is_waited_for() -> None:
    answer, told, shown, time = _made(Refused("The database is away.", 503, 5.0), GOOD)
    assert job_ids(answer) == ["video_1"]
    assert (len(told.asked), time.slept) == (2, [5.0])
    assert shown.troubles == ["The database is away. Trying again in 5 s, with the same key."]


@pytest.mark.parametrize("refused", [Refused("No.", 400), Refused("Full.", 429, 3600.0)])
def test_what_does_not_pass_soon_is_told(refused: Refused) -> None:
    with pytest.raises(Refused):
        _made(refused)


def test_a_clear_no_after_a_doubt_is_clear() -> None:
    with pytest.raises(Refused, match="Wrong"):
        _made(away(sent=True), Refused("Wrong.", 400))


@pytest.mark.parametrize(
    ("header", "ids"), [("video_1", ["video_1"]), ("image_1, image_2,", ["image_1", "image_2"])]
)
def test_jobs_are_named_by_a_header(header: str, ids: list[str]) -> None:
    assert job_ids(Answer({}, {"x-genspark2api-job": header})) == ids


def test_a_server_that_names_no_job() -> None:
    with pytest.raises(Stop, match="names no job"):
        job_ids(Answer({}, {}))
