"""Every sentence that the program can say to a caller is explained."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.core.failures import Failure, Kind
from proxy.wire.openai_errors import for_failure

# What stands where the program fills something in.
GAP = "…"
SOURCES = [
    "proxy/wire/openai_errors.py",
    "proxy/wire/openai_request.py",
    "proxy/wire/openai_parameters.py",
    "proxy/wire/openai_wishes.py",
    "proxy/wire/responses_request.py",
    "proxy/wire/responses_items.py",
    "proxy/wire/responses_tools.py",
    "proxy/wire/messages_request.py",
    "proxy/wire/messages_blocks.py",
    "proxy/wire/messages_tools.py",
    "proxy/wire/completions.py",
    "proxy/wire/media_checks.py",
    "proxy/wire/media_form.py",
    "proxy/wire/media_inputs.py",
    "proxy/wire/media_terms.py",
    "proxy/wire/media_types.py",
    "proxy/wire/image_requests.py",
    "proxy/wire/chat_media.py",
    "proxy/core/media_rules.py",
    "proxy/upstreams/fetch.py",
    "proxy/core/abilities.py",
    "proxy/services/opening.py",
    "proxy/services/job_views.py",
    "proxy/protocol.py",
    "proxy/generate/making.py",
    "proxy/generate/saving.py",
    "proxy/generate/server.py",
    "proxy/generate/watching.py",
    "proxy/generate/wishes.py",
    "proxy/api",
]
# What is told of a parameter stands behind its name, which one of these puts in front.
NAMING = {"_wrong", "_unsupported"}
NAMED = [
    "proxy/services/attachments.py",
    "proxy/services/inputs.py",
    "proxy/wire/completions.py",
    "proxy/wire/messages_blocks.py",
    "proxy/wire/responses_items.py",
]
NO_ERRORS = {
    # They stand in the log, as the detail of a timeout.
    "ANSWER_TIMEOUT is over",
    "FIRST_EVENT_TIMEOUT is over",
    # Progress, as a reasoning delta.
    f"Generating the {GAP}:{GAP} {GAP} s{GAP}.\n",
    # The model is told them.
    "The result is attached to the next message.",
    "The tool's whole input, as plain text.",
    f"The tool {GAP} can be used now.",
    f"Search result: {GAP}\n{GAP}",
    f"Document: {GAP}\n{GAP}",
}


def messages_in(source: str) -> list[str]:
    """Sentences in the order of the source; values filled in at run time are shown as a gap."""
    return [text for text in _texts(ast.parse(source)) if _is_message(text)]


def _texts(node: ast.AST) -> Iterator[str]:
    """String literals outside docstrings; an f-string counts as one."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(v.value) if isinstance(v, ast.Constant) else GAP for v in node.values)
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
        return
    for child in ast.iter_child_nodes(node):
        is_docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        if not is_docstring:
            yield from _texts(child)


def named_in(source: str) -> list[str]:
    """Sentences about a parameter, which begin with its name; with gaps as in ``messages_in``."""
    nodes = [node for node in ast.walk(ast.parse(source)) if _is_naming(node)]
    rests = [text for node in nodes for text in _texts(_told(node))]
    return [f"'{GAP}{rest}" for rest in rests if rest.strip(f" .:{GAP}")]


def _is_naming(node: ast.AST) -> bool:
    """A call of a function that names the parameter, or what a variable keeps for one."""
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) == "what"
    return isinstance(node, ast.Call) and ast.unparse(node.func) in NAMING and len(node.args) > 1


def _told(node: ast.AST) -> ast.AST:
    return node.args[1] if isinstance(node, ast.Call) else node


def _is_message(text: str) -> bool:
    """Some words that begin like a sentence. Header values and keys do not; heads have CR LF."""
    starts = re.match(rf"[A-Z'{GAP}]", text) is not None
    return starts and len(text.split()) >= 3 and "\r\n" not in text


def test_sentences_are_found_and_other_strings_are_not() -> None:
    source = '''
"""A docstring is no message."""
JSON = "application/json"
CORS = "GET, POST"
def f(x: str) -> str:
    """Neither is this one."""
    return "The door is " "closed." if x else f"'{x}' must be a number."
'''
    assert messages_in(source) == ["The door is closed.", "'…' must be a number."]


def test_sentences_behind_a_name_are_found() -> None:
    source = """
what = f": at most {most} can be sent."
raise _wrong(given, " is empty.", "invalid_value")
raise _wrong(given, f": {error.reason}", "invalid_value")
raise InvalidRequest("Another.")
"""
    assert sorted(named_in(source)) == ["'… is empty.", "'…: at most … can be sent."]


@pytest.mark.parametrize("place", NAMED)
def test_every_message_behind_a_name_is_on_the_page(
    root: Path, pages: dict[str, Any], place: str
) -> None:
    page = re.sub(r"\s+", " ", pages["docs/troubleshooting.md"].text)
    messages = named_in((root / place).read_text("utf-8"))
    assert messages
    assert [message for message in messages if not _explained(message, page)] == []


@pytest.mark.parametrize("place", SOURCES)
def test_every_message_is_on_the_page(root: Path, pages: dict[str, Any], place: str) -> None:
    page = re.sub(r"\s+", " ", pages["docs/troubleshooting.md"].text)
    found = root / place
    files = sorted(found.glob("*.py")) if found.is_dir() else [found]
    messages = [m for file in files for m in messages_in(file.read_text("utf-8"))]
    assert messages
    missing = [m for m in messages if m not in NO_ERRORS and not _explained(m, page)]
    assert missing == [], "explain them in docs/troubleshooting.md"


def _explained(message: str, page: str) -> bool:
    """Whether the page quotes it, whatever stands in its gaps."""
    said = message.partition("\n")[0].rstrip(".")
    fixed = [re.escape(part.strip()) for part in said.split(GAP) if part.strip()]
    return re.search(rf"`[^`|]*{'[^`|]*'.join(fixed)}[^`|]*`", page) is not None


def test_a_status_on_the_page_is_the_one_that_is_sent(pages: dict[str, Any]) -> None:
    rows = pages["docs/troubleshooting.md"].text.splitlines()
    for kind in Kind:
        told = for_failure(Failure(kind))
        cells = (f"| `{told.message}` |", f"| `{told.message}: {GAP}` |")
        shown = [row for row in rows if row.startswith(cells)]
        assert any(f"| {told.status} `{told.code}` |" in row for row in shown), kind


def test_the_start_s_refusals_are_on_the_page(root: Path, pages: dict[str, Any]) -> None:
    page = pages["docs/troubleshooting.md"].text
    for place, said in {
        "proxy/*.py": [
            "No Genspark credential is configured.",
            "Cannot listen on",
            "can be reached by others: set API_SECRET",
            "ALLOW_ANONYMOUS=1",
            "must be http://, https:// or socks5:// with a host and a port",
            "must be an address such as https://ai.example.com",
            "is not a valid JSON array of strings",
            "account cookies go there: use https, or a private address",
            "The database cannot be opened (",
            "check DATABASE_URL, or that DATA_DIR can be written.",
        ],
        "scripts/browser": ["tests need a Chromium, and none could be had.", "does not start: "],
        "scripts/setup": ["no Python 3.11 or newer found", "cannot create virtual environments"],
    }.items():
        source = "".join(file.read_text("utf-8") for file in root.glob(place))
        assert [text for text in said if text not in source or text not in page] == []
