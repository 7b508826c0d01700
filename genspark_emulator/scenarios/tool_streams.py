"""Answers of the media tools, by scenario name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from genspark_emulator.events import Frame, JsonObject
from genspark_emulator.reply import Reply
from genspark_emulator.scenarios.fates import FATES
from genspark_emulator.task_views import RESULT_LISTS, result_item
from genspark_emulator.tasks import Task
from genspark_emulator.tool_envelope import VERSION, envelope, tool_error

HEARTBEAT_SECONDS = 5.0
"""About how often the real service says that it works (2026-09-22)."""


@dataclass(frozen=True, slots=True)
class Run:
    """A tool's call at the moment its end is told."""

    task: Task
    now: float
    origin: str

    @property
    def item(self) -> JsonObject:
        """The task as a result."""
        return result_item(self.task, self.now, self.origin)

    def results(self, *items: JsonObject) -> JsonObject:
        """A list of results under the name of the tool."""
        return {RESULT_LISTS[self.task.order.kind]: list(items)}


Part = Callable[[Run], Iterator[Frame]]


@dataclass(frozen=True, slots=True)
class ToolStream:
    """What is told first and last; in between, while it ``waits`` for the task, heartbeats."""

    closing: tuple[Part, ...]
    opening: tuple[Part, ...] = ()
    waits: bool = True
    heartbeat_s: float = HEARTBEAT_SECONDS


def final(run: Run) -> Iterator[Frame]:
    """The result."""
    yield envelope(run.results(run.item))


def final_without_version(run: Run) -> Iterator[Frame]:
    """The same in a form that has no version."""
    whole = envelope(run.results(run.item))
    yield {name: value for name, value in whole.items() if name != "version"}


def future_object(run: Run) -> Iterator[Frame]:
    """An object of a version that clients are told to ignore, although it has a status."""
    yield {**envelope(run.results(), message="FUTURE"), "version": VERSION + 1}


def early_final(run: Run) -> Iterator[Frame]:
    """A result that a later one replaces."""
    yield envelope(run.results(), message="preliminary")


def sparse_final(run: Run) -> Iterator[Frame]:
    """The fewest fields seen: another list name for images, one address instead of a list."""
    image = run.task.order.kind == "image"
    urls = run.item["image_urls_nowatermark" if image else "video_urls"]
    item = {"task_id": run.task.id, **({"url" if image else "video_url": urls[0]} if urls else {})}
    yield envelope({"images": [item]} if image else run.results(item))


def progress(run: Run) -> Iterator[Frame]:
    """Objects that are neither heartbeat nor result."""
    kind = run.task.order.kind
    yield {"version": VERSION, "tool": f"{kind}_generation", "arguments": {"step": 1}}
    yield {"version": VERSION, "delta": "Thinking about the scene"}


def heartbeat(number: int, elapsed: float) -> Frame:
    """A sign of life."""
    return {
        "version": VERSION,
        "heartbeat": number,
        "message": "working",
        "elapsed_seconds": round(elapsed, 2),
    }


TOOL_STREAMS: dict[str, ToolStream] = {
    **{name: ToolStream((final,)) for name in ("answered", "other_model", *FATES)},
    "heartbeats": ToolStream((final,), opening=(progress,), heartbeat_s=0.2),
    "unfinished": ToolStream((final,), waits=False),
    "no_version": ToolStream((final_without_version,)),
    "future_version": ToolStream((future_object, final, future_object), opening=(future_object,)),
    "two_finals": ToolStream((final,), opening=(early_final,)),
    "sparse_item": ToolStream((sparse_final,)),
    "no_final": ToolStream(()),
}
"""All of them buy a task. ``unfinished`` does not wait for it, so it has to be polled."""

TOOL_DOCUMENTS: dict[str, Reply] = {
    "tool_error": tool_error("The generation could not be started.", "internal_error"),
    "moderation_error": tool_error(
        "The prompt was blocked by the content moderation policy.", "content_policy_violation"
    ),
    "tool_banned": tool_error(
        "This account is not permitted to use the Genspark API.", "account_banned"
    ),
    "detail_text": Reply({"detail": "The tool is not available."}, status=400, spaced=False),
    "detail_code": Reply(
        {"detail": {"code": "tool_unavailable", "message": "The tool is not available."}},
        status=400,
        spaced=False,
    ),
}
"""Refusals before anything is bought."""

TOOL_SCENARIOS = TOOL_STREAMS.keys() | TOOL_DOCUMENTS.keys()
