"""JSON as models write it, and as it is handed on."""

import json
import math
from typing import Any, NoReturn


class NotJson(Exception):
    """The text is not one JSON value."""


def decode(text: str) -> Any:
    """The value of JSON text, which may have raw line breaks in its strings; else ``NotJson``.

    Stricter than Python: no ``NaN``, no number that is infinite as a float.
    """
    try:
        return json.loads(text, strict=False, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise NotJson from error


def compact(value: Any) -> str:
    """JSON text without white space; a lone surrogate, which UTF-8 cannot carry, is escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(digits)
    return number


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
