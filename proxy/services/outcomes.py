"""What task reports mean for the job they belong to. Pure."""

from collections.abc import Collection

from proxy.core.failures import Failure, Kind
from proxy.core.jobs import Result
from proxy.core.media import TaskReport, TaskState
from proxy.wire.genspark_tasks import is_policy


def results_of(reports: Collection[TaskReport]) -> tuple[Result, ...]:
    """The results, once every task has ended and there is one; else nothing."""
    if any(report.state is TaskState.PENDING or is_unlinked(report) for report in reports):
        return ()
    return tuple(
        Result(report.urls[0], report.posters[0] if report.posters else "")
        for report in reports
        if report.state is TaskState.DONE and report.urls
    )


def is_unlinked(report: TaskReport) -> bool:
    """A success that does not say where its result is: the answer about several tasks is such."""
    return report.state is TaskState.DONE and not report.urls


def refusal_of(reports: Collection[TaskReport]) -> Failure | None:
    """Why there will be no result, once every task has failed."""
    if not reports or any(report.state is not TaskState.FAILED for report in reports):
        return None
    reason = next((report.reason for report in reports if report.reason), "")
    kind = Kind.POLICY if is_policy(reason) else Kind.TASK_FAILED
    return Failure(kind, "the task ended without a result", told=reason[:500])


def progress_of(reports: Collection[TaskReport]) -> int | None:
    """The upstream's own progress, where it tells one."""
    told = [report.progress for report in reports if report.progress is not None]
    return min(told) if told else None
