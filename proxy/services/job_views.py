"""A job as the doors show it: its state in four words, its links, what became of it."""

from dataclasses import dataclass
from typing import Final

from proxy.core.job_view import CANCELLED_CODE, JobStatus, JobView
from proxy.core.jobs import Job, JobState, estimated_progress
from proxy.services.jobs import JobService
from proxy.services.links import Links
from proxy.wire.openai_errors import ErrorReply, for_failure

_STATUS: Final = {
    JobState.QUEUED: JobStatus.QUEUED,
    JobState.SUBMITTING: JobStatus.IN_PROGRESS,
    JobState.RUNNING: JobStatus.IN_PROGRESS,
    JobState.STORING: JobStatus.IN_PROGRESS,
    JobState.COMPLETED: JobStatus.COMPLETED,
    JobState.FAILED: JobStatus.FAILED,
    JobState.CANCELLED: JobStatus.FAILED,
}
_CANCELLED: Final = (CANCELLED_CODE, "The job was cancelled.")


def reply_of(job: Job) -> ErrorReply:
    """What a caller is told of a failed job."""
    assert job.verdict is not None
    provider = job.route.provider if job.route else ""
    return for_failure(job.verdict.failure(), job.verdict.retry_after, provider)


@dataclass(slots=True)
class JobViews:
    """Makes views; ``base`` is the origin that the caller used."""

    jobs: JobService
    links: Links

    async def of(self, job: Job, base: str) -> JobView:
        """One job's view."""
        terms, now = job.ask.terms, self.jobs.clock()
        expected = await self.jobs.expected(job)
        links = self.links.of(job, base) if job.state is JobState.COMPLETED else []
        return JobView(
            id=job.id,
            product=job.product,
            model=terms.model,
            status=_STATUS[job.state],
            progress=estimated_progress(job, expected, now),
            created_at=int(job.created_at),
            completed_at=None if job.completed_at is None else int(job.completed_at),
            expires_at=None if job.expires_at is None else int(job.expires_at),
            seconds=job.filled.get("seconds", terms.seconds),
            size=terms.size,
            ratio=job.filled.get("ratio", terms.ratio),
            resolution=job.filled.get("resolution", terms.resolution),
            prompt=terms.prompt,
            remixed_from=job.remix_of,
            error=_error(job),
            urls=tuple(url for url, _ in links),
            posters=tuple(poster for _, poster in links if poster),
            provider=job.route.provider if job.route else "",
            cost=job.cost,
            route=job.route.value if job.route else "",
            account=job.account_label,
            served_model=job.served_model or job.upstream_model,
            attempts=job.attempts,
            ignored=job.ignored,
            metadata=job.metadata,
            expected_seconds=expected,
        )

    async def all(self, jobs: list[Job], base: str) -> list[JobView]:
        """Views in the same order."""
        return [await self.of(job, base) for job in jobs]


def _error(job: Job) -> tuple[str, str] | None:
    if job.state is JobState.CANCELLED:
        return _CANCELLED
    if job.verdict is None:
        return None
    reply = reply_of(job)
    return reply.code, reply.message
