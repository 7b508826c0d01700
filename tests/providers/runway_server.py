"""An emulated Runway developer API, written from the vendor's SDK and documentation (2026-11).

It shares nothing with the server under test. Its tasks move on by looks, or by a clock; every
refusal of the vendor's table can be ordered; what came in is kept.
"""

import json
import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from asgi_server import serving
from providers.runway_schema import ENDPOINTS, issues, uris
from providers.runway_script import DOCS, REFUSALS, Answer, Life
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

KEY = f"key_{'0a1b2c3d' * 16}"
VERSION = "2024-11-06"
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + b"\x00\x00\x01\x00mdat" + b"\x07" * 248
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0"
    "f01f0005000155a2b5d60000000049454e44ae426082"
)
CREDITS_PER_SECOND = 12


@dataclass
class Task:
    """One purchase."""

    id: str
    endpoint: str
    body: dict[str, Any]
    life: Life
    born: float
    looks: int = 0
    stage: str = "PENDING"
    # Signs of the addresses that still open.
    signs: list[str] = field(default_factory=list)

    @property
    def is_image(self) -> bool:
        return self.endpoint == "text_to_image"


@dataclass(frozen=True)
class Asked:
    """A request as it came.

    ``operation``: create, look, delete, organization, upload, post (of a file), file (a result).
    """

    operation: str
    method: str
    path: str
    headers: dict[str, str]
    body: Any


