"""docs/recaptcha.md: every reason for having no token, the doors, and the numbers are as told."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.core.products import Product
from proxy.core.recaptcha import Policy
from proxy.services.recaptcha import REMEMBERED
from proxy.settings import Settings
from proxy.wire.recaptcha import FLOWS, is_safe_for_cookies
from recaptcha_sidecar import flows
from recaptcha_sidecar.failures import STATUS, WORTH_A_SECOND_TRY, Reason
from recaptcha_sidecar.settings import Settings as SidecarSettings

PAGE = "docs/recaptcha.md"
GAP = "…"
# Calls that say why there is no token, with the place of the sentence among their arguments.
TELLING = {"Failure": 1, "_wrong": 0, "_none": 0, "_unavailable": 0}
SIDECAR = ("browser", "contract", "minting", "pages", "app")
SERVER = ("proxy/services/recaptcha.py", "proxy/upstreams/recaptcha.py")


@pytest.fixture
def text(pages: dict[str, Any]) -> str:
    """The page."""
    found: str = pages[PAGE].text
    return found


def sentences_in(source: str) -> list[str]:
    """What the program says, with gaps where it fills something in."""
    return [sentence for sentence in _sentences(ast.parse(source)) if sentence.strip(GAP)]


def _sentences(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place = TELLING.get(node.func.id)
            if place is not None and len(node.args) > place:
                yield _written(node.args[place])


def _written(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else GAP for v in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else GAP


def _is_quoted(sentence: str, page: str) -> bool:
    fixed = [re.escape(part.strip()) for part in sentence.split(GAP) if part.strip()]
    return re.search(rf"`[^`\n]*{'[^`]*'.join(fixed)}[^`\n]*`", page) is not None


def test_sentences_are_found() -> None:
    source = 'Failure(Reason.BUSY, "too many")\n_none(f"HTTP {status} without")\nFailure(kind, why)'
    assert sentences_in(source) == ["too many", f"HTTP {GAP} without"]


@pytest.mark.parametrize("name", [*(f"recaptcha_sidecar/{name}.py" for name in SIDECAR), *SERVER])
def test_whatever_is_said_of_a_missing_token_is_explained(root: Path, text: str, name: str) -> None:
    said = sentences_in((root / name).read_text("utf-8"))
    assert said
    assert [sentence for sentence in said if not _is_quoted(sentence, text)] == []


def test_no_other_file_of_the_sidecar_says_anything(root: Path) -> None:
    files = (root / "recaptcha_sidecar").glob("*.py")
    speaking = {file.stem for file in files if sentences_in(file.read_text("utf-8"))}
    assert speaking == set(SIDECAR)


def _rows(text: str) -> dict[str, str]:
    rows = re.findall(r"^\| `([a-z_]+)` (\d{3}) \|(.*)\|$", text, re.MULTILINE)
    return {code: f"{status} {told}" for code, status, told in rows}


def test_every_code_stands_there_once_with_its_status(text: str) -> None:
    rows = _rows(text)
    assert set(rows) == {reason.value for reason in Reason}
    assert {code: int(told[:3]) for code, told in rows.items()} == {
        reason.value: status for reason, status in STATUS.items()
    }


def test_what_is_tried_twice_is_told(text: str) -> None:
    twice = {
        code for code, told in _rows(text).items() if re.search(r"[Tt]ried twice|twice:", told)
    }
    assert twice == {reason.value for reason in WORTH_A_SECOND_TRY}


def test_the_policies_are_those_of_the_settings(text: str) -> None:
    told = set(re.findall(r"^\| `(\w+)`(?: \(default\))? \|.*\|.*\|$", text, re.MULTILINE))
    assert {policy.value for policy in Policy} <= told
    defaults = {Settings.model_fields[f"recaptcha_{p}"].default for p in ("chat", "image", "video")}
    assert defaults == {Policy.AUTO}
    assert "| `auto` (default) |" in text
    assert REMEMBERED == 3600
    assert "for an hour" in text


def test_the_flows_are_those_of_both_sides(text: str) -> None:
    assert set(FLOWS) == set(Product) - {Product.ALL}
    assert set(FLOWS.values()) <= set(flows.FLOWS)
    assert f"({', '.join(f'`{name}`' for name in flows.FLOWS)})" in text


def test_numbers_in_brackets_are_the_defaults(text: str) -> None:
    prose = re.sub(r"<!-- settings.*end of settings -->", "", text, flags=re.DOTALL)
    told = re.findall(r"`([A-Z_]+)`(?: failures in a row)? \((\d+)(?: s)?\)", prose)
    fields = SidecarSettings.model_fields | Settings.model_fields
    assert {name for name, _ in told} >= {"MAX_CONTEXTS", "MAX_CONCURRENCY", "SIDECAR_TIMEOUT"}
    assert [(name, n) for name, n in told if fields[name.lower()].default != float(n)] == []


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://tokens.example.com", True),
        ("http://127.0.0.1:7022", True),
        ("http://10.0.0.5:7022", True),
        ("http://sidecar:7022", True),
        ("http://box.local:7022", True),
        ("http://box.internal:7022", True),
        ("http://box.localhost:7022", True),
        ("http://tokens.example.com", False),
        ("http://93.184.215.14:7022", False),
    ],
)
def test_addresses_are_refused_as_the_page_says(url: str, safe: bool) -> None:
    if safe:
        assert is_safe_for_cookies(url)
        Settings(_env_file=None, recaptcha_proxy_url=url)
        return
    with pytest.raises(ValueError, match="account cookies go there"):
        Settings(_env_file=None, recaptcha_proxy_url=url)


def test_the_replies_that_are_shown_are_in_the_contract(root: Path, text: str) -> None:
    contract = json.loads((root / "tests/contracts/recaptcha.json").read_text("utf-8"))
    bodies = [example["reply"]["body"] for example in contract["exchanges"]]
    shown = [json.loads(body) for body in re.findall(r"HTTP 200 `(\{.*?\})`", text)]
    assert len(shown) == 2
    for body in shown:
        assert any(
            set(body) == set(other) and body["code"] == other["code"]
            for other in bodies
            if "code" in other
        )
