"""A show that remembers, a server that answers from a list, a clock that sleeping moves."""

from collections.abc import Sequence
from typing import Any

from proxy.generate.job_news import JobNews
from proxy.generate.server import Answer, NoAnswer


class Shown:
    """What a person would have seen."""

    def __init__(self) -> None:
        self.jobs: list[JobNews] = []
        self.files: list[tuple[str, int, int | None]] = []
        self.troubles: list[str] = []

    def job(self, news: JobNews) -> None:
        """See ``Show``."""
        self.jobs.append(news)

    def file(self, name: str, have: int, total: int | None) -> None:
        """See ``Show``."""
        self.files.append((name, have, total))

    def trouble(self, text: str) -> None:
        """See ``Show``."""
        self.troubles.append(text)


class Told:
    """Stands for the server. ``answers`` are given in order: a body, or an exception."""

    url = "http://server"

    def __init__(self, answers: Sequence[Any]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def ask(
        self, method: str, path: str, wish: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """The next answer."""
        self.asked.append((path, headers or {}))
        found = self._answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return Answer(found, {"x-genspark2api-job": "video_1"})

    async def job(self, job_id: str) -> Any:
        """The next answer's body."""
        return (await self.ask("GET", job_id)).body


class Time:
    """``sleep`` takes no time and all of it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Let time go by."""
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        """Seconds."""
        return self.now


def job(state: str = "running", **more: Any) -> dict[str, Any]:
    """A decoded job of ``GET /v1/jobs/{id}``."""
    return {"id": "video_1", "kind": "video", "model": "m", "state": state, **more}


def away(*, sent: bool = False) -> NoAnswer:
    """The server is not there."""
    return NoAnswer("No server answers.", sent=sent)
