"""The body of an image or video request: JSON, or a multipart form, as one kind of fields."""

from collections.abc import AsyncGenerator
from typing import Any, Final

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

from proxy.api.context import header, read_body, services_of
from proxy.core.ask import InvalidRequest
from proxy.wire.media_form import Fields, Part
from proxy.wire.openai_request import read_object

# OpenAI takes 16 images; SDKs flatten nested objects into many small fields.
MOST_FILES: Final = 20
MOST_FIELDS: Final = 400


async def read_fields(request: Request) -> Fields:
    """The request's fields. Raises ``InvalidRequest``."""
    limit = services_of(request.scope).settings.max_body_mb * 1_000_000
    body = await read_body(request.receive, limit, header(request.scope, b"content-length"))
    said = request.headers.get("content-type", "")
    if said.startswith("multipart/form-data"):
        return await _read_multipart(request.headers, body)
    # What curl calls a form by itself is JSON more often than not.
    if said.startswith("application/x-www-form-urlencoded") and body.lstrip()[:1] != b"{":
        form = await FormParser(request.headers, _whole(body)).parse()
        return _gathered([(name, value) for name, value in form.multi_items()])
    # Whatever the label says: users of curl forget it.
    return read_object(body)


async def _read_multipart(headers: Headers, body: bytes) -> Fields:
    if not _is_whole(headers, body):
        raise InvalidRequest("The multipart body could not be read: its end is missing.")
    parser = MultiPartParser(
        headers,
        _whole(body),
        max_files=MOST_FILES,
        max_fields=MOST_FIELDS,
        # A text field may hold an image as base64; the whole body is within its limit already.
        max_part_size=len(body),
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError) as error:
        why = error.message if isinstance(error, MultiPartException) else "it is malformed"
        raise InvalidRequest(f"The multipart body could not be read: {why}") from None
    try:
        items: list[tuple[str, Any]] = []
        for name, value in form.multi_items():
            items.append((name, await _part(value) if isinstance(value, UploadFile) else value))
        return _gathered(items)
    finally:
        await form.close()


def _is_whole(headers: Headers, body: bytes) -> bool:
    """Whether the closing boundary is there; the parser is content with a file cut short."""
    _, params = parse_options_header(headers.get("content-type", ""))
    boundary = params.get(b"boundary", b"")
    return bool(boundary) and body.rstrip().endswith(b"--" + boundary + b"--")


async def _part(upload: UploadFile) -> Part:
    return Part(upload.filename or "", upload.content_type or "", await upload.read())


def _gathered(items: list[tuple[str, Any]]) -> Fields:
    """Repeated names become lists, in order."""
    fields: Fields = {}
    for name, value in items:
        if name not in fields:
            fields[name] = value
        elif isinstance(fields[name], list):
            fields[name].append(value)
        else:
            fields[name] = [fields[name], value]
    return fields


async def _whole(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
    yield b""
