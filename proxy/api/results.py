"""The bytes of results: ``/media/…`` (signed links) and ``/v1/videos/{id}/content``."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse

from proxy.api.generations import EXPIRED_TEXT, Generations, Refused
from proxy.core.failures import UpstreamError
from proxy.core.jobs import Job, JobState
from proxy.core.products import Product
from proxy.services.job_views import reply_of
from proxy.services.links import file_name
from proxy.services.results import Results
from proxy.upstreams.media import Download
from proxy.wire.media_types import mime_of
from proxy.wire.openai_errors import ErrorReply, for_failure

VARIANTS: Final = ("video", "thumbnail", "spritesheet")
BAD_LINK: Final = ErrorReply(
    403,
    "This link is not valid or has expired; ask for the job again to get a fresh one.",
    "invalid_request_error",
    "link_expired",
)
GONE: Final = ErrorReply(410, EXPIRED_TEXT, "invalid_request_error", "result_expired")
_STILLS: Final = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"})
_SAFE: Final = {"x-content-type-options": "nosniff", "cache-control": "private, max-age=3600"}


async def signed(request: Request) -> Response:
    """A result by its signed link; no key is needed."""
    services = Generations.of(request).media
    segment, name = request.path_params["segment"], request.path_params["name"]
    if not services.links.admits(segment, name):
        raise Refused(BAD_LINK)
    path = services.results.on_disk(name)
    if path is not None:
        return await _from_disk(request, path)
    owner = await services.results.owner(name)
    if owner is None or owner[0].results[owner[1]].file is not None:
        raise Refused(GONE)
    return await _from_upstream(request, services.results, *owner, poster=False)


async def content(request: Request) -> Response:
    """``GET /v1/videos/{id}/content?variant=``."""
    generations = Generations.of(request)
    job = await generations.found(request.path_params["id"])
    variant = request.query_params.get("variant") or "video"
    _check_ready(job, variant)
    result, results = job.results[0], generations.media.results
    poster = variant == "thumbnail"
    if poster and not result.poster_url:
        raise Refused(_no_variant(variant))
    if result.file is None:
        return await _from_upstream(request, results, job, 0, poster=poster)
    file = result.poster if poster else result.file
    if file is None:
        raise Refused(_no_variant(variant))
    path = results.on_disk(file.name)
    if path is None:
        raise Refused(GONE)
    return await _from_disk(request, path, f'"{file.sha256[:32]}"')


def _check_ready(job: Job, variant: str) -> None:
    if variant not in VARIANTS:
        names = ", ".join(VARIANTS)
        raise Refused(
            ErrorReply(
                400,
                f"'variant' must be one of {names}.",
                "invalid_request_error",
                "invalid_value",
                "variant",
            )
        )
    if variant == "spritesheet":
        raise Refused(_no_variant(variant))
    if job.state is JobState.COMPLETED:
        return
    if job.verdict is not None:
        reply = reply_of(job)
        raise Refused(
            ErrorReply(400, f"The job failed: {reply.message}", "invalid_request_error", reply.code)
        )
    raise Refused(
        ErrorReply(
            400,
            f"The video is not ready: its job is {job.state.value}.",
            "invalid_request_error",
            "video_not_ready",
        )
    )


def _no_variant(variant: str) -> ErrorReply:
    return ErrorReply(
        404, f"This video has no {variant}.", "invalid_request_error", "not_found", "variant"
    )


async def _from_disk(request: Request, path: Path, etag: str | None = None) -> Response:
    """A file with ranges; the same tag answers 304. A file of ours never changes under its name,
    so name and size tell it apart as well as its checksum.
    """
    size = (await asyncio.to_thread(path.stat)).st_size
    tag = etag or f'"{path.stem}-{size:x}"'
    headers = {**_SAFE, "etag": tag}
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return FileResponse(
        path,
        headers=headers,
        media_type=mime_of(path.suffix),
        filename=path.name,
        content_disposition_type="inline",
    )


def _has(tags: str, tag: str) -> bool:
    """Whether ``If-None-Match`` names this tag, weakly or not (RFC 9110 §13.1.2)."""
    named = [each.strip().removeprefix("W/") for each in tags.split(",")]
    return "*" in named or tag in named


async def _from_upstream(
    request: Request, results: Results, job: Job, number: int, *, poster: bool
) -> Response:
    try:
        link = None if poster else await results.public_link(job, number)
        if link is not None:
            return RedirectResponse(link, 302)
        wanted = request.headers.get("range", "")
        download = await results.open(job, number, wanted, poster=poster)
    except UpstreamError as error:
        raise Refused(for_failure(error.failure), error.failure.kind.value) from None
    still = poster or job.product is Product.IMAGE
    return _passed_on(download, _still(download) if still else _kind(file_name(job, number)))


def _kind(name: str) -> str:
    return mime_of("." + name.rpartition(".")[2])


def _still(download: Download) -> str:
    """An image's own type, as the name of what is not kept only says the usual one."""
    said = download.headers.get("content-type", "").partition(";")[0].strip().lower()
    return said if said in _STILLS else "image/jpeg"


async def _chunks(download: Download) -> AsyncIterator[bytes]:
    try:
        async for chunk in download.chunks:
            yield chunk
    finally:
        await download.aclose()


def _passed_on(download: Download, media_type: str) -> Response:
    """The upstream's bytes with our own headers; nothing else of its reply goes out."""

    kept = ("content-length", "content-range", "etag")
    headers = {key: download.headers[key] for key in kept if key in download.headers}
    headers |= {**_SAFE, "accept-ranges": "bytes"}
    return StreamingResponse(_chunks(download), download.status, headers, media_type)
