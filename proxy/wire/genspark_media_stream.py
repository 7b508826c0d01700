"""Read the answers to the web's media asks: which tasks were begun, or why none was.

One reader for the image agent (frames observed 2026-03 … 2026-10), the legacy copilot (2026-02) and
the video agent, whose result frames nobody has described. So tasks are looked for everywhere: in
the agents' result lists, under the names of the tools' results, and as a last resort wherever a
``task_id`` stands, in JSON inside of strings too.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Any, Final

import msgspec

from proxy.core.failures import Failure, Kind
from proxy.core.media import TaskReport, TaskState
from proxy.core.products import Product
from proxy.wire import canned
from proxy.wire.genspark_cookie_stream import refusal_in
from proxy.wire.genspark_failures import Reply, classify, limit_from_message
from proxy.wire.genspark_tasks import read_task, unfolded
from proxy.wire.json_values import content_text, object_at, text_at
from proxy.wire.sse import Frames, FrameTooLong

# The end of an answer that is kept for the recovery of a paid ask.
KEPT: Final = 256 * 1024
# Bounds of the search in one frame, and of what is remembered of a whole stream.
_MOST_NODES: Final = 50_000
_DEEPEST: Final = 24
_MOST_TASKS: Final = 64
_MOST_MESSAGES: Final = 1000
_STREAMED: Final = 1024 * 1024

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
# In a text that is not JSON, and in JSON that was cut or escaped once more.
_MENTION: Final = re.compile(r'\\*"task_id\\*"\s*:\s*\\*"([0-9A-Za-z-]{8,64})\\*"')
_SHORTEST_QUOTED: Final = 8
# What the caller wrote comes back under these names: it may look like a result.
_ECHOES: Final = frozenset({"prompt", "query", "user_s_input", "arguments", "title"})
# Each agent's and each tool's own names: a video's first frame is a task as well, but not ours.
_RESULTS: Final = {
    Product.IMAGE: "image_generation_agent.results",
    Product.VIDEO: "video_generation_agent.results",
}
_LISTS: Final = {Product.IMAGE: "generated_images", Product.VIDEO: "generated_videos"}


class _Place(IntEnum):
    """Where a task was named; the surest comes first."""

    RESULTS = 0
    TOOL = 1
    ANYWHERE = 2


class _Tasks:
    """The tasks that were named, each once."""

    def __init__(self, product: Product, prompt: str) -> None:
        self._product = product
        self._prompt = prompt
        self._places: dict[str, _Place] = {}
        self._reports: dict[str, TaskReport] = {}

    def search(self, value: Any, field: str = "") -> None:
        """Enter every task that a decoded value names; ``field`` is the one a frame sets."""
        listed = field.endswith(_RESULTS[self._product])
        place = _Place.RESULTS if listed else _Place.ANYWHERE
        for found, where in _walk(value, place, _LISTS[self._product]):
            if isinstance(found, str):
                for task_id in _MENTION.findall(found):
                    self._enter(TaskReport(task_id=task_id, state=TaskState.PENDING), where)
            else:
                self._enter(read_task(found, self._product), where)

    def _enter(self, report: TaskReport, place: _Place) -> None:
        name = report.task_id
        known = self._reports.get(name)
        if _ID.fullmatch(name) is None or self._is_quoted(name):
            return
        if known is None and len(self._reports) >= _MOST_TASKS:
            return
        self._places[name] = min(place, self._places.get(name, place))
        if known is None or report.state is not TaskState.PENDING:
            self._reports[name] = report

    def _is_quoted(self, name: str) -> bool:
        """An id out of the prompt is not of this ask: it could be another caller's task."""
        return len(name) >= _SHORTEST_QUOTED and name in self._prompt

    def all(self) -> list[TaskReport]:
        """By the sureness of their place; those of the last resort only when there is no other."""
        surest = min(self._places.values(), default=_Place.ANYWHERE)
        wanted = [_Place.ANYWHERE] if surest is _Place.ANYWHERE else [_Place.RESULTS, _Place.TOOL]
        return [
            self._reports[name]
            for place in wanted
            for name, where in self._places.items()
            if where is place
        ]


