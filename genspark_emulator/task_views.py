"""What Genspark tells of a task: while it runs, once it is final, and as a tool's result.

Polling: seen 2026-09. Result fields of the tools: vendor software of 2026-09-22.
"""

from genspark_emulator.events import JsonObject
from genspark_emulator.result_files import (
    LAST_FRAME,
    MARKED,
    POSTER,
    UNMARKED,
    VIDEO,
    WRAPPER,
    file_id,
)
from genspark_emulator.tasks import FAILED, Task

UNCHANGED_SECONDS = 3600

_CANCELLED = "The task was cancelled."


def urls_of(task: Task, part: str, now: float, origin: str) -> list[str]:
    """Addresses of one kind of file; none before the task succeeded.

    Images of the web routes are told without origin, which clients have to add.
    """
    if not task.has_files(now):
        return []
    address = WRAPPER + file_id(task, part)
    if task.order.kind == "image" and not task.flow.startswith("key"):
        return [f"{address}?cache_control={UNCHANGED_SECONDS}"]
    return [origin + address]


def files_of(task: Task, now: float, origin: str) -> JsonObject:
    """All addresses, under the names each kind of task has for them."""
    if task.order.kind == "video":
        names = {"video_urls": VIDEO, "poster_urls": POSTER, "last_frame_urls": LAST_FRAME}
    else:
        names = {"image_urls": MARKED, "image_urls_nowatermark": UNMARKED}
    return {name: urls_of(task, part, now, origin) for name, part in names.items()}


def reason_of(task: Task, now: float) -> str:
    """Why there is no result; empty while there may be one."""
    if task.cancelled:
        return _CANCELLED
    return task.fate.failure if task.status(now) == FAILED else ""


def polled(task: Task, now: float, origin: str) -> JsonObject:
    """A task in ``final_status``; the field of a failure's reason differs per kind."""
    reason = reason_of(task, now)
    where = "failure_reason" if task.order.kind == "video" else "error_message"
    told = {where: reason} if reason else files_of(task, now, origin)
    return {"status": task.status(now), "model": task.order.model, **told}


def result_item(task: Task, now: float, origin: str) -> JsonObject:
    """A task in the list of a tool's results, or of an agent's."""
    order, reason = task.order, reason_of(task, now)
    item: JsonObject = {"task_id": task.id, "status": task.status(now), "model": order.model}
    if order.kind == "image":
        item["prompt"] = order.prompt
    item |= {**files_of(task, now, origin), **order.details}
    if reason:
        item |= {"failure_reason": reason, "error_code": task.fate.error_code}
    return item


def detail(task: Task, now: float, origin: str) -> JsonObject:
    """A task as ``image_generation_task_detail`` tells it; it knows no PICKED (seen 2026-10)."""
    status, reason = task.status(now), reason_of(task, now)
    files = files_of(task, now, origin)
    return {
        "status": "PROCESSING" if status == "PICKED" else status,
        **files,
        "image_ratios": ["1:1" for _ in files["image_urls"]],
        "model": task.order.model,
        "prompt": task.order.prompt,
        **({"failed_reason": reason} if reason else {}),
    }


RESULT_LISTS = {"image": "generated_images", "video": "generated_videos"}
"""Under which name a list of results is told."""
