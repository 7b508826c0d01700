"""What a person asked for, from the request to the files; what remains of it after Ctrl-C."""

import asyncio
import secrets
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from proxy.generate import words
from proxy.generate.job_news import JobNews
from proxy.generate.saving import Saving, save_all
from proxy.generate.server import Answer, NoAnswer, Refused, Server, Stop, reach
from proxy.generate.showing import showing
from proxy.generate.watching import Watch
from proxy.settings import Settings
from proxy.wire.media_types import mime_of

INTERRUPTED: Final = 130
# Before each new try of a request that may have arrived; its key keeps it a single purchase.
PAUSES: Final = (1.0, 2.0, 4.0)
_UNKNOWN_TYPE: Final = mime_of("")


@dataclass(slots=True)
class Errand:
    """``output``: where results go; None saves nothing. ``ids`` are the jobs, once there are any.

    ``out`` takes what was asked for, ``err`` what went wrong.
    """

    settings: Settings
    out: Console
    err: Console
    output: str | None
    force: bool = False
    ids: list[str] = field(default_factory=list)

    def run(self, work: Callable[[Server], Awaitable[bool]]) -> int:
        """Do the work; the exit status."""
        try:
            return 0 if asyncio.run(self._reaching(work)) else 1
        except KeyboardInterrupt:
            self._leave()
            return INTERRUPTED
        except Stop as stop:
            self.err.print(Text(str(stop), "red"))
            gone = isinstance(stop, Refused) and not stop.passes
            if self.ids and not gone:
                self._goes_on("The server keeps what it has")
            return 1

    async def _reaching(self, work: Callable[[Server], Awaitable[bool]]) -> bool:
        async with reach(self.settings) as server:
            return await work(server)

    def _leave(self) -> None:
        if self.ids:
            self._goes_on(f"{', '.join(self.ids)} goes on without you")
            return
        self.err.print("Interrupted. Whether the server took the job, it tells you itself:")
        self.err.print("  genspark2api jobs list")

    def _goes_on(self, fact: str) -> None:
        self.err.print(f"{fact}; to come back to it:", markup=False)
        self.err.print(f"  {self.way_back()}", markup=False)

    def way_back(self) -> str:
        """The command that goes on where this one stopped."""
        output = [] if self.output is None else ["-o", self.output]
        force = ["--force"] if self.force else []
        return shlex.join(["genspark2api", "jobs", "watch", *self.ids, *output, *force])

    async def make(
        self, server: Server, door: str, wish: Mapping[str, Any], *, wait: bool
    ) -> bool:
        """Have the jobs made and, unless told otherwise, see them through."""
        answer = await create(server, door, wish)
        self.ids = job_ids(answer)
        if not wait:
            self.out.print("\n".join(self.ids), markup=False)
            return True
        self._announce(answer)
        return await self.follow(server, met=True)

    def _announce(self, answer: Answer) -> None:
        for each in self.ids:
            self.out.print(Text(each, "bold"))
        if "x-genspark2api-demo" in answer.headers:
            self.out.print("[yellow]The server is a demo: what it makes is not real.[/]")

    async def follow(self, server: Server, *, met: bool = False) -> bool:
        """Wait for the jobs and save their results; whether all is well."""
        with showing(self.out) as show:
            jobs = await Watch(server, show, met).until_ended(self.ids)
            saved = []
            if self.output is not None:
                saved = await save_all(Saving(server, show, self.force), jobs, self.output)
        for job, path, count in saved:
            self.out.print(f"Saved {_saved(job, str(path), count)}", markup=False)
        if self.output is None:
            self._tell_links(jobs)
        for job in jobs:
            if not job.good:
                self.err.print(Text(_failed(job), "red"))
        return all(job.good for job in jobs)

    def _tell_links(self, jobs: Sequence[JobNews]) -> None:
        good = [job for job in jobs if job.good]
        for job in good:
            self.out.print(job.link, markup=False)
        if good:
            ids = shlex.join(job.id for job in good)
            self.out.print(f"To save it: genspark2api jobs watch {ids} -o .", markup=False)


def _saved(job: JobNews, path: str, count: int) -> str:
    by = f" on {job.account}" if job.account else ""
    made = f"{path} ({words.size(count)}), made in {words.clock(job.elapsed)}{by}."
    named, real = mime_of("." + path.rpartition(".")[2].lower()), mime_of(job.suffix)
    if _UNKNOWN_TYPE in (named, real) or named == real:
        return made
    return f"{made} Mind that it is {real}."


def _failed(job: JobNews) -> str:
    if job.state == "completed":
        return f"{job.id} completed, but the server keeps no result of it."
    why = "." if not job.error or job.state == "cancelled" else f": {job.error}"
    return f"{job.id} {'was cancelled' if job.state == 'cancelled' else job.state}{why}"


async def create(
    server: Server,
    door: str,
    wish: Mapping[str, Any],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Answer:
    """The server's answer to a new request. A network failure is tried again under the same key,
    so that it finds the first one's jobs. Raises ``Stop``.
    """
    headers = {"Idempotency-Key": f"cli-{secrets.token_hex(16)}", "Prefer": "respond-async"}
    for number, pause in enumerate((*PAUSES, None)):
        try:
            return await server.ask("POST", door, wish, headers)
        except NoAnswer as error:
            if not number and not error.sent:
                raise
            if pause is None:
                raise Stop(
                    f"{error}\nWhether the server took the job: genspark2api jobs list"
                ) from None
            await sleep(pause)
    raise AssertionError


def job_ids(answer: Answer) -> list[str]:
    """The jobs that an answer is about. Raises ``Stop`` when it names none."""
    named = answer.headers.get("x-genspark2api-job", "")
    ids = [each.strip() for each in named.split(",") if each.strip()]
    if not ids:
        raise Stop("The server names no job: it is an older genspark2api, or another program.")
    return ids