def _walk(value: Any, place: _Place, own: str) -> Iterator[tuple[dict[str, Any] | str, _Place]]:
    """Objects with a ``task_id``, and texts that mention one, nearest to the surface first.

    ``own`` is the name of a tool's result list.
    """
    queue = deque([(value, place, 0)])
    for _ in range(_MOST_NODES):
        if not queue:
            return
        item, where, depth = queue.popleft()
        item = unfolded(item)
        if text_at(item, "task_id") or isinstance(item, str):
            yield item, where
        if depth < _DEEPEST:
            near = min(where, _Place.TOOL)
            queue.extend(
                (inner, near if name == own else where, depth + 1) for name, inner in _inside(item)
            )


def _inside(item: Any) -> list[tuple[str, Any]]:
    """The named and the nameless parts of a value in which a task may stand."""
    if isinstance(item, list):
        return [("", inner) for inner in item if _may_tell(inner)]
    if isinstance(item, dict):
        return [(k, inner) for k, inner in item.items() if k not in _ECHOES and _may_tell(inner)]
    return []


def _may_tell(value: Any) -> bool:
    """Containers and texts that mention a task, but nothing of what the caller said."""
    if isinstance(value, str):
        return "task_id" in value
    return isinstance(value, list) or (isinstance(value, dict) and value.get("role") != "user")


