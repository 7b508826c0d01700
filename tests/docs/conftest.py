"""What the tests of the documentation share: the pages, and what they quote."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Page:
    """A Markdown page; ``name`` is its path in the checkout."""

    name: str
    text: str

    @property
    def blocks(self) -> list[tuple[str, str]]:
        """Code blocks: language and content."""
        return re.findall(r"^```(\w*)\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)

    @property
    def prose(self) -> str:
        """The text without its code blocks."""
        return re.sub(r"^```.*?^```$", "", self.text, flags=re.MULTILINE | re.DOTALL)

    @property
    def headings(self) -> list[tuple[int, str]]:
        """Level and text."""
        found = re.findall(r"^(#+) (.+)$", self.prose, re.MULTILINE)
        return [(len(marks), text) for marks, text in found]

    @property
    def quoted(self) -> list[str]:
        """What stands between backticks in the prose."""
        return re.findall(r"`([^`\n]+)`", self.prose)

    def examples(self, language: str) -> list[str]:
        """The code blocks in one language."""
        return [content for found, content in self.blocks if found == language]


def _pages() -> dict[str, Page]:
    places = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    names = sorted(str(place.relative_to(ROOT)) for place in places)
    return {name: Page(name, (ROOT / name).read_text("utf-8")) for name in names}


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def pages() -> dict[str, Page]:
    """Every page by its path."""
    return _pages()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for ``page`` runs once for each of them."""
    if "page" in metafunc.fixturenames:
        found = _pages()
        metafunc.parametrize("page", found.values(), ids=found)
