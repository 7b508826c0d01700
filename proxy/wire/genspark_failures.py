"""What a reply of the cookie routes means when it is not the expected stream.

Order of the looks: HTML, then the whole text, then JSON ``status``, then the HTTP status. Wording
and codes were collected from public clients up to 2026-09; every row has a fixture in the tests.
"""

import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, Final

import msgspec

from proxy.core.failures import Failure, Kind
from proxy.core.products import Product
from proxy.wire.json_values import child, finite, number_at, text_at

LOOK: Final = 64 * 1024

_CHALLENGE: Final = re.compile(
    r"just a moment|_cf_chl_opt|cdn-cgi/challenge-platform|attention required", re.IGNORECASE
)
_BLOCKED: Final = re.compile(r"sorry, you have been blocked", re.IGNORECASE)
_OUTAGE: Final = re.compile(
    r"<title>\s*genspark\s*</title>.*service unavailable|genspark_logo\.png", re.IGNORECASE | re.S
)
_NOT_LOGGED_IN: Final = ("not login", "user not found", "login required")
_TASK_ENDS: Final = frozenset(
    "failed failure error canceled cancelled rejected timeout".split()  # noqa: SIM905
)

_BY_STATUS: Final = {
    401: Kind.DEAD_CREDENTIAL,
    402: Kind.FUNDS,
    403: Kind.FORBIDDEN,
    418: Kind.CHALLENGE,
    419: Kind.DEAD_CREDENTIAL,
    422: Kind.BAD_REQUEST,
    429: Kind.RATE_LIMITED,
    503: Kind.OUTAGE,
}


@dataclass(frozen=True)
class Reply:
    """A reply that was read whole. ``headers`` are lower-cased; ``now`` is the epoch second."""

    status: int
    headers: dict[str, str]
    body: bytes
    now: float

    @cached_property
    def text(self) -> str:
        """The beginning of the body, trimmed."""
        return self.body[:LOOK].decode("utf-8", "replace").strip()

    @cached_property
    def json(self) -> Any:
        """The decoded body, or None when it is not JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError):
            return None

    @property
    def said(self) -> str:
        """What the body says in words: the message of a JSON body, or the plain text."""
        body = self.json
        return message_of(body) if isinstance(body, dict | list) else str(body or self.text)

    @property
    def is_html(self) -> bool:
        """Whether a browser would show a page."""
        said = "html" in self.headers.get("content-type", "")
        return said or self.text[:15].lower().startswith(("<!doctype", "<html"))

    def retry_after(self) -> float | None:
        """Seconds to wait: the header (seconds or a date) wins over the body's ``retry_after``."""
        header = self.headers.get("retry-after", "").strip()
        asked = _seconds(header, self.now) if header else None
        asked = number_at(self.json, "retry_after") if asked is None else asked
        return None if asked is None else max(0.0, asked)


def _seconds(header: str, now: float) -> float | None:
    if (seconds := finite(header)) is not None:
        return seconds
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    # A date without a zone means GMT (RFC 9110 §5.6.7).
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now


def classify(reply: Reply, *, sent_project: bool = False) -> Failure | None:
    """What went wrong, or None for a 200 that says nothing known."""
    if reply.is_html:
        return _from_page(reply)
    return (
        _from_text(reply)
        or _from_json(reply.json)
        or _from_status(reply, sent_project=sent_project)
    )


def _from_page(reply: Reply) -> Failure:
    page = reply.text
    if _BLOCKED.search(page):
        return Failure(Kind.EDGE_BLOCK, "the edge blocks this server's address")
    if _CHALLENGE.search(page):
        return Failure(Kind.CHALLENGE, "the edge answered with a challenge page")
    if _OUTAGE.search(page):
        return Failure(Kind.OUTAGE, "Genspark shows its outage page")
    fallback = Kind.UNREADABLE if reply.status == 200 else _status_kind(reply.status)
    return Failure(fallback, f"an HTML page with HTTP {reply.status}", reply.retry_after())