class RunwayServer:
    """State and script; ``app`` serves it. Without a ``clock`` tasks move on by being looked at."""

    def __init__(self, clock: Callable[[], float] | None = None, key: str = KEY) -> None:
        self.key = key
        self.clock = clock
        self.url = ""
        self.tasks: dict[str, Task] = {}
        self.deleted: list[str] = []
        self.journal: list[Asked] = []
        self.uploads: dict[str, bytes | None] = {}
        self.leaks: list[str] = []
        self.credits = 100_000
        self.lives: deque[Life] = deque()
        self._answers: dict[str, deque[Answer]] = {}
        self.app = Starlette(routes=self._routes())

    # The script.

    def answer(self, answer: Answer | str, to: str = "create", times: int = 1) -> None:
        """The next replies to an operation (see ``Asked``), instead of what would be said."""
        found = REFUSALS[answer] if isinstance(answer, str) else answer
        self._answers.setdefault(to, deque()).extend([found] * times)

    def next_life(self, *lives: Life) -> None:
        """What becomes of the next tasks; later ones lead the usual life."""
        self.lives.extend(lives)

    def expire_links(self) -> None:
        """Every result's address told so far is void; a look at the task tells a new one."""
        for task in self.tasks.values():
            task.signs.clear()

    @property
    def purchases(self) -> list[dict[str, Any]]:
        """The bodies of all tasks that were created, in order."""
        return [task.body for task in self.tasks.values()]

    def asked(self, operation: str) -> list[Asked]:
        """The requests of one kind."""
        return [each for each in self.journal if each.operation == operation]

    # The server.

    def _routes(self) -> list[Route]:
        create = [
            Route(f"/v1/{endpoint}", self._guarded("create", self._create), methods=["POST"])
            for endpoint in ENDPOINTS
        ]
        return [
            *create,
            Route("/v1/tasks/{id}", self._guarded("look", self._look), methods=["GET"]),
            Route("/v1/tasks/{id}", self._guarded("delete", self._delete), methods=["DELETE"]),
            Route("/v1/organization", self._guarded("organization", self._organization)),
            Route("/v1/uploads", self._guarded("upload", self._upload), methods=["POST"]),
            Route("/storage/{id}", self._open("post", self._post), methods=["POST"]),
            Route("/files/{id}/{number:int}", self._open("file", self._file)),
        ]

    def _guarded(self, operation: str, door: Any) -> Any:
        """A door of the API: scripted replies, the key, the version."""

        async def guarded(request: Request) -> Response:
            await self._note(operation, request)
            scripted = self._answers.get(operation)
            if scripted:
                answer = scripted.popleft()
                if answer.buys:
                    await door(request)
                return _sent(answer)
            return self._refused(request) or await door(request)

        return guarded

    def _open(self, operation: str, door: Any) -> Any:
        """A door of the storage host, which nobody should show a key to."""

        async def opened(request: Request) -> Response:
            await self._note(operation, request)
            if "authorization" in request.headers:
                self.leaks.append(request.url.path)
                return Response("Only one auth mechanism allowed", 400)
            scripted = self._answers.get(operation)
            return _sent(scripted.popleft()) if scripted else await door(request)

        return opened

    async def _note(self, operation: str, request: Request) -> None:
        raw = await request.body()
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = raw
        path = request.url.path
        self.journal.append(Asked(operation, request.method, path, dict(request.headers), body))

    def _refused(self, request: Request) -> Response | None:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return JSONResponse({"error": "Unauthorized"}, 401)
        if request.headers.get("x-runway-version") != VERSION:
            words = "The X-Runway-Version header must be a valid version."
            return JSONResponse({"error": words, "docUrl": DOCS}, 400)
        return None

    async def _create(self, request: Request) -> Response:
        endpoint = request.url.path.removeprefix("/v1/")
        try:
            body = json.loads(await request.body())
        except ValueError:
            return JSONResponse({"error": "Invalid JSON"}, 400)
        wrong = issues(endpoint, body)
        if wrong:
            said = {"error": "Validation of body failed", "issues": wrong, "docUrl": DOCS}
            return JSONResponse(said, 400)
        if any(not self._is_usable(uri) for uri in uris(body)):
            return _sent(REFUSALS["no_asset"])
        cost = CREDITS_PER_SECOND * body.get("duration", 5)
        if cost > self.credits:
            return _sent(REFUSALS["no_funds"])
        self.credits -= cost
        task = self._bought(endpoint, body)
        return JSONResponse({"id": task.id, "estimatedCost": {"credits": cost}})

    def _is_usable(self, uri: str) -> bool:
        if uri.startswith("runway://"):
            return self.uploads.get(uri) is not None
        # https, a domain, or a base64 data URI that names its type.
        host = re.match(r"https://([a-z0-9.-]+\.[a-z]+)(?:[:/]|$)", uri)
        return bool(host or re.match(r"data:(?:image|video)/[a-z0-9.+-]+;base64,.", uri))

    def _bought(self, endpoint: str, body: dict[str, Any]) -> Task:
        life = self.lives.popleft() if self.lives else Life()
        number = len(self.tasks) + 1
        task = Task(f"17f20503-6c24-4c16-946b-{number:012x}", endpoint, body, life, self._now())
        self.tasks[task.id] = task
        return task

    def _now(self) -> float:
        return self.clock() if self.clock else 0.0

    async def _look(self, request: Request) -> Response:
        task = self._found(request)
        if task is None:
            return JSONResponse({"error": "Not found"}, 404)
        self._move_on(task)
        return JSONResponse(self._told(task))

    def _found(self, request: Request) -> Task | None:
        task_id = request.path_params["id"]
        return None if task_id in self.deleted else self.tasks.get(task_id)

    def _move_on(self, task: Task) -> None:
        if task.stage == "CANCELLED":
            return
        stages = task.life.stages
        passed = int((self._now() - task.born) / task.life.step) if self.clock else task.looks
        task.looks += 1
        task.stage = stages[min(passed, len(stages) - 1)]

    def _told(self, task: Task) -> dict[str, Any]:
        cost = {"credits": CREDITS_PER_SECOND * task.body.get("duration", 5)}
        told: dict[str, Any] = {
            "id": task.id,
            "createdAt": datetime.fromtimestamp(task.born, UTC).isoformat().replace("+00:00", "Z"),
            "status": task.stage,
        }
        if task.stage in ("PENDING", "THROTTLED", "RUNNING"):
            told["estimatedCost"] = cost
        else:
            told["cost"] = cost
        if task.stage == "RUNNING":
            told["progress"] = 0.42
        if task.stage == "SUCCEEDED":
            told["output"] = self._links(task)
        if task.stage == "FAILED":
            told["failure"] = task.life.failure
            told |= {"failureCode": task.life.code} if task.life.code else {}
        return told

    def _links(self, task: Task) -> list[str]:
        """Fresh addresses with every look."""
        sign = f"{task.looks}-{len(self.journal)}"
        task.signs.append(sign)
        numbers = range(task.life.outputs)
        return [f"{self.url}/files/{task.id}/{number}?_jwt={sign}" for number in numbers]

    async def _delete(self, request: Request) -> Response:
        """Cancels what has not ended; what has, cannot be read again."""
        task = self._found(request)
        if task is None:
            return JSONResponse({"error": "Not found"}, 404)
        if task.stage in ("SUCCEEDED", "FAILED", "CANCELLED"):
            self.deleted.append(task.id)
        task.stage = "CANCELLED"
        return Response(status_code=204)

    async def _organization(self, request: Request) -> Response:
        limits = {"maxConcurrentGenerations": 3, "maxDailyGenerations": 500}
        return JSONResponse(
            {
                "creditBalance": self.credits,
                "tier": {"maxMonthlyCreditSpend": 100_000, "models": {"gen4.5": limits}},
                "usage": {"models": {"gen4.5": {"dailyGenerations": len(self.tasks)}}},
            }
        )

    async def _upload(self, request: Request) -> Response:
        wanted = json.loads(await request.body())
        if wanted.keys() != {"filename", "type"} or wanted["type"] != "ephemeral":
            return JSONResponse({"error": "Validation of body failed"}, 400)
        number = f"up-{len(self.uploads) + 1}"
        uri = f"runway://{number}"
        self.uploads[uri] = None
        return JSONResponse(
            {
                "runwayUri": uri,
                "uploadUrl": f"{self.url}/storage/{number}",
                "fields": {"key": number, "Policy": "cG9saWN5", "X-Amz-Signature": "51a9"},
            }
        )

    async def _post(self, request: Request) -> Response:
        async with request.form() as form:
            number, file = request.path_params["id"], form.get("file")
            uri = f"runway://{number}"
            signed = form.get("key") == number and form.get("X-Amz-Signature") == "51a9"
            if not signed or uri not in self.uploads or file is None or isinstance(file, str):
                return Response("<Error><Code>AccessDenied</Code></Error>", 403)
            if list(form.keys())[-1] != "file":
                return Response("<Error><Code>InvalidArgument</Code></Error>", 400)
            self.uploads[uri] = await file.read()
        return Response(status_code=204)

    async def _file(self, request: Request) -> Response:
        task = self.tasks.get(request.path_params["id"])
        if task is None or request.query_params.get("_jwt") not in task.signs:
            return Response("<Error><Code>AccessDenied</Code></Error>", 403)
        if task.is_image:
            return Response(PNG, media_type="image/png")
        return Response(MP4, media_type="video/mp4")


def _sent(answer: Answer) -> Response:
    page = isinstance(answer.body, str)
    body = answer.body.encode() if page else json.dumps(answer.body).encode()
    kind = "text/html" if page else "application/json"
    if not answer.cut:
        return Response(body, answer.status, answer.headers, kind)

    async def part() -> Any:
        yield body[:4]

    announced = {"content-length": str(len(body)), **answer.headers}
    return StreamingResponse(part(), answer.status, announced, kind)


@contextmanager
def running(clock: Callable[[], float] | None = None, key: str = KEY) -> Iterator[RunwayServer]:
    """Serve on a real socket until the block ends."""
    server = RunwayServer(clock, key)
    with serving(server.app) as url:
        server.url = url
        yield server
