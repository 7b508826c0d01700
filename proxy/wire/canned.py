"""Short canned texts that look like an answer and are a refusal.

They count only when the whole message is short and known to be complete: a longer answer that
mentions such a sentence is an answer. Each row names the upstream's observed wording and its date.
"""

from dataclasses import dataclass
from typing import Final

from proxy.core.failures import Failure, Kind

SHORT: Final = 300


@dataclass(frozen=True, slots=True)
class Canned:
    """``opening``: the message starts so; otherwise the text may stand anywhere in it."""

    text: str
    kind: Kind
    opening: bool = True


CHAT: Final = (
    Canned("server overloaded, please try again later", Kind.OVERLOADED),
    Canned("you've reached your free usage limit today", Kind.DAILY_QUOTA),
    Canned("your credit balance is negative", Kind.FUNDS),
    Canned("you've run out of credits", Kind.FUNDS),
    Canned("this feature has been retired", Kind.RETIRED),
    Canned("sorry, i couldn't produce a response this turn", Kind.EMPTY),
    Canned("rate limit exceeded", Kind.RATE_LIMITED),
    Canned("requires ai data retention to be enabled", Kind.SETTING_REQUIRED, opening=False),
)

# Wording of 2026-08/09; headers and structured codes are looked at first.
KEY: Final = (
    Canned("your genspark credits have been exhausted", Kind.FUNDS),
    Canned("free-plan credits can't be used", Kind.PLAN_REQUIRED),
    Canned("the genspark cli requires a paid plan", Kind.PLAN_REQUIRED),
    Canned("this account is not permitted to use the genspark api", Kind.ACCOUNT_FORBIDDEN),
    Canned("genspark.ai/pricing", Kind.FUNDS, opening=False),
)


def recognise(text: str, table: tuple[Canned, ...]) -> Failure | None:
    """The failure that a complete message stands for, or None when it is an answer."""
    if len(text) > SHORT:
        return None
    folded = _fold(text)
    for row in table:
        if folded.startswith(row.text) if row.opening else row.text in folded:
            return Failure(row.kind)
    return None


def may_become(text: str, table: tuple[Canned, ...]) -> bool:
    """Whether a message that begins so could still turn out canned: hold it back for now."""
    if len(text) > SHORT:
        return False
    folded = _fold(text)
    return any(
        row.text.startswith(folded) or folded.startswith(row.text) for row in table if row.opening
    )


def _fold(text: str) -> str:
    return text.lstrip().lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
