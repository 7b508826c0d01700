"""Which routes can serve a generation now, with its terms completed for each."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from proxy.core.ask import InvalidRequest
from proxy.core.catalogue import Candidate
from proxy.core.failures import Failure, Kind
from proxy.core.media import MediaAsk, MediaWish, Terms, Use
from proxy.core.media_models import MediaCatalogue
from proxy.core.media_rules import serveable
from proxy.core.products import Product, Route
from proxy.services.attempts import GaveUp
from proxy.services.desk import Desk
from proxy.services.submitting import Plan
from proxy.telemetry import log
from proxy.wire.genspark_media_ask import AGENT_FIELDS
from proxy.wire.genspark_tool import VENDOR_FIELDS

# A flow that says it is retired may say so by mistake.
RETIRED_REST: Final = 600.0


class UnknownMediaModel(Exception):
    """No configured route serves this model."""


@dataclass(slots=True)
class MediaPlans:
    """``cookie_video`` is ``ENABLE_COOKIE_VIDEO``; ``forward``: unknown names are tried."""

    catalogue: MediaCatalogue
    desk: Desk
    routes: list[Route]
    cookie_video: bool
    forward: bool
    clock: Callable[[], float] = time.time
    _retired: dict[tuple[Route, Product], float] = field(default_factory=dict)

    def check(self, wish: MediaWish) -> Terms:
        """The terms as the first fitting route is asked. Refuses what no route can serve, before
        anything is fetched, stored or paid.

        Raises ``InvalidRequest``, ``UnknownMediaModel``, ``GaveUp``.
        """
        return self._fitting(wish.terms, [given.use for given in wish.given])[0][1]

    def plans(self, ask: MediaAsk) -> list[Plan]:
        """The ways to serve a job, best first. Raises ``GaveUp``."""
        try:
            fitting = self._fitting(ask.terms, [given.use for given in ask.inputs])
        except (InvalidRequest, UnknownMediaModel) as error:
            # It was fine when the job was made; the operator's settings have changed since.
            told = str(error.message) if isinstance(error, InvalidRequest) else ""
            raise GaveUp(Failure(Kind.BAD_REQUEST, "no route", told=told), None, 0) from None
        return [
            Plan(
                candidate, MediaAsk(terms=terms, inputs=ask.inputs), _ignored(ask, terms, candidate)
            )
            for candidate, terms in fitting
        ]

    def _fitting(self, terms: Terms, uses: list[Use]) -> list[tuple[Candidate, Terms]]:
        product = terms.product
        routes = self._configured(product)
        if not routes:
            raise GaveUp(Failure(Kind.NO_ACCOUNT, "no account can do this"), None, 0)
        now = self.clock()
        live = [route for route in routes if self._retired.get((route, product), 0) <= now]
        if not live:
            raise GaveUp(Failure(Kind.RETIRED, "every configured route is retired"), None, 0)
        found = self.catalogue.candidates(terms.model, product, live, forward=self.forward)
        if not found:
            raise UnknownMediaModel(terms.model)
        return [
            (Candidate(candidate.route, candidate.model), fitted)
            for candidate, fitted in serveable(terms, uses, found)
        ]

    def _configured(self, product: Product) -> list[Route]:
        return [
            route
            for route in self.routes
            if self.desk.pool.has(route.credential)
            and (self.cookie_video or product is not Product.VIDEO or route is not Route.COOKIE)
        ]

    def names(self) -> list[str]:
        """The public names of everything that can be generated."""
        known = self.catalogue
        return sorted(
            {
                name
                for product in (Product.IMAGE, Product.VIDEO)
                for name in known.names(set(self._configured(product)))
                if known.kind(name) is product
            },
            key=str.lower,
        )

    def kind(self, name: str) -> Product | None:
        """Whether a model makes images or videos; None for anything else."""
        return self.catalogue.kind(name)

    def retire(self, route: Route, product: Product) -> None:
        """This route said that it is gone: not asked again for a while."""
        if route is Route.KEY:
            return
        legacy = route is Route.LEGACY
        until = float("inf") if legacy else self.clock() + RETIRED_REST
        self._retired[route, product] = until
        setting = "ENABLE_LEGACY_COPILOT" if legacy else "ROUTE_ORDER"
        log.error("route.retired", route=route.value, setting=setting, until_restart=legacy)


def _ignored(ask: MediaAsk, terms: Terms, candidate: Candidate) -> tuple[str, ...]:
    """What the caller said and this route has no field for."""
    unused = [*terms.unused, *(given.use.value for given in ask.inputs_for(Use.MASK))]
    if candidate.route is Route.KEY:
        unused += sorted(terms.vendor.keys() - VENDOR_FIELDS[terms.product])
    elif candidate.route is Route.COOKIE:
        unused += sorted(terms.vendor.keys() - AGENT_FIELDS[terms.product])
    elif candidate.route is Route.LEGACY:
        unused += sorted(terms.vendor)
    if candidate.route is not Route.KEY and terms.audio is not None:
        unused.append("generate_audio")
    return tuple(dict.fromkeys(unused))
