"""The names a rule may give: what they mean, on which flows, with which parameters."""

from collections.abc import Collection

from genspark_emulator.scenarios.cookie_streams import COOKIE_STREAMS
from genspark_emulator.scenarios.documents import DOCUMENTS, RETRY_AFTER
from genspark_emulator.scenarios.fates import FAILING
from genspark_emulator.scenarios.files import FILE_SCENARIOS
from genspark_emulator.scenarios.key_streams import KEY_STREAMS
from genspark_emulator.scenarios.legacy_streams import LEGACY_MEDIA_STREAMS, LEGACY_STREAMS
from genspark_emulator.scenarios.media_streams import MEDIA_STREAMS
from genspark_emulator.scenarios.pages import EXECUTE_MS, PAGE_SCENARIOS
from genspark_emulator.scenarios.polling import POLL_SCENARIOS
from genspark_emulator.scenarios.tool_streams import TOOL_SCENARIOS

CHAT_FLOWS = frozenset({"chat", "key_chat", "legacy"})
TOOL_FLOWS = frozenset({"key_image", "key_video"})
BUYING_FLOWS = TOOL_FLOWS | {"image", "video", "legacy_image", "legacy_video"}
"""Flows on which tasks are bought."""

FLOWS = (
    CHAT_FLOWS
    | BUYING_FLOWS
    | {
        *("login", "me", "models", "delete", "abort", "create", "quota"),
        *("page", "static", "recaptcha_script", "token"),
        *("key_search", "tasks", "upload", "blob", "download", "file", "cdn"),
    }
)

ROWS: dict[str, str] = {
    "row1": "rate_limit_cf1",
    "row2": "too_many_requests",
    "row3": "not_login",
    "row4": "bad_request_cf",
    "row5": "session_rejected_401",
    "row6": "forbidden_json",
    "row7": "challenge_page",
    "row8": "edge_block",
    "row9": "bot_check_418",
    "row10": "outage_page",
    "row11": "internal_error",
    "row12": "validation_failed",
    "row13": "server_overloaded",
    "row14": "daily_quota",
    "row15": "credits_exhausted",
    "row16": "negative_balance",
    "row17": "out_of_credits",
    "row18": "window_limit",
    "row19": "window_warning",
    "row20": "retired",
    "row21": "data_retention",
    "row22": "empty_stream",
    "row23": "task_failed",
    "row24": "task_not_found",
    "row25": "error_frame",
    "row26": "canned_apology",
    "row27": "soft_wall_free_plan",
    "row28": "payment_402",
    "row29": "key_rate_limited",
    "row30": "allowed_models",
    "row31": "litellm_401",
}
"""Numbers of the team's list of error signatures."""

ROW_PRODUCTS = {"row18": "AI Image"}
"""The signature was recorded for this product; by its readable name it is about chat."""

OWN_SCENARIOS: dict[str, Collection[str]] = {
    "chat": COOKIE_STREAMS,
    "key_chat": KEY_STREAMS,
    "legacy": LEGACY_STREAMS,
    "page": PAGE_SCENARIOS,
    "image": MEDIA_STREAMS,
    "video": MEDIA_STREAMS,
    "key_image": TOOL_SCENARIOS,
    "key_video": TOOL_SCENARIOS,
    "legacy_image": LEGACY_MEDIA_STREAMS,
    "legacy_video": LEGACY_MEDIA_STREAMS,
    "tasks": POLL_SCENARIOS,
    "file": FILE_SCENARIOS,
    "cdn": FILE_SCENARIOS,
}
"""What can be told on one flow only, or on a few."""

_WINDOW_LIMITS = frozenset(
    name for name in (*COOKIE_STREAMS, *MEDIA_STREAMS) if name.startswith("window_limit")
)

PARAMETERS: dict[str, frozenset[str]] = {
    "epoch": _WINDOW_LIMITS,
    "execute_ms": EXECUTE_MS,
    "failure_reason": FAILING,
    "product": _WINDOW_LIMITS,
    "retry_after": RETRY_AFTER,
}
"""Which scenarios understand which extra field of a rule."""

FLOW_PARAMETERS: dict[str, frozenset[str]] = {
    "task_seconds": BUYING_FLOWS,
    "heartbeat_s": TOOL_FLOWS,
    "file_mb": BUYING_FLOWS | {"file", "cdn"},
}
"""On which flows an extra field of a rule means something, whatever the scenario."""


def canonical(name: str) -> str:
    """The readable name behind a row number; also ``rowN_mid``."""
    row, separator, variant = name.partition("_")
    return f"{ROWS[row]}{separator}{variant}" if row in ROWS else name


def flows_of(name: str) -> frozenset[str]:
    """The flows on which a scenario can be told; empty for an unknown name.

    A refusal is a whole HTTP answer and can be given anywhere.
    """
    if name in DOCUMENTS:
        return FLOWS
    return frozenset(flow for flow, names in OWN_SCENARIOS.items() if name in names)


def scenario_names() -> dict[str, list[str]]:
    """All names, by the flows they can be told on."""
    own = {flow: sorted(names) for flow, names in OWN_SCENARIOS.items()}
    return {"any flow": sorted(DOCUMENTS), **own, "aliases": list(ROWS)}
