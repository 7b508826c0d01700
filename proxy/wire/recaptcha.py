"""The sidecar's contract, as the original companion speaks it: a failure is HTTP 200 as well.

``GET /genspark`` with the account's ``Cookie`` → ``{"code": 200, "token": …}`` or
``{"code": 500, "message": …}``. Our own sidecar reads the optional ``flow``; others ignore it.
"""

from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from proxy.core.products import Product
from proxy.wire.json_values import child, text_at

FLOWS: Final = {Product.CHAT: "chat", Product.IMAGE: "image", Product.VIDEO: "video"}


def service_url(given: str) -> str:
    """The service's base from what the operator wrote: a bare ``host:port`` means http."""
    url = given.strip().rstrip("/")
    return url if "://" in url else f"http://{url}"


def is_safe_for_cookies(url: str) -> bool:
    """Cookies are secrets: they travel over TLS, or not beyond a private network."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.scheme not in ("http", "https"):
        return False
    if parts.scheme == "https":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        # A name without dots is a container's or a host's on the same network; a bare number is
        # an address in disguise.
        plain_name = "." not in host and not host[0].isdigit()
        return plain_name or host.endswith((".local", ".internal", ".localhost"))
    return address.is_private or address.is_loopback


def token_url(service: str, product: Product) -> str:
    """Where to ask; exactly one slash joins the parts."""
    return f"{service}/genspark?flow={FLOWS[product]}"


def read_token(body: Any) -> str | None:
    """The token, or None when the body tells a failure in any of its forms."""
    return text_at(body, "token") or None if child(body, "code") == 200 else None
