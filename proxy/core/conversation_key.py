"""What names a conversation that may be continued: who spoke, with which model, and every word."""

import hashlib
import re
from typing import Any, Final

import msgspec

from proxy.core.ask import Attachment, ChatAsk, Role, Turn

# Clients keep or drop the visible reasoning of earlier answers as they like.
_THOUGHT: Final = re.compile(r"\s*<think>.*?</think>", re.DOTALL)


def conversation_key(caller: str, ask: ChatAsk, turns: tuple[Turn, ...]) -> str:
    """A SHA-256 over the caller, what the ask wants beside its turns, and these turns.

    Only equal conversations of one caller have equal keys; nothing of the text can be read back.
    """
    wishes = ask.wishes
    beside = [ask.model, wishes.tools, wishes.structure, wishes.effort, wishes.search]
    whole = msgspec.json.encode([caller, beside, [_said(turn) for turn in turns]])
    return hashlib.sha256(whole).hexdigest()


def split_at_answer(turns: tuple[Turn, ...]) -> int:
    """How many turns there are up to and with the last answer; 0 when what follows is no mere
    question (nothing, or new instructions), or when there was no answer yet.
    """
    last = max((n for n, t in enumerate(turns, 1) if t.role is Role.ASSISTANT), default=0)
    later = turns[last:]
    plain = later and all(turn.role in (Role.USER, Role.TOOL) for turn in later)
    return last if plain else 0


def _said(turn: Turn) -> list[Any]:
    text = turn.text
    if turn.role is Role.ASSISTANT:
        text = _THOUGHT.sub("", text, count=1) if text.lstrip().startswith("<think>") else text
    calls = [[call.id, call.name, _canonical(call.arguments)] for call in turn.calls]
    attached = [_attached(each) for each in turn.attachments]
    return [turn.role, text.strip(), attached, calls, turn.call_id]


def _attached(attachment: Attachment) -> list[str]:
    source = hashlib.sha256(attachment.source.encode("utf-8", "surrogatepass")).hexdigest()
    return [attachment.kind, source, attachment.name]


def _canonical(arguments: str) -> Any:
    """Equal whatever the spacing: clients parse and write calls anew."""
    try:
        return msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return arguments
