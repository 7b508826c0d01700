"""Any server that speaks OpenAI's Videos API: new-api, LiteLLM, another instance of this project.

Sources: openai-python 3.52 and the sources of new-api and LiteLLM (2026-11). The origin of its
paths is a base address that ends in ``/v1``. OpenAI's own videos ended in September 2026.
"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from proxy.core.failures import Failure, Kind
from proxy.core.media import MediaAsk, TaskReport, TaskState
from proxy.core.products import Product
from proxy.wire.gateway_refusals import refused
from proxy.wire.gateway_tasks import MOST_URLS, links, task_report
from proxy.wire.genspark_failures import Reply
from proxy.wire.json_values import list_at, object_at, text_at
from proxy.wire.media_types import read_base64, read_data_url
from proxy.wire.openai_video_forms import TAKES, image_call, takes, video_call
from proxy.wire.provider import Call, Created, Picture

__all__ = ["TAKES", "OpenAIVideos", "takes"]

# Images come with the reply, so there is no task to ask about.
NO_TASK: Final = "image"

# LiteLLM wraps the ids of others, so they grow.
_LONGEST_ID: Final = 1000
# The whole reply is limited already; one image in it cannot be larger.
_LARGEST_IMAGE: Final = 256 * 1024 * 1024


class OpenAIVideos:
    """See ``Provider``. Task ids are the server's own, and a clip's address is a path under the
    origin: its content is fetched with the key, and redirects lead elsewhere without it.
    """

    own_hosts: frozenset[str] = frozenset()

    def sign(self, secret: str) -> dict[str, str]:
        """The key as a bearer token."""
        return {"Authorization": f"Bearer {secret}"}

    def create(self, ask: MediaAsk, model: str, inputs: Sequence[Picture]) -> Call:
        """A form for a video, as the official SDKs send it; JSON or a form for an image."""
        call = image_call if ask.terms.product is Product.IMAGE else video_call
        return call(ask, model, inputs)

    def created(self, reply: Reply, product: Product) -> Created | Failure:
        """A new task, or the images themselves."""
        if (failure := refused(reply, Kind.MODEL_UNKNOWN)) is not None:
            return failure
        if product is Product.IMAGE:
            return _images(reply.json)
        video = _video(reply.json)
        task_id = text_at(video, "id") or text_at(video, "task_id")
        if not _is_id(task_id):
            return Failure(Kind.UNREADABLE, "the reply names no task")
        return Created(_report(video, task_id))

    def look(self, task_id: str, product: Product) -> Call:
        """The Video object."""
        return Call(path=_path(task_id))

    def seen(self, reply: Reply, task_id: str, product: Product) -> TaskReport | Failure:
        """One Video object; a status that is not known means that it still runs."""
        if (failure := refused(reply, Kind.TASK_UNKNOWN)) is not None:
            return failure
        video = _video(reply.json)
        if not text_at(video, "status"):
            return Failure(Kind.UNREADABLE, "a task without its status")
        return _report(video, task_id)

    def inline(self, reply: Reply, number: int) -> bytes | None:
        """Results never come inside an answer about a task."""
        return None

    def fetch(self, url: str) -> Call:
        """A clip's content; any other address is a public one."""
        return Call(path=url, signed="://" not in url)

    def cancel(self, task_id: str) -> Call | None:
        """Deletes the video. Some servers refuse that while it is being made."""
        return None if task_id == NO_TASK else Call(method="DELETE", path=_path(task_id))

    def check(self) -> Call:
        """The list of models, which every such server has."""
        return Call(path="/models")


def _path(task_id: str) -> str:
    return f"/videos/{quote(task_id, safe='')}"


def _is_id(text: str) -> bool:
    # Dots alone would climb out of the path.
    return 0 < len(text) <= _LONGEST_ID and text.isprintable() and text.strip(". ") != ""


def _video(body: Any) -> Any:
    """The object; new-api's older path wraps it in ``data``."""
    return body if text_at(body, "status") else object_at(body, "data") or body


def _report(video: Any, task_id: str) -> TaskReport:
    posters = links(video.get("thumbnail_url")) if isinstance(video, dict) else ()
    return task_report(video, task_id, (f"{_path(task_id)}/content",), posters)


def _images(body: Any) -> Created | Failure:
    """What ``data`` holds: base64, data URLs or addresses. ``created`` is no id of anything."""
    items = list_at(body, "data")[:MOST_URLS]
    inline = tuple(data for item in items if (data := _bytes(item)))
    urls = links(items)
    if not inline and not urls:
        return Failure(Kind.UNREADABLE, "the reply holds no image")
    report = TaskReport(task_id=NO_TASK, state=TaskState.DONE, urls=urls)
    return Created(report, inline)


def _bytes(item: Any) -> bytes:
    """One image of a reply; nothing where it cannot be read."""
    encoded, url = text_at(item, "b64_json"), text_at(item, "url")
    try:
        if encoded.startswith("data:") or url.startswith("data:"):
            return read_data_url(encoded or url, _LARGEST_IMAGE)[1]
        return read_base64(encoded, _LARGEST_IMAGE)
    except ValueError:
        return b""
