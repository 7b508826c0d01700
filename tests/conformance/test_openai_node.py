"""openai-node against the running server."""

import json

from conformance.node_client import FOLDER, run_script
from conformance.sides import COOKIE, Side, Start, eventually

CHECKS = ["models", "whole", "streamed", "usage", "tools", "mistakes", "leaving"]


def test_sdk_node_each_check_passes(side: Side) -> None:
    lines = {line["check"]: line for line in run_script(side, "chat.mjs")}

    assert list(lines) == CHECKS
    assert [line for line in lines.values() if not line["ok"]] == []
    # Assertion 29: the last check left in the middle of its answer.
    eventually(lambda: side.log()[-1]["ended"] is not None, 2)


def test_c23_node_reads_the_same_text_streamed_and_whole(side: Side) -> None:
    text = "Emoji 🦊, 漢字,\nnew lines\u2028and \u0000 odd ones."
    side.script(answer={"deltas": list(text)}, times=2)

    [whole] = run_script(side, "ask.mjs")
    [streamed] = run_script(side, "ask.mjs", "--stream")

    assert whole == streamed == {"text": text, "error": None, "requests": 1}


def test_c27_node_raises_in_the_middle_of_a_broken_stream(side: Side) -> None:
    side.script(scenario="error_frame_mid" if side.name == COOKIE else "error_in_stream_mid")

    [told] = run_script(side, "ask.mjs", "--stream")

    assert told["text"]
    assert told["error"]["name"] == "APIError"
    assert told["error"]["code"] == "upstream_error"
    assert told["error"]["message"] == "Genspark reported an error while answering."


def test_c38_node_asks_three_times_for_a_503_and_once_for_a_400(start: Start) -> None:
    bare = start(COOKIE, gs_cookie=None)
    small = start(COOKIE, unknown_model="reject")

    [refused] = run_script(bare, "ask.mjs", MAX_RETRIES="2")
    [mistaken] = run_script(small, "ask.mjs", MAX_RETRIES="2", MODEL="gpt-99")

    assert (refused["error"]["status"], refused["requests"]) == (503, 3)
    assert (mistaken["error"]["status"], mistaken["requests"]) == (404, 1)


def test_c38_node_is_told_not_to_retry_a_long_wait(side: Side) -> None:
    side.script(scenario="rate_limit_cf1")

    [told] = run_script(side, "ask.mjs", "--stream", MAX_RETRIES="2")

    assert told["requests"] == 1
    assert told["error"]["name"] == "RateLimitError"


def test_node_packages_are_pinned_by_content_and_not_by_address() -> None:
    text = (FOLDER / "package-lock.json").read_text("utf-8")
    packages = json.loads(text)["packages"]

    assert packages["node_modules/openai"]["version"] == "7.55.0"
    assert all(entry.get("integrity") for name, entry in packages.items() if name)
    assert "resolved" not in text
    assert "://" not in text
    settings = (FOLDER / ".npmrc").read_text("utf-8").split()
    assert "omit-lockfile-registry-resolved=true" in settings
