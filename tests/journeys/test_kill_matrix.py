"""kill -9 at every boundary of a job's life, and at random moments: real processes, real sockets.

Each job is bought at most once, none is lost, and each ends completed, failed for a reason that is
its own, or ``submission_unconfirmed``.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import Upstream
from journeys.killing import (
    SIDES,
    Customer,
    Json,
    all_ended,
    check_result,
    jobs_of,
    kill,
    killable,
    live_for,
    purchases,
    wait_for,
)
from journeys.random_kills import random_kills
from program import Program

# Some ten seconds each; processes that start on a busy machine take their time.
pytestmark = pytest.mark.timeout(240)

FLOWS = {"key": "key_video", "cookie": "video"}
# Where a task is told before its result, and where with it.
ACCEPTED: dict[str, Json] = {"key": {"scenario": "unfinished"}, "cookie": {}}
AT_ONCE: dict[str, Json] = {"key": {}, "cookie": {"scenario": "task_ready"}}
REFUSED = {"scenario": "payment_402"}

COMPLETED, CANCELLED = "completed", "cancelled"
TASK_FAILED, UNCONFIRMED = "generation_failed", "submission_unconfirmed"


@dataclass(frozen=True)
class Case:
    """Where a job is when the process dies, and what must become of it.

    ``ends`` are the honest ends (an error's code after a failure), ``bought`` how often it was
    bought in the end; ``rule`` shapes the answer to its purchase, by side if it differs.
    """

    point: str
    ends: tuple[str, ...]
    bought: int
    rule: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def prompt(self) -> str:
        """What the job is called; the held server reads it."""
        return f"hold at {self.point} {self.note}".strip()

    def ruled(self, side: str) -> Json:
        """The emulator's rule."""
        return {
            "flow": FLOWS[side],
            **(self.rule.get(side, {}) if side in self.rule else self.rule),
        }


CASES = [
    Case("before:created", (COMPLETED,), 1),
    Case("after:created", (COMPLETED,), 1),
    Case("step:queued", (COMPLETED,), 1),
    Case("before:intent", (COMPLETED,), 1),
    Case("after:intent", (UNCONFIRMED,), 0),
    Case("posting", (UNCONFIRMED,), 0, {"delay_s": 60, **REFUSED}, "not taken"),
    Case("posting", (UNCONFIRMED,), 1, {"first_event_delay_s": 60}, "taken"),
    Case("before:refused", (UNCONFIRMED,), 0, REFUSED),
    Case("after:refused", (COMPLETED,), 1, REFUSED),
    Case("before:accepted", (UNCONFIRMED,), 1, ACCEPTED),
    Case("after:accepted", (COMPLETED,), 1, ACCEPTED),
    Case("step:running", (COMPLETED,), 1, ACCEPTED),
    Case("before:delivered", (UNCONFIRMED, COMPLETED), 1, AT_ONCE, "at once"),
    Case("before:delivered", (COMPLETED,), 1, ACCEPTED, "by polling"),
    Case("after:delivered", (COMPLETED,), 1),
    Case("step:storing", (COMPLETED,), 1),
    Case("copying", (COMPLETED,), 1, {"file_mb": 3}),
    Case("before:stored", (COMPLETED,), 1),
    Case("after:stored", (COMPLETED,), 1),
    Case("before:failed", (TASK_FAILED, UNCONFIRMED), 1, {"scenario": "task_fails"}),
    Case("after:failed", (TASK_FAILED,), 1, {"scenario": "task_fails"}),
]
CALLED_OFF = [
    Case("before:cancelled", (COMPLETED,), 1),
    Case("after:cancelled", (CANCELLED,), 1),
]


def _is_there(case: Case, server: Program, upstream: Upstream) -> bool:
    if case.point != "posting":
        return f"HELD {case.prompt}" in server.output()
    return any(case.prompt in str(entry["body"]) for entry in upstream.log())


def _bring(case: Case, side: str, server: Program, upstream: Upstream, pool: Any) -> Future[Any]:
    """Order it, and wait until it is where it is to die."""
    rule = case.ruled(side)
    if len(rule) > 1:
        upstream.script(rule)
    asked: Future[Any] = pool.submit(Customer(case.prompt).ask, server.client)
    wait_for(case.prompt, lambda: _is_there(case, server, upstream), server)
    return asked


def _bring_called_off(
    case: Case, side: str, server: Program, upstream: Upstream, pool: Any
) -> Future[Any]:
    """Order it, and call it off while it runs."""
    upstream.script({"flow": FLOWS[side], "task_seconds": 4, **ACCEPTED[side]})
    Customer(case.prompt).ask(server.client).raise_for_status()
    running = {"running"}
    wait_for("it runs", lambda: jobs_of(server)[case.prompt]["state"] in running, server)
    job = jobs_of(server)[case.prompt]
    asked: Future[Any] = pool.submit(server.client.post, f"/v1/jobs/{job['id']}/cancel")
    wait_for(case.prompt, lambda: _is_there(case, server, upstream), server)
    return asked


def _judge(case: Case, server: Program, upstream: Upstream, job: Json) -> None:
    end = job["error"]["code"] if job["error"] and job["state"] == "failed" else job["state"]
    assert end in case.ends, (case.prompt, end)
    assert purchases(upstream)[case.prompt] == case.bought, (case.prompt, end)
    if end == COMPLETED:
        check_result(server, upstream, job)
    if end == UNCONFIRMED:
        again = Customer(case.prompt, sync=True).ask(server.client)
        assert again.json()["error"]["code"] == UNCONFIRMED
        assert again.headers["x-should-retry"] == "false"
        assert again.status_code == 502


@pytest.mark.parametrize("side", SIDES)
def test_a_kill_at_every_boundary_loses_nothing_and_buys_nothing_twice(
    tmp_path: Path, upstream: Upstream, side: str
) -> None:
    """One process with a job at each boundary; one kill; what the next process makes of them."""
    live_for(upstream, video=0.1)
    given = {**SIDES[side], "GENSPARK_BASE_URL": upstream.url, "REQUEST_RATE_LIMIT": "0"}
    asked = []
    with ThreadPoolExecutor(len(CASES) + len(CALLED_OFF)) as pool:
        with killable(tmp_path, **given) as doomed:
            for case in CASES:
                asked.append(_bring(case, side, doomed, upstream, pool))
            for case in CALLED_OFF:
                asked.append(_bring_called_off(case, side, doomed, upstream, pool))
            kill(doomed)
        answers = [each.exception() or each.result().status_code for each in asked]
        assert all(isinstance(a, httpx2.TransportError) or a == 200 for a in answers)
    upstream.script()
    with killable(tmp_path, lease=None, **given) as server:
        for case in CASES:
            # Whoever heard nothing asks again, with the same key; it is the same job.
            Customer(case.prompt).ask(server.client).raise_for_status()
        wait_for("every job has ended", lambda: all_ended(server), server)
        jobs = jobs_of(server)
        assert len(jobs) == len(CASES) + len(CALLED_OFF)
        for case in CASES + CALLED_OFF:
            _judge(case, server, upstream, jobs[case.prompt])
    assert set(purchases(upstream).values()) == {1}


@pytest.mark.parametrize("side", SIDES)
def test_kills_at_random_moments_lose_nothing_and_buy_nothing_twice(
    tmp_path: Path, upstream: Upstream, side: str
) -> None:
    tally = random_kills(tmp_path, upstream, side, lives=3, customers=20, seed=7)
    assert tally["completed"] > 0
