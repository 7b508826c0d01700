"""Runway's developer API: requests, tasks and refusals.

Sources: the vendor's own SDK (5.24.0) and its pages on errors, limits and task failures (2026).
"""

import re
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final
from urllib.parse import quote

import msgspec

from proxy.core.failures import Failure, Kind
from proxy.core.media import MediaAsk, TaskReport, TaskState
from proxy.core.products import Product
from proxy.wire.genspark_failures import Reply, message_of
from proxy.wire.genspark_key_failures import scrubbed
from proxy.wire.json_values import list_at, number_at, text_at
from proxy.wire.provider import Call, Created, Picture
from proxy.wire.runway_bodies import TAKES, request_of, takes

__all__ = ["TAKES", "Runway", "api_call", "refusal", "takes"]

# The only version there is; a request without it is refused.
_VERSION: Final = {"X-Runway-Version": "2024-11-06"}

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_MOST_URLS: Final = 16
_LONGEST_URL: Final = 8192
_MOST_ISSUES: Final = 5
_LONGEST_REASON: Final = 500


class Runway:
    """See ``Provider``. Task ids are Runway's own. Results need no key; they live 24 to 48 hours,
    and every look at the task gives fresh addresses.
    """

    own_hosts: frozenset[str] = frozenset()

    def sign(self, secret: str) -> dict[str, str]:
        """The key as a bearer token."""
        return {"Authorization": f"Bearer {secret}"}

    def create(self, ask: MediaAsk, model: str, inputs: Sequence[Picture]) -> Call:
        """Raises ``UpstreamError`` for what the model has no field for."""
        endpoint, fields = request_of(ask, model, inputs)
        return api_call("POST", f"/v1/{endpoint}", msgspec.json.encode(fields))

    def created(self, reply: Reply, product: Product) -> Created | Failure:
        """Nothing but the new task's id is promised."""
        if not 200 <= reply.status < 300:
            return refusal(reply, Kind.MODEL_UNKNOWN)
        task_id = text_at(reply.json, "id")
        if not _ID.fullmatch(task_id):
            return Failure(Kind.UNREADABLE, "the reply names no task")
        return Created(TaskReport(task_id=task_id, state=TaskState.PENDING))

    def look(self, task_id: str, product: Product) -> Call:
        """Runway promises no news more often than every 5 s."""
        return api_call("GET", _task_path(task_id))

    def seen(self, reply: Reply, task_id: str, product: Product) -> TaskReport | Failure:
        """One task; a status that is not known means that it still runs."""
        if not 200 <= reply.status < 300:
            return refusal(reply, Kind.TASK_UNKNOWN)
        status = text_at(reply.json, "status")
        if not status:
            return Failure(Kind.UNREADABLE, "a task without its status")
        state = _STATES.get(status, TaskState.PENDING)
        return TaskReport(
            task_id=task_id,
            state=state,
            urls=_urls(reply.json) if state is TaskState.DONE else (),
            progress=_percent(reply.json) if state is TaskState.PENDING else None,
            reason=_reason(reply.json, status) if state is TaskState.FAILED else "",
        )

    def inline(self, reply: Reply, number: int) -> bytes | None:
        """Results never come inside an answer."""
        return None

    def fetch(self, url: str) -> Call:
        """Results lie at a storage host that knows no keys."""
        return Call(path=url, signed=False)

    def cancel(self, task_id: str) -> Call | None:
        """A task that has ended is deleted instead. What runs already is charged all the same."""
        return api_call("DELETE", _task_path(task_id))

    def check(self) -> Call:
        """The organisation's limits and use."""
        return api_call("GET", "/v1/organization")


def api_call(method: str, path: str, content: bytes = b"") -> Call:
    """A call of the API itself."""
    return Call(method=method, path=path, content=content, headers=dict(_VERSION))


def _task_path(task_id: str) -> str:
    return f"/v1/tasks/{quote(task_id, safe='')}"


# Tasks.

_STATES: Final = {
    "SUCCEEDED": TaskState.DONE,
    "FAILED": TaskState.FAILED,
    "CANCELLED": TaskState.FAILED,
}
# By the beginning of the failure code; the first that fits. "Safety" and "moderation" are also the
# words by which a refusal for its content is told from an accident.
_FAILURES: Final = (
    ("SAFETY.INPUT", "Runway's content moderation refused an input"),
    ("SAFETY.OUTPUT", "Runway's content moderation refused the result"),
    ("SAFETY", "Runway's content moderation refused this"),
    ("INPUT_PREPROCESSING.SAFETY", "Runway's content moderation refused an input"),
    ("INPUT_PREPROCESSING", "Runway could not prepare an input"),
    ("ASSET", "Runway cannot use an input"),
    (
        "INTERNAL.BAD_OUTPUT",
        "Runway discarded a poor result; text or graphics laid over an input may cause it",
    ),
)
_FAILED: Final = "Runway failed to make the result"
_CODE: Final = re.compile(r"[A-Z0-9_.]{1,80}")


