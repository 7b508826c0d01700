"""Sizes, ratios and resolutions: what is near enough, and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import InvalidRequest
from proxy.core.products import Product
from proxy.core.sizes import COMMON_RATIOS, near_resolution, nearest_ratio, read_size


@pytest.mark.parametrize(
    ("size", "pixels"),
    [
        ("1280x720", (1280, 720)),
        ("1280X720", (1280, 720)),
        ("1280*720", (1280, 720)),
        ("1280×720", (1280, 720)),
        ("auto", None),
        ("AUTO", None),
    ],
)
def test_a_size_is_two_numbers_of_pixels_or_auto(size: str, pixels: tuple[int, int] | None) -> None:
    assert read_size(size) == pixels


@pytest.mark.parametrize(
    "size", ["", "large", "1280", "1280x", "0x720", "1280x720x3", "١٢x٣", "-1x5", "100000x100000"]
)
def test_anything_else_is_the_callers_mistake(size: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_size(size)
    assert (refused.value.param, refused.value.code) == ("size", "invalid_value")


@given(st.text(max_size=12))
def test_no_text_breaks_the_reading(size: str) -> None:
    try:
        pixels = read_size(size)
    except InvalidRequest:
        return
    assert pixels is None or min(pixels) > 0


@pytest.mark.parametrize(
    ("size", "ratio"),
    [
        ("1280x720", "16:9"),
        ("1920x1080", "16:9"),
        ("720x1280", "9:16"),
        ("1080x1920", "9:16"),
        ("1792x1024", "16:9"),
        ("1024x1792", "9:16"),
        ("1024x1024", "1:1"),
        ("1536x1024", "3:2"),
        ("1024x1536", "2:3"),
        ("854x480", "16:9"),
        ("1280x768", "5:3"),
        ("1000x300", None),
        ("1120x1024", None),
    ],
)
def test_the_ratio_of_a_size_is_the_nearest_within_three_percent(
    size: str, ratio: str | None
) -> None:
    pixels = read_size(size)
    assert pixels is not None
    assert nearest_ratio(*pixels, COMMON_RATIOS) == ratio


def test_only_listed_ratios_are_found_and_words_are_none() -> None:
    assert nearest_ratio(1280, 720, ["auto", "1:1"]) is None
    assert nearest_ratio(1280, 720, ["auto", "16:9"]) == "16:9"
    assert nearest_ratio(1280, 720, ["0:9", "16:0", "nonsense"]) is None


VIDEO = ["480p", "720p", "1080p", "4k"]


@pytest.mark.parametrize(
    ("side", "listed", "found"),
    [
        (720, VIDEO, "720p"),
        (1080, VIDEO, "1080p"),
        (1024, VIDEO, "1080p"),
        (2160, VIDEO, "4k"),
        (1440, VIDEO, None),
        (1440, ["768p", "2k"], "2k"),
        (720, ["480p", "768p"], "768p"),
        (600, VIDEO, None),
        (720, [], None),
        (720, ["auto", "000p", "8k"], None),
    ],
)
def test_a_video_takes_the_nearest_resolution_within_ten_percent(
    side: int, listed: list[str], found: str | None
) -> None:
    assert near_resolution(side, listed, Product.VIDEO) == found


@pytest.mark.parametrize(
    ("side", "listed", "found"),
    [
        (1024, ["0.5k", "1k", "2k", "4k"], "1k"),
        (1080, ["0.5k", "1k", "2k", "4k"], "1k"),
        (1536, ["0.5k", "1k", "2k", "4k"], "2k"),
        (1024, ["2k", "4k"], "2k"),
        (2048, ["1k"], None),
        (4096, ["4k"], "4k"),
        (1024, ["wide"], None),
    ],
)
def test_an_image_is_never_smaller_than_asked_for(
    side: int, listed: list[str], found: str | None
) -> None:
    assert near_resolution(side, listed, Product.IMAGE) == found


@given(st.integers(1, 9999), st.integers(1, 9999))
def test_turning_a_size_turns_its_ratio(width: int, height: int) -> None:
    upright = nearest_ratio(height, width, COMMON_RATIOS)
    found = nearest_ratio(width, height, COMMON_RATIOS)
    turned = None if found is None else ":".join(reversed(found.split(":")))
    assert turned == upright
