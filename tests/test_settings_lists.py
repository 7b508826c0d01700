"""How lists are split: ``GS_COOKIE`` with commas inside values, and the plain comma lists."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.setting_values import cookies
from proxy.settings import Settings

QUICK = settings(max_examples=60, deadline=None)

values = st.from_regex(r"[a-zA-Z0-9][-a-zA-Z0-9._:%+/=]{0,10}", fullmatch=True)
# Values of other cookies may hold commas.
others = st.from_regex(r"[a-z0-9][a-z0-9,]{0,6}[a-z0-9]", fullmatch=True)
jars = st.builds("session_id={}; c1={}".format, values, others)
blanks = st.sampled_from(["", " ", "\n", "\r\n", " \n "])


@QUICK
@given(st.lists(jars, min_size=1, max_size=4), blanks)
def test_a_json_array_is_taken_as_it_is(given_jars: list[str], blank: str) -> None:
    assert cookies(blank + json.dumps(given_jars) + blank) == given_jars


@QUICK
@given(st.lists(jars, min_size=2, max_size=4), st.sampled_from(["\n", "\r\n", "\n\n", " \n "]))
def test_one_cookie_a_line_whatever_the_values_hold(given_jars: list[str], end: str) -> None:
    assert cookies(end.join(given_jars) + end) == given_jars


@QUICK
@given(st.lists(jars, min_size=1, max_size=4), st.sampled_from([",", ", ", " ,"]))
def test_whole_jars_are_parted_where_the_next_session_begins(
    given_jars: list[str], comma: str
) -> None:
    assert cookies(comma.join(given_jars)) == given_jars


@QUICK
@given(st.lists(values, max_size=4), st.sampled_from([",", ", ", ",,", " , "]))
def test_bare_ids_are_parted_by_commas(ids: list[str], comma: str) -> None:
    assert cookies(comma.join(ids)) == ids


@QUICK
@given(st.text(st.sampled_from('ab,;= \n"[]')))
def test_any_text_is_a_list_without_empty_entries_or_an_error(text: str) -> None:
    try:
        found = cookies(text)
    except ValueError:
        assert text.strip().startswith("[")
        return
    assert all(cookie and cookie == cookie.strip() for cookie in found)


@pytest.mark.parametrize("text", ["[1]", '[["a"]]', '[null, "a"]', "[", '["a"'])
def test_an_array_of_anything_else_is_refused_without_a_quotation(text: str) -> None:
    with pytest.raises(ValueError, match=r"GS_COOKIE|Expecting|delimiter"):
        cookies(text)


@QUICK
@given(
    st.lists(st.from_regex(r"[a-z0-9-]{1,8}", fullmatch=True), max_size=5),
    st.sampled_from([",", ", ", "\n", ",\n"]),
)
def test_other_lists_are_parted_by_commas_and_lines(items: list[str], comma: str) -> None:
    made = Settings(_env_file=None, api_secret=comma.join(items))
    assert [secret.get_secret_value() for secret in made.api_secret] == items
