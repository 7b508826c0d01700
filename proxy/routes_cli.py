"""``genspark2api routes``: which provider serves which name, in order, and at what price."""

from dataclasses import dataclass
from typing import Any

from rich.table import Table

from proxy.app_providers import build_catalogue, registrations
from proxy.core.media_models import MediaCandidate, MediaCatalogue
from proxy.core.products import GENSPARK, GENSPARK_ROUTES, Credential, Product, Route
from proxy.credentials import AccountBook
from proxy.settings import Settings


@dataclass(frozen=True, slots=True)
class Served:
    """One way to serve a name; ``ready``: a credential for it is configured."""

    route: Route
    model: str
    price: float | None
    ready: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A public name with its candidates, the first asked first."""

    name: str
    product: Product
    listed: bool
    served: tuple[Served, ...]


def lines(settings: Settings) -> list[Line]:
    """Every name that some provider or a list serves. Raises ``AccountsFileError``."""
    offers = registrations(settings)
    catalogue = build_catalogue(settings, offers)
    accounts = AccountBook(settings).read()
    ready = {account.credential for account in accounts if not account.disabled}
    routes = [*settings.routes(), *(offer.route for offer in offers)]
    lists = catalogue.lists()
    names = sorted({*lists, *catalogue.names(set(routes))}, key=str.lower)
    return [_line(catalogue, name, routes, ready, name.lower() in lists) for name in names]


def _line(
    catalogue: MediaCatalogue, name: str, routes: list[Route], ready: set[Credential], listed: bool
) -> Line:
    product = catalogue.kind(name) or Product.VIDEO
    found = catalogue.candidates(name, product, routes)
    return Line(name, product, listed, tuple(_served(one, ready) for one in found))


def _served(candidate: MediaCandidate, ready: set[Credential]) -> Served:
    route = candidate.route
    return Served(route, candidate.model, candidate.facts.price, route.credential in ready)


def as_json(found: list[Line]) -> list[dict[str, Any]]:
    """The lines as data."""
    return [
        {
            "name": line.name,
            "kind": line.product.value,
            "listed": line.listed,
            "candidates": [
                {
                    "provider": one.route.provider,
                    "route": one.route.value,
                    "model": one.model,
                    "usd": one.price,
                    "configured": one.ready,
                }
                for one in line.served
            ],
        }
        for line in found
    ]


def table(found: list[Line], *, everything: bool) -> Table:
    """Names with more than one provider (or all), what is configured in green."""
    drawn = Table(box=None, pad_edge=False)
    for heading in ("name", "kind", "served by, in order"):
        drawn.add_column(heading, no_wrap=True, min_width=5)
    for line in found:
        providers = {one.route.provider for one in line.served}
        if everything or line.listed or providers - {GENSPARK}:
            drawn.add_row(line.name, line.product.value, "\n".join(map(_words, line.served)))
    return drawn


def _words(one: Served) -> str:
    colour = "green" if one.ready else "bright_black"
    way = f" ({one.route.value})" if one.route in GENSPARK_ROUTES else ""
    price = "" if one.price is None else f", ${one.price:g}"
    missing = "" if one.ready else ", no key"
    prefix = GENSPARK if one.route in GENSPARK_ROUTES else one.route.prefix
    return f"[{colour}]{prefix}/{one.model}[/]{way}{price}{missing}"
