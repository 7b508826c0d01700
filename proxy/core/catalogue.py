"""Which routes can serve a model name, and what the model is called there.

Model facts are data (``catalogue.toml``); live lists are added by ``learn``. Pure: the caller
reads files and asks upstreams.
"""

import re
import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from proxy.core.products import GENSPARK_ROUTES, Route
from proxy.core.reasoning import EffortFamily, effort_for, levels_of

SEARCH_SUFFIX: Final = "-search"

# OpenAI and Anthropic name a model's snapshots so; the routes know the bare names only.
_SNAPSHOT: Final = re.compile(r"-(?:20\d{6}|20\d\d-\d\d-\d\d|latest)$")
# Claude Code asks for the long context with a mark; some models have an id of its own for it.
_LONG_MARK: Final = "[1m]"
_LONG: Final = "-1m"
# A model's levels of effort can be ids of their own on a route (``gpt-5.1-low``).
_VARIANTS: Final = ("low", "medium", "high")


class UnknownModel(StrEnum):
    """What to do with a name that no configured route is known to serve (``UNKNOWN_MODEL``)."""

    MIXTURE = "mixture"
    FORWARD = "forward"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to serve the request: the route and the model's name there.

    ``mixture`` is not empty when the mixture-of-agents mode answers instead of one model.
    ``efforts`` are the levels of ``reasoning_effort`` that the model takes on this route, as far
    as they are known.
    """

    route: Route
    model: str
    mixture: tuple[str, ...] = ()
    search: bool = False
    efforts: tuple[str, ...] = ()


@dataclass(slots=True)
class Shelf:
    """The models of one route: upstream ids by lower-cased public name."""

    ids: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    mixture: tuple[str, ...] = ()

    def find(self, name: str) -> str | None:
        """The upstream id for a public name, or None."""
        lowered = name.lower()
        # The web UI writes the vendor with a hyphen; Genspark2API's users write it without.
        hyphened = lowered.replace("deepseek-", "deep-seek-", 1)
        alias = self.aliases.get(lowered, lowered)
        return self.ids.get(alias.lower()) or self.ids.get(hyphened)


class Catalogue:
    """All shelves, and the operator's own aliases on top."""

    def __init__(self, facts: str, aliases: dict[str, str] | None = None) -> None:
        data = tomllib.loads(facts)
        self._aliases = {name.lower(): target for name, target in (aliases or {}).items()}
        self.mixture_name: str = data["mixture"]["name"]
        members = tuple(data["mixture"]["members"])
        self._shelves = {
            route: _shelf(data[route.value], members, route) for route in GENSPARK_ROUTES
        }
        self._families = [
            EffortFamily(re.compile(family["models"]), tuple(family["levels"]))
            for family in data["effort"]["families"]
        ]

    def learn(self, route: Route, ids: list[str]) -> None:
        """Add what a live catalogue lists; nothing is forgotten, as catalogues can be partial."""
        self._shelves[route].ids.update({model.lower(): model for model in ids})

    def names(self, routes: set[Route]) -> list[str]:
        """The public model names that these routes serve, sorted, without doubles."""
        found: dict[str, str] = {}
        for route in routes:
            for model in (*self._shelves[route].ids.values(), *self._shelves[route].aliases):
                found.setdefault(model.lower(), model)
        if routes - {Route.KEY}:
            found[self.mixture_name] = self.mixture_name
        found |= {alias: alias for alias in self._aliases}
        return sorted(found.values(), key=str.lower)

    def candidates(
        self, requested: str, routes: list[Route], unknown: UnknownModel
    ) -> list[Candidate]:
        """The ways to serve ``requested``, best first; empty means 404 ``model_not_found``."""
        name = self._aliases.get(requested.lower(), requested)
        if exact := self._known(name, routes):
            return exact
        search = name.endswith(SEARCH_SUFFIX)
        plain = name.removesuffix(SEARCH_SUFFIX)
        plain = self._aliases.get(plain.lower(), plain)
        bare = _bare(plain)
        for model in (plain, self._aliases.get(bare, bare), bare.removesuffix(_LONG)):
            if model == self.mixture_name:
                return self._mixtures(routes, search)
            if known := self._known(model, routes, search):
                return known
        return self._unknown(plain, routes, unknown, search)

    def variant(self, route: Route, model: str, effort: str) -> str | None:
        """The id under which the route serves ``model`` at the level nearest to ``effort``.

        None when it has no ids with levels, or ``effort`` is no level.
        """
        ids = self._shelves[route].ids
        names = {level: f"{model}-{level}".lower() for level in _VARIANTS}
        found = {level: ids[name] for level, name in names.items() if name in ids}
        return found.get(effort_for(effort, found))

    def _known(self, name: str, routes: list[Route], search: bool = False) -> list[Candidate]:
        return [
            self._candidate(route, model, search)
            for route in routes
            if (model := self._shelves[route].find(name)) is not None
        ]

    def _candidate(self, route: Route, model: str, search: bool) -> Candidate:
        efforts = levels_of(model, self._families) if route is Route.KEY else ()
        return Candidate(route, model, search=search, efforts=efforts)

    def _unknown(
        self, name: str, routes: list[Route], unknown: UnknownModel, search: bool
    ) -> list[Candidate]:
        if unknown is UnknownModel.REJECT:
            return []
        mixtures = self._mixtures(routes, search) if unknown is UnknownModel.MIXTURE else []
        # A key-only pool has no mixture: its upstream judges the name, and refuses it by itself.
        return mixtures or [self._candidate(route, name, search) for route in routes]

    def _mixtures(self, routes: list[Route], search: bool) -> list[Candidate]:
        return [
            Candidate(route, members[0], members, search)
            for route in routes
            if (members := self._shelves[route].mixture)
        ]


def _bare(name: str) -> str:
    """The model behind the name of a snapshot; Claude's versions are written with hyphens here."""
    lowered = name.lower()
    long = _LONG if lowered.endswith(_LONG_MARK) else ""
    bare = _SNAPSHOT.sub("", lowered.removesuffix(_LONG_MARK)) + long
    return bare.replace(".", "-") if bare.startswith("claude-") else bare


def _shelf(facts: dict[str, object], members: tuple[str, ...], route: Route) -> Shelf:
    chat, aliases, own = facts["chat"], facts.get("aliases", {}), facts.get("mixture")
    assert isinstance(chat, list)
    assert isinstance(aliases, dict)
    if isinstance(own, dict):
        members = tuple(own["members"])
    return Shelf(
        ids={model.lower(): model for model in chat},
        aliases={name.lower(): target for name, target in aliases.items()},
        mixture=() if route is Route.KEY else members,
    )
