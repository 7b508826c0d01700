"""What Google's two emulated services share: the error body, its table, and scripted replies.

Typed from Google's error pages, its SDKs and public reports (2026); nothing comes from the server
under test.
"""

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

RPC = "type.googleapis.com/google.rpc."
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom\x00\x00\x01\x00mdat" + b"\x05" * 248
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0"
    "f01f0005000155a2b5d60000000049454e44ae426082"
)


@dataclass(frozen=True)
class Answer:
    """A scripted reply. ``buys``: the request is carried out all the same, and then answered so.
    ``cut``: fewer bytes come than were announced.
    """

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    buys: bool = False
    cut: bool = False

    def sent(self) -> Response:
        """As it goes out; a text is a page."""
        page = isinstance(self.body, str)
        body = self.body.encode() if page else json.dumps(self.body).encode()
        kind = "text/html" if page else "application/json"
        if not self.cut:
            return Response(body, self.status, self.headers, kind)

        async def part() -> Any:
            yield body[:4]

        announced = {"content-length": str(len(body)), **self.headers}
        return StreamingResponse(part(), self.status, announced, kind)


def error(code: int, status: str, message: str, *details: dict[str, Any]) -> Answer:
    """Google's error body."""
    said: dict[str, Any] = {"code": code, "message": message, "status": status}
    return Answer(code, {"error": said | ({"details": list(details)} if details else {})})


def info(reason: str) -> dict[str, Any]:
    """google.rpc.ErrorInfo."""
    return {"@type": f"{RPC}ErrorInfo", "reason": reason, "domain": "googleapis.com"}


def quota(*ids: str, value: str = "10") -> dict[str, Any]:
    """google.rpc.QuotaFailure."""
    violations = [{"quotaId": each, "quotaValue": value} for each in ids]
    return {"@type": f"{RPC}QuotaFailure", "violations": violations}


def retry(delay: str) -> dict[str, Any]:
    """google.rpc.RetryInfo."""
    return {"@type": f"{RPC}RetryInfo", "retryDelay": delay}


_QUOTA = "You exceeded your current quota, please check your plan and billing details."
_EXHAUSTED = "RESOURCE_EXHAUSTED"

REFUSALS = {
    "bad_key": error(
        400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.",
        info("API_KEY_INVALID"),
    ),
    "bad_value": error(400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "prompt_refused": error(
        400, "INVALID_ARGUMENT",
        "The prompt could not be submitted. This prompt contains sensitive words that violate"
        " Google's Responsible AI practices. Try rephrasing the prompt. If you think this was an"
        " error, send feedback. Support codes: 58061214",
    ),
    "no_billing": error(
        400, "FAILED_PRECONDITION", "Please enable billing on your project in Google AI Studio."
    ),
    "location": error(
        400, "FAILED_PRECONDITION", "User location is not supported for the API use."
    ),
    "unauthenticated": error(
        401, "UNAUTHENTICATED", "Request had invalid authentication credentials."
    ),
    "leaked": error(
        403, "PERMISSION_DENIED",
        "Your API key was reported as leaked. Please use another API key.",
    ),
    "forbidden": error(403, "PERMISSION_DENIED", "The caller does not have permission"),
    "predict_denied": error(
        403, "PERMISSION_DENIED",
        "Permission 'aiplatform.endpoints.predict' denied on resource '//aiplatform.googleapis.com/"
        "projects/emulated-1/locations/us-central1/publishers/google/models/x' (or it may not"
        " exist).",
        info("IAM_PERMISSION_DENIED"),
    ),
    "service_disabled": error(
        403, "PERMISSION_DENIED",
        "Vertex AI API has not been used in project emulated-1 before or it is disabled.",
        info("SERVICE_DISABLED"),
    ),
    "retired": error(404, "NOT_FOUND", "This model is no longer available."),
    "conflict": error(409, "ABORTED", "The operation was aborted."),
    "rate": error(
        429, _EXHAUSTED, _QUOTA, quota("GenerateRequestsPerMinutePerProjectPerModel"), retry("37s")
    ),
    "rate_bare": error(429, _EXHAUSTED, "Resource exhausted. Please try again later."),
    "daily": error(
        429, _EXHAUSTED, _QUOTA, quota("GenerateRequestsPerDayPerProjectPerModel"), retry("37s")
    ),
    "no_free_tier": error(
        429, _EXHAUSTED, f"{_QUOTA}\n* Quota exceeded for metric: free_tier_requests, limit: 0",
        quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier", value="0"),
    ),
    "no_funds": error(
        429, _EXHAUSTED,
        "Your prepayment credits are depleted. Please go to AI Studio at"
        " https://ai.studio/projects to manage your project and billing.",
    ),
    "internal": error(500, "INTERNAL", "An internal error has occurred. Please retry."),
    "bad_gateway": Answer(502, "<html><title>502 Bad Gateway</title></html>"),
    "unavailable": error(503, "UNAVAILABLE", "The service is currently unavailable."),
    "overloaded": error(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "deadline": error(504, "DEADLINE_EXCEEDED", "The request timed out. Please try again."),
    "unreadable": Answer(200, "it works", buys=True),
    "no_id": Answer(200, {"metadata": {}}, buys=True),
    "cut": Answer(200, {"name": "operations/lost"}, buys=True, cut=True),
    "broke_after": Answer(502, "<html>Bad Gateway</html>", buys=True),
}  # fmt: skip
"""By name: every row of Google's table of errors, and some that no table has."""


@dataclass(frozen=True)
class Asked:
    """A request as it came; the emulators say what they call its operation."""

    operation: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any


class Scripted:
    """A journal of what was asked, and replies that were ordered."""

    def __init__(self) -> None:
        self.journal: list[Asked] = []
        self._answers: dict[str, deque[Answer]] = {}

    def answer(self, answer: Answer | str, to: str = "create", times: int = 1) -> None:
        """The next replies to an operation, instead of what would be said."""
        found = REFUSALS[answer] if isinstance(answer, str) else answer
        self._answers.setdefault(to, deque()).extend([found] * times)

    def asked(self, operation: str) -> list[Asked]:
        """The requests of one kind."""
        return [each for each in self.journal if each.operation == operation]

    def ordered(self, operation: str) -> Answer | None:
        """The reply that was ordered next for this operation, taken from the script."""
        queue = self._answers.get(operation)
        return queue.popleft() if queue else None

    async def note(self, operation: str, request: Request) -> None:
        """Keep a request."""
        raw = await request.body()
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = raw.decode("latin-1")
        url, headers = request.url, dict(request.headers)
        self.journal.append(Asked(operation, request.method, url.path, url.query, headers, body))


def invalid(message: str) -> JSONResponse:
    """HTTP 400 with this message."""
    return JSONResponse(error(400, "INVALID_ARGUMENT", message).body, 400)
