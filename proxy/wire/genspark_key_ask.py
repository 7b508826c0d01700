"""Write the official route's request, ``/api/llm_proxy/v1/chat/completions`` (as of 2026-09).

Native OpenAI dialect: what the caller sent goes through, but for the known quirks.
"""

import re
from typing import Any, Final

import msgspec

from proxy.core.ask import ChatAsk
from proxy.core.catalogue import Candidate
from proxy.core.reasoning import effort_for

CHAT_PATH = "/api/llm_proxy/v1/chat/completions"
MODELS_PATH = "/api/llm_proxy/v1/models"

# These families reject any non-default temperature, with or without a vendor/ prefix.
_FIXED_TEMPERATURE: Final = re.compile(r"(?:^|/)(?:kimi-k3|gpt-5|gpt-6)")


# OpenAI's own models, by their names.
_OPENAI: Final = re.compile(r"(?:^|/)(?:gpt-|o\d)")
# The gateway behind this route refuses other models what only OpenAI's take (as it is known to).
_OPENAI_ONLY: Final = ("prompt_cache_key", "safety_identifier", "verbosity", "prediction")


def headers(key: str) -> dict[str, str]:
    """Authorisation and content type; the server's own name as the attribution bucket."""
    return {
        "Content-Type": "application/json",
        "Accept": "text/event-stream, application/json",
        "Accept-Encoding": "identity",
        "Authorization": f"Bearer {key}",
        "User-Agent": "genspark2api",
        "X-Agent-Type": "genspark2api",
    }


def body(ask: ChatAsk, candidate: Candidate) -> bytes:
    """The caller's request under the upstream's model name; usage is always asked for.

    A level of effort that the model does not take would be refused: the nearest is asked for.
    """
    request: dict[str, Any] = {k: v for k, v in ask.native.items() if v is not None}
    request["model"] = candidate.model
    if isinstance(wanted := request.get("reasoning_effort"), str):
        request["reasoning_effort"] = effort_for(wanted, candidate.efforts)
    if ask.stream:
        request["stream_options"] = {"include_usage": True}
    else:
        request.pop("stream_options", None)
    if not takes_several(candidate.model):
        request.pop("n", None)
    for name in ignored(ask, candidate):
        del request[name]
    return msgspec.json.encode(request)


def takes_several(model: str) -> bool:
    """Whether the model gives several choices to one request (``n``); others would refuse it."""
    return _OPENAI.search(model.lower()) is not None


def ignored(ask: ChatAsk, candidate: Candidate) -> list[str]:
    """Parameters of the caller that this model does not take."""
    model, refused = candidate.model.lower(), []
    if _FIXED_TEMPERATURE.search(model):
        refused.append("temperature")
    if not _OPENAI.search(model):
        refused += _OPENAI_ONLY
    levels = candidate.efforts
    if levels and "none" not in levels and ask.native.get("reasoning_effort") == "none":
        # The nearest level would switch reasoning on.
        refused.append("reasoning_effort")
    return [name for name in refused if ask.native.get(name) is not None]
