"""What the options ask for, as the server's doors read it. Pure but for files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from proxy.generate.server import Stop
from proxy.wire.media_types import HEAD, data_url, megabytes, sniff

VIDEOS: Final = "/v1/videos"
IMAGES: Final = "/v1/images/generations"
EDITS: Final = "/v1/images/edits"
# More than any server takes; a mistyped name must not fill the memory.
LARGEST_PICTURE: Final = 100_000_000


def video_wish(
    prompt: str,
    *,
    model: str | None,
    ratio: str | None,
    seconds: float | None,
    resolution: str | None,
    pictures: Sequence[str],
    negative: str | None,
    audio: bool | None,
    tier: str | None,
) -> dict[str, Any]:
    """The body for ``VIDEOS``; options that were not given are the model's own business."""
    wish = {
        "prompt": prompt,
        "model": model,
        "aspect_ratio": ratio,
        "seconds": None if seconds is None else f"{seconds:g}",
        "resolution": resolution,
        "image_urls": list(pictures),
        "negative_prompt": negative,
        "generate_audio": audio,
        "tier": tier,
    }
    return _said(wish)


def image_wish(
    prompt: str,
    *,
    model: str | None,
    count: int,
    size: str | None,
    ratio: str | None,
    pictures: Sequence[str],
) -> tuple[str, dict[str, Any]]:
    """The door and its body: with pictures it is an edit."""
    wish = {
        "prompt": prompt,
        "model": model,
        "n": count,
        "size": size,
        "aspect_ratio": ratio,
        "image": list(pictures),
        "response_format": "url",
    }
    return EDITS if pictures else IMAGES, _said(wish)


def _said(wish: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wish.items() if value not in (None, [])}


def picture(named: str) -> str:
    """An http(s) or data URL as it is; a file as a data URL. Raises ``Stop``."""
    if named.startswith(("http://", "https://", "data:")):
        return named
    path = Path(named)
    try:
        if not path.is_file():
            raise Stop(f"There is no picture at '{named}': it must be a file or an http(s) URL.")
        size = path.stat().st_size
        if size > LARGEST_PICTURE:
            raise Stop(f"'{named}' is too large for a picture ({megabytes(size)}).")
        data = path.read_bytes()
    except OSError as error:
        raise Stop(f"'{named}' cannot be read: {error.strerror}.") from None
    mime = sniff(data[:HEAD])
    if mime is None or not mime.startswith("image/"):
        raise Stop(f"'{named}' is no picture.")
    return data_url(mime, data)
