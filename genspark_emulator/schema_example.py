"""A small value that satisfies a JSON Schema, for the arguments of a tool call.

Covers the keywords that tool definitions use in practice; ``pattern`` and conditional
keywords are not solved.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

MAX_DEPTH = 12
"""Deeper than any real tool; ends the recursion of a schema that refers to itself."""

FILLED_DEPTH = 3
"""Above it a list has an item, and an object that requires nothing all its properties, as a reader
expects; further down they are empty, for a schema may contain itself."""

FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def example_of(schema: Any, root: Any = None, depth: int = 0) -> Any:
    """A minimal instance of ``schema``; references are looked up in ``root``."""
    root = schema if root is None else root
    if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
        return {} if schema is True else None
    schema = _resolved(schema, root)
    for keyword in ("const", "default"):
        if keyword in schema:
            return schema[keyword]
    if schema.get("enum"):
        return schema["enum"][0]
    return _EXAMPLES[_type_of(schema)](schema, root, depth)


def schema_within(text: str) -> dict[str, Any] | None:
    """The first JSON object in a text that reads like the schema of an object, or None."""
    decoder, start = json.JSONDecoder(), text.find("{")
    while start >= 0:
        try:
            value, end = decoder.raw_decode(text, start)
        except ValueError:
            end = start + 1
        else:
            if "properties" in value:
                return dict(value)
        start = text.find("{", end)
    return None


def _resolved(schema: Mapping[str, Any], root: Any) -> dict[str, Any]:
    """Follow ``$ref`` and fold ``allOf`` and the first alternative into one schema."""
    merged = {key: value for key, value in schema.items() if key not in _FOLDED}
    branches = [*schema.get("allOf", ()), *schema.get("anyOf", ())[:1]]
    branches += schema.get("oneOf", ())[:1]
    if "$ref" in schema:
        branches.append(_referenced(str(schema["$ref"]), root))
    for branch in branches:
        part = _resolved(branch, root) if isinstance(branch, Mapping) else {}
        properties = {**part.get("properties", {}), **merged.get("properties", {})}
        required = [*part.get("required", ()), *merged.get("required", ())]
        merged = {**part, **merged}
        merged |= {"properties": properties} if properties else {}
        merged |= {"required": required} if required else {}
    return merged


_FOLDED = frozenset({"allOf", "anyOf", "oneOf", "$ref"})


def _referenced(pointer: str, root: Any) -> Any:
    target = root
    for name in pointer.removeprefix("#").strip("/").split("/"):
        target = target.get(name, {}) if isinstance(target, Mapping) else {}
    return target


def _type_of(schema: Mapping[str, Any]) -> str:
    declared = schema.get("type")
    names = declared if isinstance(declared, list) else [declared]
    known = [name for name in names if name in _EXAMPLES and name != "null"]
    if known:
        return str(known[0])
    return "object" if "properties" in schema or not any(names) else "null"


def _object(schema: Mapping[str, Any], root: Any, depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    names = schema.get("required") or (properties if depth < FILLED_DEPTH else ())
    return {
        name: example_of(properties.get(name, {"type": "string"}), root, depth + 1)
        for name in names
    }


def _array(schema: Mapping[str, Any], root: Any, depth: int) -> list[Any]:
    items = schema.get("items", {"type": "string"})
    usual = 1 if depth < FILLED_DEPTH else 0
    length = max(schema.get("minItems", 0), min(usual, schema.get("maxItems", 1)))
    return [example_of(items, root, depth + 1) for _ in range(length)]


def _string(schema: Mapping[str, Any], _root: Any, _depth: int) -> str:
    text = FORMATS.get(str(schema.get("format")), "example").ljust(schema.get("minLength", 0), "x")
    return text[: schema.get("maxLength", len(text))]


def _integer(schema: Mapping[str, Any], _root: Any, _depth: int) -> int:
    above = schema.get("exclusiveMinimum")
    low = max(1, schema.get("minimum", 1 if above is None else above + 1))
    step = schema.get("multipleOf", 1)
    value = int(-(-low // step) * step)
    return min(value, int(schema.get("maximum", value)))


_EXAMPLES: dict[str, Callable[[Mapping[str, Any], Any, int], Any]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "number": _integer,
    "boolean": lambda _schema, _root, _depth: True,
    "null": lambda _schema, _root, _depth: None,
}
