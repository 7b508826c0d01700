"""Asking the sidecar for tokens as the server does, each reply checked."""

import asyncio
import contextlib
import json
import time
from typing import Final

from bench.client import Connection, Reply, connect
from bench.http1 import request
from bench.processes import BrokenServerError
from bench.sidecar.services import Sidecar, get

# A cold browser takes seconds; what takes longer than this is stuck.
ANSWER_LIMIT_S: Final = 30.0
# An idle connection is closed by the server after five seconds, perhaps just as it is used again.
KEPT_S: Final = 1.0
GAUGE: Final = b"sidecar_contexts "


class Caller:
    """A connection to a sidecar that is kept from token to token, and opened anew when idle."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._port, self._tokens = sidecar.port, sidecar.tokens
        self._connection: Connection | None = None
        self._used = 0.0

    @property
    def closed(self) -> bool:
        """Whether the next token needs a new connection."""
        return self._connection is None or self._connection.closed

    async def token_seconds(self, account: str) -> float:
        """How long a token took. Raises ``BrokenServerError`` unless there is a fresh one."""
        wish = request("GET", "/genspark?flow=chat", {"cookie": f"session_id={account}"})
        connection = await self._connected()
        began = time.monotonic()
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                reply = await connection.exchange(wish)
        except TimeoutError:
            raise BrokenServerError(f"no token in {ANSWER_LIMIT_S:.0f} s") from None
        self._used = time.monotonic()
        token = read_token(reply)
        if token in self._tokens:
            raise BrokenServerError("a token was handed out twice")
        self._tokens.add(token)
        return self._used - began

    async def _connected(self) -> Connection:
        if self._used + KEPT_S < time.monotonic():
            self.close()
        if self._connection is None or self._connection.closed:
            try:
                self._connection = await connect(self._port)
            except OSError as error:
                raise BrokenServerError(f"refused a connection: {error}") from error
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def read_token(reply: Reply) -> str:
    """The token of a reply that is as the contract has it. Raises ``BrokenServerError``."""
    if reply.failed:
        raise BrokenServerError(reply.failed)
    try:
        said = json.loads(reply.body)
    except ValueError:
        said = None
    token = said.get("token") if isinstance(said, dict) and said.get("code") == 200 else None
    if not isinstance(token, str) or not token:
        raise BrokenServerError(f"no token: {reply.body[:200]!r}")
    return token


def calling(sidecar: Sidecar) -> contextlib.closing[Caller]:
    """A caller that is closed when left."""
    return contextlib.closing(Caller(sidecar))


async def open_contexts(sidecar: Sidecar) -> float:
    """How many contexts the sidecar says it has."""
    reply = await get(sidecar.port, "/metrics")
    lines = [] if reply.failed else reply.body.splitlines()
    counts = [float(line[len(GAUGE) :]) for line in lines if line.startswith(GAUGE)]
    if not counts:
        raise BrokenServerError(f"its metrics do not tell its contexts: {reply.failed}")
    return counts[0]
