"""Which routes can serve a generation now, with its terms completed for each."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from proxy.core.adapting import adapt
from proxy.core.ask import InvalidRequest
from proxy.core.catalogue import Candidate
from proxy.core.failures import Failure, Kind
from proxy.core.media import MediaAsk, MediaWish, Terms, Use
from proxy.core.media_models import MediaCandidate, MediaCatalogue
from proxy.core.media_rules import fit
from proxy.core.products import GENSPARK_ROUTES, Product, Route
from proxy.services.attempts import GaveUp
from proxy.services.desk import Desk
from proxy.services.submitting import Plan
from proxy.telemetry import log
from proxy.wire.genspark_media_ask import AGENT_FIELDS
from proxy.wire.genspark_tool import VENDOR_FIELDS

DAY: Final = 86_400.0
# A flow that says it is retired may say so by mistake.
RETIRED_REST: Final = 600.0


class UnknownMediaModel(Exception):
    """No configured route serves this model."""


@dataclass(frozen=True, slots=True)
class Way:
    """A candidate that can serve, with the wish as it is told."""

    candidate: MediaCandidate
    terms: Terms
    given: tuple[Use, ...]
    dropped: tuple[str, ...]


@dataclass(slots=True)
class MediaPlans:
    """``cookie_video`` is ``ENABLE_COOKIE_VIDEO``; ``forward``: unknown names are tried;
    ``lenient`` is ``LENIENT_PARAMS``.
    """

    catalogue: MediaCatalogue
    desk: Desk
    routes: list[Route]
    cookie_video: bool
    forward: bool
    lenient: bool = False
    clock: Callable[[], float] = time.time
    _retired: dict[tuple[Route, Product], float] = field(default_factory=dict)
    _gone: dict[tuple[Route, str], float] = field(default_factory=dict)

    def check(self, wish: MediaWish) -> Terms:
        """The terms as the first fitting route is asked. Refuses what no route can serve, before
        anything is fetched, stored or paid.

        Raises ``InvalidRequest``, ``UnknownMediaModel``, ``GaveUp``.
        """
        return self._fitting(wish.terms, [given.use for given in wish.given])[0].terms

    def plans(self, ask: MediaAsk) -> list[Plan]:
        """The ways to serve a job, best first. Raises ``GaveUp``."""
        try:
            fitting = self._fitting(ask.terms, [given.use for given in ask.inputs])
        except (InvalidRequest, UnknownMediaModel) as error:
            # It was fine when the job was made; the operator's settings have changed since.
            told = str(error.message) if isinstance(error, InvalidRequest) else ""
            raise GaveUp(Failure(Kind.BAD_REQUEST, "no route", told=told), None, 0) from None
        return [_plan(ask, way) for way in fitting]

    def _fitting(self, terms: Terms, uses: list[Use]) -> list[Way]:
        found = self._candidates(terms.model, terms.product)
        ways: list[Way] = []
        refusals: list[InvalidRequest] = []
        for candidate in found:
            try:
                adapted = adapt(terms, uses, candidate, lenient=self.lenient)
                fitted = fit(adapted.terms, adapted.given, candidate)
            except InvalidRequest as refusal:
                refusals.append(refusal)
            else:
                ways.append(Way(candidate, fitted, adapted.given, adapted.dropped))
        if not ways:
            raise refusals[0]
        return ways

    def _candidates(self, model: str, product: Product) -> list[MediaCandidate]:
        """Who can serve this name now, in order; somebody, or a refusal."""
        routes, now = self._configured(product), self.clock()
        if not routes:
            raise GaveUp(Failure(Kind.NO_ACCOUNT, "no account can do this"), None, 0)
        live = [route for route in routes if self._retired.get((route, product), 0) <= now]
        found = self.catalogue.candidates(model, product, routes, forward=self.forward)
        if not found:
            raise UnknownMediaModel(model)
        there = [
            candidate
            for candidate in found
            if candidate.route in live and not self._is_gone(candidate)
        ]
        if not there:
            raise GaveUp(Failure(Kind.RETIRED, "every configured route is retired"), None, 0)
        return there

    def _is_gone(self, candidate: MediaCandidate) -> bool:
        return self._gone.get((candidate.route, candidate.model.lower()), 0) > self.clock()

    def _configured(self, product: Product) -> list[Route]:
        return [
            route
            for route in self.routes
            if self.desk.pool.has(route.credential)
            and (self.cookie_video or product is not Product.VIDEO or route is not Route.COOKIE)
        ]

    def names(self) -> list[str]:
        """The public names of everything that can be generated now."""
        known = self.catalogue
        found: set[str] = set()
        for product in (Product.IMAGE, Product.VIDEO):
            routes = self._configured(product)
            for name in known.names(set(routes)):
                there = known.candidates(name, product, routes)
                if known.kind(name) is product and not all(map(self._is_gone, there)):
                    found.add(name)
        return sorted(found, key=str.lower)

    def forget_model(self, route: Route, model: str) -> None:
        """A provider no longer offers this model: not asked or listed for a day."""
        if route in GENSPARK_ROUTES:
            return
        self._gone[route, model.lower()] = self.clock() + DAY
        log.warning("model.retired", route=route.value, model=model)

    def kind(self, name: str) -> Product | None:
        """Whether a model makes images or videos; None for anything else."""
        return self.catalogue.kind(name)

    def retire(self, route: Route, product: Product) -> None:
        """This route said that it is gone: not asked again for a while."""
        if route not in (Route.COOKIE, Route.LEGACY):
            return
        legacy = route is Route.LEGACY
        until = float("inf") if legacy else self.clock() + RETIRED_REST
        self._retired[route, product] = until
        setting = "ENABLE_LEGACY_COPILOT" if legacy else "ROUTE_ORDER"
        log.error("route.retired", route=route.value, setting=setting, until_restart=legacy)


def _plan(ask: MediaAsk, way: Way) -> Plan:
    candidate = way.candidate
    kept = tuple(given for given in ask.inputs if given.use in way.given)
    price = candidate.facts.price
    length = way.terms.seconds if way.terms.product is Product.VIDEO else 1.0
    return Plan(
        Candidate(candidate.route, candidate.model),
        MediaAsk(terms=way.terms, inputs=kept),
        _ignored(ask, way),
        None if price is None or length is None else round(price * length, 4),
    )


def _ignored(ask: MediaAsk, way: Way) -> tuple[str, ...]:
    """What the caller said and this route is not told."""
    terms, route = ask.terms, way.candidate.route
    unused = [*terms.unused, *way.dropped, *(g.use.value for g in ask.inputs_for(Use.MASK))]
    if route is Route.KEY:
        unused += sorted(terms.vendor.keys() - VENDOR_FIELDS[terms.product])
    elif route is Route.COOKIE:
        unused += sorted(terms.vendor.keys() - AGENT_FIELDS[terms.product])
    elif route is Route.LEGACY:
        unused += sorted(terms.vendor)
    if route in (Route.COOKIE, Route.LEGACY) and terms.audio is not None:
        unused.append("generate_audio")
    return tuple(dict.fromkeys(unused))
