"""The envelope of the key route's tools: one JSON object per line, version 1 (2026-09-22)."""

from genspark_emulator.events import JsonObject
from genspark_emulator.reply import Reply

VERSION = 1


def envelope(data: JsonObject, *, status: str = "ok", message: str = "done") -> JsonObject:
    """The object that ends an answer."""
    head = {"version": VERSION, "status": status, "message": message}
    return {**head, "data": data, "session_state": None}


def lines(*objects: JsonObject) -> Reply:
    """An answer that is told at once."""
    return Reply(frames=objects, framing="lines", spaced=False)


def tool_ok(data: JsonObject) -> Reply:
    """A finished call."""
    return lines(envelope(data))


def tool_error(message: str, code: str, **more: object) -> Reply:
    """A refused or failed call; the HTTP status is 200 all the same."""
    return lines(envelope({"code": code, **more}, status="error", message=message))
