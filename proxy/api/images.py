"""The doors to images: generations and edits; both wait for their result, unless told not to."""

import asyncio
import base64
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from proxy.api.generations import LEFT, Generations, Refused, answer, job_headers
from proxy.api.media_body import read_fields
from proxy.api.results import GONE
from proxy.api.videos import told
from proxy.core.failures import UpstreamError
from proxy.core.jobs import Job
from proxy.services.results import Results
from proxy.wire.image_requests import ImageWish, read_edit, read_generation
from proxy.wire.media_form import Fields
from proxy.wire.openai_errors import for_failure
from proxy.wire.video_objects import ImageItem, apimart_submitted, images_done
from proxy.wire.video_requests import wants_async


def image_routes() -> list[Route]:
    """The routes of images."""
    return [
        Route("/v1/images/generations", told(_generate), methods=["POST"]),
        Route("/v1/images/edits", told(_edit), methods=["POST"]),
    ]


async def _generate(request: Request) -> Response:
    generations = Generations.of(request)
    fields = await read_fields(request)
    return await _made(generations, fields, read_generation(fields, _default(generations)))


async def _edit(request: Request) -> Response:
    generations = Generations.of(request)
    fields = await read_fields(request)
    return await _made(generations, fields, read_edit(fields, _default(generations)))


def _default(generations: Generations) -> str:
    return generations.services.settings.image_model


async def _made(generations: Generations, fields: Fields, wish: ImageWish) -> Response:
    waits = not wants_async(fields, generations.request.headers.get("prefer"))
    jobs = await generations.create(wish.wish)
    generations.note(jobs)
    if not waits:
        return answer(jobs, apimart_submitted(await generations.views(jobs)))
    async with generations.watched():
        return await _answer(generations, wish, await generations.finished(jobs))
    return LEFT


async def _answer(generations: Generations, wish: ImageWish, done: list[Job]) -> Response:
    results = generations.media.results
    if wish.answer == "b64_json":
        items = [
            ImageItem(b64_json=await _encoded(results, job, number))
            for job in done
            for number in range(len(job.results))
        ]
    else:
        items = [ImageItem(url=url) for view in await generations.views(done) for url in view.urls]
    wanted = items[: wish.wish.count]
    return JSONResponse(images_done(int(time.time()), wanted), headers=job_headers(done))


async def _encoded(results: Results, job: Job, number: int) -> str:
    """The result's bytes as bare base64."""
    file = job.results[number].file
    if file is not None:
        path = results.on_disk(file.name)
        if path is None:
            raise Refused(GONE)
        data = await asyncio.to_thread(path.read_bytes)
    else:
        data = await _downloaded(results, job, number)
    return base64.b64encode(data).decode()


async def _downloaded(results: Results, job: Job, number: int) -> bytes:
    try:
        download = await results.open(job, number, "", poster=False)
    except UpstreamError as error:
        raise Refused(for_failure(error.failure), error.failure.kind.value) from None
    try:
        return b"".join([chunk async for chunk in download.chunks])
    finally:
        await download.aclose()
