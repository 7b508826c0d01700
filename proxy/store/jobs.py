"""Jobs in the database: whole rows, leases, and an append-only history.

A worker's lease is a fence: every write of a step demands that the lease is still its own and that
the job is still in the state the step began with. Whoever lost it learns so by ``LeaseLost``.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Row, Select, and_, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from proxy.core.jobs import ENDED, Entry, Job, JobState
from proxy.core.products import Product
from proxy.store.failures import StoreUnavailable
from proxy.store.schema import job_events, jobs
from proxy.telemetry import log

# How many of a model's latest jobs tell what it usually takes.
RECENT: Final = 20
# A statement's parameters are limited (SQLite: 32,766 in current builds, 999 in old ones).
AT_ONCE: Final = 500

# By state: an index leads past everything that has ended.
_LIVING: Final = jobs.c.state.in_([state.value for state in JobState if state not in ENDED])
_JOB: Final = msgspec.json.Decoder(Job)
_ENTRY: Final = msgspec.json.Decoder(Entry)


class LeaseLost(Exception):
    """Somebody else has the job now, or it ended: the step's outcome was not written."""


class KeyTaken(Exception):
    """Another job of this caller has the idempotency key."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a caller's jobs: ``after`` is a job's id, ``caller`` None means everybody."""

    caller: str | None
    product: Product | None
    after: str | None = None
    limit: int = 20
    newest_first: bool = True


