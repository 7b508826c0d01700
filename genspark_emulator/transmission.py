"""Sending one reply: waiting, cutting, and noticing that the client has left."""

import asyncio
import time

from starlette.types import Receive, Scope, Send

from genspark_emulator.journal import Entry
from genspark_emulator.modifiers import Modifiers, breaks_off, declared_length, shaped
from genspark_emulator.reply import Reply


class Transmission:
    """An ASGI response that sends a reply and keeps its journal entry up to date.

    A broken transfer is made by returning before the last body message: the server then
    closes the connection without the final chunk.
    """

    def __init__(self, reply: Reply, modifiers: Modifiers, entry: Entry) -> None:
        self._reply = reply
        self._modifiers = modifiers
        self._entry = entry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the end or until the client leaves, whichever comes first."""
        try:
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(self._send(send), name="emulator-sending")
                leaving = group.create_task(_client_left(receive), name="emulator-watching")
                await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
                self._entry.cancelled = not sending.done()
                sending.cancel()
                leaving.cancel()
        finally:
            self._entry.ended = time.time()

    async def _send(self, send: Send) -> None:
        modifiers = self._modifiers
        writes = self._reply.writes(modifiers)
        total = sum(map(len, writes))
        await _pause(modifiers.delay_s)
        await self._send_headers(send, total)
        await _pause(modifiers.first_event_delay_s)
        await self._send_body(send, writes)
        if breaks_off(total, modifiers):
            return
        if not self._reply.ends:
            await asyncio.Event().wait()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_headers(self, send: Send, total: int) -> None:
        headers = [
            (b"content-type", (self._modifiers.content_type or self._reply.media_type).encode()),
            *((name.encode("latin-1"), value.encode()) for name, value in self._reply.headers),
        ]
        if self._reply.frames is None and self._reply.ends:
            length = declared_length(total, self._modifiers)
            headers.append((b"content-length", str(length).encode()))
        self._entry.status = self._reply.status
        await send(
            {"type": "http.response.start", "status": self._reply.status, "headers": headers}
        )

    async def _send_body(self, send: Send, writes: list[bytes]) -> None:
        first = True
        for write in shaped(writes, self._modifiers):
            if not first:
                await asyncio.sleep(self._modifiers.frame_delay_s)
            first = False
            await send({"type": "http.response.body", "body": write, "more_body": True})
            self._entry.bytes_sent += len(write)


async def _pause(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)


async def _client_left(receive: Receive) -> None:
    """Return when the connection is closed by the client."""
    while (await receive())["type"] != "http.disconnect":
        pass
