"""The types of fields, in JSON's spelling and in multipart's."""

from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from fixtures.media_fields import PNG, URL, outcome, values
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import InvalidRequest
from proxy.wire.media_checks import (
    box,
    camera,
    choice,
    clip,
    flag,
    link,
    links,
    number,
    several,
    source,
    text,
    whole,
    word,
)
from proxy.wire.media_form import Check, Part

FILE = Part("a.png", "image/png", b"\x89PNG")
CHECKS: list[Check[Any]] = [
    text(10), number(0, 60), whole(1, 4), flag, choice("a", "b"), word, link, links(2), box, camera,
    clip, source,
]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "value", "meant"),
    [
        (number(0, 60), 8, 8.0),
        (number(0, 60), "8", 8.0),
        (number(0, 60), "7.5", 7.5),
        (whole(1, 4), "4", 4),
        (whole(1, 4), 2.0, 2),
        (flag, True, True),
        (flag, "true", True),
        (flag, "False", False),
        (flag, "0", False),
        (choice("reference", "edit"), "Edit", "edit"),
        (word, " Pro ", "pro"),
        (link, URL, URL),
        (links(2), URL, [URL]),
        (links(2), [URL, None, URL], [URL, URL]),
        (links(2), f'["{URL}"]', [URL]),
        (box, [1, 2, 3, 4], [1, 2, 3, 4]),
        (box, ["1", "2", "3", "4"], [1, 2, 3, 4]),
        (box, "[1,2,3,4]", [1, 2, 3, 4]),
        (camera, {"yaw": 10, "wide_angle_lens": True}, {"yaw": 10.0, "wide_angle_lens": True}),
        (camera, '{"tilt": 0.5}', {"tilt": 0.5}),
        (clip, {"id": "video_" + "0" * 32}, "video_" + "0" * 32),
        (clip, URL, URL),
        (source, FILE, FILE.data),
        (source, URL, URL),
        (source, PNG, PNG),
        (source, "iVBORw0KGgo=", "iVBORw0KGgo="),
        (source, "video_" + "0" * 32, "video_" + "0" * 32),
        (source, {"image_url": URL}, URL),
        (source, {"image_url": {"url": URL}}, URL),
        (source, {"url": PNG}, PNG),
    ],
)
def test_both_spellings_are_read(check: Check[Any], value: Any, meant: Any) -> None:
    found = check(value, "field")
    assert found == meant
    assert type(found) is type(meant)


@pytest.mark.parametrize(
    ("check", "value", "says"),
    [
        (text(3), "abcd", "at most 3 characters"),
        (text(3), 7, "a text"),
        (number(0, 60), 61, "from 0 to 60"),
        (number(0, 60), True, "a number"),
        (number(0, 60), "nan", "a number"),
        (number(0, 60), 10**400, "a number"),
        (whole(1, 4), 2.5, "a whole number from 1 to 4"),
        (whole(1, 4), 0, "from 1 to 4"),
        (flag, 1, "true or false"),
        (flag, "maybe", "true or false"),
        (choice("reference", "edit", "extend"), "cut", "reference, edit, extend"),
        (choice("url"), "b64_json", "must be url."),
        (word, "a b", "a short word"),
        (word, "x" * 33, "a short word"),
        (link, "ftp://example.com", "http(s)"),
        (link, "https://a b", "http(s)"),
        (link, "https://" + "a" * 9000, "http(s)"),
        (links(2), [URL] * 3, "at most 2"),
        (box, [1, 2, 3], "4 whole numbers"),
        (camera, {"pan": 1}, "yaw, tilt, zoom, wide_angle_lens"),
        (camera, {"yaw": "left"}, "-360 to 360"),
        (camera, [1], "an object"),
        (clip, {"id": ["a"]}, "a file"),
        (source, "HTTP://example.com/a.png", "a data URL or base64"),
        (source, "file:///etc/passwd", "a data URL or base64"),
        (source, "javascript:alert(1)", "a data URL or base64"),
        (source, "a cat", "a data URL or base64"),
        (source, 7, "a file"),
        (source, {"x": URL}, "image_url"),
        (source, {"image_url": 7}, "a file"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(
    check: Check[Any], value: Any, says: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check(value, "field")
    assert says in caught.value.message
    assert (caught.value.param or "").startswith("field")


def test_a_file_id_is_refused_as_unsupported() -> None:
    with pytest.raises(InvalidRequest) as caught:
        source({"file_id": "file-1"}, "input_reference")
    assert (caught.value.code, caught.value.status) == ("unsupported_value", 400)
    assert caught.value.param == "input_reference.file_id"


def test_the_item_that_is_wrong_is_named() -> None:
    with pytest.raises(InvalidRequest) as caught:
        links(4)([URL, "nothing"], "video_urls")
    assert caught.value.param == "video_urls.1"
    assert several([URL, "", FILE], "image") == [(URL, "image.0"), (FILE, "image.2")]


@QUICK
@given(st.sampled_from(CHECKS), values)
def test_any_value_is_of_the_type_or_the_callers_mistake(check: Check[Any], value: Any) -> None:
    found = outcome(check, value, "field")
    if isinstance(found, InvalidRequest):
        assert "field" in found.message
        assert found.status == 400
    else:
        assert isinstance(found, str | bytes | float | int | bool | list | dict)
