"""Structured output from a model that has no mode for it: asked for in words, found in the text."""

import json
import re
from typing import Any, Final

from msgspec import Struct

from proxy.core.wishes import Structure
from proxy.wire.json_scan import JsonScan
from proxy.wire.json_schema import problem
from proxy.wire.model_json import NotJson, compact, decode

_ANY_OBJECT: Final[dict[str, Any]] = {"type": "object"}
# An answer is read at most so many times over in search of JSON, and so many finds are checked.
_READINGS: Final = 2
_LEAST_EFFORT: Final = 64 * 1024
_CHECKED: Final = 8

_FENCE_LINE = re.compile(r"(`{3,}|~{3,})[^`]*")
_LEADING_WORD = re.compile(r"json\b[ \t]*:?", re.IGNORECASE)
_BRACKET = re.compile(r"[{\[]")
_BLANK: Final = " \t\r\n\ufeff"


class Document(Struct, frozen=True):
    """The bare JSON text of an answer, as the model wrote it; it fits the structure."""

    text: str


class Misfit(Struct, frozen=True):
    """No usable document: why not, in words for the model. ``is_prose``: there was no JSON at all
    (a footnote mark like ``[1]`` is none), so the answer may be a refusal.
    """

    problem: str
    is_prose: bool


class _Found(Struct, frozen=True):
    """JSON in an answer, as it is written there and as a value."""

    text: str
    value: Any


class _CutOff(Exception):
    """The text ends inside a JSON value."""


def instruction(structure: Structure) -> str:
    """The system text that asks for the document."""
    schema = compact(_schema(structure)).replace("</", "<\\/")
    return "\n".join(
        [
            "Answer with exactly one JSON document that is valid against this JSON Schema:",
            "<schema>",
            schema,
            "</schema>",
            "Write the JSON and nothing else: no code fence, no words before or after it. "
            "If you must refuse, say so in one plain sentence without any JSON.",
        ]
    )


def repair_text(wrong: str) -> str:
    """The user turn after a document that does not fit; ``wrong`` is a ``Misfit``'s problem."""
    return (
        f"Your last answer is not the JSON document that was asked for: {wrong}.\n"
        "Answer once more with the corrected JSON document and nothing else."
    )


def read(text: str, structure: Structure) -> Document | Misfit:
    """The document in an answer: alone, fenced, or among prose.

    A string, a number or a literal counts only where it stands alone. Among several objects and
    lists the longest that fits is the answer.
    """
    bare = text.strip(_BLANK)
    alone = _alone(bare)
    try:
        found = [alone] if alone is not None else _among(bare)
    except _CutOff:
        return Misfit("it was cut off", is_prose=False)
    if alone is None and _schema(structure).get("type") == "object":
        found = [each for each in found if isinstance(each.value, dict)]
    if not found:
        return Misfit("it holds no JSON", is_prose=True)
    found.sort(key=lambda each: len(each.text), reverse=True)
    wrongs = []
    for each in found[:_CHECKED]:
        wrong = _problem(each.value, structure)
        if wrong is None:
            return Document(_strict(each))
        wrongs.append(wrong)
    return Misfit(wrongs[0], is_prose=False)


def _alone(bare: str) -> _Found | None:
    """The text that is JSON and nothing else, under the decorations that models like."""
    worded = _LEADING_WORD.match(bare)
    inner = bare[worded.end() :].strip(_BLANK) if worded else bare
    for candidate in (bare, inner, _unfenced(inner)):
        try:
            return _Found(candidate, decode(candidate))
        except NotJson:
            continue
    return None


def _unfenced(text: str) -> str:
    """The text inside one fence around it all; '' when there is none."""
    first, _, rest = text.partition("\n")
    fence = _FENCE_LINE.fullmatch(first)
    if fence is None or not rest.endswith(fence[1]):
        return ""
    return rest.rstrip(fence[1][0]).strip(_BLANK)


def _among(text: str) -> list[_Found]:
    """Every object and list between other words, none inside another."""
    found: list[_Found] = []
    effort = max(_LEAST_EFFORT, _READINGS * len(text))
    at = 0
    while effort > 0 and (bracket := _BRACKET.search(text, at)):
        start = bracket.start()
        scan = JsonScan()
        end = scan.feed(text, start)
        effort -= end - start
        if not (scan.ended or scan.failed):
            # An opening bracket somewhere in the last words is no document.
            if all(len(each.text) < end - start for each in found):
                raise _CutOff
            break
        at = start + 1
        if scan.ended:
            found += _if_json(text[start:end])
            at = end
    return found


def _if_json(text: str) -> list[_Found]:
    try:
        return [_Found(text, decode(text))]
    except NotJson:
        return []


def _problem(value: Any, structure: Structure) -> str | None:
    if structure.schema is None and not isinstance(value, dict):
        return "it is not a JSON object"
    return problem(_schema(structure), value)


def _schema(structure: Structure) -> dict[str, Any]:
    return _ANY_OBJECT if structure.schema is None else structure.schema


def _strict(found: _Found) -> str:
    """As it is written; only raw line breaks in strings, which are no JSON, are escaped."""
    try:
        json.loads(found.text)
    except ValueError:
        return compact(found.value)
    return found.text
