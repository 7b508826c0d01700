"""Generation tasks: what was bought, by whom, and how far it is.

A task has no timer. Its status is computed from the clock whenever somebody asks, so that many
thousands of them cost nothing while they run.
"""

import math
import uuid
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import msgspec

from genspark_emulator.events import JsonObject

Kind = Literal["image", "video"]

KINDS: tuple[Kind, ...] = get_args(Kind)

USUAL_SECONDS: dict[Kind, float] = {"image": 0.5, "video": 2.0}
"""How long a task lives unless told otherwise; short, so that a demo is quick. The real service
takes some ten seconds for an image and one to ten minutes for a video."""

MAX_SECONDS = 7 * 24 * 3600

STAGES = (("PENDING", 0.1), ("PICKED", 0.3), ("PROCESSING", 1.0))
"""Statuses before the final one, each until that share of the task's life."""

SUCCESS, FAILED, CANCELLED = "SUCCESS", "FAILED", "CANCELLED"
FINAL = frozenset({SUCCESS, FAILED, CANCELLED})

KEPT_TASKS = 500_000
KEPT_BODY_BYTES = 64 * 1024 * 1024
"""Beyond either limit the oldest tasks, or their request bodies, are forgotten."""


class SecondsError(ValueError):
    """Lifetimes that cannot be accepted; the message says why."""


class _Lifetimes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seconds: dict[Kind, float]


@dataclass(frozen=True, slots=True)
class Fate:
    """How a task ends: well, without result files, with a failure's reason, or never."""

    failure: str = ""
    error_code: str = ""
    ends: bool = True
    has_files: bool = True
    instant: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for. ``model`` is the one that serves; ``details`` are told with it."""

    kind: Kind
    model: str
    prompt: str
    details: JsonObject = field(default_factory=dict)


@dataclass(slots=True)
class Task:
    """One purchase. ``file_mb`` makes its result that large; 0 leaves it as it is."""

    id: str
    order: Order
    account: str
    flow: str
    created: float
    seconds: float
    fate: Fate
    project_id: str | None = None
    body: Any = None
    file_mb: int = 0
    cancelled: bool = False

    @property
    def due(self) -> float:
        """When it becomes final; infinite for one that never ends."""
        return self.created + self.seconds if self.fate.ends else math.inf

    def status(self, now: float) -> str:
        """The status at that moment, in Genspark's words."""
        if self.cancelled:
            return CANCELLED
        if now >= self.due:
            return FAILED if self.fate.failure else SUCCESS
        passed = (name for name, share in STAGES if now < self.created + share * self.seconds)
        return next(passed, STAGES[-1][0])

    def is_final(self, now: float) -> bool:
        """Whether nothing will change any more."""
        return self.cancelled or now >= self.due

    def next_change(self, now: float) -> float:
        """When the status changes next by itself; infinite if it does not."""
        if self.cancelled:
            return math.inf
        changes = (self.created + share * self.seconds for _, share in STAGES[:-1])
        return min((moment for moment in (*changes, self.due) if moment > now), default=math.inf)

    def has_files(self, now: float) -> bool:
        """Whether there is a result to fetch."""
        return self.fate.has_files and self.status(now) == SUCCESS

    def as_json(self, now: float) -> JsonObject:
        """The task in the form of the control interface."""
        return {
            "id": self.id,
            "kind": self.order.kind,
            "account": self.account,
            "flow": self.flow,
            "model": self.order.model,
            "prompt": self.order.prompt,
            "status": self.status(now),
            "created": self.created,
            "project_id": self.project_id,
            "body": self.body,
        }


class Tasks:
    """Every task ever bought, oldest first. ``seconds`` is how long new ones live, per kind."""

    def __init__(self) -> None:
        self.seconds = dict(USUAL_SECONDS)
        self._by_id: OrderedDict[str, Task] = OrderedDict()
        self._by_project: dict[str, list[Task]] = {}
        self._with_body: deque[tuple[Task, int]] = deque()
        self._body_bytes = 0

    def live(self, payload: Any) -> None:
        """Set lifetimes: ``{"seconds": {"video": 120}}``; raises SecondsError."""
        try:
            seconds = msgspec.convert(payload, _Lifetimes).seconds
        except msgspec.ValidationError as error:
            raise SecondsError(str(error)) from error
        if not all(0 <= value <= MAX_SECONDS for value in seconds.values()):
            raise SecondsError(f"a task lives between 0 and {MAX_SECONDS} seconds")
        self.seconds.update(seconds)

    def add(self, task: Task, body_size: int) -> None:
        """Note a purchase."""
        self._by_id[task.id] = task
        if task.project_id:
            self._by_project.setdefault(task.project_id, []).append(task)
        self._with_body.append((task, body_size))
        self._body_bytes += body_size
        while self._body_bytes > KEPT_BODY_BYTES:
            self._forget_body()
        if len(self._by_id) > KEPT_TASKS:
            self._forget_task()

    def _forget_body(self) -> None:
        task, size = self._with_body.popleft()
        task.body = None
        self._body_bytes -= size

    def _forget_task(self) -> None:
        _, oldest = self._by_id.popitem(last=False)
        self._by_project.pop(oldest.project_id or "", None)
        if self._with_body and self._with_body[0][0] is oldest:
            self._forget_body()

    def find(self, task_id: str) -> Task | None:
        """Any account's task."""
        return self._by_id.get(task_id)

    def owned(self, task_id: Any, kind: Kind, account: str | None) -> Task | None:
        """The task if it is of that kind and of that account."""
        task = self._by_id.get(task_id) if isinstance(task_id, str) else None
        mine = task is not None and task.account == account and task.order.kind == kind
        return task if mine else None

    def cancel(self, project_id: str, now: float) -> None:
        """End the tasks of a project that are still running."""
        for task in self._by_project.get(project_id, []):
            task.cancelled = task.cancelled or not task.is_final(now)

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Task]:
        return iter(list(self._by_id.values()))

    def listing(self, now: float) -> list[JsonObject]:
        """Every task in the form of the control interface."""
        return [task.as_json(now) for task in self]

    def clear(self) -> None:
        """Forget everything; lifetimes as at the beginning."""
        for part in (self._by_id, self._by_project, self._with_body):
            part.clear()
        self._body_bytes = 0
        self.seconds = dict(USUAL_SECONDS)


def all_final(tasks: Iterable[Task], now: float) -> bool:
    """Whether none of them runs any more."""
    return all(task.is_final(now) for task in tasks)


def new_task_id() -> str:
    """Genspark's task ids look like UUIDs (seen 2026-03)."""
    return str(uuid.uuid4())
