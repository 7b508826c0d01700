"""The legacy completions dialect: a prompt as a chat of one user turn, and its whole answer.

Chat models answer a prompt instead of going on with it. Reasoning is not shown and tools do not
exist in this dialect; a refusal is text.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from proxy.core.answer import Answer, Choice
from proxy.core.ask import InvalidRequest

_AS_IN_A_CHAT: Final = (
    "model", "stream", "stream_options", "n", "stop", "max_tokens", "temperature", "top_p",
    "presence_penalty", "frequency_penalty", "seed", "logit_bias", "user",
)  # fmt: skip
_FINISHES: Final = frozenset({"stop", "length", "content_filter"})


@dataclass(frozen=True, slots=True)
class Prompted:
    """A completion request as a chat request; ``echo`` is what each choice's text begins with."""

    chat: dict[str, Any] = field(repr=False)
    echo: str = field(default="", repr=False)


def chat_of(request: dict[str, Any]) -> Prompted:
    """Translate a decoded request. Raises ``InvalidRequest``."""
    prompt = _prompt(request.get("prompt"))
    _refuse_unsupported(request)
    chat = {name: request[name] for name in _AS_IN_A_CHAT if request.get(name) is not None}
    chat["messages"] = [{"role": "user", "content": prompt}]
    return Prompted(chat, prompt if request.get("echo") is True else "")


def completion_object(
    completion_id: str,
    created: int,
    model: str,
    answer: Answer,
    usage: dict[str, Any],
    *,
    echo: str = "",
) -> dict[str, Any]:
    """A whole ``text_completion``. ``created`` is in Unix seconds."""
    choices = [
        choice_object(index, echo + _text(choice), finish_reason(choice.finish))
        for index, choice in sorted(answer.choices.items())
    ]
    return {
        "id": completion_id,
        "object": "text_completion",
        "created": created,
        "model": model,
        "choices": choices,
        "usage": usage,
        "system_fingerprint": None,
    }


def choice_object(index: int, text: str, finish: str | None) -> dict[str, Any]:
    """One choice, whole or a piece of it."""
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish}


def finish_reason(finish: str | None) -> str:
    """A chat's finish reason in the few words of this dialect."""
    return finish if finish in _FINISHES else "stop"


def _text(choice: Choice) -> str:
    return "".join((*choice.text, *choice.refusal))


def _prompt(prompt: Any) -> str:
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        prompt = prompt[0]
    if isinstance(prompt, str) and prompt:
        return prompt
    if isinstance(prompt, list) and prompt:
        raise _unsupported("prompt", "must be one text; lists of tokens or prompts are not taken.")
    raise InvalidRequest(
        "'prompt' must be a non-empty string.",
        param="prompt",
        code="missing_required_parameter" if prompt is None else "invalid_value",
    )


def _refuse_unsupported(request: dict[str, Any]) -> None:
    """What would silently give another answer than the one that was asked for."""
    if request.get("suffix"):
        raise _unsupported("suffix", "is not supported: no route inserts text.")
    if request.get("logprobs"):
        raise _unsupported("logprobs", "is not supported: no route tells them.")
    best_of = request.get("best_of")
    if best_of is not None and best_of != (request.get("n") or 1):
        raise _unsupported("best_of", "other than 'n' is not supported.")


def _unsupported(name: str, what: str) -> InvalidRequest:
    return InvalidRequest(f"'{name}' {what}", param=name, code="unsupported_value")
