"""What every page says of files, commands and settings is so."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from proxy.cli import app
from proxy.settings import Settings
from recaptcha_sidecar.settings import Settings as SidecarSettings

# Variables that are none of ours: of the predecessor, of clients, of the surroundings.
FOREIGN = {
    "SESSION_IMAGE_CHAT_MAP", "YES_CAPTCHA_CLIENT_KEY", "REQUEST_OUT_TIME",
    "STREAM_REQUEST_OUT_TIME", "ALL_DIALOG_RECORD_ENABLE", "SWAGGER_ENABLE", "ONLY_OPENAI_API",
    "DEBUG_LOG_HEADERS", "DEBUG_SAVE_PAYLOADS", "DEBUG_LOG_LEVEL", "GIN_MODE",
    "OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_API_BASE_URL", "BASE_URL", "CUSTOM_MODELS",
    "VISION_MODELS", "GENSPARK2API_KEY", "ANTHROPIC_SMALL_FAST_MODEL",
    "PYTHON", "BENCH", "UPGRADE", "DIRECTORY", "GENSPARK2API_URL", "COMPOSE_PROFILES",
    # Names of tables in proxy/core/failures.py.
    "EFFECTS", "REACTIONS",
}  # fmt: skip
VARIABLE = re.compile(r"\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|PORT|HOST|DEBUG|TZ)\b")


def _anchor(heading: str) -> str:
    """GitHub's rule for a heading's anchor."""
    plain = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", heading).lower())
    return plain.replace(" ", "-")


def test_links_lead_somewhere(page: Any, pages: dict[str, Any], root: Path) -> None:
    wrong = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.prose):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (root / page.name).parent / path if path else root / page.name
        name = str(target.resolve().relative_to(root))
        known = {_anchor(text) for _, text in pages[name].headings} if name in pages else set()
        if not target.exists() or (anchor and anchor not in known):
            wrong.append(link)
    assert wrong == []


def test_each_make_command_exists(page: Any, root: Path) -> None:
    makefile = (root / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    code = "\n".join(content for _, content in page.blocks)
    named = re.findall(r"^make ([a-z-]+)", code, re.MULTILINE)
    named += [m[1] for quoted in page.quoted if (m := re.match(r"make ([a-z-]+)", quoted))]
    assert set(named) - targets == set()


def test_each_of_our_commands_exists(page: Any) -> None:
    program = get_command(app)
    code = "\n".join(c for language, c in page.blocks if language == "sh")
    lines = [*code.splitlines(), *page.quoted]
    for line in lines:
        match = re.match(r"(?:\.venv/bin/)?genspark2api ([a-z]+.*)", line)
        if match is None:
            continue
        # Parses the words without running anything.
        words = shlex.split(match[1].replace("…", ""))
        command: Any = program
        while words and hasattr(command, "commands"):
            assert words[0] in command.commands, line
            command = command.commands[words.pop(0)]
        options = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


def test_each_variable_is_a_setting(page: Any) -> None:
    fields = [*Settings.model_fields, *SidecarSettings.model_fields]
    ours = {name.upper() for name in fields}
    code = " ".join(c for language, c in page.blocks if language == "ini")
    named = {name for quoted in [*page.quoted, code] for name in VARIABLE.findall(quoted)}
    assert named - ours - FOREIGN == set()


def test_each_path_in_the_source_exists(page: Any, root: Path) -> None:
    places = (
        "proxy/", "recaptcha_sidecar/", "genspark_emulator/", "tests/", "docs/", "scripts/",
        "bench/", ".ci/",
    )  # fmt: skip
    # Rooms are also named without the package they lie in.
    rooms = ("core/", "wire/", "upstreams/", "store/", "services/", "api/")
    # What stands for a name of the reader's own leads nowhere.
    named = [re.split(r"[ :*]", quoted)[0] for quoted in page.quoted if "<" not in quoted]
    wrong = [
        name
        for name in named
        if (name.startswith(places) and not (root / name).exists())
        or (name.startswith(rooms) and not (root / "proxy" / name).exists())
    ]
    assert wrong == []


def test_the_readme_leads_to_every_page(pages: dict[str, Any]) -> None:
    for readme in ("README.md", "README.zh-CN.md"):
        linked = set(re.findall(r"\]\(([^)#]+)", pages[readme].text))
        others = {name for name in pages if "decisions/" not in name} - {"README.md", readme}
        assert others - linked - {"README.zh-CN.md"} == set()


def test_decisions_are_numbered_without_gaps(pages: dict[str, Any]) -> None:
    names = [name for name in pages if name.startswith("docs/decisions/")]
    numbers = [int(Path(name).name[:3]) for name in names]
    assert numbers == list(range(1, len(names) + 1))
    for name, number in zip(names, numbers, strict=True):
        assert pages[name].headings[0][1].startswith(f"{number:03} ")


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX", "lorem"])
def test_pages_are_finished(page: Any, word: str) -> None:
    assert word not in page.text
