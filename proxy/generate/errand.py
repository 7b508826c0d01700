"""What a person asked for, from the request to the files; what remains of it after Ctrl-C."""

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import typer
from rich.text import Text

from proxy.generate import words
from proxy.generate.job_news import JobNews
from proxy.generate.making import Making, job_ids
from proxy.generate.saving import Saving, check_output, save_all
from proxy.generate.server import Refused, Server, Stop, reach
from proxy.generate.showing import Show, showing
from proxy.generate.watching import Watch
from proxy.terminal import err, load_settings, out
from proxy.wire.media_types import mime_of

INTERRUPTED: Final = 130
UNKNOWN_TYPE: Final = mime_of("")

Work = Callable[[Server], Awaitable[bool]]
Saved = tuple[JobNews, Path, int]


@dataclass(slots=True)
class Errand:
    """``output`` is the file or folder for results; ``ids`` are the jobs, once there are any.

    ``_fact``: what a person who leaves now is told.
    """

    output: str | None = None
    force: bool = False
    ids: list[str] = field(default_factory=list)
    _fact: str = ""

    def run(self, work: Work) -> None:
        """Do the work, which says whether all is well. Ends with ``typer.Exit`` otherwise."""
        settings = load_settings()

        async def reaching() -> bool:
            async with reach(settings) as server:
                return await work(server)

        try:
            good = asyncio.run(reaching())
        except KeyboardInterrupt:
            self._interrupted()
            raise typer.Exit(INTERRUPTED) from None
        except Stop as stop:
            self._stopped(stop)
            good = False
        if not good:
            raise typer.Exit(1)

    async def make(
        self,
        server: Server,
        wish: Callable[[], tuple[str, dict[str, Any]]],
        count: int,
        *,
        wait: bool,
    ) -> bool:
        """Have the server make something (``wish`` gives the door and the body), and save it."""
        if wait:
            check_output(self.output, count, force=self.force)
        door, body = wish()
        with showing(out, err) as show:
            answer = await Making(server, show).make(door, body)
            self.ids = job_ids(answer)
            if "x-genspark2api-demo" in answer.headers:
                show.trouble("This server is a demo: nothing that it makes is real.")
            if wait:
                ended = await self._see_through(server, show, met=True)
        if wait:
            return report(*ended)
        out.print("\n".join(self.ids), markup=False)
        return True

    async def watch(self, server: Server) -> bool:
        """Wait for the jobs in ``ids``, and save what they made."""
        check_output(self.output, len(self.ids), force=self.force)
        with showing(out, err) as show:
            ended = await self._see_through(server, show, met=False)
        return report(*ended)

    async def _see_through(
        self, server: Server, show: Show, *, met: bool
    ) -> tuple[list[JobNews], list[Saved]]:
        self._fact = "The job goes on" if len(self.ids) == 1 else "The jobs go on"
        jobs = await Watch(server, show, met).until_ended(self.ids)
        self._fact = "The result stays" if len(jobs) == 1 else "The results stay"
        return jobs, await save_all(Saving(server, show, self.force), jobs, self.output)

    def _interrupted(self) -> None:
        if self._fact:
            self._come_back()
            return
        err.print("Whether the server took the request is not known here; it tells by:")
        err.print("  genspark2api jobs list")

    def _stopped(self, stop: Stop) -> None:
        err.print(Text(str(stop), "red"))
        gone = isinstance(stop, Refused) and not stop.passes
        if self._fact and not gone:
            self._come_back()

    def _come_back(self) -> None:
        err.print(f"{self._fact} at the server. To come back for it:")
        err.print(f"  {way_back(self.ids, self.output, force=self.force)}", markup=False)


def way_back(ids: Sequence[str], output: str | None, *, force: bool) -> str:
    """The command that goes on where an errand stopped."""
    where = [] if output is None else ["-o", output]
    return shlex.join(
        ["genspark2api", "jobs", "watch", *ids, *where, *(["--force"] if force else [])]
    )


def report(jobs: Sequence[JobNews], saved: Sequence[Saved]) -> bool:
    """Print what became of the jobs; whether all have a result."""
    for each in saved:
        out.print(told(*each), markup=False)
    lost = [job for job in jobs if not job.good]
    for job in lost:
        err.print(Text(failure(job), "red"))
    return not lost


def told(job: JobNews, path: Path, size: int) -> str:
    """A line about a saved result."""
    by = f" on {job.account}" if job.account else ""
    line = f"{path} ({words.size(size)}, made in {words.clock(job.elapsed)}{by})"
    named, real = mime_of(path.suffix.lower().replace(".jpeg", ".jpg")), mime_of(job.suffix)
    if UNKNOWN_TYPE in (named, real) or named == real:
        return line
    return f"{line}: whatever its name says, it is {real}"


def failure(job: JobNews) -> str:
    """A line about a job without a result."""
    if job.state == "cancelled":
        return f"{job.id} was cancelled."
    if job.state == "completed":
        return f"{job.id} was completed, but the server keeps no result of it."
    return f"{job.id} failed: {job.error or 'the server does not say why.'}"
