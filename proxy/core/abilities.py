"""What each route can do, and the clear refusal when none can do what is asked."""

from typing import Final

from proxy.core.ask import ChatAsk, InvalidRequest, Need
from proxy.core.catalogue import Candidate
from proxy.core.products import Route

ABILITIES: Final[dict[Route, frozenset[Need]]] = {
    Route.KEY: frozenset(Need),
    # What a text-only route lacks the server supplies; files have no place on the legacy wire.
    Route.COOKIE: frozenset(Need),
    Route.LEGACY: frozenset(Need) - {Need.FILES},
}


def able(candidates: list[Candidate], ask: ChatAsk) -> list[Candidate]:
    """The candidates that can do what the ask needs; 400 with a clear text when none can.

    Those whose models search by themselves come before the key's, for which each search is a
    further call.
    """
    found = [each for each in candidates if ask.needs <= ABILITIES[each.route]]
    if not found:
        raise _cannot(ask.needs - ABILITIES[candidates[0].route])
    return sorted(found, key=lambda each: each.search and each.route is Route.KEY)


def _cannot(missing: frozenset[Need]) -> InvalidRequest:
    wanted = ", ".join(sorted(missing))
    return InvalidRequest(
        f"The legacy route does not take {wanted}; a Genspark cookie's usual route or an API key"
        " (GSK_API_KEY) does.",
        param="messages",
        code="unsupported_value",
    )
