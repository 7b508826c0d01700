"""The keywords of JSON Schema as ``jsonschema`` has them, with a limit on what they may cost.

A few lines of schema can ask for hours of work: references that double, patterns that backtrack,
lists whose items are compared with each other. So every keyword pays for what it looks through.
Passed over: ``unevaluatedProperties`` and ``unevaluatedItems`` (the library looks for what was
evaluated by running foreign patterns unjudged), and patterns that could take too long.
"""

import re
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, Final

from jsonschema import ValidationError, validators

from proxy.wire.pattern_cost import LONGEST_PATTERN, worst_steps

# A unit is about 0.4 microseconds: no check holds up the other callers for much longer than 0.4 s.
_EFFORT: Final = 1_000_000
_PER_KEYWORD: Final = 30
_PER_REFERENCE: Final = 150
_PER_MATCH: Final = 50
_PATTERN_STEPS: Final = 5_000_000
_STEPS_OF_ONE: Final = 1_000_000

_Check = Callable[[Any, Any, Any, Any], Iterator[ValidationError]]


class Unchecked(Exception):
    """A limit was reached, or the schema leads outside itself."""


class Budget:
    """What one check may still cost."""

    def __init__(self) -> None:
        self._effort = _EFFORT
        self._pattern_steps: float = _PATTERN_STEPS

    def spend(self, effort: int) -> None:
        """Raise when there is nothing left."""
        self._effort -= effort
        if self._effort < 0:
            raise Unchecked

    def matches(self, pattern: Any, text: str) -> bool | None:
        """``re.search``; None when the pattern is no pattern, or too costly to find out."""
        if not isinstance(pattern, str):
            return None
        # Judging a pattern takes longer than most matches do.
        self.spend(_PER_MATCH + 10 * min(len(pattern), LONGEST_PATTERN))
        steps = worst_steps(pattern, len(text))
        if steps > min(_STEPS_OF_ONE, self._pattern_steps):
            return None
        self._pattern_steps -= steps
        try:
            return re.search(pattern, text) is not None
        except re.error:
            return None


budget: ContextVar[Budget] = ContextVar("budget")


def _bounded(check: _Check) -> _Check:
    """The same keyword, paid for: by the size of what it looks through, and of its messages."""

    def bounded(
        validator: Any, wanted: Any, instance: Any, schema: Any
    ) -> Iterator[ValidationError]:
        purse = budget.get()
        purse.spend(_PER_KEYWORD + _weight(wanted) + _length(instance))
        for error in check(validator, wanted, instance, schema) or ():
            purse.spend(len(error.message) // 8)
            yield error

    return bounded


def _weight(wanted: Any) -> int:
    if isinstance(wanted, dict):
        return len(wanted) + sum(len(v) for v in wanted.values() if isinstance(v, list))
    return _length(wanted)


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list | dict) else 0


def _inner_reference(check: _Check) -> _Check:
    def inner(validator: Any, ref: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if not isinstance(ref, str) or not ref.startswith("#"):
            raise Unchecked
        budget.get().spend(_PER_REFERENCE)
        return check(validator, ref, instance, schema)

    return inner


def _pattern(_: Any, pattern: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and budget.get().matches(pattern, instance) is False:
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, patterns: Any, instance: Any, _: Any
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for pattern, subschema in patterns.items():
        for key, inner in instance.items():
            if budget.get().matches(pattern, key):
                yield from validator.descend(inner, subschema, path=key, schema_path=pattern)


def _additional_properties(
    validator: Any, wanted: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    """As in the library, but a key that an unjudged pattern might cover is not additional."""
    if not isinstance(instance, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    matches = budget.get().matches
    extras = [
        key
        for key in instance
        if key not in known and all(matches(pattern, key) is False for pattern in patterns)
    ]
    if isinstance(wanted, dict):
        for key in extras:
            yield from validator.descend(instance[key], wanted, path=key)
    elif wanted is False and extras:
        named = ", ".join(repr(key) for key in extras[:8]) + (", …" if len(extras) > 8 else "")
        yield ValidationError(f"Additional properties are not allowed ({named})")


def _unique_items(_: Any, wanted: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
    """In one pass; the library compares each item of a list of objects with each other."""
    if wanted and isinstance(instance, list) and len(set(map(_key, instance))) < len(instance):
        yield ValidationError(f"{instance!r} has non-unique elements")


def _key(value: Any) -> Any:
    """Equal for equal JSON values: 1 is 1.0, but not true."""
    budget.get().spend(1 + _length(value))
    if isinstance(value, dict):
        return "object", frozenset((key, _key(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return "list", tuple(map(_key, value))
    return ("bool", value) if isinstance(value, bool) else value


def _passed_over(_: Any, __: Any, ___: Any, ____: Any) -> Iterator[ValidationError]:
    return iter(())


_OURS: Final[dict[str, _Check]] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
    "unevaluatedProperties": _passed_over,
    "unevaluatedItems": _passed_over,
}
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")


def guarded(draft: Any) -> Any:
    """The library's validator class of a draft with bounded keywords; ``budget`` must be set."""
    checks = dict(draft.VALIDATORS)
    checks |= {name: check for name, check in _OURS.items() if name in checks}
    checks |= {name: _inner_reference(checks[name]) for name in _REFERENCES if name in checks}
    # The library annotates `extend` in a stub only in part.
    return validators.extend(draft, {name: _bounded(check) for name, check in checks.items()})  # type: ignore[no-untyped-call]
