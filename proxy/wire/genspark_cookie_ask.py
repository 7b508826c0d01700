"""Write the ``ai_chat`` request of ``/api/agent/ask_proxy`` (body as observed 2026-09)."""

import msgspec

from proxy.core.ask import ChatAsk, Role, ToolCall, Turn
from proxy.core.catalogue import Candidate

CHAT_PATH = "/api/agent/ask_proxy"


def headers(
    origin: str, cookie: str, user_agent: str, page: str = "/agents?type=ai_chat"
) -> dict[str, str]:
    """What every cookie route wants; without a User-Agent it answers ``bad request cf``."""
    return {
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
        "Accept-Encoding": "identity",
        "Origin": origin,
        "Referer": origin + page,
        "User-Agent": user_agent,
        "Cookie": cookie,
    }


def body(ask: ChatAsk, candidate: Candidate, project_id: str | None, recaptcha: str = "") -> bytes:
    """The whole history in a fresh private project, or in an operator-given one.

    ``model`` is never sent: its presence moves the call to a charged path (observed 2026-03).
    """
    messages = [{"role": turn.role.value, "content": turn.text} for turn in plain_turns(ask.turns)]
    return msgspec.json.encode(
        {
            "type": "ai_chat",
            "ai_chat_model": candidate.model,
            "ai_chat_enable_search": candidate.search,
            "ai_chat_disable_personalization": True,
            "use_moa_proxy": bool(candidate.mixture),
            "moa_models": list(candidate.mixture),
            "project_id": project_id,
            "messages": messages,
            "user_s_input": last_user_text(ask.turns),
            "writingContent": None,
            "g_recaptcha_token": recaptcha,
            "is_private": True,
            "push_token": "",
            "sas_ask_origin": "typed",
        }
    )


def last_user_text(turns: tuple[Turn, ...]) -> str:
    """The text of the last user turn; the upstream titles the project with it."""
    return next((turn.text for turn in reversed(turns) if turn.role is Role.USER), "")


def plain_turns(turns: tuple[Turn, ...]) -> list[Turn]:
    """Turns in the roles this route takes: tool traffic becomes text, empty turns are dropped."""
    return [plain for turn in turns if (plain := _plain(turn)).text]


def _plain(turn: Turn) -> Turn:
    if turn.role is Role.TOOL:
        return Turn(Role.USER, f"Result of tool call {turn.call_id or ''}:\n{turn.text}")
    if turn.calls:
        said = [turn.text] if turn.text else []
        return Turn(Role.ASSISTANT, "\n".join(said + [_call_text(call) for call in turn.calls]))
    return turn


def _call_text(call: ToolCall) -> str:
    return f"Tool call {call.id}: {call.name}({call.arguments})"
