"""An emulated Vertex AI with Veo, Cloud Storage and Google's token endpoint (2026-11).

Written from Google's SDK and pages; it shares nothing with the server under test. Tokens are given
for assertions whose RS256 signature and claims are right, and end by the clock.
"""

import base64
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from asgi_server import serving
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from providers import gemini_schema as schema
from providers.google_answers import MP4, REFUSALS, Scripted, invalid
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PROJECT, LOCATION = "emulated-1", "us-central1"
EMAIL = f"videos@{PROJECT}.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MODELS = {"veo-3.1-lite-generate-001", "veo-3.1-generate-001", "veo-3.1-fast-generate-001"}
SKEW = 300
# google-auth names the real endpoint whatever the file says.
AUDIENCE = "https://oauth2.googleapis.com/token"
Door = Callable[[Request], Awaitable[Response]]

# Making one takes a tenth of a second; all servers of a test run share it.
_PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = _PRIVATE.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
).decode()


@dataclass(frozen=True)
class Life:
    """What becomes of an operation: it runs for ``looks`` looks (or seconds of the clock).

    ``end``: bytes, storage, filtered, error or empty. Without a bucket in the request ``storage``
    gives bytes all the same.
    """

    looks: int = 2
    end: str = "storage"
    text: str = "The service is currently unavailable."
    code: int = 14


ENDLESS = Life(looks=10**9)


@dataclass
class Operation:
    """One purchase."""

    name: str
    body: dict[str, Any]
    life: Life
    born: float
    looks: int = 0

    @property
    def bucket(self) -> str:
        """Where the request wants its results, as ``bucket/prefix``, or ''."""
        return str(self.body["parameters"].get("storageUri", "")).removeprefix("gs://")


