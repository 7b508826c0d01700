"""What all commands share: the consoles, the settings, the way to end with words."""

from typing import Any, Never

import typer
from pydantic import ValidationError
from rich.console import Console

from proxy.settings import Settings

# soft_wrap: a pasted line must stay one line.
out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def fail(message: str) -> Never:
    """Say what is wrong and leave with status 1."""
    err.print(message)
    raise typer.Exit(1)


def load_settings(**given: Any) -> Settings:
    """The settings, or a list of what is wrong with them (never the values themselves)."""
    try:
        return Settings(**given)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(map(str, e['loc'])).upper() or 'SETTINGS'}: {_reason(e['msg'])}"
            for e in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        fail("[red]The settings are wrong:[/red]\n" + "\n".join(lines))


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ").replace("[", r"\[")
