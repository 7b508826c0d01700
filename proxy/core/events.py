"""What a chat upstream can say, whatever its wire: one closed union of frozen events.

Readers in ``proxy.wire`` produce these per network read; writers turn them into OpenAI chunks, and
``proxy.core.answer`` folds them into a full answer. ``choice`` is OpenAI's choice index.
"""

from typing import Any

from msgspec import Struct

from proxy.core.failures import Failure


class Opened(Struct, frozen=True):
    """The upstream opened a conversation; ``project_id`` is needed to delete or abort it."""

    project_id: str


class Served(Struct, frozen=True):
    """The model that the upstream says it really used."""

    model: str


class TextDelta(Struct, frozen=True):
    """A further piece of the answer."""

    text: str
    choice: int = 0


class ReasoningDelta(Struct, frozen=True):
    """A further piece of the visible reasoning."""

    text: str
    choice: int = 0


class ToolCallDelta(Struct, frozen=True):
    """A fragment of a tool call: ``id`` and ``name`` only in its first fragment."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    choice: int = 0


class RefusalDelta(Struct, frozen=True):
    """A piece of the model's refusal to answer in the structure that was asked for."""

    text: str
    choice: int = 0


class Cited(Struct, frozen=True):
    """A page that the answer rests on, as web search names it."""

    url: str
    title: str
    choice: int = 0


class Verbatim(Struct, frozen=True):
    """Fields of a native chunk that have no event of their own, passed on unchanged.

    ``delta`` belongs into the choice's delta, ``beside`` next to it (``logprobs``, say).
    """

    delta: dict[str, Any]
    beside: dict[str, Any]
    choice: int = 0


class Finished(Struct, frozen=True):
    """A choice is complete, for an OpenAI finish reason.

    ``stop`` is the caller's stop sequence that ended it, where that is known.
    """

    reason: str
    choice: int = 0
    stop: str = ""


class Counted(Struct, frozen=True):
    """The upstream's own token counts, as an OpenAI ``usage`` object."""

    usage: dict[str, Any]


class Limited(Struct, frozen=True):
    """A limit was announced beside a working answer, for another product, say."""

    failure: Failure


class Noted(Struct, frozen=True):
    """Something odd that is only worth a metric: ``what`` is from a fixed, small vocabulary."""

    what: str


class Failed(Struct, frozen=True):
    """The stream ended badly. Nothing follows."""

    failure: Failure


ChatEvent = (
    Opened
    | Served
    | TextDelta
    | ReasoningDelta
    | ToolCallDelta
    | RefusalDelta
    | Cited
    | Verbatim
    | Finished
    | Counted
    | Limited
    | Noted
    | Failed
)

# An attempt is open until the first of these: nothing the caller can see has gone out before.
VISIBLE = (TextDelta, ReasoningDelta, ToolCallDelta, RefusalDelta, Verbatim, Finished)
