"""An emulated Gemini API: interactions, pictures, Veo's operations, files (2026-11).

Written from Google's SDK and pages; it shares nothing with the server under test. What runs moves
on by looks, or by a clock; every refusal of Google's table can be ordered; what came in is kept.
"""

import base64
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from asgi_server import serving
from providers import gemini_schema as schema
from providers.google_answers import MP4, PNG, REFUSALS, Answer, Scripted, error, invalid
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

KEY = "AIzaSyEmulated_0123456789-abcdefghijklm"
Door = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Life:
    """What becomes of a purchase: it runs for ``looks`` looks (or ``looks * step`` seconds).

    ``end`` of an interaction: clip, inline, words, empty, or a status that is no success; of an
    operation: clip, inline, filtered, partly, error, empty. ``file_looks``: how often its file is
    still ``PROCESSING``. ``at_once``: the create call itself answers with the end.
    """

    looks: int = 2
    end: str = "clip"
    text: str = "An internal error has occurred."
    code: int = 13
    file_looks: int = 0
    at_once: bool = False
    step: float = 1.0


ENDLESS = Life(looks=10**9)


@dataclass
class Work:
    """One purchase of a video."""

    name: str
    model: str
    body: dict[str, Any]
    life: Life
    born: float
    looks: int = 0
    cancelled: bool = False


@dataclass
class File:
    """A result."""

    content: bytes
    looks_left: int


