"""The captcha's tokens: short-lived, and good for one verification, whatever its outcome."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

LIFETIME_SECONDS = 120
"""reCAPTCHA's own rule."""

RANDOM_BYTES = 375
"""They make 500 characters; real tokens have some hundred to two thousand."""

KEPT_TOKENS = 10_000
"""Oldest tokens are forgotten beyond this, so that a long benchmark does not fill memory."""

Verdict = Literal[
    "absent",
    "ok",
    "reused",
    "expired",
    "wrong_account",
    "wrong_action",
    "wrong_site_key",
    "unknown",
]


class Requirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a flow wants to know of a token beyond that it is valid; None: nothing.

    ``refusal`` is how an ask without such a token is answered: HTTP 403, or a rolling window
    limit that is none (reported of the image agent on 2026-09-29).
    """

    action: str | list[str] | None = None
    site_key: str | None = None
    refusal: Literal["forbidden", "window_limit"] | None = None

    def wants_other_action(self, action: str) -> bool:
        """Whether a token for that action does not do."""
        wanted = [self.action] if isinstance(self.action, str) else self.action
        return wanted is not None and action not in wanted

    def wants_other_site_key(self, site_key: str) -> bool:
        """Whether a token for that site key does not do."""
        return self.site_key not in (None, site_key)


@dataclass(slots=True)
class _Token:
    account: str | None
    site_key: str
    action: str
    issued: float
    presented: bool = False


class Tokens:
    """Every token given out, by its text."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._by_text: OrderedDict[str, _Token] = OrderedDict()

    def issue(self, account: str | None, site_key: str, action: str) -> str:
        """A new token, bound to the session that asked for it."""
        text = secrets.token_urlsafe(RANDOM_BYTES)
        self._by_text[text] = _Token(account, site_key, action, self._clock())
        if len(self._by_text) > KEPT_TOKENS:
            self._by_text.popitem(last=False)
        return text

    def present(self, text: Any, account: str | None, wanted: Requirement) -> Verdict:
        """What a token is worth to that account; a known one is used up by this."""
        if text in (None, ""):
            return "absent"
        token = self._by_text.get(text) if isinstance(text, str) else None
        if token is None:
            return "unknown"
        verdict = self._verdict(token, account, wanted)
        token.presented = True
        return verdict

    def _verdict(self, token: _Token, account: str | None, wanted: Requirement) -> Verdict:
        flaws: tuple[tuple[Verdict, bool], ...] = (
            ("reused", token.presented),
            ("expired", self._clock() - token.issued > LIFETIME_SECONDS),
            ("wrong_account", token.account != account),
            ("wrong_site_key", wanted.wants_other_site_key(token.site_key)),
            ("wrong_action", wanted.wants_other_action(token.action)),
        )
        return next((flaw for flaw, found in flaws if found), "ok")

    def clear(self) -> None:
        """Forget all tokens; they become unknown."""
        self._by_text.clear()
