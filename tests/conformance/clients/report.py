"""What the scripts of this folder share: whom they ask, what about, and how they report.

Each prints one JSON line per check, ``{"check", "ok", "told" or "error"}``, and exits with 1 when a
check failed. By hand they ask what ``make run`` serves, or what the environment names:

    cd tests
    ../.venv/bin/python -m conformance.clients.langchain_client
    BASE_URL=http://127.0.0.1:7055/v1 API_KEY=… MODEL=gpt-5.4 …

A script asks a dozen short questions.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

T = TypeVar("T")

PERSON = "Ada Lovelace was born in London in 1815. Write down who she was."
WEATHER = "What does get_weather say about Geneva? Call it, then answer in one sentence."
BOTH = "Call get_weather for Geneva and get_time for the zone CET, both at once."
HELLO = "Say hello in one short sentence."
SNOW = "Snow, 4 degrees below zero"


class Person(BaseModel):
    """A person of history."""

    name: str
    born: int
    cities: list[str]


@dataclass(frozen=True, slots=True)
class Target:
    """The server to be asked."""

    base_url: str = field(
        default_factory=lambda: os.environ.get("BASE_URL", "http://127.0.0.1:7055/v1")
    )
    api_key: str = field(default_factory=lambda: os.environ.get("API_KEY", "none"))
    model: str = field(default_factory=lambda: os.environ.get("MODEL", "gpt-5.4"))


Check = Callable[[Target], str]


class Unexpected(Exception):
    """The server did something else than the check wants."""


def want(condition: object, otherwise: object) -> None:
    """Fail a check."""
    if not condition:
        raise Unexpected(str(otherwise))


def of_kind(kind: type[T], found: object) -> T:
    """The value, which must be of this kind."""
    if not isinstance(found, kind):
        raise Unexpected(f"{found!r} is no {kind.__name__}")
    return found


def check_person(found: object) -> str:
    """A ``Person`` came out, filled in; it is told as JSON."""
    person = of_kind(Person, found)
    want(person.name, "a person without a name")
    return person.model_dump_json()


def tell(checks: Sequence[Check], target: Target) -> int:
    """Run every check, whatever becomes of the others; the exit status."""
    status = 0
    for check in checks:
        line: dict[str, Any] = {"check": check.__name__, "ok": True}
        try:
            line["told"] = check(target)
        except Exception as error:
            # Each client has error classes of its own; whichever comes, the check has failed.
            line |= {"ok": False, "error": f"{type(error).__name__}: {error}"}
            status = 1
        print(json.dumps(line), flush=True)
    return status
