"""OpenAI's Videos and Images, emulated, with the habits of the servers that imitate them.

Sources: openai-python 3.52 (types, paths, what arrives on the wire), the sources of new-api and
LiteLLM (2026-11). It shares nothing with the program under test.
"""

import base64
import json
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

KEY = "sk-videos-emulated"
CLIP = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42 openai "
STILL = b"\x89PNG\r\n\x1a\n openai "

# What OpenAI's own endpoints know; anything else is an error there.
VIDEO_FIELDS = {"prompt", "model", "seconds", "size", "input_reference"}
IMAGE_FIELDS = {
    "prompt", "model", "n", "size", "quality", "style", "response_format", "background",
    "output_format", "output_compression", "moderation", "user", "image", "image[]", "mask",
}  # fmt: skip


def error(
    message: str, kind: str = "invalid_request_error", code: Any = None, param: Any = None
) -> dict[str, Any]:
    """OpenAI's error object."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


@dataclass
class Scripted:
    """An answer in place of the usual one. ``buys``: the work is done all the same.

    ``cut``: the transfer breaks off half-way.
    """

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    buys: bool = False
    cut: bool = False

    def response(self) -> Response:
        body = error("scripted") if self.body is None else self.body
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json", **self.headers}
        if not self.cut:
            return Response(content, self.status, headers)

        async def half() -> AsyncIterator[bytes]:
            yield content[: len(content) // 2]

        return StreamingResponse(
            half(), self.status, {**headers, "content-length": str(len(content))}
        )


@dataclass
class Sent:
    """A file of a form."""

    field: str
    filename: str
    mime: str
    data: bytes


@dataclass
class Call:
    """One request as it came; ``fields`` are those of JSON or of a form, ``files`` a form's."""

    operation: str
    method: str
    path: str
    headers: dict[str, str]
    fields: dict[str, Any] = field(default_factory=dict)
    files: list[Sent] = field(default_factory=list)


@dataclass
class Video:
    """A bought video. ``life`` holds the states that looks at it are told; the last one stays."""

    id: str
    call: Call
    created: int
    life: deque[str]

    @property
    def status(self) -> str:
        return self.life[0]


