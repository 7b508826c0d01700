"""Laying a large input down at Runway: where, how, and what can go wrong."""

import json
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failures import AMBIGUOUS, Failure, Kind
from proxy.core.media import Use
from proxy.wire.genspark_failures import Reply
from proxy.wire.provider import Call, Picture
from proxy.wire.runway_uploads import UploadForm, post_file, posted, stored, upload, upload_form

FIXTURES = Path(__file__).parent.parent / "fixtures" / "runway"
PICTURE = Picture(Use.FIRST_FRAME, "image/png", b"\x89PNG\r\n\x1a\n--\r\n\0\xff")
FORM = UploadForm(
    "https://uploads.example.amazonaws.com/",
    {
        "bucket": "runway-uploads",
        "key": "ephemeral/first_frame.png",
        "Policy": "eyJ4IjoxfQ==",
        "X-Amz-Signature": "0f1e2d3c",
    },
    "runway://eyJ1cGxvYWQiOjF9",
)


def _reply(body: Any, status: int = 200) -> Reply:
    return Reply(status, {}, json.dumps(body).encode(), 0.0)


def _recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / "upload.json").read_text("utf-8"))
    return found


def test_a_place_is_asked_for() -> None:
    call = upload(PICTURE)
    assert (call.method, call.path, call.signed) == ("POST", "/v1/uploads", True)
    assert call.headers == {"X-Runway-Version": "2024-11-06"}
    assert json.loads(call.content) == {"filename": "first_frame.png", "type": "ephemeral"}


def test_the_place() -> None:
    assert upload_form(_reply(_recorded())) == FORM


@pytest.mark.parametrize(
    "change",
    [
        {"uploadUrl": "ftp://a"}, {"uploadUrl": None}, {"uploadUrl": "https://" + "a" * 9000},
        {"runwayUri": "https://a"}, {"runwayUri": ""}, {"fields": {"a": 1}},
        {"fields": {"a": "b" * 9000}}, {"fields": {'a"; filename="b': "c"}},
        {"fields": {"a\r\nb": "c"}}, {"fields": {"": "c"}},
        {"fields": {str(n): "c" for n in range(51)}},
    ],
)  # fmt: skip
def test_a_place_that_cannot_be_used(change: dict[str, Any]) -> None:
    failure = upload_form(_reply(_recorded() | change))
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.UPLOAD_FAILED


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Kind.BAD_REQUEST), (401, Kind.DEAD_CREDENTIAL), (404, Kind.UPLOAD_FAILED),
        (429, Kind.RATE_LIMITED), (500, Kind.UPLOAD_FAILED), (503, Kind.OUTAGE),
        (302, Kind.UPLOAD_FAILED),
    ],
)  # fmt: skip
def test_a_refusal_is_never_ambiguous(status: int, kind: Kind) -> None:
    failure = upload_form(_reply({"error": "no"}, status))
    assert isinstance(failure, Failure)
    assert failure.kind is kind
    assert failure.kind not in AMBIGUOUS


def test_the_file_is_a_form_without_the_key() -> None:
    call = post_file(FORM, PICTURE, "b0undary")
    assert (call.method, call.path, call.signed) == ("POST", FORM.url, False)
    assert call.headers == {"Content-Type": "multipart/form-data; boundary=b0undary"}
    parts = _parts(call)
    assert [(name, data.decode()) for name, _, data in parts[:-1]] == list(FORM.fields.items())
    assert parts[-1] == ("file", "first_frame.png", PICTURE.data)


def _parts(call: Call) -> list[tuple[str, str | None, bytes]]:
    """The form as the standard library's mail parser reads it."""
    head = f"Content-Type: {call.headers['Content-Type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + call.content)
    return [
        (
            str(part.get_param("name", header="content-disposition")),
            part.get_filename(),
            _content(part),
        )
        for part in message.iter_parts()  # type: ignore[attr-defined]
    ]


def _content(part: Any) -> bytes:
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    return data


@pytest.mark.parametrize(("status", "good"), [(200, True), (201, True), (204, True), (403, False)])
def test_the_storage_hosts_answer(status: int, good: bool) -> None:
    answer = posted(_reply({}, status))
    assert answer == (None if good else Failure(Kind.UPLOAD_FAILED, "HTTP 403 for the file"))


def test_the_input_is_its_address_then() -> None:
    there = stored(PICTURE, FORM)
    assert (there.uri, there.data) == ("runway://eyJ1cGxvYWQiOjF9", PICTURE.data)


values = st.recursive(
    st.none() | st.integers() | texts | st.sampled_from(["https://a", "runway://a"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["uploadUrl", "runwayUri", "fields", "error", "issues"]) | texts,
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@QUICK
@given(values, st.sampled_from([200, 400, 500]))
def test_any_json_is_a_place_or_a_failure(body: Any, status: int) -> None:
    found = upload_form(_reply(body, status))
    assert isinstance(found, UploadForm | Failure)
    if isinstance(found, UploadForm):
        assert post_file(found, PICTURE, "b").content.endswith(b"\r\n--b--\r\n")