class MediaReader:
    """One media ask's answer. Feed it to the end of the transfer, or until ``finished``.

    ``prompt`` is what was asked: no task id is taken from it. ``limited`` is a limit that was
    announced, beside a task or in its place. ``seen``: there were frames. ``raw`` is the end of
    what came.
    """

    def __init__(self, product: Product, clock: Callable[[], float], prompt: str = "") -> None:
        self._clock = clock
        self._frames = Frames()
        self._tasks = _Tasks(product, prompt)
        self._roles: dict[str, str] = {}
        self._texts: dict[str, list[str]] = {}
        self._room = _STREAMED
        self._refused: Failure | None = None
        self._told: Failure | None = None
        self._raw = bytearray()
        self.project_id = ""
        self.limited: Failure | None = None
        self.seen = False
        self.finished = False

    @property
    def task_ids(self) -> list[str]:
        """The tasks that were begun, the surest first."""
        return [report.task_id for report in self._tasks.all()]

    @property
    def reports(self) -> list[TaskReport]:
        """What is known of each of them."""
        return self._tasks.all()

    @property
    def failure(self) -> Failure | None:
        """Why no task was begun; None beside a task, and for an answer that says nothing known."""
        return None if self._tasks.all() else self._refused or self.limited or self._told

    @property
    def raw(self) -> bytes:
        """The last 256 KiB of what came."""
        return bytes(self._raw)

    def feed(self, data: bytes) -> None:
        """Take in one network read."""
        self._raw += data
        del self._raw[:-KEPT]
        try:
            payloads = self._frames.feed(data)
        except FrameTooLong:
            self._told = Failure(Kind.UNREADABLE, "a frame beyond the size cap")
            self.finished = True
            return
        for payload in payloads:
            self._read(payload)

    def close(self, *, clean: bool) -> None:
        """The end of the transfer: what was streamed in pieces is looked at as a whole."""
        for payload in self._frames.close()[0]:
            self._read(payload)
        for name, parts in self._texts.items():
            text, role = "".join(parts), self._roles.get(name, "")
            if role != "user":
                self._tasks.search(text)
            self._said(text, role)
        if not self.seen and self._frames.stray:
            self._plain(self._frames.stray)
        if not clean:
            self._told = self._told or Failure(Kind.BROKEN_STREAM, "the transfer broke off")

    def _plain(self, body: bytes) -> None:
        """No event stream, whatever the content type said: an error text, as a rule."""
        self._tasks.search(body.decode("utf-8", "replace"))
        self._told = self._told or classify(Reply(200, {}, body, self._clock()))

    def _read(self, payload: bytes) -> None:
        self.seen = True
        if payload.strip() == b"[DONE]":
            self.finished = True
            return
        try:
            frame = msgspec.json.decode(payload)
        except (msgspec.DecodeError, RecursionError):
            frame = payload.decode("utf-8", "replace")
        role, name = self._role(frame), text_at(frame, "field_name")
        if (handler := _HANDLERS.get(text_at(frame, "type"))) is not None:
            handler(self, frame)
        if b"task_id" in payload and role != "user" and not name.endswith("arguments"):
            self._tasks.search(frame, name)

    def _role(self, frame: Any) -> str:
        """Whose message a frame is about; it is told once, when the message starts."""
        message = object_at(frame, "message")
        name = text_at(frame, "message_id") or text_at(message, "id") or text_at(frame, "id")
        role = text_at(frame, "role") or text_at(message, "role")
        if role and name and len(self._roles) < _MOST_MESSAGES:
            self._roles[name] = role
        return role or self._roles.get(name, "")

    # One method per frame type that says something beside tasks.

    def _project_start(self, frame: dict[str, Any]) -> None:
        self.project_id = self.project_id or text_at(frame, "id")

    def _field(self, frame: dict[str, Any]) -> None:
        name, value = text_at(frame, "field_name"), frame.get("field_value")
        if name.endswith("session_limit_message"):
            self.limited = limit_from_message(value) or self.limited
        elif name.endswith("consume_usage_quota_exceeded") and value is True:
            self._refuse(Failure(Kind.DAILY_QUOTA, "daily usage quota exceeded"))
        elif name == "content":
            self._said(content_text(value), self._role(frame))

    def _project_field(self, frame: dict[str, Any]) -> None:
        self._field(frame)
        status = str(frame.get("field_value")).upper()
        if text_at(frame, "field_name") == "status" and status == "FINISHED":
            self.finished = True

    def _delta(self, frame: dict[str, Any]) -> None:
        """A tool's result may be streamed, like any message."""
        name, delta = text_at(frame, "message_id"), text_at(frame, "delta")
        if text_at(frame, "field_name") != "content" or len(delta) > self._room:
            return
        if name in self._texts or len(self._texts) < _MOST_MESSAGES:
            self._room -= len(delta)
            self._texts.setdefault(name, []).append(delta)

    def _result(self, frame: dict[str, Any]) -> None:
        message = object_at(frame, "message") or frame
        if (refused := refusal_in(message)) is not None:
            self._refuse(refused)
        self._said(content_text(message.get("content")), self._role(frame))

    def _error(self, frame: dict[str, Any]) -> None:
        said = next((t for k in ("message", "error", "content") if (t := text_at(frame, k))), "")
        said = said or text_at(frame, "error", "message")
        told = Failure(Kind.ERROR_FRAME, "the upstream sent an error frame")
        self._told = canned.recognise(said, canned.CHAT) or self._told or told

    def _complete(self, frame: dict[str, Any]) -> None:
        self.finished = True

    def _said(self, text: str, role: str) -> None:
        """A whole message: the assistant's may be a refusal in words."""
        if role in ("", "assistant"):
            self._told = canned.recognise(text, canned.CHAT) or self._told

    def _refuse(self, failure: Failure) -> None:
        self._refused = self._refused or failure


_HANDLERS: Final[dict[str, Callable[[MediaReader, dict[str, Any]], None]]] = {
    "project_start": MediaReader._project_start,
    "project_field": MediaReader._project_field,
    "message_field": MediaReader._field,
    "message_field_delta": MediaReader._delta,
    "message_result": MediaReader._result,
    "error": MediaReader._error,
    "project_complete": MediaReader._complete,
}
