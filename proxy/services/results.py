"""Where the bytes of a result are: in our folder, or upstream with the owning account."""

from dataclasses import dataclass
from pathlib import Path

from proxy.core.accounts import Account
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.jobs import Job, JobState
from proxy.services.desk import Desk
from proxy.services.links import read_file_name
from proxy.store.jobs import JobStore
from proxy.store.media_files import MediaFiles
from proxy.upstreams.media import Download, MediaUpstream


@dataclass(slots=True)
class Results:
    """``redirects`` is MEDIA=redirect: callers go to the upstream's own link where there is one."""

    files: MediaFiles
    store: JobStore
    upstream: MediaUpstream
    desk: Desk
    redirects: bool

    def on_disk(self, name: str) -> Path | None:
        """The copy, if there is one."""
        return self.files.path(name)

    async def owner(self, name: str) -> tuple[Job, int] | None:
        """The completed job, and the number of its result, that a file name stands for."""
        parts = read_file_name(name)
        job = await self.store.get(parts[0]) if parts else None
        if parts is None or job is None or job.state is not JobState.COMPLETED:
            return None
        return (job, parts[1]) if parts[1] < len(job.results) else None

    async def public_link(self, job: Job, number: int) -> str | None:
        """The upstream's own link, when callers are to be sent there and it needs no credential."""
        if not self.redirects:
            return None
        account = self._account(job)
        assert job.route is not None
        return await self.upstream.public_link(account, job.route, job.results[number].url)

    async def open(self, job: Job, number: int, byte_range: str, *, poster: bool) -> Download:
        """The result as it comes from upstream. Raises ``UpstreamError``."""
        account = self._account(job)
        assert job.route is not None
        result = job.results[number]
        url = result.poster_url if poster else result.url
        return await self.upstream.open(account, job.route, url, byte_range)

    def _account(self, job: Job) -> Account:
        seat = self.desk.pool.seat(job.account_id)
        if seat is None:
            raise UpstreamError(Failure(Kind.RESULT_LOST, "its account is not configured"))
        return seat.account
