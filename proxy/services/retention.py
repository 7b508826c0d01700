"""What is old goes: results beyond their age or the folder's size, and long-ended jobs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from proxy.store.jobs import JobStore
from proxy.store.media_files import MediaFiles
from proxy.telemetry import log

AT_ONCE: Final = 500


@dataclass(slots=True)
class Retention:
    """Ages in seconds. ``clock`` gives epoch seconds."""

    store: JobStore
    files: MediaFiles
    clock: Callable[[], float]
    media_seconds: float
    media_bytes: int
    job_seconds: float

    async def sweep(self) -> None:
        """One round. Inputs of living jobs stay, whatever their age."""
        needed = await self.store.living_inputs()
        now = self.clock()
        removed = await self.files.sweep(
            now, self.media_seconds, self.media_bytes, needed.__contains__
        )
        forgotten = 0
        while old := await self.store.ended_before(now - self.job_seconds, AT_ONCE):
            await self.store.forget(old)
            forgotten += len(old)
        if removed or forgotten:
            log.info("retention", files=len(removed), jobs=forgotten)
