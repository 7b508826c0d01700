"""One request as it arrived, read once and kept for the journal."""

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
    there is none. ``account`` is the session id or the API key the call was made with.
    """

    flow: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    payload: Any
    account: str | None
    size: int = 0

    @property
    def fields(self) -> JsonObject:
        """The JSON body when it is an object, else an empty one."""
        return self.payload if isinstance(self.payload, dict) else {}


def decode_payload(body: bytes) -> Any:
    """JSON if it is JSON, else text, else None."""
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", errors="replace")


async def read_call(request: Request, flow: str, account: str | None) -> Call:
    """Read the whole request; raises starlette's ClientDisconnect when it breaks off."""
    body = await request.body()
    return Call(
        flow=flow,
        method=request.method,
        path=request.url.path,
        query=dict(request.query_params),
        headers=dict(request.headers),
        payload=decode_payload(body),
        account=account,
        size=len(body),
    )
