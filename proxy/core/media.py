"""What a caller wants generated, and what a task at an upstream says of itself.

A ``MediaWish`` is a request once its dialect is gone; its inputs may still be links. A
``MediaAsk`` is the same once the inputs lie in our own storage: that is what a job keeps.
"""

from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from proxy.core.products import Product


class Use(StrEnum):
    """What an input is for."""

    FIRST_FRAME = "first_frame"
    LAST_FRAME = "last_frame"
    REFERENCE = "reference"
    MASK = "mask"
    VIDEO = "video"


class Given(Struct, frozen=True):
    """An input as it came: its bytes, an http(s) or data URL, or bare base64.

    ``param`` is the field of the request that held it, for error texts. A ``VIDEO`` may also be
    the public id of one of the caller's own jobs.
    """

    use: Use
    source: str | bytes
    param: str


class Input(Struct, frozen=True):
    """An input that lies in the media folder under ``file``; ``mime`` is what its bytes are."""

    use: Use
    file: str
    mime: str


class Terms(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything about a generation but its inputs. None means: not said by the caller.

    ``seconds`` is a number of seconds, ``ratio`` looks like ``16:9``, ``resolution`` like ``720p``
    or ``2k`` (lower case), ``size`` is WxH as the caller wrote it. ``vendor`` holds fields that
    only some upstreams know, by the upstream's own names. ``unused`` names accepted fields that no
    route of ours has a use for.
    """

    product: Product
    model: str
    prompt: str
    ratio: str | None = None
    seconds: float | None = None
    resolution: str | None = None
    size: str | None = None
    negative_prompt: str | None = None
    rewrite_prompt: bool | None = None
    audio: bool | None = None
    tier: str | None = None
    vendor: dict[str, Any] = field(default_factory=dict)
    unused: tuple[str, ...] = ()


class MediaWish(Struct, frozen=True, kw_only=True):
    """A validated request. ``count`` results are wanted, each a job of its own.

    ``metadata`` is the caller's own, given back unchanged.
    """

    terms: Terms
    given: tuple[Given, ...] = ()
    count: int = 1
    metadata: dict[str, Any] = field(default_factory=dict)


class MediaAsk(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one job generates: terms, and inputs that are already ours."""

    terms: Terms
    inputs: tuple[Input, ...] = ()

    def inputs_for(self, *uses: Use) -> list[Input]:
        """The inputs of these uses, in the caller's order."""
        return [given for given in self.inputs if given.use in uses]


class TaskState(StrEnum):
    """An upstream's word on a task, whatever its own vocabulary."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class TaskReport(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an upstream says of one task.

    ``urls`` are the results' addresses (one per variant), ``posters`` their still images;
    ``progress`` is 0..100 when the upstream tells it; ``reason`` is the upstream's own explanation
    of a failure; ``model`` is what it says it used.
    """

    task_id: str
    state: TaskState
    urls: tuple[str, ...] = ()
    posters: tuple[str, ...] = ()
    progress: int | None = None
    reason: str = ""
    model: str = ""
