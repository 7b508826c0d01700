"""openai-node's tool runners and the Vercel AI SDK against the running server, on both routes."""

from conformance.node_client import run_script
from conformance.sides import Side

AGENTS = [
    *("parsed", "parsed_stream", "json_object", "tool_loop", "streamed_tool_loop", "one_call"),
]
MESSAGES = ["whole", "streamed", "tool_loop", "streamed_tool_loop"]
VERCEL = [
    *("whole", "streamed", "tool_loop", "streamed_tool_loop", "forced_call", "object"),
    *("object_without_schema", "streamed_object", "mistakes"),
]


def test_sdk_node_agents_each_check_passes(side: Side) -> None:
    lines = run_script(side, "agents.mjs")

    assert [line for line in lines if not line["ok"]] == []
    assert [line["check"] for line in lines] == AGENTS


def test_sdk_vercel_each_check_passes(side: Side) -> None:
    lines = run_script(side, "vercel.mjs")

    assert [line for line in lines if not line["ok"]] == []
    assert [line["check"] for line in lines] == VERCEL


def test_sdk_vercel_speaks_anthropics_dialect(side: Side) -> None:
    lines = run_script(side, "vercel_messages.mjs")

    assert [line for line in lines if not line["ok"]] == []
    assert [line["check"] for line in lines] == MESSAGES
