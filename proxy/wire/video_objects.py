"""A job as each contract wants to see it: OpenAI's Videos and Images, APIMart, new-api.

Readers in Go and pydantic are strict: ``seconds``, ``size`` and error codes are strings, times and
``progress`` whole numbers, and what is not known is left out or null, never of another type.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from proxy.core.job_view import CANCELLED_CODE, JobStatus, JobView
from proxy.core.products import Product

_PUBLIC: Final = re.compile(r"(?:video|image|task)_([0-9a-f]{32})", re.ASCII)
_RATIO: Final = re.compile(r"([1-9]\d{0,3}):([1-9]\d{0,3})", re.ASCII)
_RESOLUTION: Final = re.compile(r"([1-9]\d{2,3})p", re.ASCII)


class ImageItem(Struct, frozen=True, omit_defaults=True):
    """One image of an answer: its address, or its bytes as plain base64."""

    url: str | None = None
    b64_json: str | None = None
    revised_prompt: str | None = None


def public_id(job: JobView | str, prefix: str) -> str:
    """The id a caller knows: ``video_``, ``image_`` or ``task_`` and the 32 digits.

    Gateways wrap it in base64 and put it into paths, so it has no ``/`` and no ``;``.
    """
    return f"{prefix}_{job.id if isinstance(job, JobView) else job}"


def job_id(public: str) -> str | None:
    """The 32 digits of a public id with any of our prefixes; None for everything else."""
    match = _PUBLIC.fullmatch(public)
    return match[1] if match else None


def video_object(view: JobView, prefix: str = "video") -> dict[str, Any]:
    """OpenAI's Video, with the links and ids that other clients look for beside it.

    ``metadata`` is the caller's; a name that we use too has our value.
    """
    own = public_id(view, prefix)
    links = _links(view)
    return {
        "id": own,
        "task_id": own,
        "object": "video",
        "model": view.model,
        "status": view.status.value,
        "progress": _progress(view),
        "created_at": view.created_at,
        "completed_at": view.completed_at,
        "expires_at": view.expires_at,
        "seconds": "" if view.seconds is None else f"{view.seconds:g}",
        "size": _size(view),
        "prompt": view.prompt,
        "remixed_from_video_id": view.remixed_from and public_id(view.remixed_from, "video"),
        "error": _error(view),
        **links,
        "metadata": view.metadata | _facts(view) | ({"url": links["url"]} if links else {}),
    }


def _links(view: JobView) -> dict[str, str]:
    if view.status is not JobStatus.COMPLETED or not view.urls:
        return {}
    found = {"url": view.urls[0], "video_url": view.urls[0]}
    return found | ({"thumbnail_url": view.posters[0]} if view.posters else {})


def _facts(view: JobView) -> dict[str, Any]:
    """Who served the job, and what was made of the request; only what is known."""
    known = {
        "provider": view.provider,
        "route": view.route,
        "account": view.account,
        "served_model": view.served_model,
        "attempts": view.attempts,
        "ratio": view.ratio,
        "resolution": view.resolution,
        "ignored": list(view.ignored),
        "expected_seconds": view.expected_seconds,
        "cost_estimate_usd": view.cost,
    }
    return {name: value for name, value in known.items() if value}


def _progress(view: JobView) -> int:
    if view.status is JobStatus.COMPLETED:
        return 100
    return max(0, min(99, view.progress))


def _size(view: JobView) -> str:
    """The size asked for; else of a clip whose ratio and number of lines are known; else empty."""
    if view.size:
        return view.size
    ratio = _RATIO.fullmatch(view.ratio or "")
    lines = _RESOLUTION.fullmatch(view.resolution or "")
    if ratio is None or lines is None:
        return ""
    width, height, short = int(ratio[1]), int(ratio[2]), int(lines[1])
    unit = short / min(width, height)
    return "x".join(str(2 * round(side * unit / 2)) for side in (width, height))


def _error(view: JobView) -> dict[str, str] | None:
    if view.status is not JobStatus.FAILED:
        return None
    code, message = view.error or ("generation_failed", "The generation failed.")
    return {"code": code, "message": message}


def video_list(views: Sequence[JobView], has_more: bool) -> dict[str, Any]:
    """A page of the list; SDKs ask for the next one while ``has_more`` and ``last_id`` are set."""
    data = [video_object(view) for view in views]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }


def deleted(public: str) -> dict[str, Any]:
    """The reply to DELETE, with the id as the caller spelled it."""
    return {"id": public, "object": "video.deleted", "deleted": True}


def generation_done(views: Sequence[JobView]) -> dict[str, Any]:
    """Genspark2API's reply to a caller that waited: the links of all completed jobs."""
    data = [
        {"url": url, "revised_prompt": view.prompt}
        for view in views
        if view.status is JobStatus.COMPLETED
        for url in view.urls
    ]
    return {"created": min((view.created_at for view in views), default=0), "data": data}


