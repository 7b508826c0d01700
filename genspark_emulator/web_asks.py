"""The two paths to which the web application posts what a user asks, whatever it is about."""

from genspark_emulator.ask_checks import AGENTS, refuse_ask
from genspark_emulator.calls import Call
from genspark_emulator.cookie_chat import answer_ask
from genspark_emulator.cookie_media import answer_media
from genspark_emulator.endpoint import Endpoint, Respond, anonymous
from genspark_emulator.legacy_chat import answer_copilot
from genspark_emulator.legacy_media import TYPES, answer_legacy_media
from genspark_emulator.reply import Reply
from genspark_emulator.rules import Rule
from genspark_emulator.state import EmulatorState

ANSWERS: dict[str, Respond] = {
    "chat": answer_ask,
    "image": answer_media,
    "video": answer_media,
    "legacy": answer_copilot,
    "legacy_image": answer_legacy_media,
    "legacy_video": answer_legacy_media,
}
"""Who answers on which flow."""


def _answer(call: Call, state: EmulatorState, rule: Rule) -> Reply:
    return ANSWERS[call.flow](call, state, rule)


ENDPOINTS = (
    Endpoint(
        "POST", "/api/agent/ask_proxy", "chat", "session", _answer, refuse_ask, by_type=AGENTS
    ),
    Endpoint("POST", "/api/copilot/ask", "legacy", "session", _answer, anonymous, by_type=TYPES),
)
