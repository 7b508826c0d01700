"""What a caller asked for, once the outer dialect is gone."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from proxy.core.wishes import Wishes


class InvalidRequest(Exception):
    """The caller's own mistake: HTTP 400 (or ``status``) with an OpenAI error object."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str = "invalid_value",
        status: int = 400,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code
        self.status = status


class Role(StrEnum):
    """Who speaks a turn (``developer`` arrives as ``SYSTEM``, ``function`` as ``TOOL``)."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Need(StrEnum):
    """What an ask cannot do without, in the words of an error text."""

    TOOLS = "tools"
    IMAGES = "image parts"
    FILES = "file parts"
    STRUCTURE = "response_format other than text"
    SEVERAL = "n above 1"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that an assistant turn made earlier; ``arguments`` is JSON text."""

    id: str
    name: str
    arguments: str


class Kept(StrEnum):
    """What an attachment is to be used as."""

    IMAGE = "image"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Attachment:
    """An image or a file in a message.

    ``source`` is an https or data URL, ``name`` the caller's own file name ('' for none), ``param``
    the place in the request for error texts (``messages.2.content.1``).
    """

    kind: Kept
    source: str = field(repr=False)
    name: str = ""
    param: str = "messages"


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. Tool results have a ``call_id`` and ``name``, the tool's ('' when unknown)."""

    role: Role
    text: str
    attachments: tuple[Attachment, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    call_id: str | None = None
    name: str = ""

    @property
    def images(self) -> tuple[str, ...]:
        """The URLs of the turn's images."""
        return tuple(each.source for each in self.attachments if each.kind is Kept.IMAGE)


@dataclass(frozen=True, slots=True)
class ChatAsk:
    """A validated chat request.

    ``model`` is the caller's own spelling, echoed in the answer. ``native`` is the request in
    OpenAI's dialect, for routes that speak it; nobody but their translators looks inside.
    ``wishes`` are what the server has to supply on the other routes.
    """

    model: str
    turns: tuple[Turn, ...]
    stream: bool
    include_usage: bool
    needs: frozenset[Need]
    native: dict[str, Any] = field(repr=False)
    wishes: Wishes = field(default=Wishes(), repr=False)
