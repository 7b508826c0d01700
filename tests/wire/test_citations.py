"""Pages in JSON that nobody has documented, and where a text names them."""

import json
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK, awkward, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.events import Cited
from proxy.wire.citations import MOST, annotations, citations_in

A = "https://example.com/a"
B = "https://example.org/b?x=1"
CITED_A, CITED_B = Cited(A, "A"), Cited(B, "B")


def _found(value: Any) -> list[tuple[str, str]]:
    return [(page.url, page.title) for page in citations_in(value)]


@pytest.mark.parametrize(
    "value",
    [
        [{"url": A, "title": "A"}, {"url": B, "title": "B"}],
        {"organic_results": [{"link": A, "title": "A", "snippet": "…"}, {"link": B, "name": "B"}]},
        {"value": {"web": {"results": [{"url": A, "name": "A"}]}, "b": [{"url": B, "title": "B"}]}},
        [{"type": "url_citation", "url_citation": {"url": A, "title": "A", "start_index": 0}},
         {"type": "url_citation", "url_citation": {"url": B, "title": "B"}}],
        json.dumps([{"url": A, "title": "A"}, {"url": B, "title": "B"}]),
        {"content": f'  {{"results": [{{"url": "{A}", "title": "A"}}]}}',
         "more": {"url": B, "title": "B"}},
        [{"url": A, "title": " A\n"}, {"url": A, "title": "again"}, {"url": B, "title": "B"}],
    ],
    ids=["list", "organic", "nested", "openai", "text", "text inside", "twice"],
)  # fmt: skip
def test_pages_are_found_in_any_shape_each_once_and_in_order(value: Any) -> None:
    assert _found(value) == [(A, "A"), (B, "B")]


@pytest.mark.parametrize(
    "value",
    [
        None, 7, "text", A, [A], {"url": A}, {"title": "A"}, {"url": A, "title": ""},
        {"url": A, "title": 5}, {"url": 5, "title": "A"}, {"url": "ftp://a.b/c", "title": "A"},
        {"url": "javascript:alert(1)", "title": "A"}, {"url": "https://", "title": "A"},
        {"url": f"{A}\n", "title": "A"}, {"url": f"{A}\x00", "title": "A"},
        {"url": f"{A} b", "title": "A"}, {"url": f'{A}">', "title": "A"},
        {"url": f"{A}\u2028", "title": "A"}, {"url": f"https://{'a' * 2000}", "title": "A"},
        {"url": "https://www.genspark.ai/api/files/s/abc", "name": "upload.pdf"},
        '{"url": "https://example.com/a", "title": "A"', "[" * 100_000,
        json.dumps(json.dumps({"url": A, "title": "A"})),
        json.dumps([json.dumps({"url": A, "title": "A"})]),
        json.dumps({"pad": " " * 300_000, "url": A, "title": "A"}),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_what_is_no_page_is_passed_over(value: Any) -> None:
    assert _found(value) == []


def test_there_is_an_end_to_depth_number_and_titles() -> None:
    deep: Any = {"url": A, "title": "A"}
    for _ in range(20):
        deep = [deep]
    assert _found(deep) == []
    many = [{"url": f"{A}/{n}", "title": "t" * 1000} for n in range(3 * MOST)]
    found = _found(many)
    assert len(found) == MOST
    assert {len(title) for _, title in found} == {300}
    assert _found([*[0] * 1_000_000, {"url": A, "title": "A"}]) == []


def test_a_choice_has_its_own_pages() -> None:
    assert citations_in({"url": A, "title": "A"}, 2) == [Cited(A, "A", 2)]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts | st.sampled_from([A, B, '[{"url":', "{}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["url", "link", "title", "name", "x"]), inner, max_size=4)
        | inner.map(json.dumps)
    ),
    max_leaves=10,
)


@QUICK
@given(json_values)
def test_whatever_comes_only_addresses_with_titles_are_found(value: Any) -> None:
    for page in citations_in(value):
        assert page.url.startswith(("http://", "https://"))
        assert page.title.strip()


def _spans(text: str, *pages: Cited) -> list[str]:
    found = [each["url_citation"] for each in annotations(pages, text)]
    return [text[each["start_index"] : each["end_index"]] for each in found]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (f"See {A}.", A),
        (f"See {A}", A),
        (f"See {A}, or not", A),
        (f"<{A}>", A),
        (f"({A})", A),
        (f"见{A}。好", A),
        (f"See [the page]({A}).", f"[the page]({A})"),
        (f"[one]({B}) and [the page]({A})", f"[the page]({A})"),
        (f"🦊 {A}/longer and {A}", A),
        (f"words]({A})", A),
        (f"{A}/longer", f"{A}/longer"),
        (f"{A}.html", f"{A}.html"),
        ("No address.", "No address."),
        ("", ""),
    ],
)
def test_an_annotation_covers_the_address_its_link_or_else_the_whole_text(
    text: str, named: str
) -> None:
    assert _spans(text, CITED_A) == [named]


def test_the_right_one_of_two_equal_addresses_is_covered() -> None:
    text = f"{A}/longer and {A}"
    (annotation,) = annotations([CITED_A], text)
    assert annotation == {
        "type": "url_citation",
        "url_citation": {
            "start_index": len(text) - len(A),
            "end_index": len(text),
            "url": A,
            "title": "A",
        },
    }


def test_a_page_is_annotated_once() -> None:
    both = annotations([CITED_A, CITED_B, Cited(A, "again")], "")
    assert [each["url_citation"]["url"] for each in both] == [A, B]
    native = [{"type": "url_citation", "url_citation": {"url": A}}, {"url": B}, "odd", None, 7]
    assert annotations([CITED_A, CITED_B, Cited(A + "c", "C")], "", native) == annotations(
        [Cited(A + "c", "C")], ""
    )
    assert len(annotations([Cited(f"{A}/{n}", "t") for n in range(99)], "")) == MOST


@QUICK
@given(texts | awkward, texts | awkward, st.sampled_from(["{}", "[w]({})", "<{}>", " {} ", "{}{}"]))
def test_a_span_lies_in_the_text(before: str, behind: str, form: str) -> None:
    text = before + form.replace("{}", A) + behind
    (each,) = annotations([CITED_A], text)
    start, end = each["url_citation"]["start_index"], each["url_citation"]["end_index"]
    assert 0 <= start <= end <= len(text)
    assert A in text[start:end]
