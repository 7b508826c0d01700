"""The real server, with jobs held at points of their lives until the process is killed.

A test's own way to start it; the program knows nothing of this. A job says by its prompt where it
is to be held (``hold at before:intent``); ``HELD <prompt>`` on standard output says that it is
there. ``before`` and ``after`` surround a line of its history being written, ``step`` is the
beginning of a worker's step in that state, ``copying`` is in the middle of a download. The argument
is the lease in seconds: a test need not wait for a dead process as long as people do.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any

from proxy.services import worker

LEASE = float(sys.argv.pop(1))
worker.LEASE = LEASE  # type: ignore[misc]
worker.TICK = 0.05  # type: ignore[misc]

from proxy.__main__ import main  # noqa: E402 (only after the lease is set)
from proxy.core.jobs import Entry, Job  # noqa: E402
from proxy.services.polling import Polling  # noqa: E402
from proxy.services.storing import Storing  # noqa: E402
from proxy.services.submitting import Submitting  # noqa: E402
from proxy.store.jobs import JobStore  # noqa: E402
from proxy.store.media_files import MediaFiles  # noqa: E402

_POINT = re.compile(r"hold at ([a-z:]+)")
# More than a block of the media folder, so that a part of the file is on disk.
HALF = 1_500_000
prompts: dict[str, str] = {}


async def _hold(jobs: Iterable[Job], point: str) -> None:
    for job in jobs:
        await _hold_one(job.ask.terms.prompt, point)


async def _hold_one(prompt: str, point: str) -> None:
    found = _POINT.search(prompt)
    if found and found.group(1) == point:
        print(f"HELD {prompt}", flush=True)
        await asyncio.Event().wait()


def _around_writing() -> None:
    add, save, overrule = JobStore.add, JobStore.save, JobStore.overrule

    async def added(store: JobStore, new: Sequence[Job], entries: Sequence[Entry]) -> None:
        await _hold(new, "before:created")
        await add(store, new, entries)
        await _hold(new, "after:created")

    async def saved(
        store: JobStore, before: Job, after: Job, line: Entry | None, owner: str, *, keep: bool
    ) -> None:
        event = line.event if line else ""
        await _hold([after], f"before:{event}")
        await save(store, before, after, line, owner, keep=keep)
        await _hold([after], f"after:{event}")

    async def overruled(store: JobStore, before: Job, after: Job, line: Entry) -> bool:
        await _hold([after], f"before:{line.event}")
        done = await overrule(store, before, after, line)
        await _hold([after], f"after:{line.event}")
        return done

    JobStore.add, JobStore.save, JobStore.overrule = added, saved, overruled  # type: ignore[method-assign]


def _before_steps() -> None:
    for step in (Submitting, Polling, Storing):
        step.run = _after_hold(step.run)  # type: ignore[method-assign, assignment]


def _after_hold(run: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def held(step: Any, given: Any) -> None:
        for job in given if isinstance(given, list) else [given]:
            prompts[job.id] = job.ask.terms.prompt
            await _hold([job], f"step:{job.state.value}")
        await run(step, given)

    return held


def _in_copies() -> None:
    save = MediaFiles.save

    async def held(chunks: AsyncIterator[bytes], prompt: str) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in chunks:
            yield chunk
            size += len(chunk)
            if size > HALF:
                await _hold_one(prompt, "copying")

    async def saved(files: MediaFiles, stem: str, chunks: AsyncIterator[bytes], *given: Any) -> Any:
        prompt = prompts.get(stem.partition("-")[0], "")
        return await save(files, stem, held(chunks, prompt), *given)

    MediaFiles.save = saved  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    _around_writing()
    _before_steps()
    _in_copies()
    main()
