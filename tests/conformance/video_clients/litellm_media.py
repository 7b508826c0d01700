"""What LiteLLM makes of servers' videos and images: one JSON line per server and check.

    .venv/bin/python tests/conformance/video_clients/litellm_media.py \\
        --api-key KEY --picture frame.png http://127.0.0.1:7055/v1

It makes a few short videos and images, which the real service charges for. The exit status is 1
when a check failed. A process of its own: importing LiteLLM takes seconds and warns.
"""

import argparse
import base64
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Before the import: it would look up prices on the network.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from litellm.types.videos.main import VideoObject

VIDEO, IMAGE = "openai/gemini/veo3.1", "openai/gpt-image-2"
PATIENCE_SECONDS = 900


@dataclass(slots=True)
class Server:
    """One server; ``made`` is the id, in LiteLLM's wrapping, of a video that was made."""

    base: str
    key: str
    picture: str
    made: str = ""

    @property
    def where(self) -> dict[str, Any]:
        """What every call is given."""
        return {"api_base": self.base, "api_key": self.key, "max_retries": 0}

    def ended(self, video_id: str) -> Any:
        """A video once it has ended."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            video = litellm.video_status(video_id, **self.where)
            if video.status not in ("queued", "in_progress", "processing"):
                return video
            time.sleep(0.02)
        raise TimeoutError(video_id)


def want(condition: object, otherwise: str) -> None:
    """Fail a check."""
    if not condition:
        raise ValueError(otherwise)


def create(server: Server) -> dict[str, Any]:
    """A video, from its creation to its end."""
    video = litellm.video_generation(
        prompt="a cat", model=VIDEO, seconds="8", size="1280x720", **server.where
    )
    want(video.status == "queued" and video.seconds == "8", f"{video}")
    want(video.size == "1280x720", f"{video}")
    server.made = video.id
    ended = server.ended(video.id)
    want(ended.status == "completed" and ended.progress == 100, f"{ended}")
    return {"id": ended.id}


def content(server: Server) -> dict[str, Any]:
    """Its bytes."""
    found = litellm.video_content(server.made, **server.where)
    want(isinstance(found, bytes) and found[4:8] == b"ftyp", "not an MP4")
    return {"bytes": len(found)}


def frame(server: Server) -> dict[str, Any]:
    """A video that begins with a given picture."""
    with open(server.picture, "rb") as file:
        video = litellm.video_generation(
            prompt="let it move", model=VIDEO, input_reference=file, **server.where
        )
    ended = server.ended(video.id)
    want(ended.status == "completed", f"{ended}")
    return {"id": video.id}


def listed(server: Server) -> dict[str, Any]:
    """The list; each of its videos is one by LiteLLM's own model."""
    found = litellm.video_list(custom_llm_provider="openai", limit=2, **server.where)
    page = found if isinstance(found, dict) else {"data": list(found)}
    videos = [VideoObject.model_validate(each, strict=True) for each in page["data"]]
    want(videos and all(video.object == "video" for video in videos), f"{page}")
    return {"videos": len(videos)}


def refused(server: Server) -> dict[str, Any]:
    """A mistake arrives as LiteLLM's own exception."""
    try:
        litellm.video_generation(prompt="a cat", model=VIDEO, seconds="3600", **server.where)
    except litellm.exceptions.BadRequestError as error:
        want("4, 6 or 8" in str(error), f"{error}")
        return {"message": str(error)}
    raise ValueError("a video of an hour was accepted")


def images(server: Server) -> dict[str, Any]:
    """Two images as base64, and one by its address."""
    asked: dict[str, Any] = {"prompt": "a cat", **server.where}
    made = litellm.image_generation(model=IMAGE, n=2, size="1024x1024", **asked)
    data = [base64.b64decode(item.b64_json, validate=True) for item in made.data]
    want(len(data) == 2 and all(each.startswith(b"\x89PNG") for each in data), "not two PNGs")
    linked = litellm.image_generation(model="openai/dall-e-3", response_format="url", **asked)
    want(linked.data[0].url.startswith(server.base.removesuffix("/v1")), f"{linked}")
    return {"images": len(data)}


def edit(server: Server) -> dict[str, Any]:
    """An image made of another."""
    with open(server.picture, "rb") as file:
        made = litellm.image_edit(image=[file], prompt="make it blue", model=IMAGE, **server.where)
    want(made.data and made.data[0].b64_json, f"{made}")
    return {}


CHECKS: tuple[Callable[[Server], dict[str, Any]], ...] = (
    *(create, content, frame, listed, refused, images, edit),
)


def run(server: Server, check: Callable[[Server], dict[str, Any]]) -> dict[str, Any]:
    """One line of the report."""
    line = {"base": server.base, "check": check.__name__}
    try:
        return {**line, "ok": True, **check(server)}
    except Exception as error:
        return {**line, "ok": False, "error": f"{type(error).__name__}: {error}"}


def main() -> int:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--api-key", default="none")
    parser.add_argument("--picture", required=True, help="a PNG, JPEG or WebP file")
    parser.add_argument("base", nargs="+", help="a server's address with /v1")
    given = parser.parse_args()
    good = True
    for base in given.base:
        server = Server(base, given.api_key, given.picture)
        for check in CHECKS:
            line = run(server, check)
            good = good and line["ok"]
            print(json.dumps(line), flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
