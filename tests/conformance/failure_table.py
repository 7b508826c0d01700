"""What the caller is told of each of the emulator's failures, per route.

From the contract: 429 rate, daily or window quota; 503 funds, plan, dead accounts, edge and outage
pages; 502 broken answers; 501 retired flows; 400 and 404 what the caller can mend.
"""

from collections.abc import Collection

from conformance.sides import COOKIE, KEY

from genspark_emulator.scenarios.cookie_streams import COOKIE_STREAMS
from genspark_emulator.scenarios.documents import DOCUMENTS
from genspark_emulator.scenarios.key_streams import KEY_STREAMS

LIMITED = (429, "rate_limit_exceeded")
UNUSABLE = (503, "no_upstream_available")
CHALLENGE = (503, "upstream_challenge")
OUTAGE = (503, "upstream_unavailable")
EMPTY = (502, "empty_response")
BROKEN = (502, "bad_upstream_response")
FAILED = (502, "upstream_error")
RETIRED = (501, "flow_retired")

# A refusal of the other route's dialect: no promise is made but that it is an honest 5xx or 4xx.
FOREIGN = (0, "")

_ON_BOTH = {
    "rate_limit_cf1": LIMITED,
    "rate_limit_cf1_200": LIMITED,
    "rate_limit_cf2": LIMITED,
    "too_many_requests": LIMITED,
    "too_quickly": LIMITED,
    "challenge_page": CHALLENGE,
    "challenge_page_200": CHALLENGE,
    "challenge_page_503": CHALLENGE,
    "edge_block": CHALLENGE,
    "outage_page": OUTAGE,
    "outage_page_200": OUTAGE,
    "internal_error": FAILED,
    "not_login_401": UNUSABLE,
    "session_rejected_401": UNUSABLE,
    "payment_402": UNUSABLE,
    "bad_key_401": UNUSABLE,
    "validation_failed": (400, "invalid_value"),
}

_ON_COOKIE = {
    "not_login": UNUSABLE,
    "user_not_found": UNUSABLE,
    "bad_request_cf": UNUSABLE,
    "session_rejected_419": UNUSABLE,
    "out_of_credits": UNUSABLE,
    "forbidden_json": BROKEN,
    "bot_check_418": CHALLENGE,
    "retired": RETIRED,
    "retired_json": RETIRED,
    "task_failed": (502, "generation_failed"),
    "task_not_found": (502, "task_not_found"),
    "server_overloaded": OUTAGE,
    "daily_quota": LIMITED,
    "credits_exhausted": UNUSABLE,
    "credits_exhausted_beside": UNUSABLE,
    "credits_exhausted_localised": UNUSABLE,
    "negative_balance": UNUSABLE,
    "data_retention": (503, "account_setting_required"),
    "canned_apology": EMPTY,
    "canned_apology_streamed": EMPTY,
    "error_frame": FAILED,
    "error_frame_nested": FAILED,
    "window_limit": LIMITED,
    "window_limit_object": LIMITED,
    "empty_stream": EMPTY,
    "empty_content": EMPTY,
    "no_frames": EMPTY,
}

_ON_KEY = {
    "forbidden_json": UNUSABLE,
    "forbidden_403": UNUSABLE,
    "key_rate_limited": LIMITED,
    "key_rate_limited_header": LIMITED,
    "allowed_models": (404, "model_not_found"),
    "litellm_401": FAILED,
    "tool_free_plan": UNUSABLE,
    "error_in_stream": FAILED,
    "soft_wall_free_plan": UNUSABLE,
    "soft_wall_free_plan_text": UNUSABLE,
    "soft_wall_header": UNUSABLE,
    "soft_wall_exhausted_text": UNUSABLE,
    "soft_wall_exhausted_json": UNUSABLE,
    "soft_wall_banned": UNUSABLE,
}

EXPECTED: dict[str, dict[str, tuple[int, str]]] = {
    COOKIE: {**dict.fromkeys(DOCUMENTS, FOREIGN), **_ON_BOTH, **_ON_COOKIE},
    KEY: {**dict.fromkeys(DOCUMENTS, FOREIGN), **_ON_BOTH, **_ON_KEY},
}

ANSWERS: dict[str, set[str]] = {
    COOKIE: {
        "answered", "answerthink", "duplicate_full_field", "finished_only", "flat_result",
        "huge_result", "no_deltas", "no_terminator", "notifications", "other_model",
        "reasoning_fields", "search_sources", "set_cookie", "tool_frames", "unknown_frames",
        "window_warning",
    },
    # Whether an empty text under a finish reason is an answer is up to the model.
    KEY: {
        "answered", "empty_stream", "json_instead_of_stream", "no_done", "other_model",
        "two_tool_fragments_in_one_chunk",
    },
}  # fmt: skip
"""Scenarios that are no failure, or one only after some text."""

STREAMS: dict[str, Collection[str]] = {COOKIE: COOKIE_STREAMS, KEY: KEY_STREAMS}

ROWS = [
    (name, scenario, *expected)
    for name, table in EXPECTED.items()
    for scenario, expected in sorted(table.items())
]
