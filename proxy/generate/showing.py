"""What a person sees while jobs run and files come in: bars on a terminal, else plain lines."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID
from rich.text import Text

from proxy.generate import words
from proxy.generate.job_news import JobNews

# A plain line follows each step of this many percent, and each silence of this many seconds.
STEP: Final = 10
SILENCE: Final = 60.0
# The longest state's name: the bars begin below each other, and stay there.
NAME: Final = 9
LONGEST_NAME: Final = 22
_COLOURS: Final = {"completed": "green", "failed": "red", "cancelled": "red"}


class Show(Protocol):
    """Told of everything that happens."""

    def job(self, news: JobNews) -> None:
        """Where a job is; called again and again."""

    def file(self, name: str, have: int, total: int | None) -> None:
        """A file's bytes so far, of how many; called for each network read."""

    def trouble(self, text: str) -> None:
        """Something that may pass."""


class Lines:
    """One line for each change, for logs and scripts. ``clock`` gives seconds."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._write = write
        self._clock = clock
        self._said: dict[str, tuple[str, int, float]] = {}
        self._files: set[str] = set()

    def job(self, news: JobNews) -> None:
        """See ``Show``."""
        now = self._clock()
        state, progress, at = self._said.get(news.id, ("", 0, 0.0))
        quiet = news.progress < progress + STEP and now < at + SILENCE
        if news.state == state and (quiet or news.ended):
            return
        self._said[news.id] = (news.state, news.progress, now)
        self._write(f"{news.id} {_step(news)}")

    def file(self, name: str, have: int, total: int | None) -> None:
        """See ``Show``."""
        if name not in self._files:
            self._files.add(name)
            self._write(f"downloading {name}" + (f" ({words.size(total)})" if total else ""))

    def trouble(self, text: str) -> None:
        """See ``Show``."""
        self._write(text)


def _step(news: JobNews) -> str:
    time_gone = words.clock(news.elapsed) if news.ended else words.took(news.elapsed, news.expected)
    return f"{news.doing} {news.progress}%, {time_gone}"


class Bars:
    """A bar for each job and each file, alive between the news."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._rows: dict[str, TaskID] = {}

    def job(self, news: JobNews) -> None:
        """See ``Show``."""
        progress = self._progress
        if news.id not in self._rows:
            progress.console.print(Text.assemble((news.id, "bold"), "  ", (news.model, "dim")))
        facts: dict[str, Any] = {
            "description": news.doing,
            "total": 100,
            "completed": news.progress,
            "news": news,
            "began": progress.get_time() - news.elapsed,
        }
        row = self._row(news.id, _job_tail, facts)
        progress.update(row, **facts)
        if news.ended:
            progress.stop_task(row)

    def file(self, name: str, have: int, total: int | None) -> None:
        """See ``Show``."""
        facts: dict[str, Any] = {"description": name, "total": total, "completed": have}
        self._progress.update(self._row(name, _file_tail, facts), **facts)

    def trouble(self, text: str) -> None:
        """See ``Show``."""
        self._progress.console.print(Text(text, "yellow"))

    def _row(self, name: str, tail: Callable[[Task], str], facts: dict[str, Any]) -> TaskID:
        """The row of a job or a file. It is drawn at once, so its facts come with it."""
        if name not in self._rows:
            self._rows[name] = self._progress.add_task(tail=tail, **facts)
        return self._rows[name]


def _job_tail(task: Task) -> str:
    news: JobNews = task.fields["news"]
    if news.ended:
        return words.clock(news.elapsed)
    return words.took(task.get_time() - task.fields["began"], news.expected)


def _file_tail(task: Task) -> str:
    tail = words.size(task.completed)
    if task.total and not task.finished:
        tail += f" of {words.size(task.total)}"
    if task.speed and not task.finished:
        tail += f", {words.size(task.speed)}/s"
    return tail


def _shortened(name: str) -> str:
    """A file's name with its ends, so that the bar has room."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 9]}…{name[-8:]}"


class _Name(ProgressColumn):
    def render(self, task: Task) -> Text:
        name = _shortened(task.description)
        return Text(f"{name:{NAME}}", _COLOURS.get(name, ""))


class _Mark(SpinnerColumn):
    """Turns while something is going on."""

    def render(self, task: Task) -> Text:
        still = task.finished or task.stop_time is not None
        found = Text(" ") if still else super().render(task)
        return found if isinstance(found, Text) else Text(" ")


class _Percent(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.percentage:>3.0f}%" if task.total else "    ")


class _Tail(ProgressColumn):
    def render(self, task: Task) -> Text:
        tail: Callable[[Task], str] = task.fields["tail"]
        return Text(tail(task), "dim")


def _bar() -> BarColumn:
    """In plain colours: where there are 16, rich's own for full and for empty are the same."""
    return BarColumn(
        30, "bright_black", complete_style="cyan", finished_style="green", pulse_style="cyan"
    )


@contextmanager
def showing(out: Console, err: Console) -> Iterator[Show]:
    """On ``err``, so that ``out`` is free for results: bars, or lines where ``out`` is no terminal
    or bars cannot be drawn.
    """
    if not out.is_terminal or not err.is_terminal or err.is_dumb_terminal:
        yield Lines(lambda text: err.print(text, markup=False), time.monotonic)
        return
    columns = (_Mark(), _Name(), _bar(), _Percent(), _Tail())
    with Progress(*columns, console=err) as progress:
        yield Bars(progress)
