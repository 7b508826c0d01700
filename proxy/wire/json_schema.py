"""Does a JSON value fit a JSON Schema? Both come from outside, so every check is bounded.

Draft 2020-12, or the draft that the root's ``$schema`` names. References stay inside the schema:
nothing is ever fetched. What cannot be checked within the limits passes: the check exists to catch
a model's slips, not to keep anybody out. ``format`` is an annotation, as it is since 2019-09.
"""

import json
from functools import lru_cache
from typing import Any, Final

from jsonschema import (
    Draft3Validator,
    Draft4Validator,
    Draft6Validator,
    Draft7Validator,
    Draft201909Validator,
    Draft202012Validator,
    ValidationError,
)
from jsonschema.exceptions import best_match

from proxy.wire.bounded_keywords import Budget, Unchecked, budget, guarded
from proxy.wire.json_values import text_at

MAX_DEPTH: Final = 64
MAX_SCHEMA_NODES: Final = 20_000
MAX_VALUE_NODES: Final = 200_000
# The library takes about 0.2 ms for a property; a larger schema would hold up everybody else.
MAX_NODES_AGAINST_METASCHEMA: Final = 5_000
MAX_PROBLEM: Final = 300
_LONGEST_QUOTE: Final = 80
_LONGEST_PLACE: Final = 120
# The library's own words quote everything that is too much.
_MESSAGES: Final = {"items": "has too many items", "additionalItems": "has too many items"}
_CACHED_SCHEMA: Final = 16 * 1024


def problem(schema: dict[str, Any], value: Any) -> str | None:
    """What is wrong with the value, in one line that names the place; None when it fits.

    ``city: 5 is not of type 'string'``. At most ``MAX_PROBLEM`` characters; long values are not
    quoted. None also when the schema is invalid or the check would cost too much.
    """
    if not schema:
        return None
    budget.set(Budget())
    try:
        _measure(value, MAX_VALUE_NODES)
        draft = _GUARDED[_draft(schema)]
        error = next(draft(_plain(schema)).iter_errors(value), None)
        # What an invalid schema says against a value is worth nothing.
        if error is None or schema_fault(schema) is not None:
            return None
        return _line(best_match([error]) or error)
    except Exception:
        # An invalid schema makes the library fail in any way: KeyError, TypeError, RecursionError …
        return None


def schema_fault(schema: dict[str, Any]) -> str | None:
    """Why a caller's schema is no JSON Schema, in one line that names the place; else None."""
    try:
        nodes = _measure(schema, MAX_SCHEMA_NODES)
    except Unchecked:
        return f"is nested more than {MAX_DEPTH} levels deep or has over {MAX_SCHEMA_NODES} values"
    if nodes > MAX_NODES_AGAINST_METASCHEMA:
        return None
    try:
        encoded = json.dumps(schema)
        return _fault(encoded) if len(encoded) > _CACHED_SCHEMA else _cached_fault(encoded)
    except RecursionError:
        return None


def _fault(encoded: str) -> str | None:
    schema = json.loads(encoded)
    draft = _DRAFTS[_draft(schema)]
    error = next(draft(draft.META_SCHEMA).iter_errors(schema), None)
    return None if error is None else _line(best_match([error]) or error)


# Clients send the same tools with every request.
_cached_fault = lru_cache(maxsize=512)(_fault)


def _measure(value: Any, most: int) -> int:
    """The number of values inside a value; ``Unchecked`` when it is too large or too deep."""
    count, level, depth = 0, [value], 0
    while level:
        depth += 1
        count += len(level)
        if depth > MAX_DEPTH or count > most:
            raise Unchecked
        level = [each for inner in level for each in _inside(inner)]
    return count


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _plain(schema: dict[str, Any]) -> Any:
    """The schema without what would change its draft half-way or its base for references."""
    _measure(schema, MAX_SCHEMA_NODES)
    return _without_identity(schema)


def _without_identity(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_identity(inner)
            for key, inner in value.items()
            if not (key in ("$schema", "$id") and isinstance(inner, str))
        }
    return [_without_identity(inner) for inner in value] if isinstance(value, list) else value


def _line(error: ValidationError) -> str:
    """The library's message after the place, on one line and without long quotes."""
    message = _MESSAGES.get(str(error.validator), error.message)
    quoted = repr(error.instance)
    if len(quoted) > _LONGEST_QUOTE:
        message = message.replace(quoted, "the value")
    place = ".".join(str(step) for step in error.absolute_path)
    place = place if len(place) <= _LONGEST_PLACE else "…" + place[-_LONGEST_PLACE:]
    line = " ".join((f"{place}: {message}" if place else message).split())
    line = line.encode("utf-8", "replace").decode()
    return line if len(line) <= MAX_PROBLEM else line[: MAX_PROBLEM - 1] + "…"


_NEWEST: Final = "https://json-schema.org/draft/2020-12/schema"
_DRAFTS: Final[dict[str, Any]] = {
    "http://json-schema.org/draft-03/schema": Draft3Validator,
    "http://json-schema.org/draft-04/schema": Draft4Validator,
    "http://json-schema.org/draft-06/schema": Draft6Validator,
    "http://json-schema.org/draft-07/schema": Draft7Validator,
    "https://json-schema.org/draft/2019-09/schema": Draft201909Validator,
    _NEWEST: Draft202012Validator,
}
_GUARDED: Final = {name: guarded(draft) for name, draft in _DRAFTS.items()}


def _draft(schema: dict[str, Any]) -> str:
    """The draft that the schema names; the newest for any other name."""
    named = (
        text_at(schema, "$schema")
        .rstrip("#")
        .replace("https://json-schema.org/draft-", "http://json-schema.org/draft-")
    )
    return named if named in _DRAFTS else _NEWEST
