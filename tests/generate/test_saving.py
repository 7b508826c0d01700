"""Results arrive whole, or a later run goes on with what there is; nothing else is overwritten."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from generate.faulty_files import Files, files
from generate.watchers import Shown, Time, job

from proxy.generate.job_news import JobNews, read_job
from proxy.generate.saving import TRIES, Saving, check_output, part_of, save_all, target
from proxy.generate.server import Refused, Server, Stop
from proxy.upstreams.http import Http

CONTENT = bytes(range(256)) * 8
NAME = "0123-0.mp4"


@pytest.fixture
def served() -> Iterator[Files]:
    """A server of one result."""
    with files(CONTENT) as state:
        yield state


def _made(served: Files, *, copied: bool = True, **more: Any) -> JobNews:
    file = {"name": NAME, "bytes": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}
    link = f"{served.url}/media/abc/{NAME}"
    facts = {"id": "video_0123456789", "urls": [link], "files": [file] if copied else []}
    return read_job(job("completed", **{**facts, **more}))


def _saved(served: Files, news: JobNews, path: Path, *, force: bool = False) -> tuple[Shown, Time]:
    shown, time = Shown(), Time()

    async def save() -> None:
        http = Http(None, 2, 5)
        try:
            server = Server(served.url, "secret", http)
            await Saving(server, shown, force, time.sleep).save(news, path)
        finally:
            await http.aclose()

    asyncio.run(save())
    return shown, time


def test_a_result_is_saved_and_its_growth_shown(served: Files, tmp_path: Path) -> None:
    path = tmp_path / "cat.mp4"
    shown, _ = _saved(served, _made(served), path)
    assert path.read_bytes() == CONTENT
    assert [each.name for each in tmp_path.iterdir()] == ["cat.mp4"]
    assert shown.files[0] == ("cat.mp4", 0, len(CONTENT))
    assert shown.files[-1] == ("cat.mp4", len(CONTENT), len(CONTENT))


def test_the_key_is_not_sent_with_a_link(served: Files, tmp_path: Path) -> None:
    _saved(served, _made(served), tmp_path / "cat.mp4")
    assert all("authorization" not in headers for _, headers in served.asked)


def test_a_result_that_breaks_off_is_gone_on_with(served: Files, tmp_path: Path) -> None:
    served.cuts = [1, 700, 0, 1]
    path = tmp_path / "cat.mp4"
    _, time = _saved(served, _made(served), path)
    assert path.read_bytes() == CONTENT
    assert served.ranged() == [None, "bytes=1-", "bytes=701-", "bytes=701-", "bytes=702-"]
    # A pause grows only while nothing arrives.
    assert time.slept == [1, 1, 2, 1]


def test_a_later_run_goes_on_with_an_earlier_one(served: Files, tmp_path: Path) -> None:
    path, news = tmp_path / "cat.mp4", _made(served)
    part_of(path, news).write_bytes(CONTENT[:1000])
    _saved(served, news, path)
    assert path.read_bytes() == CONTENT
    assert served.ranged() == ["bytes=1000-"]


def test_what_is_whole_already_is_not_fetched_again(served: Files, tmp_path: Path) -> None:
    path, news = tmp_path / "cat.mp4", _made(served)
    part_of(path, news).write_bytes(CONTENT)
    _saved(served, news, path)
    assert path.read_bytes() == CONTENT
    assert served.ranged() == []


@pytest.mark.parametrize(
    "earlier",
    [
        pytest.param(b"x" * 1000, id="of-another-content"),
        pytest.param(b"x" * len(CONTENT), id="of-the-same-size"),
        pytest.param(CONTENT + b"x", id="too-long"),
    ],
)
def test_a_part_that_is_no_beginning_of_the_result_is_dropped(
    earlier: bytes, served: Files, tmp_path: Path
) -> None:
    path, news = tmp_path / "cat.mp4", _made(served)
    part_of(path, news).write_bytes(earlier)
    _saved(served, news, path)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("ranges", [True, False])
def test_a_server_that_gives_another_part_or_always_the_whole(
    ranges: bool, served: Files, tmp_path: Path
) -> None:
    path, news = tmp_path / "cat.mp4", _made(served)
    part_of(path, news).write_bytes(CONTENT[:1000])
    served.ranges = ranges
    served.begin = 500
    _saved(served, news, path)
    assert path.read_bytes() == CONTENT


def test_a_result_that_is_damaged_each_time_is_not_kept(served: Files, tmp_path: Path) -> None:
    news = _made(served, files=[{"name": NAME, "bytes": len(CONTENT), "sha256": "00"}])
    with pytest.raises(Stop, match="arrives damaged each time"):
        _saved(served, news, tmp_path / "cat.mp4")
    assert len(served.ranged()) == TRIES
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_stays_broken_is_given_up(served: Files, tmp_path: Path) -> None:
    served.cuts = [10, *[0] * 100]
    with pytest.raises(Stop, match="broke off"):
        _saved(served, _made(served), tmp_path / "cat.mp4")
    assert len(served.ranged()) == 1 + TRIES
    assert [each.suffix for each in tmp_path.iterdir()] == [".part"]


def test_a_link_that_has_expired_is_asked_for_anew(served: Files, tmp_path: Path) -> None:
    served.statuses = [403]
    served.job = (
        b'{"id":"video_0123456789","state":"completed","urls":["http://elsewhere/media/new/0.mp4"]}'
    )
    path = tmp_path / "cat.mp4"
    _saved(served, _made(served), path)
    assert path.read_bytes() == CONTENT
    asked = [name for name, _ in served.asked]
    assert asked == [f"/media/abc/{NAME}", "/v1/jobs/video_0123456789", "/media/new/0.mp4"]


def test_a_result_that_is_gone_is_told_at_once(served: Files, tmp_path: Path) -> None:
    served.statuses = [410]
    with pytest.raises(Refused, match="Not now"):
        _saved(served, _made(served), tmp_path / "cat.mp4")
    assert len(served.ranged()) == 1


def test_a_result_that_only_the_provider_keeps_is_followed_to(
    served: Files, tmp_path: Path
) -> None:
    served.redirect = "/elsewhere"
    path = tmp_path / "cat.mp4"
    _saved(served, _made(served, copied=False), path)
    assert path.read_bytes() == CONTENT


def test_redirects_in_circles_end(served: Files, tmp_path: Path) -> None:
    served.redirect = "/media/again"
    with pytest.raises(Stop, match="in circles"):
        _saved(served, _made(served), tmp_path / "cat.mp4")


def test_a_file_that_came_up_meanwhile_is_not_overwritten(served: Files, tmp_path: Path) -> None:
    path, news = tmp_path / "cat.mp4", _made(served)
    path.write_bytes(b"mine")
    with pytest.raises(Stop, match="--force"):
        _saved(served, news, path)
    assert path.read_bytes() == b"mine"
    _saved(served, news, path, force=True)
    assert path.read_bytes() == CONTENT


def test_a_folder_that_has_gone_is_told(served: Files, tmp_path: Path) -> None:
    with pytest.raises(Stop, match="cannot be written"):
        _saved(served, _made(served), tmp_path / "gone" / "cat.mp4")


def test_only_jobs_with_a_result_are_saved(served: Files, tmp_path: Path) -> None:
    async def save() -> list[tuple[JobNews, Path, int]]:
        http = Http(None, 2, 5)
        try:
            saving = Saving(Server(served.url, None, http), Shown())
            failed = read_job(job("failed", id="video_1"))
            return await save_all(saving, [failed, _made(served)], str(tmp_path))
        finally:
            await http.aclose()

    path = tmp_path / "video_0123456789.mp4"
    assert [(found, size) for _, found, size in asyncio.run(save())] == [(path, len(CONTENT))]


def test_where_results_go(tmp_path: Path) -> None:
    news = read_job(job("completed", id="video_7", urls=["http://h/media/s/0.webm"]))
    assert target(str(tmp_path), news, 0, 1) == tmp_path / "video_7.webm"
    assert target(None, news, 0, 1) == Path("video_7.webm")
    assert target("cat.mp4", news, 0, 1) == Path("cat.mp4")
    assert target("cat.mp4", news, 1, 3) == Path("cat-2.mp4")


def test_what_cannot_be_saved_is_known_beforehand(tmp_path: Path) -> None:
    (tmp_path / "cat-2.png").touch()
    named = str(tmp_path / "cat.png")
    check_output(named, 1, force=False)
    check_output(named, 3, force=True)
    check_output(str(tmp_path), 3, force=False)
    for output, words in [(named, "--force overwrites"), (f"{tmp_path}/no/cat.png", "no folder")]:
        with pytest.raises(Stop, match=words):
            check_output(output, 3, force=False)
