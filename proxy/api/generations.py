"""What all doors to images and videos share: making jobs, waiting for them, telling of failures."""

from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from proxy.api.context import Services, record_of, services_of, text_header
from proxy.api.event_stream import Watched
from proxy.core.ask import InvalidRequest
from proxy.core.job_view import JobView
from proxy.core.jobs import Job, JobState
from proxy.core.media import MediaWish
from proxy.core.products import Product
from proxy.services.attempts import GaveUp
from proxy.services.job_views import reply_of
from proxy.services.jobs import KeyReused, Order, QueueFull
from proxy.services.media import Media
from proxy.services.media_plans import UnknownMediaModel
from proxy.store.failures import StoreUnavailable
from proxy.wire.openai_errors import ErrorReply, for_failure, model_not_found
from proxy.wire.video_objects import job_id, public_id

LONGEST_KEY: Final = 255
POLL_MS: Final = b"5000"
PREFIXES: Final = {Product.VIDEO: "video", Product.IMAGE: "image"}

KEY_REUSED: Final = ErrorReply(
    409,
    "This Idempotency-Key belongs to a request with another body.",
    "conflict_error",
    "idempotency_key_reused",
    final=True,
)
STORE_DOWN: Final = ErrorReply(
    503, "The server's database is unavailable; nothing was sent.", code="store_unavailable",
    retry_after=5,
)  # fmt: skip
CANCELLED: Final = ErrorReply(
    400, "The job was cancelled.", "invalid_request_error", "cancelled", final=True
)
# For the log: the caller that left reads nothing any more.
LEFT: Final = Response(status_code=499)
EXPIRED_TEXT: Final = "The result has expired and is no longer kept."


class Refused(Exception):
    """The request ends here, with this reply."""

    def __init__(self, reply: ErrorReply, failure: str = "", attempts: int = 0) -> None:
        super().__init__(reply.code)
        self.reply = reply
        self.failure = failure or reply.code
        self.attempts = attempts


def queue_full(*, mine: bool) -> ErrorReply:
    """A limit of the server's own."""
    whose = "You have" if mine else "The server has"
    return ErrorReply(
        429,
        f"{whose} too many unfinished jobs; try again when some have ended.",
        "rate_limit_error",
        "too_many_jobs",
        retry_after=30,
    )


@dataclass(slots=True)
class Generations:
    """One request to a door of images or videos."""

    services: Services
    request: Request

    @classmethod
    def of(cls, request: Request) -> "Generations":
        """The request with its services."""
        return cls(services_of(request.scope), request)

    @property
    def media(self) -> Media:
        """The services for images and videos."""
        return self.services.media

    @property
    def caller(self) -> str:
        """What stands for the caller in rows and lists."""
        return self.services.callers.caller(self.request.scope["headers"])

    @property
    def sees(self) -> str | None:
        """Whose jobs the caller may look at; None means everybody's."""
        return self.services.callers.sees(self.request.scope["headers"])

    @property
    def base(self) -> str:
        """The origin that the caller used."""
        url = URL(scope=self.request.scope)
        return f"{url.scheme}://{url.netloc}"

    async def create(self, wish: MediaWish, remix_of: str | None = None) -> list[Job]:
        """The jobs of this request. Raises ``Refused``, ``InvalidRequest``."""
        record_of(self.request.scope).model = wish.terms.model
        order = Order(wish, self.caller, self._key(), self._retried(), remix_of)
        try:
            return await self.media.jobs.create(order)
        except UnknownMediaModel:
            raise Refused(model_not_found(wish.terms.model)) from None
        except GaveUp as error:
            reply = for_failure(error.failure, error.retry_after)
            raise Refused(reply, error.failure.kind.value) from None
        except KeyReused:
            raise Refused(KEY_REUSED) from None
        except QueueFull as error:
            raise Refused(queue_full(mine=error.mine)) from None
        except StoreUnavailable:
            raise Refused(STORE_DOWN) from None

    def _key(self) -> str | None:
        key = self.request.headers.get("idempotency-key", "").strip()
        if len(key) > LONGEST_KEY:
            raise InvalidRequest(f"'Idempotency-Key' may have {LONGEST_KEY} characters.")
        return key or None

    def _retried(self) -> bool:
        count = self.request.headers.get("x-stainless-retry-count", "0")
        return count.isdecimal() and int(count) > 0

    async def finished(self, jobs: list[Job]) -> list[Job]:
        """The jobs once they have ended. A caller that leaves does not end them.

        Raises ``Refused`` when none has a result, or when waiting takes too long.
        """
        seconds = self.services.settings.video_sync_timeout
        ended = await self.media.jobs.wait(jobs, seconds)
        self.note(ended)
        if good := [job for job in ended if job.state is JobState.COMPLETED]:
            return good
        raise Refused(self._why_none(ended), attempts=max((j.attempts for j in ended), default=0))

    def _why_none(self, ended: list[Job]) -> ErrorReply:
        failed = [job for job in ended if job.verdict is not None]
        if failed:
            return reply_of(failed[0])
        if not ended or all(job.state is JobState.CANCELLED for job in ended):
            return CANCELLED
        return still_running(ended[0])

    def note(self, jobs: list[Job]) -> None:
        """What the request's log line says of its jobs."""
        record = record_of(self.request.scope)
        if not jobs:
            return
        first = jobs[0]
        record.attempts = sum(job.attempts for job in jobs)
        record.account = first.account_label or None
        record.route = first.route.value if first.route else None
        record.served_model = first.served_model or None
        record.extra["job"] = public(first)
        if first.verdict is not None:
            record.failure = first.verdict.kind.value

    async def views(self, jobs: list[Job]) -> list[JobView]:
        """The jobs as the doors show them."""
        return await self.media.views.all(jobs, self.base)

    async def found(self, public_name: str, product: Product | None = None) -> Job:
        """A job of this caller's. Raises ``Refused`` (404)."""
        wanted = job_id(public_name)
        job = await self.media.jobs.find(wanted, self.sees) if wanted else None
        if job is None or product not in (None, job.product):
            raise Refused(not_found(public_name))
        return job

    def watched(self) -> Watched:
        """The block that ends when the caller leaves."""
        return Watched(self.services.tasks, self.request.receive)


