"""Content blocks of Anthropic messages, as the parts that OpenAI chat messages are made of.

Shapes: ``anthropic.types.*_block_param`` of Anthropic's Python SDK. What only Anthropic's own
servers can read (signed thinking, results of tools that ran there) is left out.
"""

import binascii
import re
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from proxy.core.ask import InvalidRequest
from proxy.wire.json_values import object_at, text_at

Part = dict[str, Any]

# Stands in a tool's result for images and files, which OpenAI's tool messages cannot hold.
ATTACHED: Final = "(What the tool returned is attached to the next message.)"

_PLAIN: Final = frozenset({"text", "image", "document", "search_result"})
_HELD_BY: Final = {
    "user": _PLAIN | {"tool_result", "compaction"},
    "assistant": frozenset({"text", "tool_use", "compaction"}),
    "system": frozenset({"text"}),
}
_IN_RESULT: Final = _PLAIN | {"tool_reference"}
_IN_DOCUMENT: Final = frozenset({"text", "image"})

_DROPPED: Final = frozenset(
    {"thinking", "redacted_thinking", "server_tool_use", "mcp_tool_use", "mcp_tool_listing",
     "fallback", "tool_addition", "tool_removal", "browser_state"}
)  # fmt: skip
_ANY_TYPE: Final = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_IMAGE_TYPE: Final = re.compile(r"image/[\w.+-]+", re.ASCII)
_LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Content:
    """One message's content, sorted: ``parts`` are OpenAI's text, image_url and file parts,
    ``calls`` its ``tool_calls``, ``results`` whole tool messages, ``attached`` the images and files
    that were inside those results.
    """

    parts: list[Part] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    attached: list[Part] = field(default_factory=list)


def read_content(content: Any, role: str, where: str) -> Content:
    """The content of a ``user``, ``assistant`` or ``system`` message; ``where`` names it."""
    found = Content()
    for block, place in _blocks(content, _HELD_BY[role], where):
        match text_at(block, "type"):
            case "tool_use":
                found.calls.append(_call(block, place))
            case "tool_result":
                _add_result(block, place, found)
            case _:
                found.parts.extend(_parts(block, place))
    return found


def texts_of(parts: list[Part]) -> list[str]:
    """The texts among the parts."""
    return [part["text"] for part in parts if part["type"] == "text"]


def _blocks(content: Any, allowed: frozenset[str], where: str) -> list[tuple[dict[str, Any], str]]:
    """The blocks that count, each with its place; a string is one text block."""
    if isinstance(content, str):
        return [({"type": "text", "text": content}, where)]
    if not isinstance(content, list):
        raise _wrong(where, "must be a string or a list of blocks")
    found = []
    for number, block in enumerate(content):
        place, kind = f"{where}.{number}", text_at(block, "type")
        # Every tool that runs at Anthropic has a result block of its own.
        if kind in _DROPPED or kind.endswith("_tool_result"):
            continue
        if kind == "container_upload":
            raise _no_file(place)
        if kind not in allowed:
            raise _wrong(place, "has a block type that is unknown or cannot stand here")
        found.append((block, place))
    return found


def _parts(block: dict[str, Any], where: str) -> list[Part]:
    match block["type"]:
        case "image":
            url = _source_url(block, where, _IMAGE_TYPE)
            return [{"type": "image_url", "image_url": {"url": url}}]
        case "document":
            return _document(block, where)
        case "search_result":
            said = _nested(block.get("content"), frozenset({"text"}), f"{where}.content")
            head = f"Search result: {text_at(block, 'title')}\n{text_at(block, 'source')}"
            return [_apart(head, "\n".join(texts_of(said)))]
        case "compaction":
            # The summary that stands for turns which the caller no longer sends.
            return _said(text_at(block, "content"))
        case "tool_reference":
            return _said(f"The tool {text_at(block, 'tool_name')} can be used now.")
    if not isinstance(text := block.get("text"), str):
        raise _wrong(f"{where}.text", "must be a string")
    return _said(text)


def _said(text: str) -> list[Part]:
    """No part for no text: some upstreams refuse an empty one."""
    return [_text(text)] if text else []


