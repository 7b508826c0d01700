"""Write a full answer as an OpenAI ``chat.completion`` object, and the models list."""

from typing import Any

from proxy.core.answer import Answer, Call, Choice
from proxy.core.reasoning import ReasoningStyle
from proxy.wire.citations import annotations
from proxy.wire.json_values import list_at
from proxy.wire.think_tags import with_thought


def usage_of(prompt_tokens: int, completion_tokens: int) -> dict[str, Any]:
    """A ``usage`` object of our own counting."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def native_usage(usage: dict[str, Any] | None) -> dict[str, Any] | None:
    """The upstream's own usage in the shape strict (Go) clients need: whole numbers that add up."""
    if usage is None:
        return None
    prompt, said = (_whole(usage.get(name)) for name in ("prompt_tokens", "completion_tokens"))
    if prompt is None or said is None or prompt + said == 0:
        return None
    details = {
        name: {key: n for key, value in part.items() if (n := _whole(value)) is not None}
        for name in ("prompt_tokens_details", "completion_tokens_details")
        if isinstance(part := usage.get(name), dict)
    }
    return usage_of(prompt, said) | details


def _whole(value: Any) -> int | None:
    sane = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return int(value) if sane else None


def completion(
    completion_id: str,
    created: int,
    model: str,
    answer: Answer,
    usage: dict[str, Any],
    *,
    reasoning: ReasoningStyle = ReasoningStyle.FIELD,
    legacy_calls: bool = False,
) -> dict[str, Any]:
    """The whole object; ``legacy_calls`` as in ``StreamOptions``.

    ``content`` is a string, unless tool calls or a refusal stand in its place.
    """
    choices = [
        {
            "index": index,
            "message": _message(choice, reasoning)
            | _calls(choice, completion_id, legacy=legacy_calls),
            "logprobs": None,
            **choice.beside,
            "finish_reason": _finish(choice, legacy=legacy_calls),
        }
        for index, choice in sorted(answer.choices.items())
    ]
    return {
        "id": completion_id,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": choices,
        "usage": usage,
        "system_fingerprint": None,
    }


def _message(choice: Choice, style: ReasoningStyle) -> dict[str, Any]:
    reasoning, refusal = "".join(choice.reasoning), "".join(choice.refusal)
    content = with_thought(reasoning if style.in_content else "", "".join(choice.text))
    empty = None if choice.calls or refusal else ""
    message = {"role": "assistant", "content": content or empty, "refusal": refusal or None}
    if reasoning and style.in_field:
        message["reasoning_content"] = reasoning
    given = list_at(choice.extra, "annotations")
    pages = given + annotations(choice.citations, content, given)
    return message | choice.extra | ({"annotations": pages} if pages else {})


def _calls(choice: Choice, completion_id: str, *, legacy: bool) -> dict[str, Any]:
    if not choice.calls:
        return {}
    if legacy:
        return {"function_call": _function(next(iter(choice.calls.values())))}
    return {
        "tool_calls": [
            {
                "id": call.id or f"call_{completion_id[9:]}_{index}",
                "type": "function",
                "function": _function(call),
            }
            for index, call in sorted(choice.calls.items())
        ]
    }


def _function(call: Call) -> dict[str, str]:
    return {"name": call.name, "arguments": call.arguments or "{}"}


def _finish(choice: Choice, *, legacy: bool) -> str:
    if legacy and choice.finish == "tool_calls":
        return "function_call"
    return choice.finish or "stop"


def model_object(model: str, created: int, kind: str) -> dict[str, Any]:
    """One model, with the keys that old and new clients look for; ``kind`` is what it makes."""
    return {
        "id": model,
        "object": "model",
        "created": created,
        "owned_by": "genspark",
        "permission": [],
        "root": model,
        "parent": None,
        "type": kind,
    }
