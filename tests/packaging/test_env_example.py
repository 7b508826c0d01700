""".env.example: every setting once, commented out, with its default."""

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from proxy.settings import Settings

LINE = re.compile(r"^#([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    return (root / ".env.example").read_text("utf-8")


def test_every_setting_appears_once(text: str) -> None:
    names = [name.lower() for name, _ in LINE.findall(text)]
    assert sorted(names) == sorted(Settings.model_fields)


def test_as_it_is_it_sets_nothing(text: str) -> None:
    assert [line for line in text.splitlines() if line and not line.startswith("#")] == []


def test_with_every_line_switched_on_it_loads_and_says_the_defaults(
    text: str, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_text(LINE.sub(r"\1=\2", text), "utf-8")
    assert Settings(_env_file=file) == Settings(_env_file=None)


def test_it_is_what_the_settings_make_of_it(
    text: str, script: Callable[[str], SimpleNamespace]
) -> None:
    assert text == script("configuration_docs").example(), "run: make docs"
