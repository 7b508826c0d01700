"""``/v1/jobs``: every job of the caller's, with its history; the operator's key sees all."""

import time
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from proxy.api.generations import Generations, public
from proxy.api.videos import told
from proxy.core.ask import InvalidRequest
from proxy.core.jobs import Job
from proxy.store.jobs import Page
from proxy.wire.json_values import finite
from proxy.wire.video_objects import job_id

MOST = 200
USUALLY = 50


def job_routes() -> list[Route]:
    """The routes of jobs as such."""
    return [
        Route("/v1/jobs", told(_list), methods=["GET"]),
        Route("/v1/jobs/{id}", told(_show), methods=["GET"]),
        Route("/v1/jobs/{id}/cancel", told(_cancel), methods=["POST"]),
    ]


async def _list(request: Request) -> Response:
    generations = Generations.of(request)
    limit = finite(request.query_params.get("limit") or USUALLY)
    if limit is None or not 1 <= limit <= MOST:
        raise InvalidRequest(f"'limit' must be 1 to {MOST}.", param="limit")
    after = job_id(request.query_params.get("after", ""))
    jobs, more = await generations.media.jobs.page(Page(generations.sees, None, after, int(limit)))
    data = [await _described(generations, job) for job in jobs]
    return JSONResponse({"object": "list", "data": data, "has_more": more})


async def _show(request: Request) -> Response:
    generations = Generations.of(request)
    job = await generations.found(request.path_params["id"])
    history = await generations.media.jobs.store.history(job.id)
    shown = await _described(generations, job)
    return JSONResponse({**shown, "history": msgspec.to_builtins(history)})


async def _cancel(request: Request) -> Response:
    generations = Generations.of(request)
    job = await generations.found(request.path_params["id"])
    after = await generations.media.jobs.cancel(job)
    return JSONResponse(await _described(generations, after))


async def _described(generations: Generations, job: Job) -> dict[str, Any]:
    """A job in the words of the command line."""
    view = (await generations.views([job]))[0]
    return {
        "id": public(job),
        "object": "job",
        "kind": job.product.value,
        "model": job.ask.terms.model,
        "prompt": job.ask.terms.prompt,
        "state": job.state.value,
        "status": view.status,
        "progress": view.progress,
        "expected_seconds": view.expected_seconds,
        "elapsed_seconds": max(0.0, (job.completed_at or time.time()) - job.created_at),
        "created_at": view.created_at,
        "completed_at": view.completed_at,
        "expires_at": view.expires_at,
        "route": view.route,
        "account": view.account,
        "provider": view.provider,
        "cost_estimate_usd": view.cost,
        "task_ids": list(job.task_ids),
        "attempts": job.attempts,
        "error": None if view.error is None else {"code": view.error[0], "message": view.error[1]},
        "urls": list(view.urls),
        "files": [
            {"name": r.file.name, "bytes": r.file.size, "sha256": r.file.sha256}
            for r in job.results
            if r.file
        ],
    }
