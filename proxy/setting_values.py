"""The forms that settings' values can have: lists, pairs, cookies, addresses."""

import json
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, SecretStr
from pydantic_settings import NoDecode


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return [item.strip() for item in re.split(r"[,\n]", value) if item.strip()]
    return value


def whole(value: Any) -> Any:
    """A literal number is compared as it is, and the environment holds text."""
    return int(value) if isinstance(value, str) and value.isdigit() else value


def _pairs(value: Any) -> Any:
    """``a=b,c=d`` as a mapping."""
    if not isinstance(value, str):
        return value
    pairs = [item.partition("=") for item in _split(value)]
    wrong = [name for name, sign, target in pairs if not (name and sign and target)]
    if wrong:
        raise ValueError(f"{wrong[0]!a} is not of the form name=value")
    return {name.strip(): target.strip() for name, _, target in pairs}


List = Annotated[list[str], NoDecode, BeforeValidator(_split)]
SecretList = Annotated[list[SecretStr], NoDecode, BeforeValidator(_split)]
Pairs = Annotated[dict[str, str], NoDecode, BeforeValidator(_pairs)]

PROXY_FORM = "must be http://, https:// or socks5:// with a host and a port"


def is_proxy_url(text: str) -> bool:
    """Whether this names a proxy that the server can use."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https", "socks5", "socks5h") and bool(
            parts.hostname and parts.port
        )
    except ValueError:
        return False


def cookies(text: str) -> list[str]:
    """Split ``GS_COOKIE``: a JSON array, else lines, else commas between ``session_id`` pairs.

    A cookie value may itself hold commas, so commas part only what looks like separate cookies.
    """
    text = text.strip()
    if text.startswith("["):
        items = json.loads(text)
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise ValueError("GS_COOKIE: the JSON array must hold strings")
        return [item.strip() for item in items if item.strip()]
    lines = [bare for line in text.splitlines() if (bare := line.strip().strip(",").strip())]
    if len(lines) > 1:
        return lines
    whole_jar = ";" in text
    pattern = r",(?=\s*session_id=)" if whole_jar else r","
    return [part.strip() for part in re.split(pattern, text) if part.strip()]


def origin(value: str) -> str:
    """A base URL without the version that people copy along with it."""
    bare = value.rstrip("/").removesuffix("/v1beta").removesuffix("/v1")
    if not re.fullmatch(r"https?://[^/\s?#]+", bare):
        raise ValueError("must be an origin such as https://www.genspark.ai")
    return bare


def address(value: str) -> str:
    """A URL, with or without a path, without query and fragment."""
    if not re.fullmatch(r"https?://[^\s?#]+", value):
        raise ValueError("must be an address such as https://ai.example.com")
    return value.rstrip("/")
