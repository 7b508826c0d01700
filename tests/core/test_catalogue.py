"""Which routes serve a name: candidates, aliases, mixtures, live lists."""

from importlib import resources

import pytest

from proxy.core.catalogue import Candidate, Catalogue, UnknownModel
from proxy.core.products import Route

FACTS = resources.files("proxy.core").joinpath("catalogue.toml").read_text("utf-8")
BOTH = [Route.KEY, Route.COOKIE]


def _found(
    name: str,
    routes: list[Route] | None = None,
    unknown: UnknownModel = UnknownModel.REJECT,
    aliases: dict[str, str] | None = None,
) -> list[tuple[str, str]]:
    found = Catalogue(FACTS, aliases).candidates(name, routes or BOTH, unknown)
    return [(candidate.route.value, candidate.model) for candidate in found]


def test_candidates_come_in_the_order_of_the_routes() -> None:
    assert _found("gpt-5.4") == [("key", "gpt-5.4"), ("cookie", "gpt-5.4")]
    assert _found("gpt-5.4", BOTH[::-1]) == [("cookie", "gpt-5.4"), ("key", "gpt-5.4")]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("GPT-5.4", [("key", "gpt-5.4"), ("cookie", "gpt-5.4")]),
        ("claude-haiku-4-5", [("key", "claude-haiku-4-5"), ("cookie", "claude-4-5-haiku")]),
        ("claude-4-5-haiku", [("key", "claude-haiku-4-5"), ("cookie", "claude-4-5-haiku")]),
        ("deepseek-v4-flash", [("key", "deep-seek-v4-flash"), ("cookie", "deep-seek-v4-flash")]),
        ("glm-5.3", [("key", "glm-5p3"), ("cookie", "GLM-5.3")]),
        ("gpt-5-codex", [("key", "gpt-5-codex")]),
        ("gpt-5-pro", [("cookie", "gpt-5-pro")]),
        ("no-such-model", []),
    ],
)
def test_each_route_is_asked_under_its_own_name(name: str, found: list[tuple[str, str]]) -> None:
    assert _found(name) == found


def test_the_operators_aliases_come_first_and_in_any_case() -> None:
    assert _found("GPT-4o", aliases={"gpt-4o": "gpt-5.4"})[0] == ("key", "gpt-5.4")


def test_search_is_a_suffix() -> None:
    found = Catalogue(FACTS).candidates("gpt-5.4-search", BOTH, UnknownModel.REJECT)
    assert [(c.model, c.search) for c in found] == [("gpt-5.4", True)] * 2


def test_an_unknown_name_becomes_what_the_operator_chose() -> None:
    assert _found("nobody", unknown=UnknownModel.FORWARD) == [
        ("key", "nobody"),
        ("cookie", "nobody"),
    ]
    mixtures = Catalogue(FACTS).candidates("nobody", BOTH, UnknownModel.MIXTURE)
    assert [(c.route, c.model) for c in mixtures] == [(Route.COOKIE, mixtures[0].mixture[0])]
    assert _found("nobody", [Route.KEY], UnknownModel.MIXTURE) == [("key", "nobody")]


def test_the_mixture_can_be_asked_by_name() -> None:
    catalogue = Catalogue(FACTS)
    plain, search = (
        catalogue.candidates(f"{catalogue.mixture_name}{suffix}", BOTH, UnknownModel.REJECT)[0]
        for suffix in ("", "-search")
    )
    assert plain == Candidate(Route.COOKIE, plain.mixture[0], plain.mixture)
    assert (search.search, search.mixture) == (True, plain.mixture)


def test_a_live_list_adds_and_never_takes_away() -> None:
    catalogue = Catalogue(FACTS)
    before = set(catalogue.names(set(BOTH)))
    catalogue.learn(Route.COOKIE, ["brand-new"])
    catalogue.learn(Route.KEY, [])
    assert set(catalogue.names(set(BOTH))) == before | {"brand-new"}
    found = catalogue.candidates("Brand-New", BOTH, UnknownModel.REJECT)
    assert [(c.route, c.model) for c in found] == [(Route.COOKIE, "brand-new")]


def test_names_are_sorted_and_each_is_there_once() -> None:
    names = Catalogue(FACTS, {"my-model": "gpt-5.4"}).names(set(BOTH))
    lowered = [name.lower() for name in names]
    assert lowered == sorted(set(lowered))
    assert {"my-model", "mixture-of-agents", "gpt-5.4"} <= set(names)
    assert "mixture-of-agents" not in Catalogue(FACTS).names({Route.KEY})


def test_every_listed_name_can_be_asked_for() -> None:
    catalogue = Catalogue(FACTS)
    routes = [Route.KEY, Route.COOKIE, Route.LEGACY]
    for name in catalogue.names(set(routes)):
        assert catalogue.candidates(name, routes, UnknownModel.REJECT), name
