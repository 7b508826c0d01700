"""What gateways of media say of a task: the words for its state, its progress, why it failed.

OpenAI, LiteLLM, new-api and APIMart each have their own; a reader of one meets the others', as the
gateways pass each other's answers on.
"""

from itertools import islice
from typing import Any, Final

from proxy.core.media import TaskReport, TaskState
from proxy.wire.gateway_refusals import is_policy_code, told_of
from proxy.wire.genspark_tasks import is_policy
from proxy.wire.json_values import child, number_at, text_at

MOST_URLS: Final = 16
_LONGEST_URL: Final = 8192

# Every other word means that it still runs.
_ENDS: Final = {
    "completed": TaskState.DONE,
    "success": TaskState.DONE,
    "succeeded": TaskState.DONE,
    "failed": TaskState.FAILED,
    "failure": TaskState.FAILED,
    "error": TaskState.FAILED,
    "cancelled": TaskState.FAILED,
    "canceled": TaskState.FAILED,
}
_CANCELLED: Final = ("cancelled", "canceled")
_REASONS: Final = (("error", "message"), ("error",), ("fail_reason",), ("message",))


def task_report(
    item: Any, task_id: str, urls: tuple[str, ...], posters: tuple[str, ...] = ()
) -> TaskReport:
    """One task as its object has it. ``urls`` count once it is done."""
    status = text_at(item, "status").lower()
    state = _ENDS.get(status, TaskState.PENDING)
    return TaskReport(
        task_id=task_id,
        state=state,
        urls=urls if state is TaskState.DONE else (),
        posters=posters if state is TaskState.DONE else (),
        progress=_percent(item) if state is TaskState.PENDING else None,
        reason=_reason(item, status) if state is TaskState.FAILED else "",
        model=text_at(item, "model")[:200],
    )


def links(*values: Any) -> tuple[str, ...]:
    """The web addresses among texts, lists and objects with a ``url``, two lists deep."""
    texts = (text for value in values for text in _texts(value, 3))
    return tuple(islice(filter(_is_link, texts), MOST_URLS))


def _texts(value: Any, deep: int) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return _texts(value.get("url"), deep - 1) if deep else []
    if isinstance(value, list) and deep:
        return [text for item in value[:MOST_URLS] for text in _texts(item, deep - 1)]
    return []


def _is_link(text: str) -> bool:
    return text.startswith(("https://", "http://")) and len(text) <= _LONGEST_URL


def _percent(item: Any) -> int | None:
    """A number, its text, or ``30%``. 100 is said of finished tasks alone."""
    said = child(item, "progress")
    told = number_at({"progress": said.rstrip("%")} if isinstance(said, str) else item, "progress")
    return min(99, int(told)) if told is not None and 0 <= told <= 100 else None


def _reason(item: Any, status: str) -> str:
    """The server's words; where only a code speaks of content rules, a sentence that does."""
    said = next((text for place in _REASONS if (text := text_at(item, *place).strip())), "")
    said = told_of(said) or ("the task was cancelled" if status in _CANCELLED else "")
    if is_policy(said) or not is_policy_code(text_at(item, "error", "code")):
        return said
    return f"the content policy refused it{said and f': {said}'}"
