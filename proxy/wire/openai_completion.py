"""Write a full answer as an OpenAI ``chat.completion`` object, and the models list."""

from typing import Any

from proxy.core.answer import Answer, Call, Choice


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
    hide_reasoning: bool,
) -> dict[str, Any]:
    """The whole object. ``content`` is a string unless there are tool calls."""
    choices = [
        {
            "index": index,
            "message": _message(choice, completion_id, hide_reasoning=hide_reasoning),
            "logprobs": None,
            **choice.beside,
            "finish_reason": choice.finish or "stop",
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


def _message(choice: Choice, completion_id: str, *, hide_reasoning: bool) -> dict[str, Any]:
    text = "".join(choice.text)
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if choice.reasoning and not hide_reasoning:
        message["reasoning_content"] = "".join(choice.reasoning)
    if choice.calls:
        message["content"] = text or None
        message["tool_calls"] = [
            _call(call, f"call_{completion_id[9:]}_{index}")
            for index, call in sorted(choice.calls.items())
        ]
    return message | choice.extra


def _call(call: Call, fallback_id: str) -> dict[str, Any]:
    return {
        "id": call.id or fallback_id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments or "{}"},
    }


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
