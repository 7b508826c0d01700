"""Which asks need a captcha token, and what became of the tokens."""

import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from genspark_emulator.calls import Call
from genspark_emulator.cookie_frames import project_field
from genspark_emulator.recaptcha_tokens import Requirement, Tokens, Verdict
from genspark_emulator.reply import Reply

Flow = Literal["chat", "image", "video", "legacy"]

FAILED = Reply(body={"detail": "recaptcha verification failed"}, status=403)
"""How an ask without a valid token is refused. Only the status was reported: a client of 2026
reads HTTP 403 with JSON as "token rejected"; the text is ours."""

GUARDED: dict[str, Flow] = {
    "chat": "chat",
    "image": "image",
    "video": "video",
    "legacy": "legacy",
    "legacy_image": "legacy",
    "legacy_video": "legacy",
}
"""Under which name a flow's requirement stands; all of the retired route share one."""

WALLED_PRODUCTS: dict[Flow, str] = {"image": "AI Image", "video": "AI Video"}

WALL_SECONDS = 5400
"""The reset of a disguised limit is always that far away; a real one has a fixed moment."""

VALID = Requirement()


class RequirementError(ValueError):
    """Requirements that cannot be accepted; the message says why."""


class _Changes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    require: dict[Flow, bool | Requirement | None]


class Guard:
    """Issues tokens, judges them on every ask, and refuses asks where a flow requires one."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tokens = Tokens(clock)
        self._required: dict[str, Requirement] = {}
        self._issued = 0
        self._accepted = 0
        self._refused: Counter[Verdict] = Counter()

    def require(self, payload: Any) -> None:
        """Change the requirements of the flows named; raises RequirementError."""
        try:
            changes = msgspec.convert(payload, _Changes).require
        except msgspec.ValidationError as error:
            raise RequirementError(str(error)) from error
        for flow, wanted in changes.items():
            self._required.pop(flow, None)
            if wanted:
                self._required[flow] = VALID if wanted is True else wanted

    def issue(self, account: str | None, site_key: str, action: str) -> str:
        """A new token."""
        self._issued += 1
        return self._tokens.issue(account, site_key, action)

    def judge(self, call: Call) -> Verdict | None:
        """What the token of an ask is worth, required or not; None on other calls."""
        if call.flow not in GUARDED:
            return None
        wanted = self._required.get(GUARDED[call.flow], VALID)
        verdict = self._tokens.present(call.fields.get("g_recaptcha_token"), call.account, wanted)
        self._accepted += verdict == "ok"
        return verdict

    def refuse(self, flow: str, verdict: Verdict | None) -> Reply | None:
        """The refusal of an ask that would have needed a better token."""
        wanted = self._required.get(GUARDED[flow]) if flow in GUARDED else None
        if wanted is None or verdict in (None, "ok"):
            return None
        self._refused[verdict] += 1
        return self._wall(GUARDED[flow]) if wanted.refusal == "window_limit" else FAILED

    def _wall(self, flow: Flow) -> Reply:
        product = WALLED_PRODUCTS.get(flow, "AI Chat")
        reset = int(self._clock()) + WALL_SECONDS
        text = f"{product} [5-hour limit] reached. Resets {{time:{reset}}}"
        return Reply(
            frames=(
                {"type": "project_start", "id": str(uuid.uuid4())},
                project_field("session_state.session_limit_message", text),
                project_field("status", "FINISHED"),
            )
        )

    def listing(self) -> dict[str, Any]:
        """Requirements and counters in the form of the control interface."""
        fields = {flow: _given(wanted) for flow, wanted in self._required.items()}
        return {
            "require": {flow: wanted or True for flow, wanted in fields.items()},
            "issued": self._issued,
            "accepted": self._accepted,
            "refused": dict(self._refused),
        }

    def clear(self) -> None:
        """No requirements, no tokens, counters at zero."""
        self._tokens.clear()
        self._required.clear()
        self._issued = self._accepted = 0
        self._refused.clear()


def _given(wanted: Requirement) -> dict[str, Any]:
    fields = msgspec.structs.asdict(wanted)
    return {name: value for name, value in fields.items() if value is not None}
