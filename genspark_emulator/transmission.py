"""Sending one reply: waiting, cutting, and noticing that the client has left."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

from starlette.types import Receive, Scope, Send

from genspark_emulator.journal import Entry
from genspark_emulator.modifiers import Modifiers, Shaper, declared_length
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
            if self._modifiers.accept_then_cut:
                await _pause(self._modifiers.delay_s)
                await _hang_up(receive)
                return
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
        shaper = Shaper(self._modifiers)
        await _pause(self._modifiers.delay_s)
        await self._send_headers(send)
        await _pause(self._modifiers.first_event_delay_s)
        await self._send_body(send, shaper)
        if shaper.breaks_off:
            return
        if not self._reply.ends:
            await asyncio.Event().wait()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_headers(self, send: Send) -> None:
        headers = [
            (b"content-type", (self._modifiers.content_type or self._reply.media_type).encode()),
            *((name.encode("latin-1"), value.encode()) for name, value in self._reply.headers),
        ]
        total = self._reply.length(self._modifiers)
        if total is not None and self._reply.ends:
            length = declared_length(total, self._modifiers)
            headers.append((b"content-length", str(length).encode()))
        self._entry.status = self._reply.status
        await send(
            {"type": "http.response.start", "status": self._reply.status, "headers": headers}
        )

    async def _send_body(self, send: Send, shaper: Shaper) -> None:
        first = True
        async for write in self._writes(shaper):
            if not first:
                await asyncio.sleep(self._modifiers.frame_delay_s)
            first = False
            await send({"type": "http.response.body", "body": write, "more_body": True})
            self._entry.bytes_sent += len(write)

    async def _writes(self, shaper: Shaper) -> AsyncIterator[bytes]:
        for data in self._reply.writes(self._modifiers):
            if shaper.full:
                break
            for write in shaper.feed(data):
                yield write
        async for write in self._told(shaper):
            yield write
        for write in shaper.flush():
            yield write

    async def _told(self, shaper: Shaper) -> AsyncIterator[bytes]:
        """What comes as time goes by; it is never held back to fill a slice."""
        if self._reply.told is None or shaper.full:
            return
        encode = self._reply.encoder(self._modifiers)
        async with aclosing(self._reply.told) as told:
            async for frame in told:
                for write in (*shaper.feed(encode(frame)), *shaper.flush()):
                    yield write
                if shaper.full:
                    return


async def _pause(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)


async def _client_left(receive: Receive) -> None:
    """Return when the connection is closed by the client."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _hang_up(receive: Receive) -> None:
    """Close the connection without a word.

    ASGI has no message for this; uvicorn's ``receive`` is a method of the object that holds the
    connection.
    """
    receive.__self__.transport.close()  # type: ignore[attr-defined]
    await _client_left(receive)
