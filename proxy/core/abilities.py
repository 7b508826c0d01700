"""What each route can do, and the clear refusal when none can do what is asked."""

from typing import Final

from proxy.core.ask import ChatAsk, InvalidRequest, Need
from proxy.core.catalogue import Candidate
from proxy.core.products import Route

ABILITIES: Final[dict[Route, frozenset[Need]]] = {
    Route.KEY: frozenset(Need) - {Need.SEARCH},
    # What a text-only route lacks the server supplies; files have no place on the legacy wire.
    Route.COOKIE: frozenset(Need),
    Route.LEGACY: frozenset(Need) - {Need.FILES},
}


def able(candidates: list[Candidate], ask: ChatAsk) -> list[Candidate]:
    """The candidates that can do what the ask needs; 400 with a clear text when none can."""
    missing: set[Need] = set()
    found = []
    for candidate in candidates:
        needs = ask.needs | ({Need.SEARCH} if candidate.search else set())
        lacking = needs - ABILITIES[candidate.route]
        missing |= lacking
        if not lacking:
            found.append(candidate)
    if found:
        return found
    raise _cannot(missing, ask)


def _cannot(missing: set[Need], ask: ChatAsk) -> InvalidRequest:
    if missing == {Need.SEARCH}:
        return InvalidRequest(
            "Web search needs a Genspark cookie (GS_COOKIE); this server has only API keys.",
            param="model",
            code="unsupported_value",
        )
    wanted = ", ".join(sorted(missing - {Need.SEARCH}))
    return InvalidRequest(
        f"The legacy route does not take {wanted}; a Genspark cookie's usual route or an API key"
        " (GSK_API_KEY) does.",
        param="messages",
        code="unsupported_value",
    )
