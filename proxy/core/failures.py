"""The one failure vocabulary.

A ``Failure`` is data. ``UpstreamError`` is the only way to raise one. Three tables read its kind:
``EFFECTS`` (what happens to the account), ``REACTIONS`` (what happens to the request) and
``proxy.wire.openai_errors`` (what the caller is told).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from proxy.core.products import Product

MINUTE: Final = 60.0
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


class Kind(StrEnum):
    """Everything that can go wrong on the way to an upstream and back."""

    RATE_LIMITED = "rate_limited"
    DAILY_QUOTA = "daily_quota"
    WINDOW_QUOTA = "window_quota"
    FUNDS = "funds"
    PLAN_REQUIRED = "plan_required"
    DEAD_CREDENTIAL = "dead_credential"
    ACCOUNT_FORBIDDEN = "account_forbidden"
    SETTING_REQUIRED = "setting_required"
    FORBIDDEN = "forbidden"
    CHALLENGE = "challenge"
    EDGE_BLOCK = "edge_block"
    OUTAGE = "outage"
    OVERLOADED = "overloaded"
    STALE_PROJECT = "stale_project"
    UPSTREAM_BROKEN = "upstream_broken"
    ERROR_FRAME = "error_frame"
    BAD_REQUEST = "bad_request"
    REJECTED = "rejected"
    MODEL_UNKNOWN = "model_unknown"
    MODEL_BROKEN = "model_broken"
    RETIRED = "retired"
    EMPTY = "empty"
    BROKEN_STREAM = "broken_stream"
    UNREADABLE = "unreadable"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    NO_TOKEN = "no_token"  # noqa: S105 (a reason, not a secret)
    UPLOAD_FAILED = "upload_failed"
    TASK_FAILED = "task_failed"
    TASK_UNKNOWN = "task_unknown"
    POLICY = "policy"
    UNCONFIRMED = "submission_unconfirmed"
    NOT_UNDERSTOOD = "result_not_understood"
    RESULT_LOST = "result_lost"
    OVERDUE = "overdue"
    CANCELLED = "cancelled"
    BROKEN = "internal_error"
    # The pool's own verdicts, when no account could be asked at all.
    ALL_BUSY = "all_busy"
    NO_ACCOUNT = "no_account"


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that went wrong.

    ``detail`` is for the operator's log and for error texts, already free of secrets.
    ``retry_after`` is in seconds, ``until`` is an epoch second; either is the upstream's own word.
    ``product`` is what the upstream named as limited, when it named one. ``told`` is its
    explanation for the caller: it may quote the request, so it stays out of every log.
    """

    kind: Kind
    detail: str = ""
    retry_after: float | None = None
    until: float | None = None
    product: Product | None = None
    told: str = field(default="", repr=False)


