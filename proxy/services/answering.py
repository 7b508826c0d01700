"""What every answer can do, however many asks stand behind it."""

from typing import Protocol

from proxy.core.answer import Answer
from proxy.core.events import ChatEvent
from proxy.core.failures import Failure
from proxy.core.products import Route


class Answering(Protocol):
    """An answer whose first visible event has arrived. Close it, whatever happens.

    ``full`` is all that was said so far; after ``ended``, ``failure`` tells a bad end.
    """

    @property
    def route(self) -> Route: ...
    @property
    def account(self) -> str: ...
    @property
    def attempts(self) -> int: ...
    @property
    def ignored(self) -> list[str]: ...
    @property
    def served_model(self) -> str | None: ...
    @property
    def substituted(self) -> bool: ...
    @property
    def full(self) -> Answer: ...
    @property
    def ended(self) -> bool: ...
    @property
    def failure(self) -> Failure | None: ...
    @property
    def retry_after(self) -> float | None: ...

    async def begin(self) -> list[ChatEvent]:
        """What came up to and with the first visible event."""

    async def next_events(self) -> list[ChatEvent]:
        """The next batch; it may be empty."""

    def usage(self) -> dict[str, int]:
        """An OpenAI ``usage`` object; asked for after the end."""

    async def aclose(self) -> None:
        """Let go of what the answer holds."""
