"""Failures that arrive inside a stream which began normally, as final messages."""

from genspark_emulator.cookie_frames import APOLOGY
from genspark_emulator.turn import MessageResult

_CREDITS_LINK = "https://www.genspark.ai/pricing?fromurl=credit_exhausted"
_LIMIT_LINK = "https://www.genspark.ai/pricing?fromurl=credit_limit_exceeded"
_DRAINED = {"block_reason": "balance_drained"}
_CREDITS_TEXT = f"You've used all your credits. [Get more]({_CREDITS_LINK})"

FAILURES: dict[str, MessageResult] = {
    "server_overloaded": MessageResult("Server overloaded, please try again later."),
    "daily_quota": MessageResult(
        "You've reached your free usage limit today",
        action={"type": "ACTION_QUOTA_EXCEEDED"},
        session_state={"consume_usage_quota_exceeded": True},
    ),
    "credits_exhausted": MessageResult(
        _CREDITS_TEXT, action={"type": "ACTION_CREDIT_EXHAUSTED", "action_params": _DRAINED}
    ),
    "credits_exhausted_beside": MessageResult(
        _CREDITS_TEXT,
        action={"type": "ACTION_CREDIT_EXHAUSTED"},
        beside={"action_params": _DRAINED},
    ),
    "credits_exhausted_localised": MessageResult(
        f"您的积分已用完。[升级]({_CREDITS_LINK})",
        action={"type": "ACTION_CREDIT_EXHAUSTED", "action_params": _DRAINED},
    ),
    "negative_balance": MessageResult(
        f"Your credit balance is negative. This run was stopped. [Top up]({_LIMIT_LINK})"
    ),
    "data_retention": MessageResult(
        "This model requires AI Data Retention to be enabled in your account settings."
    ),
    "canned_apology": MessageResult(APOLOGY),
}
"""Texts and actions as reported between 2026-02 and 2026-09-23; links shortened."""