class OpenAIVideosServer:
    """The application is ``app``; its base address ends in ``/v1``.

    ``dialect``: ``openai``, ``newapi`` (two ids, a link beside the object) or ``litellm`` (wrapped
    ids, a status of its own). ``strict``: fields that OpenAI does not know are refused. ``life``:
    the states a new video is given. ``failure``: the ``error`` of a failed one. ``redirect``:
    content is a redirect to a storage host. ``image_urls``: images are addresses. ``leaks`` are
    requests that brought the key to where it does not belong.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.dialect = "openai"
        self.strict = False
        self.life = ("queued", "in_progress", "completed")
        self.failure: Any = {"code": "server_error", "message": "the video could not be made"}
        self.redirect = False
        self.image_urls = False
        self.storage = ""
        self.calls: list[Call] = []
        self.leaks: list[Call] = []
        self.videos: dict[str, Video] = {}
        self.images = 0
        self._scripts: dict[str, deque[Scripted]] = defaultdict(deque)
        self.app = Starlette(
            routes=[
                Route("/v1/videos", self._create, methods=["POST"]),
                Route("/v1/videos", self._list, methods=["GET"]),
                Route("/v1/videos/{id}", self._look, methods=["GET"]),
                Route("/v1/videos/{id}", self._delete, methods=["DELETE"]),
                Route("/v1/videos/{id}/content", self._content),
                Route("/v1/images/generations", self._images, methods=["POST"]),
                Route("/v1/images/edits", self._images, methods=["POST"]),
                Route("/v1/models", self._models),
                Route("/storage/{name}", self._stored),
            ]
        )

    def script(self, operation: str, *answers: Scripted) -> None:
        """Queue answers to ``create``, ``look``, ``list``, ``delete``, ``content``, ``image``,
        ``models`` or ``storage``.
        """
        self._scripts[operation].extend(answers)

    @property
    def bought(self) -> int:
        """How many videos and images were paid for."""
        return len(self.videos) + self.images

    def sent(self, operation: str) -> list[Call]:
        """The requests of one kind."""
        return [call for call in self.calls if call.operation == operation]

    async def _entered(self, operation: str, request: Request) -> tuple[Call, Response | None]:
        """The call, and the answer to it where it is scripted or the key is wrong."""
        call = Call(operation, request.method, request.url.path, dict(request.headers))
        kind = call.headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            await _read_form(request, call)
        elif kind.startswith("application/json") and await request.body():
            call.fields = await request.json()
        self.calls.append(call)
        queue = self._scripts[operation]
        if queue and not queue[0].buys:
            return call, queue.popleft().response()
        if call.headers.get("authorization") != f"Bearer {KEY}":
            refusal = error("Incorrect API key provided.", code="invalid_api_key")
            return call, JSONResponse(refusal, 401)
        return call, None

    def _after(self, operation: str, usual: Response) -> Response:
        queue = self._scripts[operation]
        return queue.popleft().response() if queue else usual

    async def _create(self, request: Request) -> Response:
        call, answer = await self._entered("create", request)
        answer = answer or self._refusal(call, VIDEO_FIELDS)
        if answer is not None:
            return answer
        number = len(self.videos) + 1
        video = Video(f"video_{number:04d}", call, int(self.clock()), deque(self.life))
        if self.dialect == "litellm":
            # Standard base64 with a plus sign and padding. One with a slash fits no router's path.
            wrapped = f"litellm:custom_llm_provider:veo;model_id:>>>;video_id:{number}"
            video.id = "video_" + base64.b64encode(wrapped.encode()).decode()
        self.videos[video.id] = video
        return self._after("create", JSONResponse(self._object(video)))

    def _refusal(self, call: Call, known: set[str]) -> JSONResponse | None:
        names = {*call.fields, *(file.field for file in call.files)}
        unknown = sorted(names - known)
        if self.strict and unknown:
            refusal = error(
                f"Unknown parameter: '{unknown[0]}'.", code="unknown_parameter", param=unknown[0]
            )
            return JSONResponse(refusal, 400)
        if not str(call.fields.get("prompt", "")).strip():
            return JSONResponse(error("prompt is required", param="prompt"), 400)
        for name in ("seconds", "size"):
            if not isinstance(call.fields.get(name, ""), str):
                return JSONResponse(error(f"{name} must be a string", param=name), 400)
        return None

    def _object(self, video: Video) -> dict[str, Any]:
        fields, status = video.call.fields, video.status
        done = status == "completed"
        told: dict[str, Any] = {
            "id": video.id,
            "object": "video",
            "created_at": video.created,
            "completed_at": int(self.clock()) if done else None,
            "expires_at": video.created + 3600 if done else None,
            "status": status,
            "model": fields.get("model", "sora-2"),
            "progress": {"queued": 0, "completed": 100}.get(status, 33),
            "prompt": fields["prompt"],
            "seconds": fields.get("seconds", "4"),
            "size": fields.get("size", "720x1280"),
            "remixed_from_video_id": None,
            "error": self.failure if status == "failed" else None,
        }
        if self.dialect == "newapi":
            told |= {"task_id": video.id}
            told |= {"metadata": {"url": "https://cdn.example/1.mp4"}} if done else {}
        if self.dialect == "litellm" and status == "in_progress":
            told["status"] = "processing"
        return told

    def _found(self, request: Request) -> Video | JSONResponse:
        video = self.videos.get(request.path_params["id"])
        if video is not None:
            return video
        if self.dialect == "newapi":
            missing = {"code": "task_not_exist", "message": "task_not_exist", "data": None}
            return JSONResponse(missing, 400)
        return JSONResponse(error(f"Video with id '{request.path_params['id']}' not found."), 404)

    async def _look(self, request: Request) -> Response:
        _, answer = await self._entered("look", request)
        if answer is not None:
            return answer
        video = self._found(request)
        if isinstance(video, Response):
            return video
        if len(video.life) > 1:
            video.life.popleft()
        # What the SDK's own polling goes by; short, as tests wait for it.
        return JSONResponse(self._object(video), headers={"openai-poll-after-ms": "5"})

    async def _list(self, request: Request) -> Response:
        _, answer = await self._entered("list", request)
        if answer is not None:
            return answer
        data = [self._object(video) for video in self.videos.values()]
        ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {}
        return JSONResponse({"object": "list", "data": data, "has_more": False, **ends})

    async def _delete(self, request: Request) -> Response:
        _, answer = await self._entered("delete", request)
        if answer is not None:
            return answer
        video = self._found(request)
        if isinstance(video, Response):
            return video
        del self.videos[video.id]
        return JSONResponse({"id": video.id, "object": "video.deleted", "deleted": True})

    async def _content(self, request: Request) -> Response:
        _, answer = await self._entered("content", request)
        if answer is not None:
            return answer
        video = self._found(request)
        if isinstance(video, Response):
            return video
        if video.status != "completed":
            return JSONResponse(error("The video is not ready.", code="video_not_ready"), 400)
        if request.query_params.get("variant", "video") != "video":
            return JSONResponse(error("There is no such variant."), 404)
        if self.redirect:
            return RedirectResponse(f"{self.storage}/storage/clip.mp4?sig=1", 302)
        return Response(CLIP + video.id.encode(), media_type="video/mp4")

    async def _images(self, request: Request) -> Response:
        call, answer = await self._entered("image", request)
        answer = answer or self._refusal(call, IMAGE_FIELDS) or self._refused_image(call)
        if answer is not None:
            return answer
        self.images += 1
        data = STILL + str(self.images).encode()
        if self.image_urls:
            item: dict[str, Any] = {"url": f"{self.storage}/storage/still.png?sig=1"}
        else:
            item = {"b64_json": base64.b64encode(data).decode()}
        usual = JSONResponse({"created": int(self.clock()), "data": [item]})
        return self._after("image", usual)

    def _refused_image(self, call: Call) -> JSONResponse | None:
        gpt = str(call.fields.get("model", "")).startswith("gpt-image")
        if gpt and "response_format" in call.fields:
            name = "response_format"
            refusal = error(f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name)
            return JSONResponse(refusal, 400)
        if call.path.endswith("/edits") and not any("image" in file.field for file in call.files):
            return JSONResponse(error("image is required", param="image"), 400)
        return None

    async def _models(self, request: Request) -> Response:
        _, answer = await self._entered("models", request)
        if answer is not None:
            return answer
        model = {"id": "sora-2", "object": "model", "created": 1, "owned_by": "openai"}
        return JSONResponse({"object": "list", "data": [model]})

    async def _stored(self, request: Request) -> Response:
        """A storage host: the address is the credential."""
        call = Call("storage", request.method, request.url.path, dict(request.headers))
        self.calls.append(call)
        if "authorization" in call.headers:
            self.leaks.append(call)
        if queue := self._scripts["storage"]:
            return queue.popleft().response()
        data = CLIP if request.path_params["name"].endswith(".mp4") else STILL
        return Response(data + b"stored")


async def _read_form(request: Request, call: Call) -> None:
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                mime = value.content_type or ""
                call.files.append(Sent(name, value.filename or "", mime, await value.read()))
            else:
                call.fields[name] = value
