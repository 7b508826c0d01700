"""Callers who want many things from a server that is killed again and again."""

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from conftest import Upstream
from journeys.killing import (
    LEASE,
    SIDES,
    Customer,
    all_ended,
    check_result,
    jobs_of,
    kill,
    killable,
    live_for,
    purchases,
    wait_for,
)
from program import Program, free_port

# What an upstream may do to an order, beside carrying it out; the first two sell.
ODDITIES = [
    {"accept_then_cut": True},
    {"scenario": "task_fails"},
    {"scenario": "payment_402"},
    {"scenario": "internal_error"},
    {"cut_after_bytes": 40},
]
FLOWS = {"key": ["key_video", "key_image"], "cookie": ["video", "image"]}
# With a key the paid request stays open until the task has ended, so kills meet it often enough.
LIVES = {"key": {"video": 0.15, "image": 0.05}, "cookie": {"video": 0.6, "image": 0.3}}
# About what a life takes with its start.
ARRIVAL = 2.0
# What a purchase may end as without a result.
NO_RESULT = {"submission_unconfirmed", "generation_failed", "result_not_understood"}


@dataclass
class Crowd:
    """Customers who repeat their request until somebody answers it."""

    url: str
    over: threading.Event = field(default_factory=threading.Event)
    answers: dict[str, httpx2.Response] = field(default_factory=dict)

    def serve(self, customer: Customer, delay: float) -> None:
        """One customer's patience."""
        with httpx2.Client(base_url=self.url) as client:
            self.over.wait(delay)
            while not self.over.is_set():
                try:
                    reply = customer.ask(client)
                except httpx2.TransportError:
                    self.over.wait(0.2)
                    continue
                self.answers[customer.prompt] = reply
                # A server that is starting or ending says so; everything else is an answer.
                if reply.status_code != 503 or "x-should-retry" in reply.headers:
                    return


def _customers(number: int, chance: random.Random) -> list[Customer]:
    return [
        Customer(f"wish {n}", chance.choice(["video", "image"]), chance.random() < 0.5)
        for n in range(number)
    ]


def random_kills(
    folder: Path,
    upstream: Upstream,
    side: str,
    *,
    lives: int,
    customers: int,
    seed: int,
    lease: float | None = LEASE,
) -> Counter[str]:
    """Kill the server so many times while it serves; how the jobs ended, by state or error code."""
    chance = random.Random(seed)
    live_for(upstream, **LIVES[side])
    for _ in range(customers // 6):
        upstream.script({"flow": chance.choice(FLOWS[side]), **chance.choice(ODDITIES)})
    port = str(free_port())
    given = {
        **SIDES[side],
        "GENSPARK_BASE_URL": upstream.url,
        "REQUEST_RATE_LIMIT": "0",
        "PORT": port,
    }
    crowd, wanted = Crowd(f"http://127.0.0.1:{port}"), _customers(customers, chance)
    with ThreadPoolExecutor(customers) as pool:
        try:
            for customer in wanted:
                pool.submit(crowd.serve, customer, chance.uniform(0, lives * ARRIVAL))
            for _ in range(lives):
                with killable(folder, lease=lease, **given) as doomed:
                    time.sleep(chance.uniform(0.05, 1.5))
                    kill(doomed)
            with killable(folder, lease=lease, **given) as server:
                everybody = {customer.prompt for customer in wanted}
                wait_for("each has a job", lambda: jobs_of(server).keys() == everybody, server)
                wait_for("each job has ended", lambda: all_ended(server), server)
                return _judge(server, upstream)
        finally:
            crowd.over.set()


def _judge(server: Program, upstream: Upstream) -> Counter[str]:
    bought, tally = purchases(upstream), Counter[str]()
    assert max(bought.values(), default=0) <= 1, bought
    for prompt, job in jobs_of(server).items():
        end = job["error"]["code"] if job["error"] else job["state"]
        tally[end] += 1
        if job["state"] == "completed":
            check_result(server, upstream, job)
        elif bought[prompt]:
            assert end in NO_RESULT, (prompt, end)
    return tally
