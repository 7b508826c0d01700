"""Forms that any parser of multipart reads back as they were meant."""

from typing import Any

from fixtures.forms import parsed
from fixtures.genspark.properties import QUICK, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.multipart_body import FilePart, multipart


def _said(fields: dict[str, Any]) -> list[tuple[str, str]]:
    return parsed(*multipart(fields, []))[0]


def test_values_are_flattened_as_the_sdks_do() -> None:
    fields = {
        "prompt": "a cat\r\nat night",
        "seed": 7,
        "seconds": 2.5,
        "audio": False,
        "nothing": None,
        "video_urls": ["https://a.example/1", "https://a.example/2"],
        "camera": {"yaw": 10, "lens": {"wide": True}},
    }
    assert _said(fields) == [
        ("prompt", "a cat\r\nat night"),
        ("seed", "7"),
        ("seconds", "2.5"),
        ("audio", "false"),
        ("video_urls[]", "https://a.example/1"),
        ("video_urls[]", "https://a.example/2"),
        ("camera[yaw]", "10"),
        ("camera[lens][wide]", "true"),
    ]


def test_files_have_a_name_and_their_type() -> None:
    files = [
        FilePart("image[]", "reference", "image/png", b"one"),
        FilePart("mask", "m", "x/y", b""),
    ]
    said, sent = parsed(*multipart({"a": "b"}, files))
    assert said == [("a", "b")]
    assert sent == [
        ("image[]", "reference.png", "image/png", b"one"),
        ("mask", "m.bin", "x/y", b""),
    ]


def test_a_name_cannot_leave_its_quotes() -> None:
    body, _ = multipart({'a"\r\nX: y': "1"}, [])
    assert b'name="a%22%0D%0AX: y"\r\n\r\n1' in body


def test_equal_forms_are_equal_and_others_are_not() -> None:
    assert multipart({"a": "b"}, []) == multipart({"a": "b"}, [])
    assert multipart({"a": "b"}, [])[1] != multipart({"a": "c"}, [])[1]


def test_a_form_inside_a_form_does_not_end_it() -> None:
    inner, _ = multipart({"a": "b"}, [])
    _, sent = parsed(*multipart({}, [FilePart("f", "f", "text/plain", inner)]))
    assert sent[0][3] == inner


@QUICK
@given(st.dictionaries(st.text("abc_", min_size=1), texts), st.binary())
def test_all_texts_and_bytes_arrive(fields: dict[str, str], data: bytes) -> None:
    said, sent = parsed(*multipart(fields, [FilePart("file", "f", "image/png", data)]))
    assert dict(said) == fields
    assert sent[0][3] == data
