"""``POST /api/tool_cli/web_search``: the key route's search (vendor software of 2026-09-22)."""

from genspark_emulator.calls import Call
from genspark_emulator.endpoint import Endpoint, toolless
from genspark_emulator.reply import Reply
from genspark_emulator.rules import Rule
from genspark_emulator.scenarios.tool_streams import TOOL_DOCUMENTS
from genspark_emulator.state import EmulatorState
from genspark_emulator.tool_envelope import tool_error, tool_ok

RESULTS = 3


def refuse_search(call: Call, state: EmulatorState) -> Reply | None:
    """No key, or nothing to look for."""
    question = call.fields.get("q")
    if (refusal := toolless(call, state)) is not None:
        return refusal
    good = isinstance(question, str) and question.strip()
    return None if good else tool_error("'q' is required", "invalid_arguments")


def answer_search(call: Call, _state: EmulatorState, _rule: Rule) -> Reply:
    """Pages that name the question."""
    question = str(call.fields["q"])
    found = [
        {
            "title": f"Page {number} about {question[:60]}",
            "link": f"https://example.com/search/{number}",
            "snippet": f"Snippet {number}.",
        }
        for number in range(1, RESULTS + 1)
    ]
    return tool_ok({"organic_results": found})


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/tool_cli/web_search",
        "key_search",
        "key",
        answer_search,
        refuse_search,
        TOOL_DOCUMENTS,
        framing="lines",
    ),
)
