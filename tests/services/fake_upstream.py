"""An upstream of generations in memory, which counts what it sold and lives by a test's clock."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from proxy.core.accounts import Account
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.media import TaskReport, TaskState
from proxy.core.products import Product, Route
from proxy.upstreams.media import Accepted, Download, Intend, Order

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + b"\0" * 40
PAGE = b"<!doctype html><title>Sorry</title>"
BODIES = {Product.IMAGE: PNG, Product.VIDEO: MP4}


class How(Enum):
    """What becomes of one order."""

    ACCEPTED = auto()
    DELIVERED = auto()
    # No sale: said before anything was sent, refused, or never connected.
    UPLOAD_FAILED = auto()
    REFUSED = auto()
    UNREACHABLE = auto()
    # A sale of which nobody was told, and none that looks the same.
    SOLD_AND_CUT = auto()
    CUT = auto()
    # A sale with an answer that says nothing, one of a task that fails at once, one that a mistake
    # of ours follows.
    UNREAD = auto()
    FAILED_AT_ONCE = auto()
    SOLD_AND_BROKEN = auto()
    # A mistake of ours before the order.
    BROKEN = auto()


SALES = frozenset(
    {
        How.ACCEPTED,
        How.DELIVERED,
        How.SOLD_AND_CUT,
        How.UNREAD,
        How.FAILED_AT_ONCE,
        How.SOLD_AND_BROKEN,
    }
)
_NO_SALE = {
    How.REFUSED: Failure(Kind.OVERLOADED, "too many"),
    How.UNREACHABLE: Failure(Kind.UNREACHABLE, "ConnectError"),
    How.CUT: Failure(Kind.BROKEN_STREAM, "cut"),
}


@dataclass(frozen=True)
class Answer:
    """``failure`` replaces the usual one of a refusal; ``held`` waits for the gate, the order sent
    already; ``held_before`` waits with nothing sent yet.
    """

    how: How = How.ACCEPTED
    failure: Failure | None = None
    held: bool = False
    held_before: bool = False


class Hold:
    """In place of news or of a file: nothing until the gate opens, then the usual."""


HOLD = Hold()


@dataclass
class Sold:
    """A task. ``due`` is when it ends by the clock, ``fails`` how."""

    id: str
    order: Order
    account: str
    due: float
    fails: str = ""
    linked: bool = True
    progress: int | None = None
    stopped: bool = False


@dataclass
class Asked:
    """One question about tasks."""

    account: str
    ids: list[str]


@dataclass
class FakeUpstream:
    """See ``MediaUpstream``. ``script`` holds answers by prompt (the last one stays); ``news`` and
    ``copies`` what the next questions and downloads raise, or the bytes they give (None: the
    usual). ``posters``: whether results have still images. ``fates`` change tasks, by prompt.
    """

    clock: Callable[[], float]
    life: float = 10.0
    script: dict[str, list[Answer]] = field(default_factory=dict)
    posters: bool = False
    fates: dict[str, Callable[[Sold], None]] = field(default_factory=dict)
    news: list[Failure | Exception | Hold | None] = field(default_factory=list)
    copies: list[Failure | bytes | Hold | None] = field(default_factory=list)
    sold: dict[str, Sold] = field(default_factory=dict)
    purchases: Counter[str] = field(default_factory=Counter)
    orders: list[Order] = field(default_factory=list)
    questions: list[Asked] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    def _next(self, prompt: str) -> Answer:
        answers = self.script.get(prompt) or [Answer()]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def submit(self, account: Account, order: Order, intend: Intend) -> Accepted:
        """One order, as scripted for its prompt."""
        answer = self._next(order.ask.terms.prompt)
        if answer.held_before:
            await self._wait()
        if answer.how is How.UPLOAD_FAILED:
            raise UpstreamError(Failure(Kind.UPLOAD_FAILED, "no place"))
        if answer.how is How.BROKEN:
            raise RuntimeError("a mistake of ours")
        await intend()
        self.orders.append(order)
        task = self._sell(account, order, answer) if answer.how in SALES else None
        if answer.held:
            await self._wait()
        if task is None:
            raise UpstreamError(answer.failure or _NO_SALE[answer.how])
        return self._answered(task, answer)

    async def _wait(self) -> None:
        self.waiting += 1
        try:
            await self.gate.wait()
        finally:
            self.waiting -= 1

    def _sell(self, account: Account, order: Order, answer: Answer) -> Sold:
        prompt = order.ask.terms.prompt
        self.purchases[prompt] += 1
        instant = answer.how in (How.DELIVERED, How.FAILED_AT_ONCE)
        due = self.clock() + (0.0 if instant else self.life)
        task = Sold(f"task-{len(self.sold)}", order, account.id, due)
        if answer.how is How.FAILED_AT_ONCE:
            task.fails = "it did not work"
        self.fates.get(prompt, lambda task: None)(task)
        self.sold[task.id] = task
        return task

    def _answered(self, task: Sold, answer: Answer) -> Accepted:
        if answer.how is How.SOLD_AND_CUT:
            raise UpstreamError(answer.failure or _NO_SALE[How.CUT])
        if answer.how is How.SOLD_AND_BROKEN:
            raise RuntimeError("a mistake of ours")
        if answer.how is How.UNREAD:
            return Accepted((), raw=b"nobody understands this")
        return Accepted((self.report(task),), project_id=f"project of {task.id}")

    def report(self, task: Sold) -> TaskReport:
        """What is to be said of a task now."""
        if self.clock() < task.due and not task.stopped:
            return TaskReport(task_id=task.id, state=TaskState.PENDING, progress=task.progress)
        if task.fails or task.stopped:
            return TaskReport(task_id=task.id, state=TaskState.FAILED, reason=task.fails)
        urls = (f"https://files.example/{task.id}",) if task.linked else ()
        return TaskReport(
            task_id=task.id,
            state=TaskState.DONE,
            urls=urls,
            posters=(f"https://files.example/poster/{task.id}",) if self.posters else (),
            model="served",
        )

    async def tasks(
        self, account: Account, route: Route, product: Product, task_ids: list[str], watch: float
    ) -> list[TaskReport]:
        """News at once: this upstream does not wait for any."""
        self.questions.append(Asked(account.id, list(task_ids)))
        trouble = self.news.pop(0) if self.news else None
        if isinstance(trouble, Hold):
            await self._wait()
        elif trouble is not None:
            raise UpstreamError(trouble) if isinstance(trouble, Failure) else trouble
        found = [self.sold.get(task_id) for task_id in task_ids]
        if any(task is None or task.account != account.id for task in found):
            raise UpstreamError(Failure(Kind.TASK_UNKNOWN, "task not found"))
        return [self.report(task) for task in found if task is not None]

    async def open(
        self, account: Account, route: Route, url: str, byte_range: str = ""
    ) -> Download:
        """The result's bytes."""
        self.opened.append(url)
        product = self.sold[url.rpartition("/")[2]].order.ask.terms.product
        usual = PNG if "/poster/" in url else BODIES[product]
        given = self.copies.pop(0) if self.copies else None
        if isinstance(given, Failure):
            raise UpstreamError(given)
        if isinstance(given, Hold):
            return Download(200, {}, self._held(usual), _nothing)
        return Download(200, {}, _chunks(usual if given is None else given), _nothing)

    async def _held(self, body: bytes) -> AsyncIterator[bytes]:
        yield body[:20]
        await self._wait()
        yield body[20:]

    async def public_link(self, account: Account, route: Route, url: str) -> str | None:
        """Always its own."""
        return url

    async def cancel(
        self, account: Account, route: Route, project_id: str, task_ids: Sequence[str]
    ) -> None:
        """Stop what runs there."""
        self.stopped.append(project_id)
        for task in self.sold.values():
            if f"project of {task.id}" == project_id and self.clock() < task.due:
                task.stopped = True


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 16):
        yield body[start : start + 16]


async def _nothing() -> None:
    """There is nothing to close."""
