"""Projects: Genspark's word for conversations kept on its side."""

import uuid
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from typing import Any

from genspark_emulator.events import JsonObject

KEPT_PROJECTS = 10_000
"""Oldest projects are forgotten beyond this, so that a long benchmark does not fill memory."""


@dataclass(slots=True)
class Project:
    """A conversation, owned by the account that opened it."""

    id: str
    account: str
    type: str
    messages: list[JsonObject] = field(default_factory=list)
    deleted: bool = False
    aborts: int = 0


class Projects:
    """All conversations of all accounts."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, Project] = OrderedDict()

    def open(self, account: str, project_type: str) -> Project:
        """Create an empty project."""
        project = Project(str(uuid.uuid4()), account, project_type)
        self._by_id[project.id] = project
        if len(self._by_id) > KEPT_PROJECTS:
            self._by_id.popitem(last=False)
        return project

    def owned(self, project_id: str | None, account: str | None) -> Project | None:
        """The live project of that account, or None when it is random, deleted or foreign."""
        project = self._by_id.get(project_id or "")
        alive = project is not None and not project.deleted and project.account == account
        return project if alive else None

    def listing(self) -> list[dict[str, Any]]:
        """Every project, oldest first."""
        return [asdict(project) for project in list(self._by_id.values())]

    def clear(self) -> None:
        """Forget everything."""
        self._by_id.clear()
