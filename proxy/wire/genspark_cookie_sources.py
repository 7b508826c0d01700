"""Pages that a web search of the cookie route names, beside the text of the answer.

No source documents such a frame: the names and shapes are inferred (2026-11) from what the route's
other agents send, so anything odd is passed over.
"""

from collections.abc import Iterator
from typing import Any, Final

from proxy.core.events import Cited
from proxy.wire.citations import MOST, citations_in

_FIELDS: Final = frozenset(
    {"search_results", "sources", "citations", "references", "organic_results", "web_results"}
)


def names_sources(field_name: str) -> bool:
    """Whether a field can hold search results: ``session_state.web_search_results``, say."""
    words = field_name.rpartition(".")[2].split("_")
    return words[-1] in _FIELDS or "_".join(words[-2:]) in _FIELDS


class Sources:
    """The pages of one answer, each told once."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def fresh(self, value: Any) -> Iterator[Cited]:
        """The pages in a field's value that have not been told before."""
        if len(self._seen) >= MOST:
            return
        for page in citations_in(value):
            if page.url not in self._seen and len(self._seen) < MOST:
                self._seen.add(page.url)
                yield page
