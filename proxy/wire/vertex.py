"""Google's Vertex AI as a provider: Veo. Its credential is an access token of a service account.

Sources: google-genai 3.4, LiteLLM, Google's pages (2026).
"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from proxy.core.failures import Failure, Kind
from proxy.core.media import MediaAsk, TaskReport, Terms
from proxy.core.products import Product
from proxy.wire import veo
from proxy.wire.genspark_failures import Reply
from proxy.wire.google_errors import failure_of
from proxy.wire.provider import Call, Created, Picture

STORAGE: Final = "https://storage.googleapis.com"

# Sound has a switch here; a given clip is extended.
_OWN: Final = frozenset({"audio_off", "seed", "resize_mode"})
_BEYOND_LITE: Final = frozenset({"video_mode"})

TAKES: Final = veo.COMMON_TERMS | veo.BEYOND_LITE | _OWN | _BEYOND_LITE
"""All optional terms that some model can be told."""


def takes(model: str, product: Product) -> frozenset[str]:
    """The optional terms that a model can be told."""
    known = veo.terms_of(model) | _OWN
    return known if veo.is_lite(model) else known | _BEYOND_LITE


class Vertex:
    """See ``Provider``. Task ids are operations' full names. ``storage_uri`` (``gs://bucket/…``) is
    where Google puts results; without it they come as base64 inside the answer.
    """

    def __init__(
        self,
        project: str,
        location: str,
        storage_uri: str | None = None,
        storage_origin: str = STORAGE,
    ) -> None:
        self._place = f"projects/{quote(project, safe=':')}/locations/{quote(location, safe='')}"
        self._storage_uri = storage_uri
        self._storage = storage_origin
        self.own_hosts: frozenset[str] = frozenset({urlsplit(storage_origin).netloc})

    def sign(self, secret: str) -> dict[str, str]:
        """``secret`` is the access token, not the service account."""
        return {"Authorization": f"Bearer {secret}"}

    def create(self, ask: MediaAsk, model: str, inputs: Sequence[Picture]) -> Call:
        """Raises ``UpstreamError`` for what Veo is known to refuse."""
        path = f"/v1/{self._place}/publishers/google/models/{quote(model, safe='')}"
        content = veo.body(ask, inputs, self._parameters(ask.terms))
        return Call(method="POST", path=f"{path}:predictLongRunning", content=content)

    def _parameters(self, terms: Terms) -> dict[str, Any]:
        return {
            "sampleCount": 1,
            # Veo 3 wants it said.
            "generateAudio": terms.audio is not False,
            "seed": terms.vendor.get("seed"),
            "resizeMode": terms.vendor.get("resize_mode"),
            "storageUri": self._storage_uri,
        }

    def created(self, reply: Reply, product: Product) -> Created | Failure:
        """The operation's name."""
        failure = failure_of(reply, Kind.MODEL_UNKNOWN)
        if failure is not None:
            return failure
        name = veo.name_of(reply.json)
        if not name:
            return Failure(Kind.UNREADABLE, "the reply names no operation")
        return Created(veo.read(reply.json, name, self._address))

    def look(self, task_id: str, product: Product) -> Call:
        """The name says where: a task is found whatever is configured by then."""
        model, _, _ = task_id.rpartition("/operations/")
        content = msgspec.json.encode({"operationName": task_id})
        path = f"/v1/{quote(model, safe='/:@')}:fetchPredictOperation"
        return Call(method="POST", path=path, content=content)

    def seen(self, reply: Reply, task_id: str, product: Product) -> TaskReport | Failure:
        """The operation."""
        failure = failure_of(reply, Kind.TASK_UNKNOWN)
        if failure is not None:
            return failure
        if not veo.is_operation(reply.json):
            return Failure(Kind.UNREADABLE, "an answer about a task that tells nothing")
        return veo.read(reply.json, task_id, self._address)

    def inline(self, reply: Reply, number: int) -> bytes | None:
        """A clip in base64 inside the answer."""
        return veo.inline(reply.json, number)

    def fetch(self, url: str) -> Call:
        """A result in Cloud Storage opens with the same token."""
        return Call(path=url)

    def cancel(self, task_id: str) -> Call | None:
        """Google has no way to stop one."""
        return None

    def check(self) -> Call:
        """The location's own entry: free, and shown to whoever may use Vertex AI there."""
        return Call(path=f"/v1/{self._place}")

    def _address(self, place: str) -> str | None:
        """``gs://bucket/object`` as Cloud Storage's JSON API has it."""
        bucket, _, name = place.removeprefix("gs://").partition("/")
        if not place.startswith("gs://") or not bucket or not name:
            return None
        where = f"{quote(bucket, safe='')}/o/{quote(name, safe='')}"
        return f"{self._storage}/storage/v1/b/{where}?alt=media"
