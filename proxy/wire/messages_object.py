"""Write a full answer as an Anthropic ``message``, and what its stream shares with it.

Shapes: ``anthropic.types.message``, ``usage``, ``stop_reason`` and ``message_tokens_count``.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from proxy.core.answer import Answer, Call, Choice
from proxy.core.events import Cited
from proxy.wire.citations import MOST
from proxy.wire.json_values import number_at

_STOP_REASONS: Final = {"length": "max_tokens", "content_filter": "refusal"}


def message_object(
    message_id: str, model: str, answer: Answer, usage: dict[str, Any], *, hide_reasoning: bool
) -> dict[str, Any]:
    """The whole object; ``usage`` is OpenAI's. There is always a block that is not thinking."""
    choice = _only_choice(answer)
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [
            *([] if hide_reasoning else _thinking(choice)),
            *_text(choice),
            *(_tool_use(call, message_id, n) for n, call in sorted(choice.calls.items())),
        ],
        **ending(answer),
        "usage": message_usage(usage),
    }


def ending(answer: Answer) -> dict[str, str | None]:
    """``stop_reason``, and the ``stop_sequence`` where it is known that one was the reason."""
    stop = _only_choice(answer).stop or None
    return {"stop_reason": "stop_sequence" if stop else stop_reason(answer), "stop_sequence": stop}


def stop_reason(answer: Answer) -> str:
    """Why the answer ended. Upstreams call a stop after tool calls by either name."""
    choice = _only_choice(answer)
    if choice.refusal:
        return "refusal"
    known = _STOP_REASONS.get(choice.finish or "")
    return known or ("tool_use" if choice.calls else "end_turn")


def message_usage(usage: dict[str, Any]) -> dict[str, Any]:
    """Anthropic's counts: its ``input_tokens`` leave out what came from a cache."""
    cached = _count(usage, "prompt_tokens_details", "cached_tokens")
    counts: dict[str, Any] = {
        "input_tokens": max(_count(usage, "prompt_tokens") - cached, 0),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": _count(usage, "completion_tokens"),
    }
    if thought := _count(usage, "completion_tokens_details", "reasoning_tokens"):
        counts["output_tokens_details"] = {"thinking_tokens": thought}
    return counts


def web_citations(cited: Iterable[Cited]) -> list[dict[str, Any]]:
    """The pages, each once; ``cited_text`` is empty, as no route tells which words it was."""
    pages = {page.url: page for page in cited}
    return [
        {
            "type": "web_search_result_location",
            "url": page.url,
            "title": page.title,
            "cited_text": "",
            "encrypted_index": "",
        }
        for page in list(pages.values())[:MOST]
    ]


def tool_use_id(call_id: str | None, message_id: str, index: int) -> str:
    """The call's own id, as routes remember it, or one made of the message's."""
    return call_id or f"toolu_{message_id.removeprefix('msg_')}_{index}"


def token_count_object(tokens: int) -> dict[str, int]:
    """The answer of ``/v1/messages/count_tokens``."""
    return {"input_tokens": tokens}


def _only_choice(answer: Answer) -> Choice:
    """This dialect has no ``n``."""
    return answer.choices.get(0) or Choice()


def _thinking(choice: Choice) -> list[dict[str, Any]]:
    """Unsigned, as nobody can check it: callers send it back and it is left out."""
    said = "".join(choice.reasoning)
    return [{"type": "thinking", "thinking": said, "signature": ""}] if said else []


def _text(choice: Choice) -> list[dict[str, Any]]:
    text = "".join([*choice.text, *choice.refusal])
    if not text and choice.calls:
        return []
    block: dict[str, Any] = {"type": "text", "text": text}
    if choice.citations:
        # Vercel's SDK takes no null here.
        block["citations"] = web_citations(choice.citations)
    return [block]


def _tool_use(call: Call, message_id: str, index: int) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": tool_use_id(call.id, message_id, index),
        "name": call.name,
        "input": _input(call.arguments),
    }


def _input(arguments: str) -> dict[str, Any]:
    try:
        read = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _count(usage: dict[str, Any], *path: str) -> int:
    return int(number_at(usage, *path) or 0)
