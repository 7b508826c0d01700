"""Pages that an answer rests on: found in JSON of unknown shape, written as OpenAI annotations."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from proxy.core.events import Cited
from proxy.wire.json_values import text_at

# The most pages that one answer cites.
MOST: Final = 50

# Search results nest a few levels, and a page has some ten fields; beyond this it is no such list.
_DEEPEST: Final = 8
_LOOKS: Final = 10_000
_LONGEST_TEXT: Final = 256 * 1024
_LONGEST_TITLE: Final = 300
_ADDRESS: Final = re.compile(r"https?://[^\s\x00-\x1f\x7f-\x9f<>\"]{1,1990}", re.IGNORECASE)
# The upstream's own files need its credentials: no caller can open them.
_PRIVATE: Final = "/api/files/"

# What can stand behind a url in a text; before anything else it is the beginning of a longer one.
_BEHIND: Final = re.compile(r"$|[\s)\]}>\"'`*|]|[.,;:!?](?:\s|$)|[^\x00-\x7f]")
_TRIES: Final = 20


def citations_in(value: Any, choice: int = 0) -> list[Cited]:
    """The pages in decoded JSON, in its order, each once: objects with an address and a title.

    Text that is JSON itself is looked into, one level deep. What is odd is passed over.
    """
    found: dict[str, Cited] = {}
    for url, title in _pages(value, _DEEPEST, iter(range(_LOOKS)), decodes=True):
        found.setdefault(url, Cited(url, title, choice))
        if len(found) == MOST:
            break
    return list(found.values())


def annotations(
    cited: Iterable[Cited], text: str, given: Iterable[Any] = ()
) -> list[dict[str, Any]]:
    """OpenAI's ``url_citation`` objects for pages that no annotation in ``given`` names already.

    ``start_index`` and ``end_index`` count characters of ``text``: the url in it, or the Markdown
    link to it; the whole text where it is not named.
    """
    known = {text_at(each, "url_citation", "url") or text_at(each, "url") for each in given}
    pages: dict[str, Cited] = {}
    for page in cited:
        if page.url not in known and len(pages) < MOST:
            pages.setdefault(page.url, page)
    return [_annotation(page, text) for page in pages.values()]


def _annotation(page: Cited, text: str) -> dict[str, Any]:
    start, end = _place(page.url, text)
    where = {"start_index": start, "end_index": end, "url": page.url, "title": page.title}
    return {"type": "url_citation", "url_citation": where}


def _place(url: str, text: str) -> tuple[int, int]:
    start = text.find(url)
    for _ in range(_TRIES):
        if start < 0:
            break
        end = start + len(url)
        if _BEHIND.match(text, end):
            return _link_around(text, start, end)
        start = text.find(url, end)
    return 0, len(text)


def _link_around(text: str, start: int, end: int) -> tuple[int, int]:
    """The whole of ``[words](url)``, if the url stands in one."""
    if text[max(start - 2, 0) : start] != "](" or text[end : end + 1] != ")":
        return start, end
    bracket = text.rfind("[", max(start - _LONGEST_TITLE, 0), start)
    return (bracket, end + 1) if bracket >= 0 else (start, end)


def _pages(
    node: Any, depth: int, looks: Iterator[int], *, decodes: bool
) -> Iterator[tuple[str, str]]:
    if isinstance(node, str) and decodes:
        node, decodes = _decoded(node), False
    if isinstance(node, dict):
        if page := _page(node):
            yield page
        node = list(node.values())
    if depth and isinstance(node, list):
        for inner, _ in zip(node, looks, strict=False):
            yield from _pages(inner, depth - 1, looks, decodes=decodes)


def _page(node: dict[str, Any]) -> tuple[str, str] | None:
    url = text_at(node, "url") or text_at(node, "link")
    title = " ".join((text_at(node, "title") or text_at(node, "name")).split())
    if not title or not _ADDRESS.fullmatch(url) or _PRIVATE in url:
        return None
    return url, title[:_LONGEST_TITLE]


def _decoded(text: str) -> Any:
    if len(text) > _LONGEST_TEXT or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