def _from_text(reply: Reply) -> Failure | None:
    # Never the whole of a JSON body: a validation error quotes what the caller wrote.
    text = reply.said[:400].lower()
    if text.startswith("rate limit exceeded"):
        return Failure(Kind.RATE_LIMITED, "edge rate limit", reply.retry_after())
    if reply.status == 400 and text == "bad request cf":
        return Failure(Kind.DEAD_CREDENTIAL, "bad request cf")
    if "this feature has been retired" in text:
        return Failure(Kind.RETIRED, "the upstream says that this feature has been retired")
    return None


def _from_json(body: Any) -> Failure | None:
    status, message = number_at(body, "status"), text_at(body, "message").lower()
    if status == -5 or any(sign in message for sign in _NOT_LOGGED_IN):
        return Failure(Kind.DEAD_CREDENTIAL, "not logged in")
    if status == -8 or "run out of credits" in message:
        return Failure(Kind.FUNDS, "no funds left on the account")
    if "task not found" in message:
        return Failure(Kind.TASK_UNKNOWN, "task not found")
    if status == -2:
        return Failure(Kind.BAD_REQUEST, validation_detail(body))
    return _from_task(child(body, "data"))


def _from_task(data: Any) -> Failure | None:
    if text_at(data, "status").lower() not in _TASK_ENDS:
        return None
    names = ("error_message", "failed_reason", "failure_reason", "message")
    reason = next((text for name in names if (text := text_at(data, name))), "")
    # It may quote the prompt, so it is no detail for a log.
    return Failure(Kind.TASK_FAILED, "the task failed", told=reason[:200])


def _from_status(reply: Reply, *, sent_project: bool) -> Failure | None:
    if reply.status == 200:
        return None
    if reply.status == 500 and sent_project:
        # Very often a stale, deleted or foreign project id, not a broken server.
        return Failure(Kind.STALE_PROJECT, "HTTP 500 for an ask with a project id")
    return Failure(_status_kind(reply.status), f"HTTP {reply.status}", reply.retry_after())


def _status_kind(status: int) -> Kind:
    known = _BY_STATUS.get(status)
    if known is not None:
        return known
    return Kind.UPSTREAM_BROKEN if status >= 500 else Kind.REJECTED


def message_of(body: Any) -> str:
    """The words of a JSON body, in any of their usual places."""
    places = (("message",), ("error", "message"), ("detail",), ("detail", "message"), ("error",))
    return next((text for place in places if (text := text_at(body, *place).strip())), "")


def validation_detail(body: Any) -> str:
    """Where a body was found invalid: field paths only, as the texts may quote the prompt."""
    errors = child(body, "errors")
    paths = [
        ".".join(str(step) for step in error["loc"])
        for error in (errors if isinstance(errors, list) else [])
        if isinstance(error, dict) and isinstance(error.get("loc"), list)
    ]
    return "request parameter validation failed" + (f": {', '.join(paths[:5])}" if paths else "")


_EPOCH: Final = re.compile(r"(?:time|epoch|resets?)\D{0,12}(\d{10})(?:\d{3})?", re.IGNORECASE)
_PRODUCTS: Final = ((Product.IMAGE, "image"), (Product.VIDEO, "video"), (Product.CHAT, "chat"))


def limit_from_message(value: Any) -> Failure | None:
    """A ``…session_limit_message``, as text or ``{"value": text}``; warnings give None."""
    text = value if isinstance(value, str) else text_at(value, "value")
    folded = text.lower()
    if "limit" not in folded or "reached" not in folded or folded.startswith("approaching"):
        return None
    epoch = _EPOCH.search(text)
    return Failure(
        Kind.WINDOW_QUOTA,
        "a rolling usage window is used up",
        until=float(epoch[1]) if epoch else None,
        product=next((product for product, word in _PRODUCTS if word in folded), None),
    )
