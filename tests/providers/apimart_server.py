"""APIMart's interface, emulated from its own documentation.

Sources: docs.apimart.ai, pages on Veo 3.1 official, task status, uploads of images, token balance
(read 2026-11). It shares nothing with the program under test. What a page does not say (the words
of refusals, unknown fields) is kept strict here, so that a mistake of a client is seen.
"""

import json
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

KEY = "sk-apimart-emulated"
DAY = 86_400
CLIP = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42 apimart "
STILL = b"\x89PNG\r\n\x1a\n apimart "

TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 402: "payment_required",
    403: "permission_error", 404: "invalid_request_error", 413: "invalid_request_error",
    429: "rate_limit_error", 500: "server_error", 502: "server_error", 503: "server_error",
}  # fmt: skip


def error(status: int, message: str) -> dict[str, Any]:
    """The documented error object."""
    kind = TYPES.get(status, "server_error")
    return {"error": {"code": status, "message": message, "type": kind}}


@dataclass
class Scripted:
    """An answer in place of the usual one. ``buys``: the task is created all the same.

    ``cut``: the transfer breaks off half-way.
    """

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    buys: bool = False
    cut: bool = False

    def content(self) -> bytes:
        body = error(self.status, "scripted") if self.body is None else self.body
        return body if isinstance(body, bytes) else json.dumps(body).encode()

    def response(self) -> Response:
        content = self.content()
        headers = {"content-type": "application/json", **self.headers}
        if not self.cut:
            return Response(content, self.status, headers)

        async def half() -> AsyncIterator[bytes]:
            yield content[: len(content) // 2]

        return StreamingResponse(
            half(), self.status, {**headers, "content-length": str(len(content))}
        )


@dataclass
class Call:
    """One request as it came."""

    operation: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Task:
    """A bought task. ``life`` holds the states that looks at it are told; the last one stays."""

    id: str
    ask: dict[str, Any]
    created: int
    life: deque[str]
    looks: int = 0
    completed: int | None = None


class Refused(Exception):
    """The request is answered with this status and text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def _one_of(*allowed: Any) -> Callable[[Any], bool]:
    return lambda value: value in allowed and type(value) in {type(each) for each in allowed}


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://"))


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


OFFICIAL = {
    "model": _text,
    "prompt": _text,
    "duration": _one_of(4, 6, 8),
    "aspect_ratio": _one_of("16:9", "9:16"),
    "resolution": _one_of("720p", "1080p", "4K"),
    "first_frame_image": _address,
    "last_frame_image": _address,
    "negative_prompt": _text,
    "seed": _whole(0, 4_294_967_295),
    "sample_count": _whole(1, 4),
    "generate_audio": _one_of(True, False),
    "person_generation": _one_of("allow_adult", "disallow"),
    "resize_mode": _one_of("pad", "crop"),
    "enhance_prompt": _one_of(True),
}
MODELS = ("veo3.1-fast-official", "veo3.1-quality-official")
FORMATS = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8")


class ApimartServer:
    """The application is ``app``. ``life``: the states a new task is given. ``listed_urls``: the
    addresses of a result come as a list, as they sometimes do. ``failure``: the ``error`` of tasks
    that end as failed. ``leaks`` are requests that brought the key to where it does not belong.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.life = ("submitted", "processing", "completed")
        self.listed_urls = False
        self.failure: Any = {"code": 500, "message": "upstream failed", "type": "server_error"}
        self.calls: list[Call] = []
        self.leaks: list[Call] = []
        self.tasks: dict[str, Task] = {}
        self.uploads: dict[str, bytes] = {}
        self._scripts: dict[str, deque[Scripted]] = defaultdict(deque)
        self.app = Starlette(
            routes=[
                Route("/v1/videos/generations", self._create, methods=["POST"]),
                Route("/v1/tasks/{task_id}", self._task),
                Route("/v1/uploads/images", self._upload, methods=["POST"]),
                Route("/v1/balance", self._balance),
                Route("/f/{kind}/{name}", self._file),
            ]
        )

    def script(self, operation: str, *answers: Scripted) -> None:
        """Queue answers to ``create``, ``task``, ``upload``, ``balance`` or ``file``."""
        self._scripts[operation].extend(answers)

    @property
    def bought(self) -> int:
        """How many tasks were paid for."""
        return len(self.tasks)

    def sent(self, operation: str) -> list[Call]:
        """The requests of one kind."""
        return [call for call in self.calls if call.operation == operation]

    async def _entered(self, operation: str, request: Request) -> tuple[Call, Scripted | None]:
        call = Call(
            operation,
            request.method,
            request.url.path,
            request.url.query,
            dict(request.headers),
            await request.body(),
        )
        self.calls.append(call)
        queue = self._scripts[operation]
        return call, queue.popleft() if queue else None

    def _signed(self, call: Call) -> JSONResponse | None:
        if call.headers.get("authorization") == f"Bearer {KEY}":
            return None
        return JSONResponse(error(401, "Authentication failed, please check your API key"), 401)

    async def _create(self, request: Request) -> Response:
        call, scripted = await self._entered("create", request)
        if scripted is not None and not scripted.buys:
            return scripted.response()
        if (unsigned := self._signed(call)) is not None:
            return unsigned
        try:
            ask = self._checked(call)
        except Refused as refusal:
            return JSONResponse(error(refusal.status, refusal.message), refusal.status)
        task_id = f"task_{len(self.tasks) + 1:026d}"
        self.tasks[task_id] = Task(task_id, ask, int(self.clock()), deque(self.life))
        if scripted is not None:
            return scripted.response()
        return JSONResponse({"code": 200, "data": [{"status": "submitted", "task_id": task_id}]})

    def _checked(self, call: Call) -> dict[str, Any]:
        if not call.headers.get("content-type", "").startswith("application/json"):
            raise Refused(400, "the body must be JSON")
        ask: dict[str, Any] = call.json
        if ask.get("model") not in MODELS:
            raise Refused(400, f"model {ask.get('model')} not found")
        for name, value in ask.items():
            check = OFFICIAL.get(name)
            if check is None:
                raise Refused(400, f"unknown field {name}")
            if not check(value):
                raise Refused(400, f"invalid {name}")
        if "prompt" not in ask:
            raise Refused(400, "prompt is required")
        if "last_frame_image" in ask and "first_frame_image" not in ask:
            raise Refused(400, "last_frame_image needs first_frame_image")
        self._fetch_frames(ask)
        return ask

    def _fetch_frames(self, ask: dict[str, Any]) -> None:
        """APIMart fetches what it is given; here only its own uploads can be there."""
        for name in ("first_frame_image", "last_frame_image"):
            if name in ask and ask[name].rsplit("/", 1)[-1] not in self.uploads:
                raise Refused(400, f"cannot download {name}")

    async def _task(self, request: Request) -> Response:
        call, scripted = await self._entered("task", request)
        if scripted is not None:
            return scripted.response()
        if (unsigned := self._signed(call)) is not None:
            return unsigned
        task = self.tasks.get(request.path_params["task_id"])
        if task is None:
            return JSONResponse(error(404, "task not found"), 404)
        return JSONResponse({"code": 200, "data": self._told(task, str(request.base_url))})

    def _told(self, task: Task, base: str) -> dict[str, Any]:
        status = task.life.popleft() if len(task.life) > 1 else task.life[0]
        task.looks += 1
        progress = {"submitted": 0, "pending": 0, "completed": 100}.get(status, 45)
        told: dict[str, Any] = {
            "id": task.id,
            "status": status,
            "progress": progress,
            "created": task.created,
            "estimated_time": 60,
        }
        if status == "completed":
            task.completed = task.completed or int(self.clock())
            told |= {"completed": task.completed, "actual_time": task.completed - task.created}
            told["result"] = self._result(task, base)
        if status == "failed":
            told["error"] = self.failure
        return told

    def _result(self, task: Task, base: str) -> dict[str, Any]:
        url = f"{base}f/video/{task.id}.mp4"
        item = {"url": [url] if self.listed_urls else url, "expires_at": task.created + DAY}
        return {"videos": [item], "thumbnail_url": f"{base}f/thumb/{task.id}.png"}

    async def _upload(self, request: Request) -> Response:
        call, scripted = await self._entered("upload", request)
        if scripted is not None:
            return scripted.response()
        if (unsigned := self._signed(call)) is not None:
            return unsigned
        async with request.form() as form:
            file = form.get("file")
            if file is None or isinstance(file, str):
                return JSONResponse(error(400, "missing file field"), 400)
            data, name = await file.read(), file.filename or "file"
        if not data.startswith(FORMATS):
            return JSONResponse(error(400, "unsupported format"), 400)
        if len(data) > 20_000_000:
            return JSONResponse(error(413, "file too large"), 413)
        stored = f"{len(self.uploads) + 1}-{name}"
        self.uploads[stored] = data
        return JSONResponse(
            {
                "url": f"{request.base_url}f/image/{stored}",
                "filename": name,
                "content_type": "image/png",
                "bytes": len(data),
                "created_at": int(self.clock()),
            }
        )

    async def _balance(self, request: Request) -> Response:
        call, scripted = await self._entered("balance", request)
        if scripted is not None:
            return scripted.response()
        if (unsigned := self._signed(call)) is not None:
            return unsigned
        left = {"remain_balance": 10.5, "used_balance": 2.3, "unlimited_quota": False}
        return JSONResponse({"success": True, **left})

    async def _file(self, request: Request) -> Response:
        """Storage: no key, and nothing after a day."""
        call, scripted = await self._entered("file", request)
        if "authorization" in call.headers:
            self.leaks.append(call)
        if scripted is not None:
            return scripted.response()
        kind, name = request.path_params["kind"], request.path_params["name"]
        if kind == "image":
            data = self.uploads.get(name)
            return Response(status_code=404) if data is None else Response(data)
        task = self.tasks.get(name.rsplit(".", 1)[0])
        if task is None or task.completed is None or self.clock() > task.created + DAY:
            return Response(status_code=404)
        if kind == "thumb":
            return Response(STILL + task.id.encode(), media_type="image/png")
        return Response(CLIP + task.id.encode(), media_type="video/mp4")