def _urls(task: Any) -> tuple[str, ...]:
    links = (
        link
        for link in list_at(task, "output")
        if isinstance(link, str)
        and link.startswith(("https://", "http://"))
        and len(link) <= _LONGEST_URL
    )
    return tuple(islice(links, _MOST_URLS))


def _percent(task: Any) -> int | None:
    told = number_at(task, "progress")
    # 100 is said of finished tasks alone.
    return min(99, int(told * 100)) if told is not None and 0 <= told <= 1 else None


def _reason(task: Any, status: str) -> str:
    if status == "CANCELLED":
        return "the task was cancelled at Runway"
    code = text_at(task, "failureCode")
    code = code if _CODE.fullmatch(code) else ""
    sentence = next((words for start, words in _FAILURES if code.startswith(start)), _FAILED)
    said = _told(text_at(task, "failure"))
    return f"{sentence}{code and f' ({code})'}{said and f': {said}'}"[:_LONGEST_REASON]


# Refusals.

_FUNDS: Final = re.compile(r"\bcredits?\b|insufficient funds|billing", re.IGNORECASE)
_POLICY: Final = re.compile(
    r"moderat|safety|content polic|usage polic|nsfw|inappropriate", re.IGNORECASE
)
_DAILY: Final = re.compile(r"\bdaily\b|per day|24.?hour", re.IGNORECASE)
_GONE: Final = re.compile(
    r"\bmodel\b.*(no longer|deprecated|retired|not available|not found|unknown)", re.IGNORECASE
)
_BY_STATUS: Final = {
    400: Kind.BAD_REQUEST,
    401: Kind.DEAD_CREDENTIAL,
    402: Kind.FUNDS,
    403: Kind.FORBIDDEN,
    # The endpoint knows no POST any more.
    405: Kind.RETIRED,
    413: Kind.BAD_REQUEST,
    422: Kind.BAD_REQUEST,
    429: Kind.RATE_LIMITED,
    503: Kind.OUTAGE,
}
_EXPLAINED: Final = frozenset({Kind.BAD_REQUEST, Kind.POLICY})
# Keys, and addresses that may be signed; whole files travel in data URIs.
_SECRETISH: Final = re.compile(r"key_[0-9a-zA-Z]+|bearer\s+\S+|(?:runway|data):\S+", re.IGNORECASE)


def refusal(reply: Reply, missing: Kind) -> Failure:
    """Any reply but a good one; ``missing`` is what a 404 means."""
    said = "" if reply.is_html else message_of(reply.json)
    kind = missing if reply.status == 404 else _kind(reply, said)
    told = _explained(reply.json, said) if kind in _EXPLAINED else ""
    return Failure(kind, f"HTTP {reply.status}", reply.retry_after(), told=told)


def _kind(reply: Reply, said: str) -> Kind:
    kind = _BY_STATUS.get(reply.status)
    if kind is Kind.BAD_REQUEST:
        return _kind_of_bad_request(reply.json, said)
    if kind is Kind.RATE_LIMITED and _DAILY.search(said):
        return Kind.DAILY_QUOTA
    if kind is not None:
        return kind
    if reply.status < 400:
        return Kind.UNREADABLE
    return Kind.UPSTREAM_BROKEN if reply.status >= 500 else Kind.REJECTED


def _kind_of_bad_request(body: Any, said: str) -> Kind:
    """A 400 also says that the funds are used up, or that an input was not acceptable."""
    if _FUNDS.search(said):
        return Kind.FUNDS
    if "model" in _wrong_fields(body) or _GONE.search(said):
        return Kind.MODEL_UNKNOWN
    return Kind.POLICY if _POLICY.search(said) else Kind.BAD_REQUEST


def _wrong_fields(body: Any) -> list[str]:
    """The names of the fields that were found invalid, such as ``promptImage.0.uri``."""
    return [".".join(map(_step, list_at(issue, "path")[:9])) for issue in _issues(body)]


def _step(step: Any) -> str:
    """A key, or a place in a list."""
    known = isinstance(step, str) or (isinstance(step, int) and 0 <= step < 1000)
    return str(step)[:60] if known else "?"


def _issues(body: Any) -> list[Any]:
    return list_at(body, "issues")[:_MOST_ISSUES]


def _explained(body: Any, said: str) -> str:
    issues = zip(_wrong_fields(body), _issues(body), strict=True)
    words = [f"{name}: {text_at(issue, 'message')}" for name, issue in issues]
    return _told("; ".join(filter(None, [said, *words])))


def _told(said: str) -> str:
    return scrubbed(_SECRETISH.sub("…", said))[:_LONGEST_REASON]
