"""Who can serve a public name, in order: lists of candidates, ours and the operator's own.

A target is ``provider/model``, or ``genspark`` alone for the same name at Genspark.
"""

import tomllib
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from proxy.core.products import GENSPARK, PROVIDER_ROUTES, Route

AUTO: Final = "auto"
MOST_LISTS: Final = 1000
MOST_TARGETS: Final = 20
_PROVIDERS: Final = {route.prefix: route for route in PROVIDER_ROUTES}


class BadLists(Exception):
    """The text is no list of routes; the message says where."""


class Target(Struct, frozen=True):
    """One way to serve a name. ``route`` None: Genspark; ``model`` None: the name itself."""

    route: Route | None
    model: str | None

    def __str__(self) -> str:
        prefix = GENSPARK if self.route is None else self.route.prefix
        return prefix if self.model is None else f"{prefix}/{self.model}"


Lists = Mapping[str, tuple[Target, ...]]


def read_target(text: str) -> Target | None:
    """``runway/gen4.5``, ``genspark/kling/v3`` or ``genspark``; None for anything else."""
    provider, _, model = text.strip().partition("/")
    if provider == GENSPARK:
        return Target(None, model or None)
    route = _PROVIDERS.get(provider)
    return Target(route, model) if route is not None and model else None


def read_lists(text: str) -> dict[str, tuple[Target, ...]]:
    """The table ``[routes]`` of a TOML text, by lower-cased name. Raises ``BadLists``."""
    try:
        table = tomllib.loads(text).get("routes", {})
    except tomllib.TOMLDecodeError as error:
        raise BadLists(f"it is no TOML: {error}") from None
    if not isinstance(table, dict) or len(table) > MOST_LISTS:
        raise BadLists(f"[routes] must be a table of at most {MOST_LISTS} names")
    return {name.lower(): _targets(name, listed) for name, listed in table.items()}


def _targets(name: str, listed: object) -> tuple[Target, ...]:
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_TARGETS:
        raise BadLists(f"'{name}' must be a list of 1 to {MOST_TARGETS} candidates")
    found = [read_target(item) if isinstance(item, str) else None for item in listed]
    if None in found:
        known = ", ".join([GENSPARK, *_PROVIDERS])
        raise BadLists(
            f"'{name}': candidate {found.index(None) + 1} is not provider/model with one of {known}"
        )
    return tuple(target for target in found if target is not None)
