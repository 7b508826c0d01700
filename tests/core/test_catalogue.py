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


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("claude-opus-5-20260217", [("key", "claude-opus-5"), ("cookie", "claude-opus-5")]),
        ("claude-sonnet-4-5-20250929", [("cookie", "claude-sonnet-4-5")]),
        ("claude-opus-4.6", [("key", "claude-opus-4-6"), ("cookie", "claude-opus-4-6")]),
        ("Claude-Haiku-4.5-latest", [("key", "claude-haiku-4-5"), ("cookie", "claude-4-5-haiku")]),
        ("gpt-5.4-2026-03-01", [("key", "gpt-5.4"), ("cookie", "gpt-5.4")]),
        ("gpt-5.4-latest", [("key", "gpt-5.4"), ("cookie", "gpt-5.4")]),
        ("claude-3-5-haiku-20241022", []),
        ("claude-3.5-haiku", []),
        ("gpt-5.4-20260301-mini", []),
        ("gpt-5-4", []),
    ],
)  # fmt: skip
def test_a_snapshot_is_served_by_its_model(name: str, found: list[tuple[str, str]]) -> None:
    assert _found(name) == found


def test_a_snapshot_can_search_and_can_be_an_alias() -> None:
    catalogue = Catalogue(FACTS, {"gpt-4o": "gpt-5.4"})
    found = catalogue.candidates("gpt-4o-2024-08-06-search", BOTH, UnknownModel.REJECT)
    assert [(c.model, c.search) for c in found] == [("gpt-5.4", True)] * 2


def test_a_snapshot_that_a_route_lists_is_itself() -> None:
    catalogue = Catalogue(FACTS)
    catalogue.learn(Route.KEY, ["gpt-5.4-2026-03-01"])
    found = catalogue.candidates("gpt-5.4-2026-03-01", BOTH, UnknownModel.REJECT)
    assert [c.model for c in found] == ["gpt-5.4-2026-03-01"]


def test_an_unknown_snapshot_is_forwarded_as_it_was_written() -> None:
    assert _found("Nobody-latest", [Route.KEY], UnknownModel.FORWARD) == [("key", "Nobody-latest")]


@pytest.mark.parametrize(
    ("model", "levels"),
    [
        ("gpt-5.2", "none low medium high xhigh"),
        ("gpt-5.4-mini", "none low medium high xhigh"),
        ("gpt-5.6-luna", "none low medium high xhigh max"),
        ("gpt-6-sol", "low medium high xhigh max"),
        ("claude-opus-4-6-1m", "low medium high xhigh"),
        ("claude-sonnet-5", "low medium high xhigh"),
        ("claude-fable-5", "low medium high xhigh"),
        ("claude-haiku-4-5", "low medium high"),
        ("grok-4.5", "low medium high"),
        ("grok-4.7", ""),
        ("deep-seek-v4-flash", "none low high max"),
        ("deepseek-v4-pro-0813", "none low high max"),
        ("glm-5p3", "low high max"),
        ("glm-5p2", ""),
        ("kimi-k3", "low high max"),
        ("kimi-k2p6", ""),
        ("gemini-3.8-flash", "low medium high"),
        ("minimax-m3", "none thinking"),
        ("gpt-5.2-codex", ""),
        ("solar-pro4", ""),
    ],
)
def test_the_key_route_tells_the_levels_a_model_takes(model: str, levels: str) -> None:
    (candidate,) = Catalogue(FACTS).candidates(model, [Route.KEY], UnknownModel.REJECT)
    assert " ".join(candidate.efforts) == levels


def test_only_the_key_route_has_levels() -> None:
    key, cookie = Catalogue(FACTS).candidates("gpt-5.4", BOTH, UnknownModel.REJECT)
    assert key.efforts
    assert cookie.efforts == ()
    (forwarded,) = Catalogue(FACTS).candidates("gpt-6-nova", [Route.KEY], UnknownModel.FORWARD)
    assert forwarded.efforts == ("low", "medium", "high", "xhigh", "max")


@pytest.mark.parametrize(
    ("route", "model", "effort", "served"),
    [
        (Route.COOKIE, "gpt-5.1", "low", "gpt-5.1-low"),
        (Route.COOKIE, "GPT-5.1", "medium", "gpt-5.1-medium"),
        (Route.COOKIE, "gpt-5.1", "max", "gpt-5.1-high"),
        (Route.COOKIE, "gpt-5.1", "none", "gpt-5.1-low"),
        (Route.LEGACY, "gpt-5.1", "high", "gpt-5.1-low"),
        (Route.COOKIE, "gpt-5.1", "a lot", None),
        (Route.COOKIE, "gpt-5.1", "", None),
        (Route.COOKIE, "gpt-5.1-low", "high", None),
        (Route.COOKIE, "gpt-5.4", "high", None),
        (Route.KEY, "gpt-5.1", "high", None),
    ],
)
def test_an_effort_can_be_a_variant_of_the_model(
    route: Route, model: str, effort: str, served: str | None
) -> None:
    assert Catalogue(FACTS).variant(route, model, effort) == served


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("claude-sonnet-4-6[1m]", {Route.KEY: "claude-sonnet-4-6-1m"}),
        ("claude-sonnet-4-6-20260114[1m]", {Route.KEY: "claude-sonnet-4-6-1m"}),
        ("claude-opus-4-7[1m]", {Route.KEY: "claude-opus-4-7", Route.COOKIE: "claude-opus-4-7"}),
    ],
)
def test_the_mark_of_a_long_context_finds_the_model(asked: str, served: dict[Route, str]) -> None:
    found = Catalogue(FACTS).candidates(asked, BOTH, UnknownModel.REJECT)
    assert {each.route: each.model for each in found} == served