class VertexServer(Scripted):
    """State and script; ``app`` serves it. Operations of the journal: token, create, look, check,
    storage. ``clock`` gives epoch seconds to tokens, and to lives when ``by_clock`` is set.
    """

    def __init__(self, clock: Callable[[], float] | None = None, *, by_clock: bool = False) -> None:
        super().__init__()
        self.clock = clock or time.time
        self.by_clock = by_clock
        self.url = ""
        self.alive = set(MODELS)
        self.token_life = 3599
        self.tokens: dict[str, float] = {}
        self.refused: list[str] = []
        self.operations: dict[str, Operation] = {}
        self.objects: dict[str, bytes] = {}
        self.lives: deque[Life] = deque()
        self.app = Starlette(routes=self._routes())

    def service_account(self, **other: Any) -> dict[str, Any]:
        """The JSON file of an account that this server knows."""
        return {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "0a1b2c3d",
            "private_key": PEM,
            "client_email": EMAIL,
            "client_id": "1",
            "token_uri": f"{self.url}/token",
            **other,
        }

    def next_life(self, *lives: Life) -> None:
        """What becomes of the next operations; later ones lead the usual life."""
        self.lives.extend(lives)

    def revoke(self) -> None:
        """No token that was given so far is good any more."""
        self.tokens.clear()

    @property
    def purchases(self) -> list[dict[str, Any]]:
        """The bodies of all operations that were created, in order."""
        return [operation.body for operation in self.operations.values()]

    def _routes(self) -> list[Route]:
        place = "/v1/projects/{project}/locations/{location}"
        model = f"{place}/publishers/google/models/{{call}}"
        beta = model.replace("/v1/", "/v1beta1/")
        return [
            Route("/token", self._token, methods=["POST"]),
            Route(place, self._guarded("check", self._location)),
            Route(model, self._call, methods=["POST"]),
            # google-genai's usual version.
            Route(beta, self._call, methods=["POST"]),
            Route("/storage/v1/b/{bucket}/o/{name:path}", self._guarded("storage", self._object)),
        ]

    # Tokens.

    async def _token(self, request: Request) -> Response:
        await self.note("token", request)
        ordered = self.ordered("token")
        if ordered is not None:
            return ordered.sent()
        form = parse_qs((await request.body()).decode())
        if form.get("grant_type") != [GRANT]:
            return _oauth("unsupported_grant_type", "Invalid grant_type")
        wrong = self._wrong(form.get("assertion", [""])[0])
        if wrong:
            self.refused.append(wrong)
            return _oauth("invalid_grant", wrong)
        token = f"ya29.c.emulated-{len(self.asked('token'))}"
        self.tokens[token] = self.clock() + self.token_life
        said = {"access_token": token, "expires_in": self.token_life, "token_type": "Bearer"}
        return JSONResponse(said)

    def _wrong(self, assertion: str) -> str:
        """What is wrong with an assertion, in Google's words."""
        try:
            head, claims, signature = assertion.split(".")
            _PRIVATE.public_key().verify(
                _bytes(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
            )
            header, said = json.loads(_bytes(head)), json.loads(_bytes(claims))
        except InvalidSignature:
            return "Invalid JWT Signature."
        except ValueError:
            return "Invalid JWT: Failed audience check. Malformed."
        if header.get("alg") != "RS256" or said.get("iss") != EMAIL:
            return "Invalid grant: account not found"
        if said.get("aud") not in (f"{self.url}/token", AUDIENCE) or said.get("scope") != SCOPE:
            return "Invalid JWT: Failed audience check."
        return self._wrong_time(said)

    def _wrong_time(self, claims: dict[str, Any]) -> str:
        now, issued, ends = self.clock(), claims.get("iat", 0), claims.get("exp", 0)
        if issued > now + SKEW or ends < now - SKEW or not 0 < ends - issued <= 3600:
            return (
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable"
                " timeframe. Check your iat and exp values in the JWT claim."
            )
        return ""

    def _guarded(self, operation: str, door: Door) -> Door:
        """A door of the API: scripted replies, then the token."""

        async def guarded(request: Request) -> Response:
            await self.note(operation, request)
            ordered = self.ordered(operation)
            if ordered is not None:
                if ordered.buys:
                    await door(request)
                return ordered.sent()
            kind, _, token = request.headers.get("authorization", "").partition(" ")
            if kind != "Bearer" or self.tokens.get(token, 0) <= self.clock():
                return REFUSALS["unauthenticated"].sent()
            return await door(request)

        return guarded

    # Veo.

    async def _location(self, request: Request) -> Response:
        return JSONResponse({"name": request.url.path.removeprefix("/v1/"), "locationId": LOCATION})

    async def _call(self, request: Request) -> Response:
        model, _, method = request.path_params["call"].rpartition(":")
        if request.path_params["project"] != PROJECT:
            return REFUSALS["forbidden"].sent()
        if method == "predictLongRunning":
            return await self._guarded("create", lambda request: self._create(request, model))(
                request
            )
        if method == "fetchPredictOperation":
            return await self._guarded("look", self._look)(request)
        return REFUSALS["retired"].sent()

    async def _create(self, request: Request, model: str) -> Response:
        if model not in self.alive:
            return REFUSALS["retired"].sent()
        body = json.loads(await request.body())
        wrong = schema.long_running(body, model, vertex=True)
        if wrong:
            return invalid(wrong)
        life = self.lives.popleft() if self.lives else Life()
        number = f"a1b2c3d4-0001-4000-8000-{len(self.operations) + 1:012x}"
        where = request.url.path.partition("/projects/")[2].rpartition(":")[0]
        name = f"projects/{where}/operations/{number}"
        self.operations[name] = Operation(name, body, life, self.clock())
        return JSONResponse({"name": name})

    async def _look(self, request: Request) -> Response:
        body = json.loads(await request.body())
        operation = self.operations.get(body.get("operationName", ""))
        model = request.url.path.partition("/projects/")[2].rpartition(":")[0]
        if operation is None or not operation.name.startswith(f"projects/{model}/operations/"):
            return REFUSALS["retired"].sent()
        operation.looks += 1
        return JSONResponse(self._told(operation))

    def _told(self, operation: Operation) -> dict[str, Any]:
        life, told = operation.life, {"name": operation.name}
        passed = self.clock() - operation.born if self.by_clock else operation.looks - 1
        if passed < life.looks:
            return told
        if life.end == "error":
            return told | {"done": True, "error": {"code": life.code, "message": life.text}}
        answer: dict[str, Any] = {
            "@type": "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse",
            "raiMediaFilteredCount": 0,
        }
        if life.end == "filtered":
            answer |= {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [life.text]}
        elif life.end != "empty":
            answer["videos"] = [self._made(operation)]
        return told | {"done": True, "response": answer}

    def _made(self, operation: Operation) -> dict[str, str]:
        if operation.life.end == "bytes" or not operation.bucket:
            encoded = base64.b64encode(MP4).decode()
            return {"bytesBase64Encoded": encoded, "mimeType": "video/mp4"}
        place = f"{operation.bucket}/{operation.name.rpartition('/')[2]}/sample_0.mp4"
        self.objects[place] = MP4
        return {"gcsUri": f"gs://{place}", "mimeType": "video/mp4"}

    async def _object(self, request: Request) -> Response:
        where = request.path_params
        content = self.objects.get(f"{where['bucket']}/{where['name']}")
        if content is None or request.query_params.get("alt") != "media":
            return Response("No such object", 404)
        return Response(content, media_type="video/mp4")


def _bytes(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _oauth(code: str, words: str) -> Response:
    return JSONResponse({"error": code, "error_description": words}, 400)


@contextmanager
def running(
    clock: Callable[[], float] | None = None, *, by_clock: bool = False
) -> Iterator[VertexServer]:
    """Serve on a real socket until the block ends."""
    server = VertexServer(clock, by_clock=by_clock)
    with serving(server.app) as url:
        server.url = url
        yield server