def _nested(content: Any, allowed: frozenset[str], where: str) -> list[Part]:
    return [
        part for block, place in _blocks(content, allowed, where) for part in _parts(block, place)
    ]


def _text(text: str) -> Part:
    return {"type": "text", "text": text}


def _apart(head: str, text: str) -> Part:
    """A text on lines of its own: routes without parts join all texts of a message."""
    return _text(f"\n{head.strip()}\n{text}\n")


def _document(block: dict[str, Any], where: str) -> list[Part]:
    title, context = text_at(block, "title"), text_at(block, "context")
    head = f"Document: {title}\n{context}".strip()
    match text_at(block, "source", "type"):
        case "text":
            if not isinstance(text := object_at(block, "source").get("data"), str):
                raise _wrong(f"{where}.source.data", "must be a string")
            return [_apart(head, text)]
        case "content":
            inside = object_at(block, "source").get("content")
            return [_apart(head, ""), *_nested(inside, _IN_DOCUMENT, f"{where}.source.content")]
    url = _source_url(block, where, _ANY_TYPE)
    about = [_apart(head, "")] if context else []
    return [*about, {"type": "file", "file": {"filename": _name(title, url), "file_data": url}}]


def _name(title: str, url: str) -> str:
    """A file name: PDF is what this dialect sends, and nothing else has a known ending here."""
    name = title[:_LONGEST_NAME] or "document"
    is_pdf = not url.startswith("data:") or url.startswith("data:application/pdf;")
    return f"{name}.pdf" if is_pdf and not name.lower().endswith(".pdf") else name


def _source_url(block: dict[str, Any], where: str, media: re.Pattern[str]) -> str:
    """The block's source as a data URL or an http(s) one."""
    source, where = object_at(block, "source"), f"{where}.source"
    match text_at(source, "type"):
        case "base64":
            return _data_url(source, where, media)
        case "url":
            url = text_at(source, "url")
            if not url.startswith(("https://", "http://")):
                raise _wrong(f"{where}.url", "must be an https URL")
            return url
        case "file":
            raise _no_file(where)
    raise _wrong(where, "has an unknown type")


def _data_url(source: dict[str, Any], where: str, media: re.Pattern[str]) -> str:
    kind, data = text_at(source, "media_type"), text_at(source, "data")
    if not media.fullmatch(kind):
        raise _wrong(f"{where}.media_type", "does not fit this block")
    try:
        good = len(binascii.a2b_base64(data, strict_mode=True)) > 0
    except (binascii.Error, ValueError):
        good = False
    if not good:
        raise _wrong(f"{where}.data", "must be base64")
    return f"data:{kind};base64,{data}"


def _call(block: dict[str, Any], where: str) -> dict[str, Any]:
    arguments = msgspec.json.encode(object_at(block, "input")).decode()
    function = {"name": _needed(block, "name", where), "arguments": arguments}
    return {"id": _needed(block, "id", where), "type": "function", "function": function}


def _add_result(block: dict[str, Any], where: str, found: Content) -> None:
    call_id, content = _needed(block, "tool_use_id", where), block.get("content")
    parts = [] if content is None else _nested(content, _IN_RESULT, f"{where}.content")
    texts, attached = texts_of(parts), [part for part in parts if part["type"] != "text"]
    said = "\n".join([*texts, ATTACHED] if attached else texts)
    if block.get("is_error") is True:
        said = f"Error: {said}"
    found.results.append({"role": "tool", "tool_call_id": call_id, "content": said})
    found.attached.extend(attached)


def _needed(block: dict[str, Any], name: str, where: str) -> str:
    value = text_at(block, name)
    if not value:
        place = f"{where}.{name}"
        message = f"'{place}' is required."
        raise InvalidRequest(message, param=place, code="missing_required_parameter")
    return value


def _wrong(where: str, what: str) -> InvalidRequest:
    return InvalidRequest(f"'{where}' {what}.", param=where)


def _no_file(where: str) -> InvalidRequest:
    return InvalidRequest(
        f"'{where}': this server keeps no files; send base64 or a URL instead of 'file_id'.",
        param=where,
        code="unsupported_value",
    )
