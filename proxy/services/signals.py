"""Who waits for which job, within this process."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Signals:
    """Rings for everybody who waits when something has happened to a job."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def ring(self, job_id: str) -> None:
        """Something happened to this job."""
        for event in self._waiting.get(job_id, ()):
            event.set()

    @contextmanager
    def listening(self, job_ids: list[str]) -> Iterator[asyncio.Event]:
        """An event that any of these jobs sets; clear it before looking at them."""
        event = asyncio.Event()
        for job_id in job_ids:
            self._waiting.setdefault(job_id, set()).add(event)
        try:
            yield event
        finally:
            for job_id in job_ids:
                self._waiting[job_id].discard(event)
                if not self._waiting[job_id]:
                    del self._waiting[job_id]
