"""One request as it arrived, read once and kept for the journal."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from genspark_emulator.events import JsonObject


@dataclass(frozen=True, slots=True)
class Call:
    """A request to one emulated endpoint.

    ``payload`` is the decoded JSON body, the body as text when it is not JSON, or None when
    there is none. ``account`` is the session id or the API key the call was made with. ``raw`` is
    the body of an upload, of which ``payload`` then only tells size and checksum.
    """

    flow: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    payload: Any
    account: str | None
    size: int = 0
    raw: bytes = b""

    @property
    def fields(self) -> JsonObject:
        """The JSON body when it is an object, else an empty one."""
        return self.payload if isinstance(self.payload, dict) else {}

    @property
    def origin(self) -> str:
        """Where the client thinks it is; links are made from it."""
        return f"http://{self.headers.get('host', 'localhost')}"


def decode_payload(body: bytes) -> Any:
    """JSON if it is JSON, else text, else None."""
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", errors="replace")


def summary(body: bytes) -> JsonObject:
    """What the journal keeps of a body that is a file."""
    return {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}


async def read_call(
    request: Request, flow: str, account: str | None, *, binary: bool = False
) -> Call:
    """Read the whole request; raises starlette's ClientDisconnect when it breaks off."""
    body = await request.body()
    return Call(
        flow=flow,
        method=request.method,
        path=request.url.path,
        query=dict(request.query_params),
        headers=dict(request.headers),
        payload=summary(body) if binary else decode_payload(body),
        account=account,
        size=0 if binary else len(body),
        raw=body if binary else b"",
    )
