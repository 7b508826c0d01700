"""APIMart's video tasks: requests, tasks, refusals.

Sources: the vendor's pages on its official Veo models, on the status of tasks, on uploads and on
balances (read 2026-11); the variants of sister gateways come from their public clients.
"""

import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from proxy.core.failures import Failure, Kind
from proxy.core.media import MediaAsk, TaskReport
from proxy.core.products import Product
from proxy.wire.apimart_bodies import TAKES, fields_of, takes
from proxy.wire.gateway_refusals import refused
from proxy.wire.gateway_tasks import links, task_report
from proxy.wire.genspark_failures import Reply
from proxy.wire.json_values import child, list_at, object_at, text_at
from proxy.wire.provider import Call, Created, Picture

__all__ = ["TAKES", "Apimart", "takes"]

_ID: Final = re.compile(r"[\w:-][\w.:-]{0,199}", re.ASCII)
# Where the kinds of result lie; ``data`` is the sister gateways' place for any.
_RESULTS: Final = {Product.VIDEO: ("videos", "data"), Product.IMAGE: ("images", "data")}


class Apimart:
    """See ``Provider``. Task ids are APIMart's own. Results need no key, and live 24 hours."""

    own_hosts: frozenset[str] = frozenset()

    def sign(self, secret: str) -> dict[str, str]:
        """The key as a bearer token."""
        return {"Authorization": f"Bearer {secret}"}

    def create(self, ask: MediaAsk, model: str, inputs: Sequence[Picture]) -> Call:
        """Raises ``UpstreamError`` for what the model has no field for, and for a picture that has
        no address: base64 is no longer taken (``proxy.wire.apimart_uploads`` gives it one).
        """
        content = msgspec.json.encode(fields_of(ask, model, inputs))
        return Call(method="POST", path="/v1/videos/generations", content=content)

    def created(self, reply: Reply, product: Product) -> Created | Failure:
        """The new task: one entry of a list, in older versions an object."""
        if (failure := refused(reply, Kind.MODEL_UNKNOWN)) is not None:
            return failure
        task = _task(reply.json)
        task_id = text_at(task, "task_id") or text_at(task, "id")
        if not _ID.fullmatch(task_id):
            return Failure(Kind.UNREADABLE, "the reply names no task")
        return Created(_report(task, task_id, product))

    def look(self, task_id: str, product: Product) -> Call:
        """No interval is prescribed; public clients ask every 3 to 15 s."""
        return Call(path=f"/v1/tasks/{quote(task_id, safe='')}?language=en")

    def seen(self, reply: Reply, task_id: str, product: Product) -> TaskReport | Failure:
        """One task; a status that is not known means that it still runs."""
        if (failure := refused(reply, Kind.TASK_UNKNOWN)) is not None:
            return failure
        task = _task(reply.json)
        if not text_at(task, "status"):
            return Failure(Kind.UNREADABLE, "a task without its status")
        return _report(task, task_id, product)

    def inline(self, reply: Reply, number: int) -> bytes | None:
        """Results never come inside an answer."""
        return None

    def fetch(self, url: str) -> Call:
        """Results lie at a storage host that knows no keys."""
        return Call(path=url, signed=False)

    def cancel(self, task_id: str) -> Call | None:
        """There is a state for it, but no documented request."""
        return None

    def check(self) -> Call:
        """What is left on the key; a key that is not known is answered 401."""
        return Call(path="/v1/balance")


def _task(body: Any) -> dict[str, Any]:
    """The task under ``data``, in a list of one or by itself; sister gateways do without."""
    listed = list_at(body, "data")
    return object_at(listed[0] if listed else child(body, "data")) or object_at(body)


def _report(task: dict[str, Any], task_id: str, product: Product) -> TaskReport:
    result = object_at(task, "result")
    urls = links(*(result.get(name) for name in _RESULTS.get(product, ())))
    posters = links(result.get("thumbnail_url"), task.get("thumbnail_url"))
    return task_report(task, task_id, urls, posters[:1])