class GeminiServer(Scripted):
    """State and script; ``app`` serves it. Operations of the journal: create (of any kind), look,
    cancel, delete, file (its entry), download, storage, models.
    """

    def __init__(self, clock: Callable[[], float] | None = None, key: str = KEY) -> None:
        super().__init__()
        self.key = key
        self.clock = clock
        self.url = ""
        # Google has ended Veo here; a gateway adds names.
        self.veo: set[str] = set()
        self.redirects = False
        self.works: dict[str, Work] = {}
        self.files: dict[str, File] = {}
        self.pictures: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.leaks: list[str] = []
        self.lives: deque[Life] = deque()
        self.picture: Answer | None = None
        self.app = Starlette(routes=self._routes())

    def next_life(self, *lives: Life) -> None:
        """What becomes of the next videos; later ones lead the usual life."""
        self.lives.extend(lives)

    @property
    def purchases(self) -> list[dict[str, Any]]:
        """The bodies of everything that was charged: videos in order, then pictures."""
        return [*(work.body for work in self.works.values()), *self.pictures]

    def _routes(self) -> list[Route]:
        """Under both versions: Google's pages say v1beta, its newest SDK says v1."""
        named = [route for version in ("v1beta", "v1") for route in self._routes_of(f"/{version}")]
        return [*named, Route("/storage/{id}", self._storage)]

    def _routes_of(self, root: str) -> list[Route]:
        interactions, models, files = f"{root}/interactions", f"{root}/models", f"{root}/files"
        one, create = f"{interactions}/{{id}}", self._guarded("create", self._call)
        return [
            Route(models, self._guarded("models", self._models)),
            Route(interactions, self._guarded("create", self._interact), methods=["POST"]),
            Route(one, self._guarded("look", self._interaction), methods=["GET"]),
            Route(one, self._guarded("delete", self._delete), methods=["DELETE"]),
            Route(f"{one}/cancel", self._guarded("cancel", self._cancel), methods=["POST"]),
            Route(f"{models}/{{call}}", create, methods=["POST"]),
            Route(f"{models}/{{model}}/operations/{{id}}", self._guarded("look", self._operation)),
            Route(f"{files}/{{id}}:download", self._guarded("download", self._download)),
            Route(f"{files}/{{id}}", self._guarded("file", self._file)),
        ]

    def _guarded(self, operation: str, door: Door) -> Door:
        """A door of the API: scripted replies, then the key."""

        async def guarded(request: Request) -> Response:
            await self.note(operation, request)
            if "key" in request.query_params:
                self.leaks.append(str(request.url.path))
            ordered = self.ordered(operation)
            if ordered is not None:
                if ordered.buys:
                    await door(request)
                return ordered.sent()
            return self._refused(request) or await door(request)

        return guarded

    def _refused(self, request: Request) -> Response | None:
        given = request.headers.get("x-goog-api-key")
        if given is None:
            words = (
                "Method doesn't allow unregistered callers (callers without established identity)."
            )
            return error(403, "PERMISSION_DENIED", words).sent()
        if given != self.key:
            return _named("bad_key")
        return None

    async def _models(self, request: Request) -> Response:
        names = [*schema.OMNI, *schema.IMAGES, *sorted(self.veo)]
        size = int(request.query_params.get("pageSize", 50))
        return JSONResponse({"models": [{"name": f"models/{name}"} for name in names[:size]]})

    # Interactions.

    async def _interact(self, request: Request) -> Response:
        body = _json(await request.body())
        model = body.get("model") if isinstance(body, dict) else None
        if model not in schema.OMNI:
            return _named("retired")
        wrong = schema.interaction(body)
        if wrong:
            return JSONResponse({"error": {"code": "invalid_request", "message": wrong}}, 400)
        number = len(self.works) + 1
        work = self._bought(f"v1_ChdPU0F6YWFtNkFwMmtlUEFQaDVE{number:04}", str(model), body)
        # Without ``background`` the call holds until the end.
        now = work.life.at_once or not body.get("background")
        return JSONResponse(self._interaction_of(work, ended=now))

    def _bought(self, name: str, model: str, body: dict[str, Any]) -> Work:
        life = self.lives.popleft() if self.lives else Life()
        work = Work(name, model, body, life, self._now())
        self.works[name] = work
        return work

    def _now(self) -> float:
        return self.clock() if self.clock else 0.0

    def _has_ended(self, work: Work) -> bool:
        work.looks += 1
        life = work.life
        if self.clock:
            return self._now() - work.born >= life.looks * life.step
        return work.looks > life.looks

    async def _interaction(self, request: Request) -> Response:
        work = self._found(request)
        if work is None:
            return _unknown_interaction(request)
        return JSONResponse(self._interaction_of(work, ended=self._has_ended(work)))

    def _found(self, request: Request) -> Work | None:
        name = request.path_params["id"]
        return None if name in self.deleted else self.works.get(name)

    def _interaction_of(self, work: Work, *, ended: bool) -> dict[str, Any]:
        told = {"id": work.name, "object": "interaction", "model": work.model}
        if work.cancelled:
            return told | {"status": "cancelled"}
        if not ended:
            return told | {"status": "queued" if work.looks == 1 else "in_progress"}
        end = work.life.end
        if end not in ("clip", "inline", "words", "empty"):
            fault = {"code": "https://ai.google.dev/errors/x", "message": work.life.text}
            return told | {"status": end, "errors": [fault]}
        heard = {"type": "user_input", "content": [{"type": "text", "text": "the prompt"}]}
        said = {"type": "model_output", "content": self._content(work)}
        return told | {"status": "completed", "steps": [heard, said]}

    def _content(self, work: Work) -> list[dict[str, Any]]:
        clip = {"type": "video", "mime_type": "video/mp4"}
        if work.life.end == "clip":
            return [clip | {"uri": f"{self._stored(work)}:download?alt=media"}]
        if work.life.end == "inline":
            return [clip | {"data": base64.b64encode(MP4).decode()}]
        return [{"type": "text", "text": work.life.text}] if work.life.end == "words" else []

    def _stored(self, work: Work) -> str:
        """The address of a finished work's file, without its ending."""
        number = f"clip{list(self.works).index(work.name) + 1}"
        self.files.setdefault(number, File(MP4, work.life.file_looks))
        return f"{self.url}/v1beta/files/{number}"

    async def _cancel(self, request: Request) -> Response:
        work = self._found(request)
        if work is None:
            return _unknown_interaction(request)
        work.cancelled = True
        return JSONResponse(self._interaction_of(work, ended=False))

    async def _delete(self, request: Request) -> Response:
        if self._found(request) is None:
            return _unknown_interaction(request)
        self.deleted.append(request.path_params["id"])
        return JSONResponse({})

    # Models' own calls.

    async def _call(self, request: Request) -> Response:
        model, _, method = request.path_params["call"].rpartition(":")
        body = _json(await request.body())
        if method == "generateContent":
            return self._generate(model, body)
        if method != "predictLongRunning" or model not in self.veo:
            return _named("retired")
        wrong = schema.long_running(body, model, vertex=False)
        if wrong:
            return invalid(wrong)
        work = self._bought(f"op{len(self.works) + 1}", model, body)
        name = f"models/{model}/operations/{work.name}"
        return JSONResponse(self._operation_of(work, name) if work.life.at_once else {"name": name})

    def _generate(self, model: str, body: Any) -> Response:
        if model in schema.OMNI:
            return invalid("This model only supports Interactions API.")
        if model not in schema.IMAGES:
            return _named("retired")
        wrong = schema.picture(body, model)
        if wrong:
            return invalid(wrong)
        self.pictures.append(body)
        if self.picture is not None:
            return self.picture.sent()
        data = {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}
        content = {"role": "model", "parts": [{"text": "Here."}, {"inlineData": data}]}
        answer = {"content": content, "finishReason": "STOP", "index": 0}
        number = f"r{len(self.pictures)}"
        return JSONResponse({"candidates": [answer], "modelVersion": model, "responseId": number})

    async def _operation(self, request: Request) -> Response:
        work = self.works.get(request.path_params["id"])
        if work is None or work.model != request.path_params["model"]:
            return _named("retired")
        name = f"models/{work.model}/operations/{work.name}"
        ended = self._has_ended(work)
        return JSONResponse(self._operation_of(work, name) if ended else {"name": name})

    def _operation_of(self, work: Work, name: str) -> dict[str, Any]:
        life, done = work.life, {"name": name, "done": True}
        if life.end == "error":
            return done | {"error": {"code": life.code, "message": life.text}}
        answer: dict[str, Any] = {}
        if life.end in ("clip", "partly"):
            sample = {"video": {"uri": f"{self._stored(work)}:download?alt=media"}}
            answer["generatedSamples"] = [sample]
        if life.end == "inline":
            bare = {"bytesBase64Encoded": base64.b64encode(MP4).decode()}
            return done | {"response": {"videos": [bare]}}
        if life.end in ("filtered", "partly"):
            answer |= {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [life.text]}
        return done | {"response": {"generateVideoResponse": answer}}

    # Files.

    def _entry(self, request: Request) -> File | None:
        return self.files.get(request.path_params["id"])

    async def _file(self, request: Request) -> Response:
        file = self._entry(request)
        if file is None:
            return _named("forbidden")
        return JSONResponse(
            {
                "name": f"files/{request.path_params['id']}",
                "mimeType": "video/mp4",
                "sizeBytes": str(len(file.content)),
                "state": _state(file),
                "source": "GENERATED",
                "downloadUri": f"{request.url}:download?alt=media",
            }
        )

    async def _download(self, request: Request) -> Response:
        file = self._entry(request)
        if file is None or request.query_params.get("alt") != "media":
            return _named("forbidden")
        if _state(file) != "ACTIVE":
            words = "The File is not in an ACTIVE state and usage is not allowed."
            return error(400, "FAILED_PRECONDITION", words).sent()
        if self.redirects:
            # Another host as far as a key is concerned.
            elsewhere = self.url.replace("127.0.0.1", "localhost")
            number = request.path_params["id"]
            return RedirectResponse(f"{elsewhere}/storage/{number}?X-Goog-Signature=51a9", 302)
        return Response(file.content, media_type="video/mp4")

    async def _storage(self, request: Request) -> Response:
        await self.note("storage", request)
        if "x-goog-api-key" in request.headers:
            self.leaks.append(request.url.path)
            return Response("<Error><Code>AccessDenied</Code></Error>", 400)
        file = self._entry(request)
        return Response(file.content if file else b"", 200 if file else 404, media_type="video/mp4")


def _state(file: File) -> str:
    file.looks_left -= 1
    return "ACTIVE" if file.looks_left < 0 else "PROCESSING"


def _named(name: str) -> Response:
    return REFUSALS[name].sent()


def _unknown_interaction(request: Request) -> Response:
    """Seen as 400 for a name that cannot be one, and told as 404 otherwise."""
    if not request.path_params["id"].startswith("v1_"):
        fault = {"code": "invalid_request", "message": "Invalid interaction name."}
        return JSONResponse({"error": fault}, 400)
    return JSONResponse({"error": {"code": "not_found", "message": "Interaction not found."}}, 404)


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


@contextmanager
def running(clock: Callable[[], float] | None = None, key: str = KEY) -> Iterator[GeminiServer]:
    """Serve on a real socket until the block ends."""
    server = GeminiServer(clock, key)
    with serving(server.app) as url:
        server.url = url
        yield server