def images_done(created: int, items: Sequence[ImageItem]) -> dict[str, Any]:
    """OpenAI's images reply; ``created`` is in epoch seconds."""
    names = ImageItem.__struct_fields__
    data = [{n: v for n in names if (v := getattr(item, n)) is not None} for item in items]
    return {"created": created, "data": data}


def apimart_submitted(views: Sequence[JobView]) -> dict[str, Any]:
    """APIMart's reply to a new task (one entry per job), readable as new-api's and ours as well."""
    first = views[0]
    own = public_id(first, "task")
    return {
        "code": 200,
        "data": [{"status": "submitted", "task_id": public_id(view, "task")} for view in views],
        "id": own,
        "task_id": own,
        "object": first.product.value,
        "model": first.model,
        "status": JobStatus.QUEUED.value,
        "progress": 0,
        "created": first.created_at,
        "created_at": first.created_at,
    }


_APIMART_STATUS: Final = {
    JobStatus.QUEUED: "submitted",
    JobStatus.IN_PROGRESS: "processing",
    JobStatus.COMPLETED: "completed",
    JobStatus.FAILED: "failed",
}


def apimart_task(view: JobView) -> dict[str, Any]:
    """The reply of ``GET /v1/tasks/{id}`` in APIMart's shape."""
    task: dict[str, Any] = {
        "id": public_id(view, "task"),
        "task_id": public_id(view, "task"),
        "model": view.model,
        "status": "cancelled" if _is_cancelled(view) else _APIMART_STATUS[view.status],
        "progress": _progress(view),
        "created": view.created_at,
        "estimated_time": round(view.expected_seconds or 0),
    }
    if view.completed_at is not None:
        task["completed"] = view.completed_at
        task["actual_time"] = max(0, view.completed_at - view.created_at)
    if links := _links(view):
        task["result"] = _apimart_result(view)
        task |= {name: link for name, link in links.items() if name == "thumbnail_url"}
    if error := _error(view):
        task |= {"error": error, "fail_reason": error["message"]}
    return {"code": 200, "data": task}


def _is_cancelled(view: JobView) -> bool:
    return view.error is not None and view.error[0] == CANCELLED_CODE


def _apimart_result(view: JobView) -> dict[str, Any]:
    """``url`` is a list: APIMart's own is one or a string, and clients read both."""
    expiry = {} if view.expires_at is None else {"expires_at": view.expires_at}
    kind = "images" if view.product is Product.IMAGE else "videos"
    found: dict[str, Any] = {kind: [{"url": [url], **expiry} for url in view.urls]}
    return found | ({"thumbnail_url": view.posters[0]} if view.posters else {})


def newapi_submitted(view: JobView) -> dict[str, Any]:
    """new-api's reply to a new task: the Video object, whose id is the task's."""
    return video_object(view, "task")


_NEWAPI_STATUS: Final = {
    JobStatus.QUEUED: ("QUEUED", "queued"),
    JobStatus.IN_PROGRESS: ("IN_PROGRESS", "processing"),
    JobStatus.COMPLETED: ("SUCCESS", "succeeded"),
    JobStatus.FAILED: ("FAILURE", "failed"),
}


def newapi_task(view: JobView) -> dict[str, Any]:
    """The reply of ``GET /v1/video/generations/{id}``.

    new-api has two forms. ``data`` is its task record, with what the simple form has and the record
    has not; the simple form itself is in ``data.data`` and, as older clients read it, at the top.
    """
    simple = _newapi_simple(view)
    record = simple | {
        "status": _NEWAPI_STATUS[view.status][0],
        "progress": f"{_progress(view)}%",
        "fail_reason": (_error(view) or {}).get("message", ""),
        "result_url": simple["url"],
        "submit_time": view.created_at,
        "start_time": view.created_at,
        "finish_time": view.completed_at or 0,
        "data": simple,
    }
    return simple | {"code": "success", "message": "", "data": record}


def _newapi_simple(view: JobView) -> dict[str, Any]:
    error = _error(view)
    return {
        "task_id": public_id(view, "task"),
        "status": _NEWAPI_STATUS[view.status][1],
        "url": _links(view).get("url", ""),
        "format": "mp4" if view.product is Product.VIDEO else "",
        "metadata": view.metadata | _facts(view),
        # Its own record has a number for the code.
    } | ({"error": {**error, "code": 500, "type": error["code"]}} if error else {})
