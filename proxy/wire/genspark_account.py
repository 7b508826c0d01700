"""The free look-ups about an account: is the cookie logged in, is the key good, what is listed."""

import re
from typing import Any, Final

from proxy.wire.json_values import child, list_at, text_at

IS_LOGIN_PATH: Final = "/api/is_login"
KEY_OWNER_PATH: Final = "/api/tool_cli/me"
COOKIE_MODELS_PATH: Final = "/api/moa_models_config"
DELETE_PATH: Final = "/api/project/delete"
ABORT_PATH: Final = "/api/agent/ask_abort"

# Below this many credits a key without a paid plan is refused (observed 2026-08/09).
LEAST_CREDITS: Final = 500

# Developer tools copy the header with its name, in lower case from HTTP/2.
_HEADER_NAME: Final = re.compile(r"cookie:\s*", re.IGNORECASE)


def is_logged_in(body: Any) -> bool | None:
    """The answer of ``/api/is_login``, bare or under ``data``; None when it says neither."""
    for found in (child(body, "data", "is_login"), child(body, "is_login")):
        if isinstance(found, bool):
            return found
    return False if child(body, "status") == -5 else None


def cookie_models(body: Any) -> list[str]:
    """The visible model ids of ``/api/moa_models_config``."""
    models = list_at(body, "models") or list_at(body, "data", "models")
    return [name for m in models if (name := text_at(m, "name")) and child(m, "hidden") is not True]


def key_models(body: Any) -> list[str]:
    """The ids of the key route's ``/models`` list."""
    return [name for model in list_at(body, "data") if (name := text_at(model, "id"))]


def key_summary(body: Any) -> str:
    """The plan and the rest of the funds of ``/api/tool_cli/me``, for the operator."""
    owner = child(body, "data") if isinstance(child(body, "data"), dict) else body
    plan = text_at(owner, "plan") or "unknown plan"
    left = child(owner, "credit_balance")
    return f"{plan}, {left} credits" if isinstance(left, int | float) else plan


def normal_cookie(text: str) -> str:
    """A ``Cookie`` header from what the operator pasted: a bare id gets its name."""
    bare = text.strip()
    named = _HEADER_NAME.match(bare)
    cookie = bare[named.end() if named else 0 :].rstrip("; \t")
    # A bare id may end in base64 padding.
    return cookie if "=" in cookie.rstrip("=") else f"session_id={cookie}"


def refreshed(cookie: str, set_cookies: list[str]) -> str:
    """The cookie header with the upstream's ``Set-Cookie`` refreshes taken over."""
    jar = dict(pair.strip().partition("=")[::2] for pair in cookie.split(";") if "=" in pair)
    for line in set_cookies:
        name, _, value = line.split(";", 1)[0].strip().partition("=")
        if name in jar and value:
            jar[name] = value
    return "; ".join(f"{name}={value}" for name, value in jar.items())
