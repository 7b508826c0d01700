"""Write the ``ai_chat`` request of ``/api/agent/ask_proxy`` (body as observed 2026-09)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from proxy.core.ask import Attachment, ChatAsk, Role, Turn
from proxy.core.catalogue import Candidate
from proxy.wire.text_turns import later_turns

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


@dataclass(frozen=True, slots=True)
class WebTerms:
    """What else a web ask says. ``project_id`` is None for a fresh project.

    ``known`` is how many of the ask's turns the project already holds: its thread is stored
    upstream, so only later ones are sent. ``parts`` are the content parts of attachments, made for
    the account that asks.
    """

    project_id: str | None = None
    known: int = 0
    recaptcha: str = ""
    parts: Mapping[Attachment, dict[str, Any]] = field(default_factory=dict)


def body(ask: ChatAsk, candidate: Candidate, terms: WebTerms) -> bytes:
    """The whole history in a fresh private project, or in an operator-given one.

    ``model`` is never sent: its presence moves the call to a charged path (observed 2026-03).
    """
    return msgspec.json.encode(
        {
            "type": "ai_chat",
            "ai_chat_model": candidate.model,
            "ai_chat_enable_search": candidate.search or ask.wishes.search,
            "ai_chat_disable_personalization": True,
            "use_moa_proxy": bool(candidate.mixture),
            "moa_models": list(candidate.mixture),
            "project_id": terms.project_id,
            "messages": messages(ask, terms),
            "user_s_input": last_user_text(ask.turns),
            "writingContent": None,
            "g_recaptcha_token": terms.recaptcha,
            "is_private": True,
            "push_token": "",
            "sas_ask_origin": "typed",
        }
    )


def messages(ask: ChatAsk, terms: WebTerms) -> list[dict[str, Any]]:
    """The turns to send in the roles this route takes; those that say nothing are dropped."""
    turns = later_turns(ask, terms.known)
    return [
        {"role": turn.role.value, "content": content}
        for turn in turns
        if (content := _content(turn, terms.parts))
    ]


def _content(turn: Turn, parts: Mapping[Attachment, dict[str, Any]]) -> str | list[dict[str, Any]]:
    """The text, or parts with the text last, as the web interface orders them."""
    attached = [parts[each] for each in turn.attachments if each in parts]
    if not attached:
        return turn.text
    return [*attached, {"type": "text", "text": turn.text}] if turn.text else attached


def last_user_text(turns: tuple[Turn, ...]) -> str:
    """The text of the last user turn; the upstream titles the project with it."""
    return next((turn.text for turn in reversed(turns) if turn.role is Role.USER), "")
