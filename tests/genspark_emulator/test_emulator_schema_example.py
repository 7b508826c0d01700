"""Minimal instances of tool schemas."""

from typing import Any

import pytest

from genspark_emulator.schema_example import example_of

NODE = {
    "type": "object",
    "properties": {"next": {"$ref": "#/$defs/node"}},
    "required": ["next"],
}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, {}),
        (True, {}),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {"a": "example"}),
        (
            {"type": "object", "properties": {"a": {"enum": [1]}, "b": {}}, "required": ["a"]},
            {"a": 1},
        ),
        ({"type": "string"}, "example"),
        ({"type": "string", "minLength": 9}, "examplexx"),
        ({"type": "string", "maxLength": 2}, "ex"),
        ({"type": "string", "format": "date"}, "2026-01-01"),
        ({"type": "integer"}, 1),
        ({"type": "integer", "minimum": 4, "multipleOf": 3}, 6),
        ({"type": "integer", "exclusiveMinimum": 4}, 5),
        ({"type": "integer", "minimum": -9, "maximum": 9}, 1),
        ({"type": "integer", "minimum": -9, "maximum": -8}, -8),
        ({"type": "number", "maximum": 0}, 0),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["null", "integer"]}, 1),
        ({"type": "array"}, ["example"]),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 0}, []),
        (
            {"type": "array", "items": {"type": "array", "items": {"type": "array"}}},
            [[["example"]]],
        ),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"enum": ["b", "a"]}, "b"),
        ({"const": 7}, 7),
        ({"type": "string", "default": "d"}, "d"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 1),
        ({"oneOf": [{"enum": ["x"]}]}, "x"),
        (
            {
                "allOf": [
                    {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
                    {"properties": {"b": {"type": "boolean"}}, "required": ["b"]},
                ]
            },
            {"a": 1, "b": True},
        ),
        (
            {
                "$defs": {"size": {"enum": ["S"]}},
                "type": "object",
                "properties": {"size": {"$ref": "#/$defs/size"}},
                "required": ["size"],
            },
            {"size": "S"},
        ),
    ],
)
def test_examples(schema: Any, value: Any) -> None:
    assert example_of(schema) == value


def test_a_schema_that_contains_itself_ends() -> None:
    assert example_of({"$defs": {"node": NODE}, "$ref": "#/$defs/node"})["next"]


def test_lists_have_an_item_near_the_top_only() -> None:
    inner = {"type": "array", "items": {"$ref": "#/$defs/tree"}}
    tree = {"type": "object", "properties": {"in": inner}, "required": ["in"]}
    assert example_of({"$defs": {"tree": tree}, "$ref": "#/$defs/tree"}) == {"in": [{"in": []}]}


def test_a_reference_to_itself_ends() -> None:
    assert example_of({"$ref": "#"}) == {}
