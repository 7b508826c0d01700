"""Results on the caller's own disk: fetched in parts that a later run goes on with."""

import asyncio
import hashlib
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

from proxy.generate.job_news import JobNews, path_of, read_job
from proxy.generate.server import NoAnswer, Refused, Server, Stop
from proxy.generate.showing import Show
from proxy.upstreams.http import Exchange

TRIES: Final = 5
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
MOST_REDIRECTS: Final = 5
_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)", re.ASCII)


def check_output(output: str | None, count: int, *, force: bool) -> None:
    """Raises ``Stop`` when results could not be saved there: better known before they are paid."""
    path = Path(output or ".")
    folder = path if path.is_dir() else path.parent
    if not folder.is_dir():
        raise Stop(f"There is no folder '{folder}'.")
    if not os.access(folder, os.W_OK):
        raise Stop(f"Nothing can be written to the folder '{folder}'.")
    if path.is_dir() or force:
        return
    for number in range(count):
        refuse_existing(numbered(path, number, count))


def refuse_existing(path: Path) -> None:
    """Raises ``Stop`` when there is a file."""
    if path.exists():
        raise Stop(f"'{path}' exists already; --force overwrites it.")


def numbered(path: Path, number: int, count: int) -> Path:
    """The file of one of several results: ``cat.png``, or ``cat-1.png`` and so on."""
    return path if count == 1 else path.with_name(f"{path.stem}-{number + 1}{path.suffix}")


def target(output: str | None, job: JobNews, number: int, count: int) -> Path:
    """Where a job's result goes: as named, or by its id into a folder (else the current one)."""
    path = Path(output or ".")
    if path.is_dir():
        return path / f"{job.id}{job.suffix}"
    return numbered(path, number, count)


def part_of(path: Path, job: JobNews) -> Path:
    """The unfinished file. The job's id is in its name: no other result is added to it."""
    return path.with_name(f"{path.name}.{job.id[-8:]}.part")


class Damaged(Exception):
    """The file has not the size or the checksum that the server names."""


@dataclass(slots=True)
class Saving:
    """Fetches results from ``server``, whatever host their links name."""

    server: Server
    show: Show
    force: bool = False
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def save(self, job: JobNews, path: Path) -> int:
        """Fetch the result into ``path``; its size in bytes. Raises ``Stop``."""
        part = part_of(path, job)
        try:
            await self._fetch_all(job, part, path.name)
            if not self.force:
                refuse_existing(path)
            part.replace(path)
            return _size(path)
        except OSError as error:
            raise Stop(f"'{path}' cannot be written: {error.strerror}.") from None

    async def _fetch_all(self, job: JobNews, part: Path, name: str) -> None:
        tries, pause = 0, FIRST_PAUSE
        while True:
            before = _size(part)
            try:
                await self._fetch(job, part, name)
                await asyncio.to_thread(_check, job, part)
                return
            except (NoAnswer, Refused, Damaged) as error:
                grown = _size(part) > before
                tries, pause = (0, FIRST_PAUSE) if grown else (tries + 1, pause)
                if tries >= TRIES or not _passes(error):
                    raise _given_up(error) from None
            await self.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)
            # Its link may have expired.
            job = await self._again(job)

    async def _again(self, job: JobNews) -> JobNews:
        try:
            news = read_job(await self.server.job(job.id))
        except (NoAnswer, Refused):
            return job
        return news if news.good else job

    async def _fetch(self, job: JobNews, part: Path, name: str) -> None:
        """Bring the part up to the whole, as far as one connection lasts."""
        have = _size(part)
        if job.size is not None and have == job.size:
            return
        url = self._own(job.link)
        for _ in range(MOST_REDIRECTS):
            async with self.server.fetch(url, have) as exchange:
                if exchange.status < 300 or exchange.status == 416:
                    await self._write(exchange, part, name, have)
                    return
                url = urljoin(url, exchange.headers.get("location", ""))
        raise Stop("The result cannot be fetched: it is redirected in circles.")

    def _own(self, link: str) -> str:
        """The link at the address that answers us: ``PUBLIC_BASE_URL`` may not, from here."""
        path = path_of(link)
        return f"{self.server.url}{path[path.rfind('/media/') :]}" if "/media/" in path else link

    async def _write(self, exchange: Exchange, part: Path, name: str, have: int) -> None:
        if exchange.status == 416 or (exchange.status == 206 and _begin(exchange) != have):
            # What we have is no beginning of it.
            _discard(part)
            raise Damaged
        have = have if exchange.status == 206 else 0
        length = exchange.headers.get("content-length", "")
        total = have + int(length) if length.isdecimal() else None
        with part.open("ab" if have else "wb") as file:
            self.show.file(name, have, total)
            while data := await exchange.read():
                file.write(data)
                have += len(data)
                self.show.file(name, have, total)


def _begin(exchange: Exchange) -> int:
    match = _RANGE.fullmatch(exchange.headers.get("content-range", ""))
    return int(match[1]) if match else -1


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)


def _check(job: JobNews, part: Path) -> None:
    """Raises ``Damaged`` and removes the part when it is not what the server has."""
    if not job.sha256:
        return
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != job.sha256:
        part.unlink()
        raise Damaged


def _passes(error: NoAnswer | Refused | Damaged) -> bool:
    return not isinstance(error, Refused) or error.passes or error.status == 403


def _given_up(error: NoAnswer | Refused | Damaged) -> Stop:
    if isinstance(error, Stop):
        return error
    return Stop("The result arrives damaged each time; what the server keeps seems to be broken.")


async def save_all(
    saving: Saving, jobs: Sequence[JobNews], output: str | None
) -> list[tuple[JobNews, Path, int]]:
    """Save what the jobs made: each job with its file and its size. Raises ``Stop``."""
    saved = []
    for number, job in enumerate(jobs):
        if job.good:
            path = target(output, job, number, len(jobs))
            saved.append((job, path, await saving.save(job, path)))
    return saved
