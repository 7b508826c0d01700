"""Write the failure table of docs/architecture.md from the rules; the tests compare them."""

import os
import sys
from pathlib import Path
from typing import Final

from proxy.core.failures import (
    ANY,
    DAY,
    EFFECTS,
    HOUR,
    MINUTE,
    REACTIONS,
    EffectKind,
    Failure,
    Kind,
)
from proxy.wire.openai_errors import for_failure

ROOT = Path(__file__).resolve().parent.parent
PAGE = Path("docs/architecture.md")
BEGIN, END = "<!-- failures: written by `make docs` -->", "<!-- end of failures -->"

MEANINGS: Final[dict[Kind, str]] = {
    Kind.RATE_LIMITED: "too many requests on this account",
    Kind.DAILY_QUOTA: "the day's allowance is used up",
    Kind.WINDOW_QUOTA: "a rolling window (5 hours, say) is used up",
    Kind.FUNDS: "no credits left",
    Kind.PLAN_REQUIRED: "the account's plan does not allow it",
    Kind.DEAD_CREDENTIAL: "key or cookie refused",
    Kind.ACCOUNT_FORBIDDEN: "Genspark does not let this account use the API",
    Kind.SETTING_REQUIRED: "a setting of the Genspark account is missing",
    Kind.FORBIDDEN: "403 without a reason",
    Kind.CHALLENGE: "the edge answered with a challenge page",
    Kind.EDGE_BLOCK: "the edge blocks this server's address",
    Kind.OUTAGE: "Genspark shows its outage page",
    Kind.OVERLOADED: "Genspark says that it is overloaded",
    Kind.STALE_PROJECT: "a bound conversation no longer works",
    Kind.UPSTREAM_BROKEN: "HTTP 5xx",
    Kind.ERROR_FRAME: "an error in place of an answer",
    Kind.BAD_REQUEST: "Genspark found the request invalid",
    Kind.REJECTED: "another HTTP 4xx",
    Kind.MODEL_UNKNOWN: "this route has no such model",
    Kind.MODEL_BROKEN: "the provider behind the model refuses Genspark",
    Kind.RETIRED: "Genspark has ended this way of asking",
    Kind.EMPTY: "an answer without content",
    Kind.BROKEN_STREAM: "the connection broke",
    Kind.UNREADABLE: "a reply that cannot be understood",
    Kind.UNREACHABLE: "no connection",
    Kind.TIMEOUT: "no answer in time",
    Kind.NO_TOKEN: "Genspark wants a reCAPTCHA token and none could be had",
    Kind.UPLOAD_FAILED: "an image, a file or an input could not be uploaded",
    Kind.TASK_FAILED: "a generation failed",
    Kind.TASK_UNKNOWN: "Genspark does not know the task",
    Kind.POLICY: "content rules refused a generation",
    Kind.UNCONFIRMED: "a paid request whose fate is unknown",
    Kind.NOT_UNDERSTOOD: "a generation was taken, but the answer named no task",
    Kind.RESULT_LOST: "a result was made and could not be fetched",
    Kind.OVERDUE: "a generation did not end within `JOB_TIMEOUT`",
    Kind.CANCELLED: "a job was called off",
    Kind.BROKEN: "a mistake of this server",
    Kind.ALL_BUSY: "every account stayed at its limit for `ACCOUNT_WAIT`",
    Kind.NO_ACCOUNT: "no account is configured, or all of them rest",
}


def table() -> str:
    """One row for each kind of failure."""
    head = ["| Kind | What happened | The account | The request | The caller |"]
    return "\n".join([*head, "|---|---|---|---|---|", *map(_row, Kind)])


def _row(kind: Kind) -> str:
    told = for_failure(Failure(kind))
    caller = f"{told.status} `{told.code}`"
    cells = (f"`{kind.value}`", MEANINGS[kind], _effect(kind), _reaction(kind), caller)
    return f"| {' | '.join(cells)} |"


def _effect(kind: Kind) -> str:
    effect = EFFECTS[kind]
    rests = f"rests {_time(effect.seconds)}"
    match effect.kind:
        case EffectKind.NONE:
            return "–"
        case EffectKind.RECHECK:
            return f"is asked whether it is logged in: locked if not, else {rests}"
        case EffectKind.REST_ALL_COOKIES:
            return f"every cookie account {rests}"
    scope = "" if effect.whole_account else " from this product"
    own = f"; Genspark's own time counts up to {_time(effect.cap)}" if effect.cap < DAY else ""
    return rests + scope + own


def _time(seconds: float) -> str:
    return f"{seconds / HOUR:g} h" if seconds % HOUR == 0 else f"{seconds / MINUTE:g} min"


def _reaction(kind: Kind) -> str:
    reaction = REACTIONS[kind]
    if kind is Kind.STALE_PROJECT:
        return "the same account without it, then the other route"
    others = {0: "", 1: "one more account", ANY: "all other accounts"}[reaction.others]
    again = ", or the same once more" if reaction.same_again else ""
    route = "the other route" if reaction.other_route else ""
    return ", then ".join(part for part in (others + again, route) if part) or "ends"


def with_table(page: str) -> str:
    """The page with the present table between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def main() -> None:
    """Write the page."""
    os.chdir(ROOT)
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")


if __name__ == "__main__":
    main()
