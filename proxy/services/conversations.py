"""Upstream conversations: whose they are, when they are stopped, and which are deleted."""

from dataclasses import dataclass, field
from typing import Final

from proxy.core.events import ChatEvent
from proxy.core.products import Route
from proxy.services.aftermath import Aftermath
from proxy.services.desk import Borrowed
from proxy.upstreams.genspark import ChatStream, Genspark

# How long the end of an upstream's stream may take after its end mark.
DRAIN_SECONDS: Final = 5.0


@dataclass(slots=True)
class Conversation:
    """One attempt's stream, with what it said up to its first visible event.

    ``given`` is the operator's own project, ``project_id`` what the upstream says it is in.
    """

    stream: ChatStream
    given: str | None
    project_id: str | None = None
    head: list[ChatEvent] = field(default_factory=list)


@dataclass(slots=True)
class Conversations:
    """Opens nothing itself. ``projects`` maps a model to the operator's own project
    (``MODEL_CHAT_MAP``), which one conversation at a time may use and nobody deletes.
    """

    genspark: Genspark
    aftermath: Aftermath
    auto_delete: bool = False
    projects: dict[str, str] = field(default_factory=dict)
    _in_use: set[str] = field(default_factory=set)

    def take_project(self, model: str, route: Route) -> str | None:
        """The operator's project for this model, unless another conversation is using it."""
        project = None if route is Route.KEY else self.projects.get(model)
        if project is None or project in self._in_use:
            return None
        self._in_use.add(project)
        return project

    def give_back(self, project: str | None) -> None:
        """The operator's project is free again."""
        self._in_use.discard(project or "")

    async def close(self, talk: Conversation, borrowed: Borrowed, *, finished: bool) -> None:
        """Close a stream; then stop a run that nobody reads, and delete what is ours to delete."""
        running = not (finished or talk.stream.done)
        try:
            if finished:
                await talk.stream.drain(DRAIN_SECONDS)
        finally:
            await talk.stream.aclose()
            if not self._tidy_later(talk, borrowed, abort=running):
                self.give_back(talk.given)

    def _tidy_later(self, talk: Conversation, borrowed: Borrowed, *, abort: bool) -> bool:
        """Whether there is something left to do, which gives the project back at its end."""
        delete = self.auto_delete and talk.given is None
        on_web = talk.project_id is not None and borrowed.candidate.route is not Route.KEY
        if not (on_web and (abort or delete)):
            return False
        work = self._tidy(talk, borrowed, abort=abort, delete=delete)
        return self.aftermath.start(work, "after-chat")

    async def _tidy(
        self, talk: Conversation, borrowed: Borrowed, *, abort: bool, delete: bool
    ) -> None:
        """On the owning account; another one's id would be refused."""
        account = borrowed.seat.account
        assert talk.project_id is not None
        try:
            if abort:
                await self.genspark.abort(account, talk.project_id)
            if delete:
                await self.genspark.delete_project(account, talk.project_id)
        finally:
            # Only now: a late abort would stop the project's next conversation.
            self.give_back(talk.given)
