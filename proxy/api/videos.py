"""The doors to videos: OpenAI's, Genspark2API's, APIMart's and new-api's, with one job beneath."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from proxy.api.generations import LEFT, PREFIXES, Generations, Refused, answer, public, refusal
from proxy.api.media_body import read_fields
from proxy.api.results import content
from proxy.core.ask import InvalidRequest
from proxy.core.jobs import Job, JobState
from proxy.core.media import Given, MediaWish, Use
from proxy.core.products import Product
from proxy.store.jobs import Page
from proxy.wire import video_objects
from proxy.wire.json_values import finite
from proxy.wire.openai_errors import ErrorReply
from proxy.wire.video_objects import job_id
from proxy.wire.video_requests import (
    read_generations,
    read_remix,
    read_video_generations,
    read_videos,
    wants_async,
)

MOST_LISTED: Final = 100
USUALLY_LISTED: Final = 20

Door = Callable[[Request], Awaitable[Response]]


def told(door: Door) -> Door:
    """The door, with what ends a request early as an error object."""

    async def guarded(request: Request) -> Response:
        try:
            return await door(request)
        except Refused as refused:
            return refusal(request, refused)

    return guarded


def video_routes() -> list[Route]:
    """The routes of all video dialects."""
    one = "/v1/videos/{id:path}"
    return [
        Route("/v1/videos", told(_create), methods=["POST"]),
        Route("/v1/videos", told(_list), methods=["GET"]),
        Route("/v1/videos/generations", told(_generate), methods=["POST"]),
        Route("/v1/videos/edits", told(_edit), methods=["POST"]),
        Route("/v1/videos/extensions", told(_extend), methods=["POST"]),
        Route(f"{one}/content", told(content), methods=["GET"]),
        Route(f"{one}/remix", told(_remix), methods=["POST"]),
        Route(one, told(_read), methods=["GET"]),
        Route(one, told(_delete), methods=["DELETE"]),
        Route("/v1/video/generations", told(_submit), methods=["POST"]),
        Route("/v1/video/generations/{id:path}", told(_read_submitted), methods=["GET"]),
        Route("/v1/tasks/{id:path}", told(_task), methods=["GET"]),
    ]


def _default(generations: Generations) -> str:
    return generations.services.settings.video_model


async def _create(request: Request) -> Response:
    generations = Generations.of(request)
    wish = read_videos(await read_fields(request), _default(generations))
    return await _created(generations, wish)


async def _created(
    generations: Generations, wish: MediaWish, remix_of: str | None = None
) -> Response:
    jobs = await generations.create(wish, remix_of)
    generations.note(jobs)
    view = (await generations.views(jobs))[0]
    return answer(jobs, video_objects.video_object(view))


async def _read(request: Request) -> Response:
    generations = Generations.of(request)
    job = await generations.found(request.path_params["id"])
    view = (await generations.views([job]))[0]
    return answer([job], video_objects.video_object(view, PREFIXES[job.product]))


async def _list(request: Request) -> Response:
    generations = Generations.of(request)
    jobs, more = await generations.media.jobs.page(_page(request, generations.caller))
    views = await generations.views(jobs)
    return JSONResponse(video_objects.video_list(views, more))


def _page(request: Request, caller: str | None) -> Page:
    query = request.query_params
    limit = finite(query.get("limit") or USUALLY_LISTED)
    if limit is None or not 1 <= limit <= MOST_LISTED:
        raise InvalidRequest(f"'limit' must be 1 to {MOST_LISTED}.", param="limit")
    order = query.get("order") or "desc"
    if order not in ("asc", "desc"):
        raise InvalidRequest("'order' must be asc or desc.", param="order")
    after = query.get("after") or None
    if after is not None and job_id(after) is None:
        raise InvalidRequest("'after' must be the id of a video.", param="after")
    return Page(
        caller,
        Product.VIDEO,
        job_id(after) if after else None,
        int(limit),
        newest_first=order == "desc",
    )


async def _delete(request: Request) -> Response:
    generations = Generations.of(request)
    job = await generations.found(request.path_params["id"])
    await generations.media.jobs.delete(job)
    return JSONResponse(video_objects.deleted(public(job)))


async def _remix(request: Request) -> Response:
    generations = Generations.of(request)
    first = await generations.found(request.path_params["id"], Product.VIDEO)
    if first.state is not JobState.COMPLETED:
        raise Refused(
            ErrorReply(
                400,
                "Only a finished video can be remixed.",
                "invalid_request_error",
                "video_not_ready",
            )
        )
    prompt = read_remix(await read_fields(request))
    return await _created(generations, _remixed(first, prompt), first.id)


def _remixed(first: Job, prompt: str) -> MediaWish:
    """The first video edited by a new prompt; length and shape follow the video."""
    terms = msgspec.structs.replace(
        first.ask.terms,
        prompt=prompt,
        ratio=None,
        seconds=None,
        resolution=None,
        size=None,
        vendor={"video_mode": "edit"},
    )
    return MediaWish(terms=terms, given=(Given(Use.VIDEO, public(first), "id"),))


async def _edit(request: Request) -> Response:
    return await _reworked(request, "edit")


async def _extend(request: Request) -> Response:
    return await _reworked(request, "extend")


async def _reworked(request: Request, mode: str) -> Response:
    """A video made anew from a finished one of the caller's, or from an uploaded one."""
    generations = Generations.of(request)
    fields = await read_fields(request)
    wish = read_videos({**fields, "video_mode": mode}, _default(generations))
    if not any(given.use is Use.VIDEO for given in wish.given):
        raise InvalidRequest(
            "'video' is required: a file, or the id of a finished video.",
            param="video",
            code="missing_required_parameter",
        )
    return await _created(generations, wish)


async def _generate(request: Request) -> Response:
    """Waits for the result, as Genspark2API does, unless the caller asks for a task."""
    generations = Generations.of(request)
    fields = await read_fields(request)
    waits = not wants_async(fields, request.headers.get("prefer"))
    jobs = await generations.create(read_generations(fields, _default(generations)))
    generations.note(jobs)
    if not waits:
        return answer(jobs, video_objects.apimart_submitted(await generations.views(jobs)))
    async with generations.watched():
        done = await generations.finished(jobs)
        return answer(done, video_objects.generation_done(await generations.views(done)))
    return LEFT


async def _submit(request: Request) -> Response:
    generations = Generations.of(request)
    wish = read_video_generations(await read_fields(request), _default(generations))
    jobs = await generations.create(wish)
    generations.note(jobs)
    view = (await generations.views(jobs))[0]
    return answer(jobs, video_objects.newapi_submitted(view))


async def _read_submitted(request: Request) -> Response:
    return await _shown(request, video_objects.newapi_task)


async def _task(request: Request) -> Response:
    return await _shown(request, video_objects.apimart_task)


async def _shown(request: Request, shape: Callable[[Any], dict[str, Any]]) -> Response:
    generations = Generations.of(request)
    job = await generations.found(request.path_params["id"])
    return answer([job], shape((await generations.views([job]))[0]))
