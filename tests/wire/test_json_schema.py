"""Values against schemas, both from outside: right about the usual, bounded in everything."""

import inspect
import json
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from proxy.wire.json_schema import MAX_PROBLEM, problem, schema_fault

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
CITY = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1, "maxLength": 20},
        "days": {"type": "integer", "minimum": 1},
        "unit": {"enum": ["C", "F"]},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "place": {"$ref": "#/$defs/place"},
    },
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"place": {"type": "object", "required": ["lat"]}},
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"city": "Paris", "days": 1, "unit": "C", "tags": ["a", "b"], "place": {"lat": 1}}, None),
        ({"city": 5}, "city: 5 is not of type 'string'"),
        ({}, "'city' is a required property"),
        ({"city": ""}, "city: '' should be non-empty"),
        ({"city": "Paris", "days": 0}, "days: 0 is less than the minimum of 1"),
        ({"city": "Paris", "unit": "K"}, "unit: 'K' is not one of ['C', 'F']"),
        ({"city": "Paris", "tags": ["a", 2]}, "tags.1: 2 is not of type 'string'"),
        ({"city": "Paris", "tags": ["a", "a"]}, "tags: ['a', 'a'] has non-unique elements"),
        ({"city": "Paris", "place": {}}, "place: 'lat' is a required property"),
        ({"city": "Paris", "x": 1}, "Additional properties are not allowed ('x')"),
        ({"city": "x" * 500}, "city: the value is too long"),
        ([], "[] is not of type 'object'"),
    ],
)
def test_a_problem_names_the_place(value: Any, expected: str | None) -> None:
    assert problem(CITY, value) == expected


def test_an_empty_schema_takes_anything() -> None:
    assert problem({}, [1]) is None


def test_the_best_branch_of_several_is_told() -> None:
    schema = {"anyOf": [{"type": "object", "required": ["a"]}, {"type": "null"}]}
    assert problem(schema, {}) == "'a' is a required property"


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"items": [{"type": "string"}], "$schema": DRAFT_7}, ["a", 1], [1]),
        ({"items": [{}], "additionalItems": False, "$schema": DRAFT_7}, [1], [1, 2]),
        (
            {"items": [{}], "$schema": DRAFT_7.replace("http:", "https:"), "maxItems": 1},
            [1],
            [1, 2],
        ),
        ({"minimum": 3, "exclusiveMinimum": True, "$schema": DRAFT_7.replace("7", "4")}, 4, 3),
        ({"prefixItems": [{}], "items": False}, [1], [1, 2]),
        ({"$ref": "#/definitions/a", "definitions": {"a": {"type": "null"}}}, None, 1),
        ({"$id": "https://example.com/x", "$ref": "#/$defs/a", "$defs": {"a": {"const": 1}}}, 1, 2),
        ({"$dynamicRef": "#a", "$defs": {"a": {"$dynamicAnchor": "a", "const": 1}}}, 1, 2),
        ({"$schema": "https://example.com/mine", "type": "null"}, None, 1),
        ({"properties": {"a": {"$schema": DRAFT_7, "type": "null"}}}, {"a": None}, {"a": 1}),
        ({"properties": {"$schema": {"type": "null"}}}, {"$schema": None}, {"$schema": 1}),
        ({"additionalProperties": {"type": "null"}}, {"a": None}, {"a": 1}),
        ({"patternProperties": {"^x": {"const": 1}}}, {"x": 1, "y": 2}, {"x": 2}),
        ({"patternProperties": {"^x": {}}, "additionalProperties": False}, {"x": 2}, {"y": 2}),
        ({"pattern": "^[a-z]+$"}, "abc", "ABC"),
        ({"uniqueItems": True}, [1, True, "1", {"a": 1}, {"a": 2}, [1], [True]], [1, 1.0]),
        ({"uniqueItems": True}, [[], {}], [{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}]),
        ({"uniqueItems": False}, [1, 1], None),
    ],
)
def test_drafts_and_keywords(schema: dict[str, Any], good: Any, bad: Any) -> None:
    assert problem(schema, good) is None
    assert schema == {"uniqueItems": False} or problem(schema, bad) is not None


