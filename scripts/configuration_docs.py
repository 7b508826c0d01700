"""Write the pages about settings, the tests compare them.

docs/configuration.md and .env.example come from ``proxy.settings``, the table of docs/recaptcha.md
from ``recaptcha_sidecar.settings``.
"""

import ast
import inspect
import os
import re
import sys
import textwrap
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from proxy import media_settings, settings
from proxy.media_settings import MediaSettings
from proxy.settings import Settings
from recaptcha_sidecar.settings import Settings as SidecarSettings

ROOT = Path(__file__).resolve().parent.parent
PAGE = Path("docs/configuration.md")
EXAMPLE = Path(".env.example")
SIDECAR_PAGE = Path("docs/recaptcha.md")
BEGIN: Final = "<!-- settings: written by `make docs` from recaptcha_sidecar/settings.py -->"
END: Final = "<!-- end of settings -->"

INTRODUCTION = """\
# Configuration

<!-- Written by `make docs` from proxy/settings.py; do not edit by hand. -->

Every setting is an environment variable, or a line `NAME=value` in a file `.env` in the directory
where the server starts; the environment wins. [.env.example](../.env.example) lists them all.

- An empty value means the default.
- Switches take `1` or `0`, also `true` or `false`.
- Lists are separated by commas or newlines, pairs are written `name=value`.
- A cookie may itself hold commas: write several cookies as a JSON array,
  `GS_COOKIE=["session_id=…","session_id=…"]`.
- Write values without quotes: `docker run --env-file` would take the quotes as part of the value.
- Values marked *secret* are never shown in logs, errors or replies.

A value that makes no sense stops the start, with one line per mistake. `genspark2api doctor` checks
what can only be found out by asking: credentials, database, clock.

The command line reads one more variable, `GENSPARK2API_URL`: the running server that
`genspark2api accounts`, `video`, `image` and `jobs` talk to, when it is not at `HOST` and `PORT`.
The reCAPTCHA sidecar is a program of its own with
[settings of its own](recaptcha.md#the-sidecars-settings). What the settings of images and videos
mean together: [videos-and-images.md](videos-and-images.md).
"""

PREFACE = """\
# Copy this file to .env and take the # away from what you want to change; what follows the = is the
# default. Written by `make docs` from proxy/settings.py. More in docs/configuration.md.
#
# To start, one credential is enough. An official API key is the recommended one:
#   GSK_API_KEY=gsk-…
# and, as soon as others can reach the server, a key that callers must present:
#   API_SECRET=something-long-and-random
# Write values without quotes, lists with commas, several cookies as a JSON array:
#   GS_COOKIE=["session_id=…","session_id=…"]
#
# With the reCAPTCHA sidecar of docker-compose.yml (docs/recaptcha.md; chat does not need it):
#   COMPOSE_PROFILES=recaptcha
#   RECAPTCHA_PROXY_URL=http://sidecar:7022
#   SIDECAR_SECRET=another-long-random-value
"""


def groups() -> dict[str, list[str]]:
    """Field names under the headings that the classes of settings give them."""
    found = _headed(settings, Settings)
    telemetry = found.pop("Telemetry")
    return {**found, **_headed(media_settings, MediaSettings), "Telemetry": telemetry}


def _headed(module: ModuleType, group: type[BaseSettings]) -> dict[str, list[str]]:
    source = inspect.getsource(module)
    lines = source.splitlines()
    body = next(
        node.body
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == group.__name__
    )
    found: dict[str, list[str]] = {}
    for node in body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            above = [line.strip() for line in lines[: node.lineno]]
            heading = next(line for line in reversed(above) if line.startswith("# --- "))
            found.setdefault(heading.removeprefix("# --- "), []).append(node.target.id)
    return found


def default(field: FieldInfo) -> str:
    """The default as one would write it in the environment."""
    return _written(field.get_default(call_default_factory=True, validated_data={}))


def _written(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(int(value))
        case Enum():
            return str(value.value)
        case float():
            return f"{value:g}"
        case list():
            return ",".join(map(_written, value))
        case dict():
            return ",".join(f"{name}={_written(target)}" for name, target in value.items())
    return str(value)


def choices(field: FieldInfo) -> list[str]:
    """The values that are possible, where only a few are."""
    kind: Any = field.annotation
    if get_origin(kind) is Literal:
        return [_written(value) for value in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(member.value) for member in kind]
    return ["0", "1"] if kind is bool else []


def is_secret(field: FieldInfo) -> bool:
    """Whether the setting holds a secret, by itself or as a list."""
    return SecretStr in (field.annotation, *_parts(field.annotation))


def _parts(kind: Any) -> Iterator[Any]:
    for part in get_args(kind):
        yield part
        yield from _parts(part)


def page() -> str:
    """docs/configuration.md."""
    tables = [_table(heading, names) for heading, names in groups().items()]
    return "\n".join([INTRODUCTION, *tables])


def _table(heading: str, names: list[str]) -> str:
    rows = _rows({name: Settings.model_fields[name] for name in names})
    return "\n".join([f"## {heading}", "", *rows, ""])


def _rows(fields: dict[str, FieldInfo]) -> list[str]:
    head = ["| Variable | Default | Meaning |", "|---|---|---|"]
    return head + [_row(name, field) for name, field in fields.items()]


def _row(name: str, field: FieldInfo) -> str:
    shown = f"`{default(field)}`" if default(field) else "–"
    meaning = (field.description or "").replace("|", r"\|")
    told = all(re.search(rf"\b{re.escape(c)}\b", meaning) for c in choices(field))
    listed = ", ".join(f"`{choice}`" for choice in choices(field))
    values = "" if told or field.annotation is bool else f" Values: {listed}."
    secret = " *Secret.*" if is_secret(field) else ""
    return f"| `{name.upper()}` | {shown} | {meaning}{values}{secret} |"


def with_sidecar_table(page: str) -> str:
    """docs/recaptcha.md with the present table between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = "\n".join(_rows(SidecarSettings.model_fields))
    return f"{before}{BEGIN}\n\n{rows}\n\n{END}{after}"


def example() -> str:
    """.env.example."""
    return "\n".join([PREFACE, *(_section(*group) for group in groups().items())])


def _section(heading: str, names: list[str]) -> str:
    lines = [f"# --- {heading}"]
    for name in names:
        field = Settings.model_fields[name]
        comment = textwrap.wrap(field.description or "", 98)
        lines += ["", *(f"# {line}" for line in comment), f"#{name.upper()}={default(field)}"]
    return "\n".join([*lines, "", ""])


def main() -> None:
    """Write all three files."""
    os.chdir(ROOT)
    PAGE.write_text(page(), "utf-8")
    EXAMPLE.write_text(example(), "utf-8")
    SIDECAR_PAGE.write_text(with_sidecar_table(SIDECAR_PAGE.read_text("utf-8")), "utf-8")
    sys.stdout.write(f"wrote {PAGE}, {EXAMPLE} and the table of {SIDECAR_PAGE}\n")


if __name__ == "__main__":
    main()
