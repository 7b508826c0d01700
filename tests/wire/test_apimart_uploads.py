"""A picture that is laid down at APIMart before it is asked for."""

import json
from typing import Any

import pytest
from fixtures.forms import parsed
from fixtures.provider_rows import NOW

from proxy.core.failures import AMBIGUOUS, Failure, Kind
from proxy.core.media import Use
from proxy.wire.apimart_bodies import Linked
from proxy.wire.apimart_uploads import upload, uploaded
from proxy.wire.genspark_failures import Reply
from proxy.wire.provider import Picture

PICTURE = Picture(Use.FIRST_FRAME, "image/jpeg", b"\xff\xd8\xff picture")


def _answer(status: int, body: Any) -> Linked | Failure:
    return uploaded(Reply(status, {}, json.dumps(body).encode(), NOW), PICTURE)


def test_the_file_is_posted_with_the_key() -> None:
    call = upload(PICTURE)
    assert (call.method, call.path, call.signed) == ("POST", "/v1/uploads/images", True)
    said, sent = parsed(call.content, call.headers["Content-Type"])
    assert said == []
    assert sent == [("file", "first_frame.jpg", "image/jpeg", PICTURE.data)]


def test_the_answer_gives_it_an_address() -> None:
    url = "https://upload.example/f/image/1-photo.jpg"
    body = {"url": url, "filename": "photo.jpg", "content_type": "image/jpeg", "bytes": 11}
    assert _answer(200, body) == Linked(PICTURE.use, PICTURE.mime, PICTURE.data, url)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Kind.BAD_REQUEST), (401, Kind.DEAD_CREDENTIAL), (402, Kind.FUNDS),
     (404, Kind.UPLOAD_FAILED), (413, Kind.BAD_REQUEST), (429, Kind.RATE_LIMITED),
     (500, Kind.UPLOAD_FAILED), (503, Kind.OUTAGE), (504, Kind.UPLOAD_FAILED)],
)  # fmt: skip
def test_no_failure_of_an_upload_is_ambiguous(status: int, kind: Kind) -> None:
    failure = _answer(status, {"error": {"code": status, "message": "no"}})
    assert isinstance(failure, Failure)
    assert failure.kind is kind
    assert failure.kind not in AMBIGUOUS


@pytest.mark.parametrize("body", [{}, [], None, {"url": "file:///x"}, {"url": 1}])
def test_an_answer_without_an_address(body: Any) -> None:
    failure = _answer(200, body)
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.UPLOAD_FAILED
