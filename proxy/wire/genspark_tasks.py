"""Read what Genspark says of image and video tasks: result objects, status streams, details.

The two status endpoints take a cookie or a key and answer with an event stream that stays open
until every task has ended (observed 2026-09). All result objects share one vocabulary.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

import msgspec

from proxy.core.failures import Failure, Kind
from proxy.core.media import TaskReport, TaskState
from proxy.core.products import Product
from proxy.wire.genspark_failures import LOOK, Reply, classify
from proxy.wire.genspark_key_failures import scrubbed
from proxy.wire.json_values import child, number_at, object_at, text_at
from proxy.wire.sse import Frames, FrameTooLong

PATHS: Final = {Product.IMAGE: "/api/ig_tasks_status", Product.VIDEO: "/api/vg_tasks_status"}
DETAIL_PATH: Final = "/api/spark/image_generation_task_detail"

# Far more than any request names or any generation yields.
MOST_TASKS: Final = 256
MOST_URLS: Final = 16
_LONGEST_URL: Final = 8192

_SUCCESSES: Final = frozenset({"success", "completed", "succeeded", "done"})
_FAILURES: Final = frozenset(
    {"failed", "failure", "error", "canceled", "cancelled", "rejected", "timeout"}
)
# The first field that holds an address wins.
_RESULTS: Final = {
    Product.IMAGE: ("image_urls_nowatermark", "image_urls", "url"),
    Product.VIDEO: ("video_urls", "video_url", "source_video_uris"),
}
# ``message`` is the vaguest of the texts.
_REASONS: Final = ("error_message", "failed_reason", "failure_reason", "message", "error_code")
_POLICY: Final = re.compile(
    r"safety|moderation|polic(?:y|ies)|sensitive|nsfw|violat|prohibited|审核|违规|敏感",
    re.IGNORECASE,
)


def is_policy(reason: str) -> bool:
    """Whether a reason for a failure speaks of content rules, in English or Chinese."""
    return _POLICY.search(reason) is not None


def unfolded(value: Any) -> Any:
    """The value, or what it decodes to when it is a string of JSON text (objects, lists)."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return msgspec.json.decode(value.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return value


def read_task(item: Any, product: Product, task_id: str = "") -> TaskReport:
    """One result object of an image or a video task; a bare string is its status.

    An unknown status means that it still runs; an address without any status means success.
    """
    said = item if isinstance(item, str) else text_at(item, "status")
    fields = _RESULTS[product]
    urls = next((found for name in fields if (found := _urls(child(item, name)))), ())
    state = _state(said, urls)
    return TaskReport(
        task_id=task_id or text_at(item, "task_id"),
        state=state,
        urls=urls,
        posters=_urls(child(item, "poster_urls")),
        progress=_percent(item),
        reason=_reason(item) if state is TaskState.FAILED else "",
        model=text_at(item, "model")[:200],
    )


def _state(said: str, urls: tuple[str, ...]) -> TaskState:
    status = said.strip().lower()
    if status in _FAILURES:
        return TaskState.FAILED
    if status in _SUCCESSES or (urls and not status):
        return TaskState.DONE
    return TaskState.PENDING


def _urls(value: Any) -> tuple[str, ...]:
    """Addresses that can be fetched: absolute ones, and paths of Genspark's own host."""
    items = value if isinstance(value, list) else [value]
    texts = (item if isinstance(item, str) else text_at(item, "url") for item in items)
    links = (
        link
        for text in texts
        if (link := text.strip()).startswith(("https://", "http://", "/"))
        and len(link) <= _LONGEST_URL
    )
    return tuple(islice(links, MOST_URLS))


def _percent(item: Any) -> int | None:
    told = number_at(item, "progress")
    return int(told) if told is not None and 0 <= told <= 100 else None


def _reason(item: Any) -> str:
    """The upstream's explanation; it may quote the prompt, so it is for the caller alone."""
    return scrubbed(next((text for name in _REASONS if (text := text_at(item, name))), ""))[:500]


def body(task_ids: list[str]) -> bytes:
    """The question for the news of these tasks."""
    return msgspec.json.encode({"task_ids": task_ids})


class TasksReader:
    """One status stream. ``done`` once it says that all is told.

    ``failure`` is what stood in place of news. ``whole`` keeps the first 64 KiB of what came: with
    the HTTP status it tells more about an answer that was no event stream.
    """

    def __init__(self, product: Product) -> None:
        self._product = product
        self._frames = Frames()
        self._framed = False
        self.whole = b""
        self.done = False
        self.failure: Failure | None = None

    def feed(self, data: bytes) -> list[TaskReport]:
        """The news of one network read, in order; a task may be told of more than once."""
        if len(self.whole) < LOOK:
            self.whole += data[: LOOK - len(self.whole)]
        try:
            return self._read_all(self._frames.feed(data))
        except FrameTooLong:
            self.done = True
            self.failure = Failure(Kind.UNREADABLE, "a frame beyond the size cap")
            return []

    def close(self) -> list[TaskReport]:
        """The news of a last frame without its blank line, or of a body that was plain JSON."""
        payloads, _ = self._frames.close()
        news = self._read_all(payloads)
        if not self._framed and self.whole.strip() and not _reply(self.whole).is_html:
            news = self._read(self.whole)
        return news

    def _read_all(self, payloads: list[bytes]) -> list[TaskReport]:
        self._framed = self._framed or bool(payloads)
        return [report for payload in payloads for report in self._read(payload)]

    def _read(self, payload: bytes) -> list[TaskReport]:
        reply = _reply(payload)
        frame = object_at(reply.json, "data") or reply.json
        final = child(frame, "final_status")
        news = [
            read_task(unfolded(item), self._product, task_id)
            for tasks in (child(frame, "tasks"), final)
            for task_id, item in islice(_entries(unfolded(tasks)), MOST_TASKS)
        ]
        if final is not None or text_at(frame, "type") == "TASKS_STATUS_COMPLETE":
            self.done = True
        elif not news:
            self.failure = self.failure or _refusal(reply)
        return news


def _reply(data: bytes) -> Reply:
    """A part of an answer for the classifiers; without headers they need no clock."""
    return Reply(200, {}, data, 0.0)


def _entries(tasks: Any) -> Iterator[tuple[str, Any]]:
    """Ids with their objects, from a map or from a list of objects that name theirs."""
    if isinstance(tasks, dict):
        return iter(tasks.items())
    listed: Iterable[Any] = tasks if isinstance(tasks, list) else ()
    return ((task_id, item) for item in listed if (task_id := text_at(item, "task_id")))


def _refusal(reply: Reply) -> Failure | None:
    if text_at(reply.json, "type") == "error":
        return Failure(Kind.ERROR_FRAME, "the status stream carried an error frame")
    return classify(reply)


def read_detail(reply: Reply, task_id: str) -> TaskReport | Failure:
    """The answer of ``DETAIL_PATH`` about an image task (observed 2026-03 … 2026-10).

    Its outer ``status`` is the interface's own code, the one under ``data`` the task's.
    """
    data = object_at(reply.json, "data") or reply.json
    report = read_task(data, Product.IMAGE, task_id)
    if reply.status == 200 and (report.urls or text_at(data, "status")):
        return report
    return classify(reply) or Failure(Kind.UNREADABLE, "a task's detail without its status")
