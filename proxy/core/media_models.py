"""Which routes serve an image or video model, its id there, and what is known of it.

The facts are data (``media_catalogue.toml``); live lists are added by ``learn``. Pure: the caller
reads files and asks upstreams.
"""

import tomllib
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from msgspec import Struct, convert, field

from proxy.core.media_facts import Facts
from proxy.core.products import GENSPARK_ROUTES, Product, Route
from proxy.core.route_lists import Target

# Estimates, until the server has a history of its own. Genspark's videos take 1 to 10 minutes,
# and its images are polled for 2 or 3 minutes before they are given up (observed 2026-09).
EXPECTED_SECONDS: Final = {Product.IMAGE: 30.0, Product.VIDEO: 180.0}

# The names of models that the OpenAI-compatible server alone knows.
_OPEN: Final = "openai/"

# What a model can be told beside its prompt: names of optional terms.
TermsOf = Callable[[str, Product], Collection[str]]

# The keys of a model's entry that say where it is served, not what it does. ``on`` holds what
# differs on a route, the model's ``id`` there among it.
_WHERE: Final = frozenset({"routes", "on"})


class MediaCandidate(Struct, frozen=True):
    """One way to serve a wish: the route, the model's id there, and what is known of it."""

    route: Route
    model: str
    facts: Facts


class _Form(Struct, frozen=True, forbid_unknown_fields=True):
    """Facts that come from a route's request form, beneath and above those of each model."""

    usual: dict[str, Any] = field(default_factory=dict)
    always: dict[str, Any] = field(default_factory=dict)


class _Lists(Struct, frozen=True, forbid_unknown_fields=True):
    aliases: dict[Product, dict[str, tuple[str, ...]]]
    forms: dict[Route, dict[Product, _Form]]
    image: dict[str, dict[str, Any]]
    video: dict[str, dict[str, Any]]

    def form(self, route: Route, product: Product) -> _Form:
        return self.forms.get(route, {}).get(product, _Form())


class _Offer(Struct, frozen=True, forbid_unknown_fields=True):
    """A provider's own file: its models, and which of them serves when none is named."""

    image: dict[str, dict[str, Any]] = field(default_factory=dict)
    video: dict[str, dict[str, Any]] = field(default_factory=dict)
    default: dict[Product, str] = field(default_factory=dict)