class JobStore:
    """Reads and writes jobs; each method is one transaction, durable when it returns."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        # SQLite has one writer at a time, and its wait for the other is not a fair one.
        self._turn = asyncio.Lock()

    async def add(self, new: Sequence[Job], entries: Sequence[Entry]) -> None:
        """Write the jobs of one request, all or none. Raises ``KeyTaken``."""
        async with self._writing() as connection:
            try:
                await connection.execute(insert(jobs), [_row(job) for job in new])
            except IntegrityError:
                raise KeyTaken from None
            await _append(connection, zip(new, entries, strict=True))

    async def get(self, job_id: str) -> Job | None:
        """A job by its id."""
        found = await self._jobs(select(jobs.c.id, jobs.c.data).where(jobs.c.id == job_id))
        return found[0] if found else None

    async def batch(self, first: str) -> list[Job]:
        """All jobs of one request, in the order of their ids."""
        return await self._jobs(
            select(jobs.c.id, jobs.c.data).where(jobs.c.batch == first).order_by(jobs.c.id)
        )

    async def by_key(self, caller: str, key: str) -> Job | None:
        """The job that this caller created with this idempotency key."""
        found = await self._jobs(
            select(jobs.c.id, jobs.c.data).where(
                jobs.c.caller == caller, jobs.c.idempotency_key == key
            )
        )
        return found[0] if found else None

    async def twin(self, caller: str, request_hash: str, since: float) -> Job | None:
        """The newest job that this caller created by an equal request without a key."""
        found = await self._jobs(
            select(jobs.c.id, jobs.c.data)
            .where(
                jobs.c.caller == caller,
                jobs.c.created_at >= since,
                jobs.c.request_hash == request_hash,
                jobs.c.idempotency_key.is_(None),
                jobs.c.batch == jobs.c.id,
            )
            .order_by(jobs.c.created_at.desc())
            .limit(1)
        )
        return found[0] if found else None

    async def page(self, wanted: Page) -> tuple[list[Job], bool]:
        """A part of the list, and whether there is more; ``after`` may have been deleted."""
        query = select(jobs.c.id, jobs.c.data)
        if wanted.caller is not None:
            query = query.where(jobs.c.caller == wanted.caller)
        if wanted.product is not None:
            query = query.where(jobs.c.product == wanted.product.value)
        # Ids begin with the time of creation.
        order = jobs.c.id.desc() if wanted.newest_first else jobs.c.id.asc()
        if wanted.after is not None:
            later = jobs.c.id < wanted.after if wanted.newest_first else jobs.c.id > wanted.after
            query = query.where(later)
        found = await self._rows(query.order_by(order).limit(wanted.limit + 1))
        return _readable(found[: wanted.limit]), len(found) > wanted.limit

    async def history(self, job_id: str) -> list[Entry]:
        """What happened to a job, oldest first."""
        query = select(job_events.c.data).where(job_events.c.job_id == job_id)
        async with self._reading() as connection:
            rows = await connection.execute(query.order_by(job_events.c.n))
            return [_ENTRY.decode(row.data) for row in rows]

    async def claim(
        self,
        owner: str,
        state: JobState,
        now: float,
        until: float,
        limit: int,
        product: Product | None = None,
    ) -> list[Job]:
        """Take due jobs that nobody holds, oldest first; they are the owner's until ``until``."""
        free = or_(jobs.c.lease_until.is_(None), jobs.c.lease_until <= now)
        fits = [] if product is None else [jobs.c.product == product.value]
        due = (
            select(jobs.c.id)
            .where(jobs.c.state == state.value, jobs.c.due_at <= now, free, *fits)
            .order_by(jobs.c.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
            # PostgreSQL may run a plain subquery anew for each row, and would take more than that.
            .cte("due")
        )
        take = (
            update(jobs)
            .where(jobs.c.id.in_(select(due.c.id)))
            .values(lease_owner=owner, lease_until=until)
            .returning(jobs.c.id, jobs.c.data, jobs.c.created_at)
        )
        async with self._writing() as connection:
            rows = (await connection.execute(take)).all()
        return _readable(sorted(rows, key=lambda row: row.created_at))

    async def save(
        self, before: Job, after: Job, entry: Entry | None, owner: str, *, keep: bool
    ) -> None:
        """Write a step's outcome; ``keep`` holds the lease. Raises ``LeaseLost``."""
        async with self._writing() as connection:
            await self._fenced(connection, before, after, owner, keep)
            if entry is not None:
                await _append(connection, [(after, entry)])

    async def postpone(self, looked_at: Iterable[Job], owner: str) -> None:
        """Give jobs back as they are (``due_at`` and progress may differ), without history."""
        again = [{"this": job.id, "due_at": job.due_at, "data": _encoded(job)} for job in looked_at]
        if not again:
            return
        change = (
            update(jobs)
            .where(jobs.c.id == bindparam("this"), jobs.c.lease_owner == owner)
            .values(
                due_at=bindparam("due_at"),
                data=bindparam("data"),
                lease_owner=None,
                lease_until=None,
            )
        )
        async with self._writing() as connection:
            await connection.execute(change, again)

    async def overrule(self, before: Job, after: Job, entry: Entry) -> bool:
        """Write past any lease (a caller's cancellation); False when the job moved meanwhile."""
        try:
            async with self._writing() as connection:
                await self._fenced(connection, before, after, None, False)
                await _append(connection, [(after, entry)])
        except LeaseLost:
            return False
        return True

    async def _fenced(
        self, connection: AsyncConnection, before: Job, after: Job, owner: str | None, keep: bool
    ) -> None:
        mine = [] if owner is None else [jobs.c.lease_owner == owner]
        values = _row(after) if keep else _row(after) | {"lease_owner": None, "lease_until": None}
        changed = await connection.execute(
            update(jobs)
            .where(jobs.c.id == before.id, jobs.c.state == before.state.value, *mine)
            .values(values)
        )
        if changed.rowcount != 1:
            raise LeaseLost(before.id)

    async def extend(self, owner: str, job_ids: Collection[str], until: float) -> None:
        """Hold on to what is still being worked on."""
        async with self._writing() as connection:
            for ids in _portions(job_ids):
                await connection.execute(
                    update(jobs)
                    .where(jobs.c.lease_owner == owner, jobs.c.id.in_(ids))
                    .values(lease_until=until)
                )

    async def release(self, owner: str) -> None:
        """Let go of everything; a job found ``SUBMITTING`` stays what it is."""
        async with self._writing() as connection:
            await connection.execute(
                update(jobs)
                .where(_LIVING, jobs.c.lease_owner == owner)
                .values(lease_owner=None, lease_until=None)
            )

    async def counts(self, caller: str | None = None) -> dict[JobState, int]:
        """How many living jobs there are, by state; a caller's own, or all."""
        query = select(jobs.c.state, func.count()).where(_LIVING)
        if caller is not None:
            query = query.where(jobs.c.caller == caller)
        async with self._reading() as connection:
            rows = await connection.execute(query.group_by(jobs.c.state))
            return {JobState(state): number for state, number in rows}

    async def usual_seconds(self, product: Product, model: str) -> float | None:
        """What this model's latest jobs took on average; None without any."""
        latest = (
            select(jobs.c.took)
            .where(jobs.c.model == model, jobs.c.product == product.value, jobs.c.took.is_not(None))
            .order_by(jobs.c.completed_at.desc())
            .limit(RECENT)
            .subquery()
        )
        async with self._reading() as connection:
            found = (await connection.execute(select(func.avg(latest.c.took)))).scalar()
        return None if found is None else float(found)

    async def forget(self, job_ids: Collection[str]) -> None:
        """Remove ended jobs with their histories."""
        async with self._writing() as connection:
            for ids in _portions(job_ids):
                ended = and_(jobs.c.id.in_(ids), jobs.c.due_at.is_(None))
                gone = select(jobs.c.id).where(ended)
                await connection.execute(delete(job_events).where(job_events.c.job_id.in_(gone)))
                await connection.execute(delete(jobs).where(ended))

    async def living_inputs(self) -> set[str]:
        """The files that jobs still to be sent, or in doubt, rely on."""
        living = await self._jobs(select(jobs.c.id, jobs.c.data).where(_LIVING))
        return {given.file for job in living for given in job.ask.inputs}

    async def ended_before(self, moment: float, limit: int) -> list[str]:
        """The ids of jobs that were created long ago and have ended, oldest first."""
        rows = await self._rows(
            select(jobs.c.id)
            .where(jobs.c.created_at < moment, jobs.c.due_at.is_(None))
            .order_by(jobs.c.created_at)
            .limit(limit)
        )
        return [row.id for row in rows]

    async def _jobs(self, query: Select[Any]) -> list[Job]:
        return _readable(await self._rows(query))

    async def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        async with self._reading() as connection:
            rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
        return rows

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        async with self._turn, self._reading() as connection:
            yield connection

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise StoreUnavailable(type(error).__name__) from error


def _readable(rows: Iterable[Row[Any]]) -> list[Job]:
    """The jobs in these rows. One that a newer version wrote must not keep the others from their
    turn; it waits for that version, untouched.
    """
    found = []
    for row in rows:
        try:
            found.append(_JOB.decode(row.data))
        except msgspec.DecodeError:
            log.error("job.unreadable", job=row.id)
    return found


def _encoded(job: Job) -> str:
    return msgspec.json.encode(job).decode()


def _row(job: Job) -> dict[str, Any]:
    took = None
    if job.state is JobState.COMPLETED and job.completed_at and job.sent_at:
        took = job.completed_at - job.sent_at
    return {
        "id": job.id,
        "caller": job.caller,
        "product": job.product.value,
        # PostgreSQL's texts hold no NUL.
        "model": job.ask.terms.model[:200].replace("\0", ""),
        "state": job.state.value,
        "batch": job.batch,
        "created_at": job.created_at,
        "completed_at": job.completed_at,
        "took": took,
        "due_at": job.due_at,
        "idempotency_key": job.idempotency_key,
        "request_hash": job.request_hash,
        "data": _encoded(job),
    }


async def _append(connection: AsyncConnection, lines: Iterable[tuple[Job, Entry]]) -> None:
    await connection.execute(
        insert(job_events),
        [
            {"job_id": job.id, "at": entry.at, "data": msgspec.json.encode(entry).decode()}
            for job, entry in lines
        ],
    )


def _portions(job_ids: Collection[str]) -> Iterable[list[str]]:
    ids = sorted(job_ids)
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))
