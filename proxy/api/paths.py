"""Which path a request means: the prefix, doubled slashes and versions, aliases without ``/v1``.

Users type bases with and without ``/v1`` and with a trailing slash, and clients append to them
what they know. Nothing is ever redirected: gateways pass redirects on to browsers.
"""

import re
from typing import Final

EXEMPT: Final = frozenset({"/healthz", "/readyz", "/metrics"})
# Links to results carry their own proof, and a player asks for many ranges.
SIGNED: Final = "/media/"

_ALIASED: Final = (
    "/chat/completions",
    "/completions",
    "/responses",
    "/messages",
    "/models",
    "/images/",
    "/videos",
    "/video/generations",
    "/tasks/",
    "/dashboard/billing/",
)
_SLASHES: Final = re.compile(r"/{2,}")


def resolve(path: str, prefix: str) -> str | None:
    """The route's own path, or None when it lies outside ``ROUTE_PREFIX``."""
    if "//" in path:
        path = _SLASHES.sub("/", path)
    if path in EXEMPT or path.startswith("/admin/"):
        return path
    if prefix:
        if not path.startswith(prefix + "/"):
            return None
        path = path[len(prefix) :]
    while path.startswith("/v1/v1/"):
        path = path[3:]
    if path.startswith("/v1/media/"):
        path = path[3:]
    return f"/v1{path}" if path.startswith(_ALIASED) else path
