"""The legacy copilot wire, ``/api/copilot/ask`` (as of 2026-02; reported retired since 2026-04).

Off by default. The stream differs from ``ai_chat`` only in the names of its fields.
"""

from typing import Any, Final

import msgspec

from proxy.core.ask import ChatAsk
from proxy.core.catalogue import Candidate
from proxy.wire.genspark_cookie_ask import WebTerms, messages
from proxy.wire.genspark_cookie_stream import Dialect
from proxy.wire.json_values import content_text, text_at

CHAT_PATH = "/api/copilot/ask"
_TYPE: Final = "COPILOT_MOA_CHAT"
_DETAIL: Final = "session_state.streaming_detail_answer"


def body(ask: ChatAsk, candidate: Candidate, terms: WebTerms) -> bytes:
    """The whole history in a fresh project, or in an operator-given one."""
    project = terms.project_id
    query = f"id={project}&type={_TYPE}" if project else f"type={_TYPE}"
    # deep-seek-r1 took no system turns.
    fold_system = candidate.model == "deep-seek-r1"
    return msgspec.json.encode(
        {
            "type": _TYPE,
            "current_query_string": query,
            "messages": [_folded(m) if fold_system else m for m in messages(ask, terms)],
            "action_params": {},
            "extra_data": {
                "models": list(candidate.mixture) or [candidate.model],
                "run_with_another_model": False,
                "writingContent": None,
                "request_web_knowledge": candidate.search or ask.wishes.search,
            },
            "g_recaptcha_token": terms.recaptcha,
        }
    )


def _folded(message: dict[str, Any]) -> dict[str, Any]:
    return message | {"role": "user"} if message["role"] == "system" else message


def _is_text(name: str) -> bool:
    return name in ("session_state.answer", "content") or name.startswith(
        (_DETAIL, "session_state.streaming_markmap")
    )


def _is_reasoning(name: str) -> bool:
    if name.endswith(("_is_started", "_is_finished")):
        return False
    # layer_… are the members' answers in mixture mode.
    return "answerthink" in name or name.startswith("session_state.layer_")


def _result_text(content: Any) -> str:
    """Search answers of o1 arrive as JSON text ``{"detailAnswer": …}``."""
    text = content_text(content)
    if not text.startswith("{"):
        return text
    try:
        return text_at(msgspec.json.decode(text.encode()), "detailAnswer") or text
    except (msgspec.DecodeError, RecursionError):
        return text


LEGACY: Final = Dialect(_is_text, _is_reasoning, _result_text)
