"""Google's Gemini API as a provider: Omni's videos, image models, and Veo where it still runs."""

import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from msgspec.structs import replace

from proxy.core.failures import Failure, Kind
from proxy.core.media import MediaAsk, TaskReport
from proxy.core.products import Product
from proxy.wire import gemini_images, gemini_omni, veo
from proxy.wire.genspark_failures import Reply
from proxy.wire.google_errors import failure_of
from proxy.wire.json_values import text_at
from proxy.wire.media_types import read_base64
from proxy.wire.provider import Call, Created, Picture

_ROOT: Final = "/v1beta"
_FIRST_INLINE: Final = "inline:0"
_FILE: Final = re.compile(
    r"(?P<root>https?://[^/?#]+/(?:[\w.-]+/)*|/?(?:v\w+/)?)files/(?P<id>[\w-]+)"
    r"(?::download)?(?:\?.*)?"
)


def takes(model: str, product: Product) -> frozenset[str]:
    """The optional terms that a model can be told."""
    if product is Product.IMAGE:
        return gemini_images.TAKES
    return veo.terms_of(model) if _is_veo(model) else gemini_omni.TAKES


TAKES: Final = gemini_images.TAKES | gemini_omni.TAKES | veo.COMMON_TERMS | veo.BEYOND_LITE
"""All optional terms that some model can be told."""


def _is_veo(model: str) -> bool:
    return model.startswith("veo-")


class Gemini:
    """See ``Provider``. Task ids are ``interactions/<id>``, or a Veo operation's full name; a
    picture comes in the reply to its own request. Files live for two days, interactions longer.
    """

    own_hosts: frozenset[str] = frozenset()

    def sign(self, secret: str) -> dict[str, str]:
        """The key in its header; in the address it would end up in logs."""
        return {"x-goog-api-key": secret}

    def create(self, ask: MediaAsk, model: str, inputs: Sequence[Picture]) -> Call:
        """Raises ``UpstreamError`` for what Veo is known to refuse."""
        named = f"{_ROOT}/models/{quote(model, safe='')}"
        if ask.terms.product is Product.IMAGE:
            path, content = f"{named}:generateContent", gemini_images.body(ask, inputs)
        elif _is_veo(model):
            path, content = f"{named}:predictLongRunning", veo.body(ask, inputs, {})
        else:
            path, content = gemini_omni.PATH, gemini_omni.body(ask, model, inputs)
        return Call(method="POST", path=path, content=content)

    def created(self, reply: Reply, product: Product) -> Created | Failure:
        """An interaction, an operation, or the picture itself."""
        failure = failure_of(reply, Kind.MODEL_UNKNOWN)
        if failure is not None:
            return failure
        if product is Product.IMAGE:
            return gemini_images.read(reply)
        task_id = gemini_omni.task_id_of(reply.json) or veo.name_of(reply.json)
        if not task_id:
            return Failure(Kind.UNREADABLE, "the reply names no task")
        report = _report(reply.json, task_id)
        clip = self.inline(reply, 0) if report.urls[:1] == (_FIRST_INLINE,) else None
        if clip is None:
            return Created(report)
        # Who answers at once need not know the task afterwards.
        return Created(replace(report, urls=()), (clip,))

    def look(self, task_id: str, product: Product) -> Call:
        """Google's own examples ask every 5 s (Omni) or 10 s (Veo)."""
        return Call(path=f"{_ROOT}/{quote(task_id)}")

    def seen(self, reply: Reply, task_id: str, product: Product) -> TaskReport | Failure:
        """An interaction or an operation, by its id."""
        failure = failure_of(reply, Kind.TASK_UNKNOWN)
        if failure is not None:
            return failure
        told = text_at(reply.json, "status") if _is_interaction(task_id) else ""
        if not told and not veo.is_operation(reply.json):
            return Failure(Kind.UNREADABLE, "an answer about a task that tells nothing")
        return _report(reply.json, task_id)

    def inline(self, reply: Reply, number: int) -> bytes | None:
        """A clip in base64 inside the answer."""
        clips = gemini_omni.media(reply.json)
        if not clips:
            return veo.inline(reply.json, number)
        if not 0 <= number < len(clips):
            return None
        try:
            return read_base64(text_at(clips[number], "data"), veo.LARGEST) or None
        except ValueError:
            return None

    def fetch(self, url: str) -> Call:
        """A file's content. A fresh one may be refused until it is ``ACTIVE``, for some seconds."""
        found = _FILE.fullmatch(url)
        if found is None:
            return Call(path=url)
        root = found["root"] if "://" in url else f"{_ROOT}/"
        return Call(path=f"{root}files/{found['id']}:download?alt=media")

    def cancel(self, task_id: str) -> Call | None:
        """Interactions can be stopped; Veo's operations cannot."""
        if not _is_interaction(task_id):
            return None
        return Call(method="POST", path=f"{_ROOT}/{quote(task_id)}/cancel")

    def check(self) -> Call:
        """The list of models: no generation is free, not even a wrong one."""
        return Call(path=f"{_ROOT}/models?pageSize=1")


def _is_interaction(task_id: str) -> bool:
    return task_id.startswith("interactions/")


def _report(answer: Any, task_id: str) -> TaskReport:
    if _is_interaction(task_id):
        return gemini_omni.read(answer, task_id)
    return veo.read(answer, task_id, _address)


def _address(place: str) -> str | None:
    return place if place.startswith(("https://", "http://", "files/")) else None
