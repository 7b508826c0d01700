"""Lay an input down at Runway first, where it is too large to travel inside a body.

Send ``upload``, read its answer with ``upload_form``, send ``post_file``, read that answer with
``posted``, and give ``stored`` to ``Runway.create`` in place of the input. None of it is charged.
"""

import dataclasses
import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from proxy.core.failures import AMBIGUOUS, Failure, Kind
from proxy.wire.genspark_failures import Reply
from proxy.wire.json_values import object_at, text_at
from proxy.wire.media_types import extension
from proxy.wire.provider import Call, Picture
from proxy.wire.runway import api_call, refusal
from proxy.wire.runway_bodies import Uploaded

_MOST_FIELDS: Final = 50
_LONGEST: Final = 8192
# What can stand in the head of a form's part as it is.
_NAME: Final = re.compile(r'[^"\r\n]{1,200}')


class UploadForm(Struct, frozen=True):
    """Where a file is posted, with which fields, and the address that stands for it afterwards."""

    url: str
    fields: dict[str, str]
    uri: str


def upload(picture: Picture) -> Call:
    """Ask for a place; Runway clears it by itself after a while."""
    wanted = {"filename": _file_name(picture), "type": "ephemeral"}
    return api_call("POST", "/v1/uploads", msgspec.json.encode(wanted))


def upload_form(reply: Reply) -> UploadForm | Failure:
    """The answer to ``upload``. As nothing was bought, no failure is ambiguous."""
    if not 200 <= reply.status < 300:
        failure = refusal(reply, Kind.UPLOAD_FAILED)
        lost = failure.kind in AMBIGUOUS
        return dataclasses.replace(failure, kind=Kind.UPLOAD_FAILED) if lost else failure
    url, uri = text_at(reply.json, "uploadUrl"), text_at(reply.json, "runwayUri")
    fields = object_at(reply.json, "fields")
    good = url.startswith(("https://", "http://")) and uri.startswith("runway://")
    if not good or max(len(url), len(uri)) > _LONGEST or not _are_fields(fields):
        return Failure(Kind.UPLOAD_FAILED, "the reply names no place for a file")
    return UploadForm(url, fields, uri)


def _are_fields(fields: dict[str, Any]) -> bool:
    return len(fields) <= _MOST_FIELDS and all(
        isinstance(value, str) and len(value) <= _LONGEST and _NAME.fullmatch(name)
        for name, value in fields.items()
    )


def post_file(form: UploadForm, picture: Picture, boundary: str) -> Call:
    """The file itself, to a storage host that gets no key. ``boundary`` is random, and so occurs
    nowhere in the file.
    """
    return Call(
        method="POST",
        path=form.url,
        content=b"".join(_parts(form, picture, boundary)),
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        signed=False,
    )


def _parts(form: UploadForm, picture: Picture, boundary: str) -> Iterable[bytes]:
    """The fields come first: storage hosts ignore what stands behind the file."""
    head = f"--{boundary}\r\nContent-Disposition: form-data; name="
    for name, value in form.fields.items():
        yield f'{head}"{name}"\r\n\r\n{value}\r\n'.encode()
    file = f'"file"; filename="{_file_name(picture)}"\r\nContent-Type: {picture.mime}'
    yield f"{head}{file}\r\n\r\n".encode()
    yield picture.data
    yield f"\r\n--{boundary}--\r\n".encode()


def _file_name(picture: Picture) -> str:
    return f"{picture.use.value}{extension(picture.mime)}"


def posted(reply: Reply) -> Failure | None:
    """The answer to ``post_file``."""
    if 200 <= reply.status < 300:
        return None
    return Failure(Kind.UPLOAD_FAILED, f"HTTP {reply.status} for the file")


def stored(picture: Picture, form: UploadForm) -> Uploaded:
    """The input as ``create`` takes it now; its bytes stay, for their shape."""
    return Uploaded(picture.use, picture.mime, picture.data, form.uri)
