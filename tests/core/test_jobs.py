"""The job's state machine: the drawn diagram is the table, and no order of events leaves it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failures import Failure, Kind
from proxy.core.jobs import (
    AT_WORK,
    ENDED,
    STEPS,
    STORE_TRIES,
    TRANSITIONS,
    UNCONFIRMED,
    IllegalEvent,
    Job,
    JobEvent,
    JobState,
    Result,
    Step,
    StoredFile,
    Verdict,
    entry,
    estimated_progress,
    filled,
    pause_after,
)
from proxy.core.media import Input, MediaAsk, Terms, Use
from proxy.core.products import Product, Route

# Drawn by hand from what a paid generation goes through; `*` is any state that is no end.
DIAGRAM = """
    queued      intent     submitting
    queued      postponed  queued
    submitting  refused    queued
    submitting  accepted   running
    submitting  delivered  storing
    running     postponed  running
    running     delivered  storing
    storing     postponed  storing
    storing     stored     completed
    *           failed     failed
    *           cancelled  cancelled
"""
DRAWN = [tuple(line.split()) for line in DIAGRAM.split("\n") if line.strip()]
LIVING = [state for state in JobState if state not in ENDED]

events = st.lists(st.sampled_from(JobEvent), max_size=30)


def _job(state: JobState = JobState.QUEUED, **given: object) -> Job:
    terms = Terms(product=Product.VIDEO, model="gemini/veo3.1", prompt="a cat")
    job = Job(id="0" * 32, ask=MediaAsk(terms=terms), caller="c", created_at=100.0, batch="0" * 32)
    return msgspec.structs.replace(job, state=state, due_at=100.0, **given)


def _drawn(state: JobState) -> dict[JobEvent, JobState]:
    sources = (state.value, "*") if state in LIVING else (state.value,)
    return {JobEvent(event): JobState(to) for source, event, to in DRAWN if source in sources}


@pytest.mark.parametrize("state", JobState)
def test_the_table_is_the_diagram(state: JobState) -> None:
    assert TRANSITIONS[state] == _drawn(state)


def test_every_state_is_reached_and_every_living_one_can_end() -> None:
    seen, front = {JobState.QUEUED}, {JobState.QUEUED}
    while front:
        front = {to for state in front for to in TRANSITIONS[state].values()} - seen
        seen |= front
    assert seen == set(JobState)
    assert {JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED} == ENDED
    assert all({JobState.FAILED, JobState.CANCELLED} <= {*TRANSITIONS[s].values()} for s in LIVING)


def test_a_worker_has_a_step_for_each_living_state_and_never_resends() -> None:
    assert set(STEPS) == set(LIVING)
    assert STEPS[JobState.SUBMITTING] is Step.GIVE_UP
    assert [state for state, step in STEPS.items() if step is Step.SUBMIT] == [JobState.QUEUED]
    assert set(LIVING) - {JobState.QUEUED} == AT_WORK
    assert UNCONFIRMED.kind is Kind.UNCONFIRMED


@given(events)
def test_any_order_of_events_keeps_the_laws(happening: list[JobEvent]) -> None:
    """Only the table's ways are gone; an end is final; an ended job is never due; no other ever
    loses its due time.
    """
    job = _job()
    bought = 0
    for event in happening:
        before = job
        if event not in _drawn(job.state):
            with pytest.raises(IllegalEvent):
                job.apply(event)
            continue
        assert not before.ended
        job = job.apply(event)
        bought += event in (JobEvent.ACCEPTED, JobEvent.DELIVERED) and (
            before.state is JobState.SUBMITTING
        )
        assert job.state is _drawn(before.state)[event]
        assert (job.due_at is None) == job.ended == (job.state in ENDED)
    assert bought <= 1


@given(events, st.integers(0, 50))
def test_what_is_in_the_row_survives_a_restart_at_any_point(
    happening: list[JobEvent], tries: int
) -> None:
    job = _job(tries=tries)
    for event in happening:
        if event in TRANSITIONS[job.state]:
            job = job.apply(event)
        assert msgspec.json.decode(msgspec.json.encode(job), type=Job) == job


@pytest.mark.parametrize("state", sorted(ENDED))
@pytest.mark.parametrize("event", JobEvent)
def test_an_ended_job_takes_no_event(state: JobState, event: JobEvent) -> None:
    with pytest.raises(IllegalEvent, match=f"{event} in state {state}"):
        _job(state).apply(event)


def test_a_full_row_survives_a_restart() -> None:
    file = StoredFile("a-0.mp4", "video/mp4", 5, "ab" * 32)
    terms = Terms(
        product=Product.IMAGE, model="m", prompt="\0 ünd 猫", seconds=2.5, vendor={"a": [1, None]}
    )
    ask = MediaAsk(terms=terms, inputs=(Input(Use.MASK, "in-1.png", "image/png"),))
    job = _job(
        ask=ask,
        idempotency_key="k",
        metadata={"deep": {"er": [1]}},
        route=Route.KEY,
        account_id="id",
        task_ids=("t1", "t2"),
        results=(Result("https://x", "https://p", file, file),),
        verdict=Verdict(Kind.POLICY, "d", "told", 3.0),
        ignored=("seed",),
        filled=filled(terms),
    )
    assert msgspec.json.decode(msgspec.json.encode(job), type=Job) == job
    assert job.product is Product.IMAGE
    assert job.ask.inputs_for(Use.MASK) == list(ask.inputs)
    assert filled(terms) == {"ratio": None, "seconds": 2.5, "resolution": None}


def test_a_new_state_begins_with_no_failures_counted() -> None:
    job = _job(tries=4)
    assert job.apply(JobEvent.POSTPONED).tries == 4
    assert job.apply(JobEvent.INTENT).tries == 0
    assert job.apply(JobEvent.POSTPONED, tries=5).tries == 5


def test_a_line_of_history_says_who_and_what() -> None:
    job = _job(route=Route.COOKIE, account_label="cookie-1").apply(JobEvent.INTENT)
    line = entry(job, JobEvent.INTENT, 5.0, "why")
    assert (line.at, line.event, line.state) == (5.0, "intent", JobState.SUBMITTING)
    assert (line.account, line.route, line.note) == ("cookie-1", "cookie", "why")
    assert entry(_job(), "created", 1.0).route == ""


def test_a_verdict_is_the_failure_again() -> None:
    failure = Failure(Kind.RATE_LIMITED, "d", retry_after=9.0, told="t")
    again = Verdict.of(failure).failure()
    assert again == failure
    assert Verdict.of(failure, 0.0).retry_after == 0.0


@given(st.integers(0, 10_000))
def test_pauses_grow_and_stay_below_ten_minutes(tries: int) -> None:
    assert 2.0 <= pause_after(tries) <= pause_after(tries + 1) <= 600.0


def test_a_copy_is_tried_for_more_than_an_hour() -> None:
    """Well within the day that results stay upstream."""
    waits = sum(pause_after(tries) for tries in range(1, STORE_TRIES))
    assert 3600 <= waits <= 12 * 3600


@given(
    st.sampled_from(JobState),
    st.none() | st.floats(0, 1e7),
    st.floats(0, 1e6),
    st.floats(0, 1e7),
    st.none() | st.integers(-5, 200),
)
def test_progress_is_a_percentage_and_only_completion_is_whole(
    state: JobState, sent_at: float | None, expected: float, now: float, told: int | None
) -> None:
    shown = estimated_progress(_job(state, sent_at=sent_at, progress=told), expected, now)
    assert 0 <= shown <= 100
    assert (shown == 100) == (state is JobState.COMPLETED)


@given(st.floats(0, 1e5), st.floats(0, 1e5), st.floats(1, 1e4))
def test_an_estimate_never_goes_back(first: float, later: float, expected: float) -> None:
    job = _job(JobState.RUNNING, sent_at=0.0)
    early, late = sorted([first, later])
    assert estimated_progress(job, expected, early) <= estimated_progress(job, expected, late) <= 95


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_an_estimate_stays_where_a_job_ended(state: JobState) -> None:
    job = _job(state, sent_at=100.0, completed_at=140.0)
    assert estimated_progress(job, 100.0, 150.0) == estimated_progress(job, 100.0, 1e6) == 40
