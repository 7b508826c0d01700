"""The models Genspark offers, per route, and the catalogue bodies that list them.

Cookie ids: measured 2026-09-23. Key ids: lists of 2026-09-01, 2026-09-24 and 2026-09-25.
"""

from genspark_emulator.events import JsonObject
from genspark_emulator.media_models import COOKIE_IMAGE_MODELS, COOKIE_VIDEO_MODELS

COOKIE_MODELS = (
    *("gpt-5", "gpt-5-pro", "gpt-5.1", "gpt-5.1-low", "gpt-5.1-medium", "gpt-5.1-high"),
    *("gpt-5.2", "gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano", "gpt-5.4-pro", "gpt-5.5"),
    *("gpt-5.5-pro", "gpt-5.6", "gpt-5.6-luna", "gpt-5.6-sol", "gpt-5.6-terra"),
    *("gpt-6", "gpt-6-luna", "gpt-6-sol"),
    *("claude-4-5-haiku", "claude-sonnet-4", "claude-sonnet-4-5", "claude-sonnet-4-6"),
    *("claude-sonnet-5", "claude-opus-4-6", "claude-opus-4-7", "claude-opus-4-8"),
    *("claude-opus-5", "claude-opus-5-5"),
    *("gemini-2.5-flash", "gemini-3.1-flash-lite-preview", "gemini-3.1-pro-preview"),
    *("gemini-3.6-flash", "gemini-3.7-flash", "gemini-3.8-flash"),
    *("GLM-5.3", "glm-5p3", "glm-5p3-flash-baseten", "deep-seek-v4-flash"),
    *("deep-seek-v4.1-flash", "grok-4.5", "grok-4.6", "grok-4.7", "kimi-k3"),
    *("minimax-m3", "nemotron-3-ultra"),
)

COOKIE_ALIASES = {
    "claude-haiku-4-5": "claude-4-5-haiku",
    "claude-opus-4-5": "claude-opus-4-6",
}
"""Ids served by another one (measured 2026-09-23)."""

COOKIE_FALLBACK = "claude-sonnet-4-5"
"""Served in place of an unknown id, without a word (observed about 2026-09-29)."""

KEY_MODELS = (
    *("claude-fable-5", "claude-opus-5", "claude-opus-5-5", "claude-opus-4-8"),
    *("claude-opus-4-7", "claude-opus-4-6", "claude-opus-4-6-1m", "claude-sonnet-5"),
    *("claude-sonnet-4-6", "claude-sonnet-4-6-1m", "claude-haiku-4-5"),
    *("gpt-6-astra", "gpt-6-sol", "gpt-6-luna", "gpt-5.6", "gpt-5.6-sol", "gpt-5.6-terra"),
    *("gpt-5.6-luna", "gpt-5.5", "gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano", "gpt-5.2"),
    *("gpt-5-codex", "gpt-5.2-codex", "gpt-5.3-codex"),
    *("gemini-3.1-pro-preview", "gemini-3-flash-preview", "gemini-3.5-flash"),
    *("gemini-3.6-flash", "gemini-3.7-flash", "gemini-3.8-flash"),
    "gemini-3.1-flash-lite-preview",
    *("deep-seek-v4-pro-baseten", "deepseek-v4-pro-0813", "deep-seek-v4-flash"),
    *("deep-seek-v4.1-flash", "glm-5p3", "glm-5p2", "kimi-k3", "kimi-k2p6"),
    *("minimax-m3", "minimax-m2p7", "grok-4.7", "grok-4.6", "grok-4.5", "solar-pro4"),
)

AUDIO_MODELS = ("gemini-tts",)

TEXT_ONLY = frozenset({"deep-seek-v4-flash", "deep-seek-v4.1-flash", "nemotron-3-ultra"})
"""Which models take no images is not documented; a few are marked so that both kinds occur."""


def served_cookie_model(asked: str) -> str:
    """The model that answers on the cookie route; a comma-joined mixture is taken as it is."""
    asked = COOKIE_ALIASES.get(asked, asked)
    known = all(part in COOKIE_MODELS for part in asked.split(","))
    return asked if known else COOKIE_FALLBACK


def base_id(model: str) -> str:
    """The id without a ``vendor/`` prefix."""
    return model.rpartition("/")[2]


def offered_on_key_route(model: str) -> bool:
    """Whether the key route knows the id."""
    return base_id(model) in KEY_MODELS


def chat_catalogue() -> JsonObject:
    """Body of ``/api/moa_models_config`` (observed 2026-09)."""
    return {
        "models": [
            {
                "name": model,
                "label": model,
                "full_label": model,
                "hidden": model == "gpt-5-pro",
                "member_price_tier": "free",
                "support_images": model not in TEXT_ONLY,
            }
            for model in COOKIE_MODELS
        ]
    }


def media_catalogue() -> JsonObject:
    """Body of ``/api/models_config``; ``auto`` is listed there but is not an id."""
    lists = {
        "image_models": ("auto", *COOKIE_IMAGE_MODELS),
        "video_models": ("auto", *COOKIE_VIDEO_MODELS),
        "audio_models": AUDIO_MODELS,
    }
    return {"data": {kind: [{"name": name} for name in names] for kind, names in lists.items()}}


def key_catalogue() -> JsonObject:
    """Body of ``/api/llm_proxy/v1/models``."""
    return {
        "object": "list",
        "data": [
            {"id": model, "object": "model", "created": 1_756_684_800, "owned_by": "genspark"}
            for model in KEY_MODELS
        ],
    }


def tool_catalogue(base_url: str, only: str | None = None) -> JsonObject:
    """Body of ``/api/tool_cli/opencode-config`` (vendor software of 2026-09-22)."""
    wanted = [model for model in KEY_MODELS if only in (None, "", model)]
    providers = {
        "genspark-llm-proxy": ("/api/llm_proxy/v1", False),
        "genspark-gemini-proxy": ("/api/llm_proxy/gemini/v1beta", True),
    }
    return {
        "provider": {
            name: {
                "options": {"baseURL": base_url + path, "apiKey": "{env:GSK_API_KEY}"},
                "models": {m: _limits(m) for m in wanted if m.startswith("gemini") is gemini},
            }
            for name, (path, gemini) in providers.items()
        }
    }


def _limits(model: str) -> JsonObject:
    images = [] if model in TEXT_ONLY else ["image"]
    return {
        "name": model,
        "limit": {"context": 1_000_000 if model.endswith("-1m") else 200_000, "output": 64_000},
        "modalities": {"input": ["text", *images]},
        "reasoning": True,
        "variants": {},
    }
