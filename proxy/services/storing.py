"""The last step of a job: copy the result to our own disk, as its address upstream will expire."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from proxy.core.accounts import Account
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.jobs import STORE_TRIES, Job, JobEvent, Result, StoredFile, Verdict, pause_after
from proxy.core.products import Product
from proxy.services.desk import Desk
from proxy.services.job_log import JobLog
from proxy.store.failures import StoreUnavailable
from proxy.store.media_files import MediaFiles, TooLarge
from proxy.telemetry import log
from proxy.upstreams.media import MediaUpstream
from proxy.wire.media_types import extension, sniff

# Upstreams keep results for a day at least; with MEDIA=proxy or redirect ours lives no longer.
UPSTREAM_KEEPS: Final = 86_400.0
# A copy that drips in for ever would keep the others from their turn.
LONGEST_COPY: Final = 3600.0


class NotMedia(Exception):
    """What came under the result's address is no image and no video."""


@dataclass(slots=True)
class Storing:
    """``copies``: whether results are kept here at all (``MEDIA=store``). ``limit`` in bytes,
    ``keeps`` in seconds.
    """

    upstream: MediaUpstream
    desk: Desk
    files: MediaFiles
    log: JobLog
    copies: bool
    limit: int
    keeps: float

    async def run(self, job: Job) -> None:
        """Copy every result, then complete the job; a copy that fails is tried again later."""
        try:
            async with asyncio.timeout(LONGEST_COPY):
                results = await self._copies(job) if self.copies else job.results
        except TooLarge:
            await self._lost(job, "the result is larger than MEDIA_MAX_FILE_MB")
        except (UpstreamError, NotMedia, StoreUnavailable, TimeoutError) as error:
            await self._again(job, str(error) or type(error).__name__)
        else:
            await self._complete(job, results)

    async def _complete(self, job: Job, results: tuple[Result, ...]) -> None:
        now = self.log.clock()
        await self.log.write_surely(
            job,
            JobEvent.STORED,
            results=results,
            completed_at=now,
            expires_at=now + (self.keeps if self.copies else UPSTREAM_KEEPS),
        )

    async def _again(self, job: Job, why: str) -> None:
        tries = job.tries + 1
        log.warning("job.not_stored", job=job.id, tries=tries, why=why)
        if tries >= STORE_TRIES:
            await self._lost(job, why)
            return
        await self.log.postpone(job, due_at=self.log.clock() + pause_after(tries), tries=tries)

    async def _lost(self, job: Job, why: str) -> None:
        note = f"{why}; task {', '.join(job.task_ids)} on {job.account_label}"
        await self.log.fail(job, Verdict(Kind.RESULT_LOST, note))

    async def _copies(self, job: Job) -> tuple[Result, ...]:
        seat = self.desk.pool.seat(job.account_id)
        if seat is None:
            raise UpstreamError(Failure(Kind.RESULT_LOST, "its account is not configured"))
        return tuple(
            [
                await self._copy(job, seat.account, result, number)
                for number, result in enumerate(job.results)
            ]
        )

    async def _copy(self, job: Job, account: Account, result: Result, number: int) -> Result:
        if result.file is not None:
            return result
        stem = f"{job.id}-{number}"
        file = await self._fetch(job, account, result.url, stem, job.product)
        poster = None
        if result.poster_url:
            try:
                poster = await self._fetch(
                    job, account, result.poster_url, f"{stem}-poster", Product.IMAGE
                )
            except (UpstreamError, NotMedia, TooLarge) as error:
                # A video without its still image is a video all the same.
                log.info("job.no_poster", job=job.id, why=str(error) or type(error).__name__)
        return msgspec.structs.replace(result, file=file, poster=poster)

    async def _fetch(
        self, job: Job, account: Account, url: str, stem: str, product: Product
    ) -> StoredFile:
        assert job.route is not None
        download = await self.upstream.open(account, job.route, url)
        try:
            return await self.files.save(stem, download.chunks, self.limit, typed_as(product))
        finally:
            await download.aclose()


def typed_as(product: Product) -> Callable[[bytes], tuple[str, str]]:
    """MIME type and extension by the first bytes: an error page is no result."""

    def typed(head: bytes) -> tuple[str, str]:
        mime = sniff(head)
        if mime is None or not mime.startswith(product.value + "/"):
            raise NotMedia(f"the result's address gave no {product.value}")
        return mime, extension(mime)

    return typed


async def one_chunk(data: bytes) -> AsyncIterator[bytes]:
    """Bytes that are there already, as a stream."""
    yield data