def test_a_nested_draft_does_not_lift_the_limits() -> None:
    schema = {"properties": {"a": {"$schema": DRAFT_7, "pattern": "(a+)+$"}}}
    assert problem(schema, {"a": "a" * 60 + "b"}) is None


scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "bb", 0.5])
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)
schemas = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", "string", "integer", "null"]),
            "minLength": st.integers(0, 2),
            "maximum": st.integers(-2, 2),
            "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            "uniqueItems": st.booleans(),
            "enum": st.lists(scalars, min_size=1, max_size=3),
            "pattern": st.sampled_from(["^a", "b$", "a*"]),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
            "patternProperties": st.dictionaries(st.sampled_from(["a", "[bc]"]), inner, max_size=1),
            "additionalProperties": inner | st.booleans(),
            "items": inner | st.booleans(),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
        },
    ),
    max_leaves=4,
)


@QUICK
@given(schemas, values)
def test_the_limits_change_no_verdict_on_what_is_small(schema: Any, value: Any) -> None:
    assert (problem(schema, value) is None) is Draft202012Validator(schema).is_valid(value)


# ---- what comes from outside


def doubling(depth: int) -> dict[str, Any]:
    """References that double at each step: 2**depth checks."""
    steps = {
        f"s{n}": {"anyOf": [{"$ref": f"#/$defs/s{n + 1}"}, {"$ref": f"#/$defs/s{n + 1}"}]}
        for n in range(depth)
    }
    return {"$ref": "#/$defs/s0", "$defs": steps | {f"s{depth}": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "no such type"}, 1),
        ({"type": 5}, 1),
        ({"properties": 5}, {"a": 1}),
        ({"required": 5}, {}),
        ({"items": "x"}, [1]),
        ({"enum": 5}, 1),
        ({"anyOf": {}}, 1),
        ({"minimum": "x"}, 1),
        ({"pattern": 5}, "x"),
        ({"pattern": "("}, "x"),
        ({"patternProperties": {"(": {"type": "null"}}, "additionalProperties": False}, {"x": 1}),
        ({"$ref": 5}, 1),
        ({"$ref": "#"}, 1),
        ({"$ref": "#/$defs/missing"}, 1),
        ({"$ref": "#/%zz/~9"}, 1),
        ({"$ref": "other.json"}, 1),
        ({"$ref": "http://127.0.0.1:9/x.json"}, 1),
        ({"$ref": "file:///etc/passwd"}, 1),
        ({"$ref": "https://json-schema.org/draft/2020-12/schema"}, {"type": 5}),
        ({"$id": "http://[", "type": "null"}, None),
        ({"$schema": ["x"]}, 1),
        ({"multipleOf": 0}, 1),
        ({"not": {"type": "object"}}, json.loads("[" * 65 + "]" * 65)),
        (json.loads('{"not":' * 70 + "{}" + "}" * 70), 1),
        ({"type": "string"}, [0] * 200_001),
        ({"enum": list(range(20_000))}, "x"),
        (doubling(30), 5),
        ({"pattern": "(a+)+$"}, "a" * 60 + "b"),
        ({"pattern": "^.*.*.*x$"}, "a" * 5000),
        ({"patternProperties": {"(a+)+$": {"type": "null"}}}, {"a" * 60 + "b": 1}),
        (
            {"unevaluatedProperties": False, "patternProperties": {"(a+)+$": {}}},
            {"a" * 60 + "b": 1},
        ),
        ({"items": {"type": "integer"}}, [1] * 150_000),
    ],
)
def test_what_cannot_be_checked_passes(schema: dict[str, Any], value: Any) -> None:
    assert problem(schema, value) is None


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of the library and of ours run: a measure of work that no clock disturbs."""
    count = 0

    def trace(_: FrameType, event: str, __: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (doubling(60), 5),
        ({"anyOf": [{"type": "string"}] * 5000}, {"a": ["x" * 50] * 5000}),
        ({"uniqueItems": True}, [{"a": n} for n in range(50_000)]),
        ({"items": {"pattern": r"^[^@]+@[^@]+\.[^@]+$"}}, ["a@b.c"] * 50_000),
        (
            {"patternProperties": {f"^{n}[a-z]*$": {} for n in range(99)}},
            {str(n): 1 for n in range(9999)},
        ),
        ({"items": {"enum": list(range(10_000))}}, ["x"] * 10_000),
    ],
    ids=["doubling", "anyOf", "uniqueItems", "pattern", "patternProperties", "enum"],
)  # fmt: skip
def test_no_check_takes_long(schema: dict[str, Any], value: Any) -> None:
    assert lines_run(lambda: problem(schema, value)) < 3_000_000


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": 1}, "secret " * 1000),
        ({"maxItems": 1}, ["secret " * 50] * 3),
        ({"prefixItems": [{}], "items": False}, ["secret " * 50] * 3),
        ({"items": [{}], "additionalItems": False, "$schema": DRAFT_7}, ["secret " * 50] * 3),
        ({"not": {}}, {"key": "secret " * 50}),
        ({"properties": {"a": False}}, {"a": "secret " * 50}),
    ],
)
def test_long_values_are_not_quoted(schema: dict[str, Any], value: Any) -> None:
    found = problem(schema, value)
    assert found is not None
    assert "secret secret" not in found


def test_a_problem_is_one_short_line_of_text_that_can_be_sent() -> None:
    keys = ["a\nb", "\ud800", "k" * 1000]
    value: Any = 5
    schema: dict[str, Any] = {"type": "string"}
    for key in keys:
        value, schema = {key: value}, {"properties": {key: schema}}
    found = problem(schema, value)
    assert found is not None
    assert "\n" not in found
    assert found.endswith("a b: 5 is not of type 'string'")
    assert len(found) <= MAX_PROBLEM
    assert found.encode()
    many = problem({"additionalProperties": False}, {f"{n}" + "k" * 90: n for n in range(99)})
    assert many is not None
    assert len(many) == MAX_PROBLEM


# ---- a caller's schema


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, None),
        (CITY, None),
        ({"type": "object", "x-mine": 1, "example": 2, "format": "?", "pattern": "("}, None),
        ({"$schema": DRAFT_7, "items": [{}]}, None),
        ({"items": [{}]}, "items: [{}] is not of type 'object', 'boolean'"),
        ({"properties": 5}, "properties: 5 is not of type 'object'"),
        (
            {"properties": {"a": {"minimum": "3"}}},
            "properties.a.minimum: '3' is not of type 'number'",
        ),
        ({"type": "strin"}, "type: 'strin' is not valid under any of the given schemas"),
        ({"$schema": DRAFT_7, "required": "x"}, "required: 'x' is not of type 'array'"),
    ],
)
def test_a_schema_s_fault_names_the_place(schema: dict[str, Any], expected: str | None) -> None:
    assert schema_fault(schema) == expected
    assert schema_fault(schema) == expected


def test_the_recursion_limit_is_no_fault() -> None:
    schema: dict[str, Any] = {"type": 5, "title": "only here"}
    for _ in range(30):
        schema = {"properties": {"a": schema}}
    before = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(len(inspect.stack()) + 60)
        assert schema_fault(schema) is None
        assert problem(schema, {"a": {"a": 1}}) is None
    finally:
        sys.setrecursionlimit(before)


def test_a_schema_too_large_to_check_has_a_fault_or_passes_unchecked() -> None:
    deep = json.loads('{"not":' * 70 + "{}" + "}" * 70)
    assert "levels deep" in str(schema_fault(deep))
    assert "levels deep" in str(schema_fault({"enum": list(range(20_000))}))
    assert schema_fault({"enum": list(range(6000)), "type": 5}) is None
    assert "type" in str(schema_fault({"description": "x" * 20_000, "type": 5}))


def test_a_schema_as_deep_as_is_allowed_is_checked() -> None:
    schema: dict[str, Any] = {"type": 5}
    for _ in range(30):
        schema = {"properties": {"a": schema}}
    assert "…" in str(schema_fault(schema))
    assert str(schema_fault(schema)).startswith("…")
