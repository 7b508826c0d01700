"""What a provider's wire module offers: requests to send, replies to read. Pure.

One HTTP shell (``proxy.upstreams.providers``) sends the calls of every provider; a new one is a
module that makes a ``Provider`` (docs/adding-a-provider.md).
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct, field

from proxy.core.failures import Failure
from proxy.core.media import MediaAsk, TaskReport, Use
from proxy.core.products import Product
from proxy.wire.genspark_failures import Reply


class Call(Struct, frozen=True, kw_only=True):
    """One HTTP request. ``path`` hangs under the provider's origin; a whole URL stands for itself.

    ``signed``: the credential goes along (never to another host than the provider's own).
    ``content`` is JSON unless ``headers`` say otherwise.
    """

    method: str = "GET"
    path: str
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    signed: bool = True


class Picture(Struct, frozen=True):
    """An input with its bytes; ``mime`` is what they are."""

    use: Use
    mime: str
    data: bytes


class Created(Struct, frozen=True):
    """The provider took the request. ``inline`` holds results that came in the same reply."""

    report: TaskReport
    inline: tuple[bytes, ...] = ()


class Provider(Protocol):
    """One provider's dialect. ``task_id`` is whatever ``created`` put into its report: it must be
    enough to ask again after a restart. ``own_hosts`` are further hosts, besides the origin's, to
    which the credential may go.
    """

    own_hosts: frozenset[str]

    def sign(self, secret: str) -> dict[str, str]:
        """The headers that carry the credential."""

    def create(self, ask: MediaAsk, model: str, inputs: Sequence[Picture]) -> Call:
        """The paid request. ``ask`` has been checked against the model's facts."""

    def created(self, reply: Reply, product: Product) -> Created | Failure:
        """What the reply to it means; a failure kind in ``AMBIGUOUS`` when that is unknown."""

    def look(self, task_id: str, product: Product) -> Call:
        """The question about a task."""

    def seen(self, reply: Reply, task_id: str, product: Product) -> TaskReport | Failure:
        """The answer to it. A url ``inline:N`` means: the Nth result in this very reply."""

    def inline(self, reply: Reply, number: int) -> bytes | None:
        """The Nth result inside an answer about a task, for urls of the form ``inline:N``."""

    def fetch(self, url: str) -> Call:
        """The request for a result's bytes."""

    def cancel(self, task_id: str) -> Call | None:
        """The request that stops a task, where the provider has one."""

    def check(self) -> Call:
        """A free request that tells whether the credential is good."""
