"""Cookies as operators paste them, refreshes by the upstream, and the free look-ups."""

import pytest
from fixtures.genspark.properties import QUICK
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.genspark_account import (
    cookie_models,
    is_logged_in,
    key_models,
    key_summary,
    normal_cookie,
    refreshed,
)

names = st.sampled_from(["session_id", "c1", "c2", "gslogin", "__cf_bm"])
values = st.from_regex(r"[abcXYZ019][-_.:%=+/,abcXYZ019]{0,12}", fullmatch=True)
jars = st.dictionaries(names, values, min_size=1, max_size=5)


def _header(jar: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in jar.items())


def _jar(header: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in header.split("; "))


@QUICK
@given(
    jars,
    st.sampled_from(["", "Cookie: ", "cookie:", "COOKIE:  "]),
    st.sampled_from(["", " ", ";", " ; ", "\n"]),
)
def test_a_whole_jar_is_taken_as_it_is(jar: dict[str, str], before: str, after: str) -> None:
    assert normal_cookie(before + _header(jar) + after) == _header(jar)


@pytest.mark.parametrize("bare", ["8f14e45f", "a-b:c.d", "QUJDRA==", "  8f14e45f;  "])
def test_a_bare_id_gets_its_name(bare: str) -> None:
    assert normal_cookie(bare) == f"session_id={bare.strip(' ;')}"


@QUICK
@given(st.text(st.sampled_from("ab=; \t:"), max_size=20).filter(lambda text: text.strip("=; \t")))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normal_cookie(text)
    assert normal_cookie(once) == once


@QUICK
@given(jars, jars)
def test_a_refresh_changes_the_values_of_known_cookies_only(
    jar: dict[str, str], fresh: dict[str, str]
) -> None:
    lines = [f"{name}={value}; Path=/; HttpOnly" for name, value in fresh.items()]
    wanted = {name: fresh.get(name, value) for name, value in jar.items()}
    assert _jar(refreshed(_header(jar), lines)) == wanted


@QUICK
@given(jars)
def test_without_a_refresh_the_cookie_stays(jar: dict[str, str]) -> None:
    assert refreshed(_header(jar), []) == _header(jar)


@pytest.mark.parametrize("line", ["session_id=; Max-Age=0", "session_id", "", ";", "=x; Path=/"])
def test_a_line_without_a_value_deletes_nothing(line: str) -> None:
    assert refreshed("session_id=alice; c1=x", [line]) == "session_id=alice; c1=x"


@pytest.mark.parametrize(
    ("body", "alive"),
    [
        ({"status": 0, "data": {"is_login": True}}, True),
        ({"status": 0, "data": {"is_login": False}}, False),
        ({"is_login": True}, True),
        ({"is_login": False}, False),
        ({"status": -5, "message": "not login", "data": {}}, False),
        ({"status": 0, "data": {"is_login": "yes"}}, None),
        ({"status": 500}, None),
        (None, None),
        ("<html>", None),
    ],
)
def test_the_login_check_says_yes_no_or_nothing(body: object, alive: bool | None) -> None:
    assert is_logged_in(body) is alive


def test_hidden_and_nameless_models_are_not_listed() -> None:
    models = [{"name": "a"}, {"name": "b", "hidden": True}, {"label": "c"}, "d"]
    assert cookie_models({"models": models}) == ["a"]
    assert cookie_models({"data": {"models": models}}) == ["a"]
    assert cookie_models("down") == []


def test_the_key_routes_list() -> None:
    assert key_models({"data": [{"id": "a"}, {"object": "model"}]}) == ["a"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"plan": "plus", "credit_balance": 9000}, "plus, 9000 credits"),
        ({"data": {"plan": "pro"}}, "pro"),
        (None, "unknown plan"),
    ],
)
def test_a_key_is_summed_up_for_its_operator(body: object, words: str) -> None:
    assert key_summary(body) == words