def public(job: Job) -> str:
    """The job's public id."""
    return public_id(job.id, PREFIXES[job.product])


def not_found(name: str) -> ErrorReply:
    """No such job, or not this caller's."""
    shown = name[:80] if name.replace("_", "").isalnum() else "of this id"
    return ErrorReply(
        404, f"There is no job '{shown}' of yours.", "invalid_request_error", "not_found", "id"
    )


def still_running(job: Job) -> ErrorReply:
    """The caller has waited long enough; the job goes on."""
    name = public(job)
    return ErrorReply(
        504,
        f"The generation takes longer than this request may wait; it goes on as {name}:"
        f" GET /v1/videos/{name} or /v1/tasks/{name}.",
        "server_error",
        "still_running",
        final=True,
    )


def job_headers(jobs: list[Job]) -> dict[str, str]:
    """What happened to the request, as headers."""
    first = jobs[0]
    told: dict[str, Any] = {
        "x-genspark2api-job": ",".join(public(job) for job in jobs),
        "x-genspark2api-attempts": sum(job.attempts for job in jobs),
        "x-genspark2api-account": first.account_label,
        "x-genspark2api-route": first.route.value if first.route else "",
        "x-genspark2api-served-model": first.served_model or first.upstream_model,
        "x-genspark2api-ignored": ",".join(first.ignored),
    }
    pairs = [text_header(name, value) for name, value in told.items() if value != ""]
    return {name.decode(): value.decode("latin-1") for name, value in pairs}


def refusal(request: Request, refused: Refused) -> Response:
    """The reply of a request that ends with an error object."""
    record_of(request.scope).failure = refused.failure
    reply = refused.reply
    headers = {name.decode(): value.decode() for name, value in reply.headers()}
    headers["x-genspark2api-attempts"] = str(refused.attempts)
    if job := record_of(request.scope).extra.get("job"):
        headers["x-genspark2api-job"] = job
    return Response(reply.encoded(), reply.status, headers, "application/json")


def answer(jobs: list[Job], body: dict[str, Any]) -> Response:
    """A reply about jobs; one that may change soon says when to look again."""
    headers = job_headers(jobs)
    if any(not job.ended for job in jobs):
        headers["openai-poll-after-ms"] = POLL_MS.decode()
    return JSONResponse(body, headers=headers)
