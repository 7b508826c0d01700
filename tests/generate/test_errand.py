"""What a person is told at the end, and how to come back after leaving early."""

from pathlib import Path

import pytest
import typer
from generate.watchers import job

from proxy.generate.errand import Errand, failure, told, way_back
from proxy.generate.job_news import read_job
from proxy.generate.server import NoAnswer, Refused, Server, Stop


def test_the_way_back_can_be_pasted() -> None:
    command = way_back(["video_1", "video_2"], "my cats", force=True)
    assert command == "genspark2api jobs watch video_1 video_2 -o 'my cats' --force"
    assert way_back(["video_1"], None, force=False) == "genspark2api jobs watch video_1"


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (job("failed", error={"message": "No cats."}), "video_1 failed: No cats."),
        (job("failed"), "video_1 failed: the server does not say why."),
        (job("cancelled"), "video_1 was cancelled."),
        (job("completed"), "video_1 was completed, but the server keeps no result of it."),
    ],
)
def test_why_there_is_no_result(shown: dict[str, object], words: str) -> None:
    assert failure(read_job(shown)) == words


def test_a_saved_result_in_a_line() -> None:
    news = read_job(job("completed", elapsed_seconds=173, account="key-1", urls=["http://h/0.png"]))
    line = "cat.png (19.3 kB, made in 2:53 on key-1)"
    assert told(news, Path("cat.png"), 19_257) == line
    assert told(news, Path("cat.jpeg"), 1).endswith("whatever its name says, it is image/png")
    assert told(news, Path("cat.data"), 1).endswith("on key-1)")


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt(), 130), (Stop("No."), 1), (NoAnswer("Away.", sent=True), 1)],
)
def test_who_leaves_early_is_told_what_is_known(
    error: BaseException, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work(_server: Server) -> bool:
        raise error

    with pytest.raises(typer.Exit) as left:
        Errand().run(work)
    assert left.value.exit_code == status
    assert ("jobs list" in capsys.readouterr().err) == (status == 130)


class _Left:
    """Stands for a server whose job takes long, until its caller stops."""

    url = "http://server"

    def __init__(self, *answers: dict[str, object] | BaseException) -> None:
        self._answers = list(answers)

    async def job(self, _job_id: str) -> dict[str, object]:
        """The next answer."""
        found = self._answers.pop(0)
        if isinstance(found, BaseException):
            raise found
        return found


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyboardInterrupt(), ["The job goes on", "genspark2api jobs watch video_1 -o cat.mp4"]),
        (NoAnswer("Away.", sent=True), ["Away.", "The job goes on", "jobs watch video_1"]),
        (Refused("There is no such job.", 404), ["There is no such job."]),
    ],
)
def test_what_remains_of_a_watch_that_ends_early(
    error: BaseException, words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    errand = Errand(f"{tmp_path}/cat.mp4", ids=["video_1"])

    async def work(_server: Server) -> bool:
        return await errand.watch(_Left(error))  # type: ignore[arg-type]

    with pytest.raises(typer.Exit):
        errand.run(work)
    said = capsys.readouterr().err.replace(f"{tmp_path}/", "")
    assert all(word in said for word in words)
    assert ("jobs watch" in said) == (len(words) > 1)