class UpstreamError(Exception):
    """The only exception that carries a ``Failure``."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.kind}: {failure.detail}" if failure.detail else failure.kind)
        self.failure = failure


class EffectKind(StrEnum):
    """What a failure does to the account that met it."""

    NONE = "none"
    REST = "rest"
    REST_ALL_COOKIES = "rest_all_cookies"
    RECHECK = "recheck"


@dataclass(frozen=True, slots=True)
class Effect:
    """``seconds``: the rest when the upstream gave no time of its own; ``cap`` bounds its time."""

    kind: EffectKind
    seconds: float = 0.0
    cap: float = DAY
    whole_account: bool = True


@dataclass(frozen=True, slots=True)
class Reaction:
    """How a request goes on.

    ``others``: how many further accounts of this route may be asked after this kind of failure.
    ``same_again``: without another account, the same one may be asked once more (nobody's fault).
    ``other_route``: the next route of the candidate list may still serve.
    """

    others: int
    same_again: bool = False
    other_route: bool = True


NO_EFFECT: Final = Effect(EffectKind.NONE)
ANY: Final = 1_000

EFFECTS: Final[dict[Kind, Effect]] = dict.fromkeys(Kind, NO_EFFECT) | {
    # 600 s is Genspark2API's RATE_LIMIT_COOKIE_LOCK_DURATION; the setting replaces it.
    Kind.RATE_LIMITED: Effect(EffectKind.REST, 10 * MINUTE, cap=6 * HOUR),
    Kind.DAILY_QUOTA: Effect(EffectKind.REST, DAY, whole_account=False),
    # Some "5-hour" walls carry a reset that moves with the clock: a given time is trusted to 6 h.
    Kind.WINDOW_QUOTA: Effect(EffectKind.REST, 90 * MINUTE, cap=6 * HOUR, whole_account=False),
    # No reset is announced; the single trial request after the rest is the re-check.
    Kind.FUNDS: Effect(EffectKind.REST, HOUR),
    Kind.PLAN_REQUIRED: Effect(EffectKind.REST, HOUR),
    Kind.ACCOUNT_FORBIDDEN: Effect(EffectKind.REST, DAY),
    Kind.CHALLENGE: Effect(EffectKind.REST, 10 * MINUTE),
    # The block names our address, so every cookie account behind it would meet the same page.
    Kind.EDGE_BLOCK: Effect(EffectKind.REST_ALL_COOKIES, 10 * MINUTE),
    Kind.DEAD_CREDENTIAL: Effect(EffectKind.RECHECK, 5 * MINUTE),
}

REACTIONS: Final[dict[Kind, Reaction]] = dict.fromkeys(Kind, Reaction(0, other_route=False)) | {
    Kind.RATE_LIMITED: Reaction(ANY),
    Kind.DAILY_QUOTA: Reaction(ANY),
    Kind.WINDOW_QUOTA: Reaction(ANY),
    Kind.FUNDS: Reaction(ANY),
    Kind.PLAN_REQUIRED: Reaction(ANY),
    Kind.DEAD_CREDENTIAL: Reaction(ANY),
    Kind.ACCOUNT_FORBIDDEN: Reaction(ANY),
    Kind.SETTING_REQUIRED: Reaction(ANY),
    Kind.FORBIDDEN: Reaction(1),
    Kind.CHALLENGE: Reaction(1),
    Kind.EDGE_BLOCK: Reaction(0),
    Kind.OUTAGE: Reaction(1, same_again=True),
    Kind.OVERLOADED: Reaction(1, same_again=True),
    Kind.STALE_PROJECT: Reaction(0),
    Kind.UPSTREAM_BROKEN: Reaction(1),
    Kind.ERROR_FRAME: Reaction(1),
    Kind.REJECTED: Reaction(1, other_route=False),
    Kind.MODEL_UNKNOWN: Reaction(0),
    Kind.MODEL_BROKEN: Reaction(0),
    Kind.RETIRED: Reaction(0),
    Kind.EMPTY: Reaction(1, same_again=True),
    Kind.BROKEN_STREAM: Reaction(1, same_again=True),
    Kind.UNREADABLE: Reaction(1),
    Kind.UNREACHABLE: Reaction(1, same_again=True),
    Kind.TIMEOUT: Reaction(0),
    # The key route needs no token.
    Kind.NO_TOKEN: Reaction(0),
    Kind.UPLOAD_FAILED: Reaction(1, same_again=True),
}

# A wait that ends by itself: the caller hears 429 and when to come back, not 503.
WAITING_HELPS: Final = frozenset({Kind.RATE_LIMITED, Kind.DAILY_QUOTA, Kind.WINDOW_QUOTA})

# After one of these nobody knows whether a paid request was taken: it is never sent again.
AMBIGUOUS: Final = frozenset(
    {
        Kind.BROKEN_STREAM,
        Kind.TIMEOUT,
        Kind.UPSTREAM_BROKEN,
        Kind.EMPTY,
        Kind.UNREADABLE,
    }
)
