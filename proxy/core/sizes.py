"""Pixel sizes as callers write them, and the ratios and resolutions that models know.

OpenAI's dialect says ``1280x720`` where generators are asked for ``16:9`` and ``720p``.
"""

import re
from collections.abc import Iterable
from typing import Final

from proxy.core.ask import InvalidRequest
from proxy.core.products import Product

AUTO: Final = "auto"

# 1024x1792 and 1792x1024, which OpenAI's clients send for portrait and landscape, are 1.6 % off
# 9:16 and 16:9; the nearest neighbours in this list are 6 % apart, so no size is near two.
RATIO_TOLERANCE: Final = 0.03
COMMON_RATIOS: Final = (
    *("21:9", "2:1", "16:9", "5:3", "3:2", "4:3", "5:4", "1:1"),
    *("4:5", "3:4", "2:3", "3:5", "9:16", "1:2", "9:21"),
)

# 720 lines pass as 768p and 1024 as 1080p: neither has an exact name at every model.
SIDE_TOLERANCE: Final = 0.10

# "2k" is 2560x1440 for a video, but about 2048 a side for an image.
_SIDES: Final = {
    Product.VIDEO: {"2k": 1440, "4k": 2160},
    Product.IMAGE: {"0.5k": 512, "1k": 1024, "2k": 2048, "3k": 3072, "4k": 4096},
}
_SIZE: Final = re.compile(r"([0-9]{1,5})[x*×]([0-9]{1,5})", re.IGNORECASE)
_LINES: Final = re.compile(r"([0-9]{3,4})p")
_RATIO: Final = re.compile(r"([0-9]{1,4}):([0-9]{1,4})")


def read_size(size: str) -> tuple[int, int] | None:
    """Width and height of ``WxH``; None for ``auto``. Raises ``InvalidRequest`` otherwise."""
    if size.lower() == AUTO:
        return None
    found = _SIZE.fullmatch(size)
    width, height = (int(found[1]), int(found[2])) if found else (0, 0)
    if not (width and height):
        raise InvalidRequest(
            "size must be auto or WIDTHxHEIGHT in pixels, such as 1280x720.", param="size"
        )
    return width, height


def nearest_ratio(width: int, height: int, listed: Iterable[str]) -> str | None:
    """The ``W:H`` of the list nearest to this size, or None when none is within 3 %."""
    off = {
        text: _distance(width / height, value)
        for text in listed
        if (value := _ratio_value(text)) is not None
    }
    best = min(off, key=off.__getitem__, default=None)
    return best if best is not None and off[best] <= RATIO_TOLERANCE else None


def near_resolution(short_side: int, listed: Iterable[str], product: Product) -> str | None:
    """The resolution of the list that gives this short side, or None.

    A video takes the nearest within 10 %. An image takes the smallest that is not below the wish:
    image clients always send a size, often 1024x1024, also to models that start at 2k.
    """
    sides = {text: side for text in listed if (side := _side(text, product)) is not None}
    if product is Product.IMAGE:
        enough = [text for text in sides if sides[text] >= short_side * (1 - SIDE_TOLERANCE)]
        return min(enough, key=sides.__getitem__, default=None)
    off = {text: _distance(side, short_side) for text, side in sides.items()}
    best = min(off, key=off.__getitem__, default=None)
    return best if best is not None and off[best] <= SIDE_TOLERANCE else None


def _distance(one: float, other: float) -> float:
    return max(one / other, other / one) - 1


def _ratio_value(text: str) -> float | None:
    found = _RATIO.fullmatch(text)
    if found is None or not int(found[1]) or not int(found[2]):
        return None
    return int(found[1]) / int(found[2])


def _side(resolution: str, product: Product) -> int | None:
    lines = _LINES.fullmatch(resolution)
    named = _SIDES.get(product, {}).get(resolution)
    return int(lines[1]) or None if lines else named
