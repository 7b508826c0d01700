"""The key routes beside chat: who the key belongs to, and which models it may use."""

from genspark_emulator.calls import Call
from genspark_emulator.catalogue import key_catalogue, tool_catalogue
from genspark_emulator.endpoint import Endpoint, keyless
from genspark_emulator.reply import Reply
from genspark_emulator.rules import Rule
from genspark_emulator.state import EmulatorState

CREDITS = 10_000


def _me(_call: Call, _state: EmulatorState, _rule: Rule) -> Reply:
    """Plan and balance of the key's owner (vendor software of 2026-09-22)."""
    return Reply(
        body={
            "email": "key.owner@example.com",
            "name": "Key Owner",
            "plan": "plus",
            "personal_plan": "plus",
            "org_plan": None,
            "org_role": None,
            "credit_balance": CREDITS,
        }
    )


def _models(_call: Call, _state: EmulatorState, _rule: Rule) -> Reply:
    return Reply(body=key_catalogue(), spaced=False)


def _configuration(call: Call, _state: EmulatorState, _rule: Rule) -> Reply:
    base_url = f"http://{call.headers.get('host', 'localhost')}"
    return Reply(body=tool_catalogue(base_url, call.query.get("model")))


ENDPOINTS = (
    Endpoint("GET", "/api/tool_cli/me", "me", "key", _me, keyless),
    Endpoint("GET", "/api/llm_proxy/v1/models", "models", "key", _models, keyless),
    Endpoint("GET", "/api/tool_cli/opencode-config", "models", "key", _configuration, keyless),
)
