"""Which fields can hold search results, and that each page is told once."""

import pytest

from proxy.wire.genspark_cookie_sources import Sources, names_sources


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("search_results", True),
        ("session_state.search_results", True),
        ("session_state.web_search_results", True),
        ("a.b.organic_results", True),
        ("sources", True),
        ("answer_citations", True),
        ("references", True),
        ("session_state.resources", False),
        ("results", False),
        ("session_state.image_generation_agent.results", False),
        ("search_results.count", False),
        ("search_results_count", False),
        ("content", False),
        ("", False),
    ],
)
def test_a_field_is_known_by_the_end_of_its_name(name: str, names: bool) -> None:
    assert names_sources(name) is names


def test_a_page_is_fresh_once() -> None:
    sources = Sources()
    page = {"url": "https://example.com", "title": "E"}
    assert [cited.title for cited in sources.fresh([page, page])] == ["E"]
    assert list(sources.fresh([page])) == []
