"""The items of a Responses answer under way, as events: added, said piece by piece, done.

Shapes are those of openai-python 3.52 (``openai/types/responses/*_event.py``).
"""

from typing import Any, Final, Literal

import msgspec

from proxy.core.events import Cited, ToolCallDelta
from proxy.wire.openai_chunks import pieces
from proxy.wire.responses_object import (
    ResponseFrame,
    Status,
    call_item,
    message_item,
    prefix_of,
    reasoning_item,
    refusal_part,
    summary_part,
    text_part,
    url_citations,
)

Said = Literal["output_text", "refusal"]

_json: Final = msgspec.json.Encoder().encode


class EventLines:
    """Numbers events and gathers their bytes."""

    def __init__(self) -> None:
        self._count = 0
        self._out: list[bytes] = []

    def add(self, kind: str, **fields: Any) -> None:
        """One event."""
        body = _json({"type": kind, "sequence_number": self._count, **fields})
        self._out.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), body))
        self._count += 1

    def deltas(self, envelope: bytes, text: str) -> None:
        """A text as the last field of as many events as it needs."""
        for piece in pieces(text):
            self._out.append(b'%b%d,"delta":%b}\n\n' % (envelope, self._count, _json(piece)))
            self._count += 1

    def raw(self, data: bytes) -> None:
        """Bytes that are no event."""
        self._out.append(data)

    def take(self) -> bytes:
        """What has gathered since the last time."""
        data = b"".join(self._out)
        self._out.clear()
        return data


def _envelope(kind: str, fields: dict[str, Any]) -> bytes:
    """All of a delta event but its number and its text, encoded once per item."""
    body = _json({"type": kind, **fields})
    return b'event: %b\ndata: %b,"sequence_number":' % (kind.encode(), body[:-1])


class OpenReasoning:
    """The reasoning item under way: one summary of one part."""

    def __init__(self, frame: ResponseFrame, lines: EventLines, index: int) -> None:
        self._id = frame.item_id("rs", index)
        self.index = index
        self._lines = lines
        self._texts: list[str] = []
        self._where = {"item_id": self._id, "output_index": index, "summary_index": 0}
        self._envelope = _envelope("response.reasoning_summary_text.delta", self._where)
        item = reasoning_item(self._id, None)
        lines.add("response.output_item.added", output_index=index, item=item)
        lines.add("response.reasoning_summary_part.added", **self._where, part=summary_part(""))

    def say(self, text: str) -> None:
        self._texts.append(text)
        self._lines.deltas(self._envelope, text)

    def close(self, _: Status) -> dict[str, Any]:
        text = "".join(self._texts)
        add = self._lines.add
        add("response.reasoning_summary_text.done", **self._where, text=text)
        add("response.reasoning_summary_part.done", **self._where, part=summary_part(text))
        item = reasoning_item(self._id, text)
        add("response.output_item.done", output_index=self.index, item=item)
        return item


class OpenMessage:
    """The message under way: text, or a refusal, or one after the other."""

    def __init__(
        self, frame: ResponseFrame, lines: EventLines, index: int, cited: list[Cited]
    ) -> None:
        self._id = frame.item_id("msg", index)
        self.index = index
        self._lines = lines
        self._cited = cited
        self._parts: list[dict[str, Any]] = []
        self._kind: Said | None = None
        self._texts: list[str] = []
        self._where: dict[str, Any] = {}
        self._envelope = b""
        item = message_item(self._id, [], "in_progress")
        lines.add("response.output_item.added", output_index=index, item=item)

    def say(self, kind: Said, text: str) -> None:
        if kind != self._kind:
            self._finish()
            self.begin(kind)
        self._texts.append(text)
        self._lines.deltas(self._envelope, text)

    def begin(self, kind: Said) -> None:
        """Open a part."""
        self._kind = kind
        self._texts = []
        self._where = {
            "item_id": self._id,
            "output_index": self.index,
            "content_index": len(self._parts),
        }
        part = text_part("", []) if kind == "output_text" else refusal_part("")
        logprobs: dict[str, Any] = {"logprobs": []} if kind == "output_text" else {}
        self._envelope = _envelope(f"response.{kind}.delta", {**self._where, **logprobs})
        self._lines.add("response.content_part.added", **self._where, part=part)

    def close(self, status: Status) -> dict[str, Any]:
        self._finish()
        item = message_item(self._id, self._parts, status)
        self._lines.add("response.output_item.done", output_index=self.index, item=item)
        return item

    def _finish(self) -> None:
        """The open part's end, if there is one."""
        if self._kind is None:
            return
        text = "".join(self._texts)
        if self._kind == "output_text":
            part = self._annotated(text)
            self._lines.add("response.output_text.done", **self._where, text=text, logprobs=[])
        else:
            part = refusal_part(text)
            self._lines.add("response.refusal.done", **self._where, refusal=text)
        self._lines.add("response.content_part.done", **self._where, part=part)
        self._parts.append(part)
        self._kind = None

    def _annotated(self, text: str) -> dict[str, Any]:
        annotations = url_citations(self._cited, text)
        self._cited.clear()
        for number, annotation in enumerate(annotations):
            self._lines.add(
                "response.output_text.annotation.added",
                **self._where,
                annotation_index=number,
                annotation=annotation,
            )
        return text_part(text, annotations)


class OpenCall:
    """The call under way. A freeform tool's input is known only when its JSON is complete."""

    def __init__(
        self, frame: ResponseFrame, lines: EventLines, index: int, event: ToolCallDelta
    ) -> None:
        self.number = event.index
        self._tool = tool = frame.tool(event.name or "")
        self._id = frame.item_id(prefix_of(tool), index)
        self._call_id = frame.call_id(event.id or "", event.index)
        self.index = index
        self._lines = lines
        self._arguments: list[str] = []
        self._field = "input" if tool.custom else "arguments"
        self._event = (
            f"response.{'custom_tool_call_input' if tool.custom else 'function_call_arguments'}"
        )
        self._where = {"item_id": self._id, "output_index": index}
        self._envelope = _envelope(f"{self._event}.delta", self._where)
        item = self._item("", "in_progress")
        lines.add("response.output_item.added", output_index=index, item=item)

    def say(self, arguments: str) -> None:
        self._arguments.append(arguments)
        if not self._tool.custom:
            self._lines.deltas(self._envelope, arguments)

    def close(self, status: Status) -> dict[str, Any]:
        arguments = "".join(self._arguments)
        if not arguments:
            self.say(arguments := "{}")
        item = self._item(arguments, status)
        payload = item[self._field]
        if self._tool.custom:
            self._lines.deltas(self._envelope, payload)
        # openai-node's type of the event has the name, openai-python's has not.
        fields = {**self._where, self._field: payload, "name": self._tool.name}
        self._lines.add(f"{self._event}.done", **fields)
        self._lines.add("response.output_item.done", output_index=self.index, item=item)
        return item

    def _item(self, payload: str, status: str) -> dict[str, Any]:
        return call_item(self._id, self._call_id, self._tool, payload, status)