class MediaCatalogue:
    """The image and video models of all routes, and the operator's own aliases on top.

    Raises ``msgspec.ValidationError`` for lists that say something it does not know.
    """

    def __init__(self, facts: str, aliases: dict[str, str] | None = None) -> None:
        lists = convert(tomllib.loads(facts), _Lists)
        self._own = dict(aliases or {})
        self._aliases = {name.lower(): target for name, target in self._own.items()}
        self._several: dict[str, tuple[str, ...]] = {}
        self._kinds: dict[str, Product] = {}
        self._names: dict[str, str] = {}
        self._shelves: dict[Route, dict[str, MediaCandidate]] = {route: {} for route in Route}
        self._lists: dict[str, tuple[Target, ...]] = {}
        self._usual: dict[Route, dict[Product, str]] = {}
        self._open_terms: TermsOf = lambda _model, _product: ()
        for product, models in ((Product.IMAGE, lists.image), (Product.VIDEO, lists.video)):
            for name, entry in models.items():
                self._shelve(product, name, entry, lists)
        for product, known in lists.aliases.items():
            for alias, targets in known.items():
                self._note(product, alias)
                self._several[alias.lower()] = targets

    def kind(self, name: str) -> Product | None:
        """``IMAGE`` or ``VIDEO`` for the name of such a model in any case, else None."""
        return self._kinds.get(self._aliases.get(name.lower(), name).lower())

    def provide(self, route: Route, facts: str, terms: TermsOf) -> None:
        """Add a provider's models under ``provider/model``; ``terms`` tells what each can be told.

        Raises ``msgspec.ValidationError`` for facts that say something unknown.
        """
        offer = convert(tomllib.loads(facts), _Offer)
        for product, models in ((Product.IMAGE, offer.image), (Product.VIDEO, offer.video)):
            for model, entry in models.items():
                known = {key: value for key, value in entry.items() if key != "advertised"}
                said = convert({**known, "terms": sorted(terms(model, product))}, Facts)
                public = f"{route.prefix}/{model}"
                self._kinds.setdefault(public.lower(), product)
                if entry.get("advertised", True):
                    self._names.setdefault(public.lower(), public)
                self._shelves[route][public.lower()] = MediaCandidate(route, model, said)
        self._usual[route] = offer.default

    def provide_any(self, terms: TermsOf) -> None:
        """Any model may be asked for under ``openai/``."""
        self._open_terms = terms

    def list_routes(self, lists: Mapping[str, tuple[Target, ...]]) -> None:
        """Add lists of candidates; a later one replaces an earlier one of the same name."""
        self._lists.update(lists)

    def lists(self) -> dict[str, tuple[Target, ...]]:
        """All lists of candidates, by lower-cased name."""
        return dict(self._lists)

    def usual(self, route: Route, product: Product) -> str | None:
        """The model of a provider that serves a request which names none."""
        return self._usual.get(route, {}).get(product)

    def learn(self, route: Route, product: Product, ids: list[str]) -> None:
        """Add what a live catalogue lists, with no facts. Nothing known changes or is forgotten."""
        for model in ids:
            self._note(product, model)
            self._shelves[route].setdefault(model.lower(), MediaCandidate(route, model, Facts()))

    def names(self, routes: set[Route]) -> list[str]:
        """The public names that these routes serve, aliases among them, sorted, each once."""
        found = dict(self._names)
        found |= {name.lower(): name for name in self._own}
        served = [name for name in found.values() if any(self._on(r, name) for r in routes)]
        return sorted(served, key=str.lower)

    def candidates(
        self, name: str, product: Product, routes: list[Route], *, forward: bool = False
    ) -> list[MediaCandidate]:
        """The ways to serve the model, in the order of the routes; empty: 404 ``model_not_found``.

        ``forward`` sends a name that nobody knows to each route as it is, with no facts.
        """
        if self.kind(name) not in (product, None):
            return []
        listed = self._lists.get(self._aliases.get(name.lower(), name).lower())
        if listed is not None:
            return self._listed(listed, name, product, routes)
        if Route.OPENAI in routes and name.lower().startswith(_OPEN):
            return [self._open(name[len(_OPEN) :], product)]
        found = [there for route in routes if (there := self._on(route, name)) is not None]
        if found or not forward:
            return found
        routes = [route for route in routes if route in GENSPARK_ROUTES]
        plain = self._aliases.get(name.lower(), name)
        return [MediaCandidate(route, plain, Facts()) for route in routes]

    def _listed(
        self, targets: tuple[Target, ...], name: str, product: Product, routes: list[Route]
    ) -> list[MediaCandidate]:
        """The candidates of a list that can be served now, each route once."""
        found: dict[Route, MediaCandidate] = {}
        for target in targets:
            there = [target.route] if target.route else GENSPARK_ROUTES
            model = target.model or name
            public = f"{target.route.prefix}/{model}" if target.route else model
            for route in [route for route in routes if route in there]:
                candidate = self._on(route, public)
                if candidate is None and target.route is Route.OPENAI:
                    candidate = self._open(model, product)
                if candidate is not None:
                    found.setdefault(route, candidate)
        return list(found.values())

    def _open(self, model: str, product: Product) -> MediaCandidate:
        """Any name, with no facts but what the wire can say at all."""
        said = frozenset(self._open_terms(model, product))
        return MediaCandidate(Route.OPENAI, model, Facts(terms=said))

    def _on(self, route: Route, name: str) -> MediaCandidate | None:
        plain = self._aliases.get(name.lower(), name).lower()
        shelf = self._shelves[route]
        targets = (*self._several.get(plain, ()), plain)
        return next((shelf[there.lower()] for there in targets if there.lower() in shelf), None)

    def _note(self, product: Product, name: str) -> None:
        self._kinds.setdefault(name.lower(), product)
        self._names.setdefault(name.lower(), name)

    def _shelve(self, product: Product, name: str, entry: dict[str, Any], lists: _Lists) -> None:
        self._note(product, name)
        facts = {key: value for key, value in entry.items() if key not in _WHERE}
        differing = convert(entry.get("on", {}), dict[Route, dict[str, Any]])
        for route in convert(entry.get("routes"), tuple[Route, ...]):
            form = lists.form(route, product)
            there = {**form.usual, **facts, **form.always, **differing.get(route, {})}
            model = there.pop("id", name)
            candidate = MediaCandidate(route, model, convert(there, Facts))
            self._shelves[route][name.lower()] = candidate


def expected_seconds(product: Product) -> float:
    """A sober wall time of one generation, for progress before the first one is known."""
    return EXPECTED_SECONDS[product]
