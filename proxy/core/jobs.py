"""The job state machine: what a generation is, what may happen to it, and what comes next.

Durable first, then act: the state in the row decides the next step, and ``INTENT`` is written
before the call that costs. A job found ``SUBMITTING`` by anybody but the worker that wrote it has
an unknown fate upstream; it is reported as such and never sent again.
"""

from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from proxy.core.failures import Failure, Kind
from proxy.core.media import MediaAsk, Terms
from proxy.core.products import Product, Route


class JobState(StrEnum):
    """Where a job is. ``SUBMITTING``: the paid call may be on its way. ``STORING``: the result
    exists upstream and is being copied.
    """

    QUEUED = "queued"
    SUBMITTING = "submitting"
    RUNNING = "running"
    STORING = "storing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobEvent(StrEnum):
    """What can happen to a job; each is a line of its history."""

    INTENT = "intent"
    REFUSED = "refused"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    STORED = "stored"
    POSTPONED = "postponed"
    FAILED = "failed"
    CANCELLED = "cancelled"


S, E = JobState, JobEvent
_ENDS: Final = {E.FAILED: S.FAILED, E.CANCELLED: S.CANCELLED}
TRANSITIONS: Final[dict[JobState, dict[JobEvent, JobState]]] = {
    S.QUEUED: {E.INTENT: S.SUBMITTING, E.POSTPONED: S.QUEUED, **_ENDS},
    S.SUBMITTING: {
        E.REFUSED: S.QUEUED,
        E.ACCEPTED: S.RUNNING,
        E.DELIVERED: S.STORING,
        **_ENDS,
    },
    S.RUNNING: {E.DELIVERED: S.STORING, E.POSTPONED: S.RUNNING, **_ENDS},
    S.STORING: {E.STORED: S.COMPLETED, E.POSTPONED: S.STORING, **_ENDS},
    S.COMPLETED: {},
    S.FAILED: {},
    S.CANCELLED: {},
}

ENDED: Final = frozenset(state for state, ways in TRANSITIONS.items() if not ways)
# At an upstream, or about to be: what MAX_ACTIVE_JOBS counts.
AT_WORK: Final = frozenset({S.SUBMITTING, S.RUNNING, S.STORING})


class IllegalEvent(Exception):
    """This cannot happen to a job in this state: a mistake of ours."""


class StoredFile(Struct, frozen=True):
    """A result in the media folder; ``size`` in bytes."""

    name: str
    mime: str
    size: int
    sha256: str


class Result(Struct, frozen=True, omit_defaults=True):
    """One result upstream, and its copies of ours once there are any."""

    url: str
    poster_url: str = ""
    file: StoredFile | None = None
    poster: StoredFile | None = None


class Verdict(Struct, frozen=True, omit_defaults=True):
    """Why a job failed: a ``Failure`` that outlives the process."""

    kind: Kind
    detail: str = ""
    told: str = ""
    retry_after: float | None = None

    @classmethod
    def of(cls, failure: Failure, retry_after: float | None = None) -> "Verdict":
        """The lasting part of a failure."""
        wait = failure.retry_after if retry_after is None else retry_after
        return cls(failure.kind, failure.detail, failure.told, wait)

    def failure(self) -> Failure:
        """The failure again, for the tables that read one."""
        return Failure(self.kind, self.detail, self.retry_after, told=self.told)


class Job(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One generation. Times are epoch seconds; change is ``apply``.

    ``batch`` is the id of the first job of the same request. ``due_at`` is when a worker should
    look again (None: never). ``tries`` counts failures of the present step in a row.
    ``metadata`` is the caller's own; ``filled`` holds ratio, seconds and resolution as they are
    asked for upstream. ``cost`` is an estimate in US dollars, where the price is known.
    """

    id: str
    ask: MediaAsk
    caller: str
    created_at: float
    batch: str
    state: JobState = JobState.QUEUED
    due_at: float | None = None
    idempotency_key: str | None = None
    request_hash: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    remix_of: str | None = None
    route: Route | None = None
    account_id: str = ""
    account_label: str = ""
    upstream_model: str = ""
    served_model: str = ""
    task_ids: tuple[str, ...] = ()
    project_id: str = ""
    attempts: int = 0
    tries: int = 0
    progress: int | None = None
    sent_at: float | None = None
    completed_at: float | None = None
    expires_at: float | None = None
    results: tuple[Result, ...] = ()
    verdict: Verdict | None = None
    ignored: tuple[str, ...] = ()
    filled: dict[str, Any] = field(default_factory=dict)
    cost: float | None = None

    @property
    def product(self) -> Product:
        """Image or video."""
        return self.ask.terms.product

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.state in ENDED

    def apply(self, event: JobEvent, **changes: Any) -> "Job":
        """The job after an event. Raises ``IllegalEvent``."""
        try:
            state = TRANSITIONS[self.state][event]
        except KeyError:
            raise IllegalEvent(f"{event} in state {self.state}") from None
        if state in ENDED:
            changes["due_at"] = None
        if state is not self.state:
            changes.setdefault("tries", 0)
        return msgspec.structs.replace(self, state=state, **changes)


def filled(terms: Terms) -> dict[str, Any]:
    """The part of completed terms that callers are shown."""
    return {"ratio": terms.ratio, "seconds": terms.seconds, "resolution": terms.resolution}


class Entry(Struct, frozen=True, omit_defaults=True):
    """One line of a job's history; ``at`` in epoch seconds, ``note`` free of secrets."""

    at: float
    event: str
    state: JobState
    account: str = ""
    route: str = ""
    note: str = ""


def entry(job: Job, event: JobEvent | str, at: float, note: str = "") -> Entry:
    """The line that records what just happened to ``job`` (already applied)."""
    route = job.route.value if job.route else ""
    return Entry(at, str(event), job.state, job.account_label, route, note)


class Step(StrEnum):
    """What a worker does with a job it has claimed."""

    SUBMIT = "submit"
    GIVE_UP = "give_up"
    POLL = "poll"
    STORE = "store"


STEPS: Final[dict[JobState, Step]] = {
    S.QUEUED: Step.SUBMIT,
    # Its worker is gone, or it would not have been claimable.
    S.SUBMITTING: Step.GIVE_UP,
    S.RUNNING: Step.POLL,
    S.STORING: Step.STORE,
}

UNCONFIRMED: Final = Failure(
    Kind.UNCONFIRMED, "the connection or the server broke off while the request was being sent"
)


# A copy that fails is tried again for a little over an hour: results stay upstream for a day.
STORE_TRIES: Final = 15
_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 600.0


def pause_after(tries: int) -> float:
    """Seconds before the next try of a step that has failed ``tries`` times in a row."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** max(0, min(tries, 20) - 1))


def estimated_progress(job: Job, expected: float, now: float) -> int:
    """0..100: the upstream's own word, else by elapsed time over what this model usually takes.

    100 is reached only by completion, and the estimate slows down as it nears 95. A job that has
    ended without a result stays where it was.
    """
    if job.state is S.COMPLETED:
        return 100
    if job.progress is not None:
        return max(0, min(99, job.progress))
    if job.sent_at is None or job.state is S.QUEUED:
        return 0
    if job.state is S.STORING:
        return 97
    until = now if job.completed_at is None else job.completed_at
    share = max(0.0, until - job.sent_at) / max(expected, 1.0)
    return max(1, min(95, round(100 * share / (share + 0.35) if share > 0.65 else 100 * share)))
