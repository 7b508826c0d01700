"""Write the media asks of the web routes: the two agents, and the legacy copilot's bodies.

The image agent's body was observed 2026-03 … 2026-10. The video agent's comes from public code
whose answers nobody has described. The legacy bodies are those of 2026-02.
"""

from typing import Any, Final

import msgspec

from proxy.core.media import MediaAsk, Terms
from proxy.core.products import Product
from proxy.wire import genspark_cookie_ask, genspark_legacy
from proxy.wire.genspark_files import PrivateFile, file_part, image_url_part
from proxy.wire.genspark_tool import prompt_text, video_size, whole_number

AGENT_PATH: Final = genspark_cookie_ask.CHAT_PATH
LEGACY_PATH: Final = genspark_legacy.CHAT_PATH
# Of the Referer; the legacy asks came from "/".
PAGES: Final = {Product.IMAGE: "/ai_image", Product.VIDEO: "/ai_video"}

# Fields of ``model_params`` that a caller may set by their own names.
AGENT_FIELDS: Final = {
    Product.IMAGE: frozenset({"style", "image_size", "quality", "camera_control"}),
    Product.VIDEO: frozenset({"tier", "video_size", "character_orientation"}),
}
# The one image model that was ever seen with a tier.
_TIERS: Final = {"gpt-image-2.5": "flare"}
_LEGACY_NAMES: Final = {"dall-e-3": "dalle-3"}


def image_agent_body(ask: MediaAsk, model: str, recaptcha: str, pictures: list[str]) -> bytes:
    """A fresh private project. ``pictures`` are data URLs, in the caller's order.

    ``background_mode`` has the task ids told at once. An unknown model is silently replaced. A
    ``model`` beside ``model_params`` would move the ask to a charged path (observed 2026-03).
    """
    terms = ask.terms
    params = {
        "type": "image",
        "model": model,
        "aspect_ratio": terms.ratio or "auto",
        "auto_prompt": bool(terms.rewrite_prompt),
        "style": "auto",
        "image_size": terms.resolution or "auto",
        "quality": "auto",
        "background_mode": True,
        "camera_control": None,
        "generation_count": 1,
        **({"tier": _TIERS[model]} if model in _TIERS else {}),
        **_own_fields(terms),
    }
    return _agent_body("image_generation_agent", terms, params, recaptcha, _pictures(pictures))


def video_agent_body(ask: MediaAsk, model: str, recaptcha: str, files: list[PrivateFile]) -> bytes:
    """A fresh private project; its ``duration`` is a string. ``files`` are in the order of use."""
    terms = ask.terms
    seconds = whole_number(terms.seconds)
    params = {
        "type": "video",
        "model": model,
        "aspect_ratio": terms.ratio or "auto",
        **({} if seconds is None else {"duration": str(seconds)}),
        "tier": terms.tier or "standard",
        "video_size": video_size(terms) or "auto",
        "generation_count": 1,
        **_own_fields(terms),
    }
    parts = [file_part(file) for file in files]
    # The planner: older bodies of the image agent named one as well, newer ones do not.
    return _agent_body(
        "video_generation_agent", terms, params, recaptcha, parts, models=["gpt-4.1"]
    )


def _own_fields(terms: Terms) -> dict[str, Any]:
    known = AGENT_FIELDS[terms.product]
    return {name: v for name, v in terms.vendor.items() if name in known and v is not None}


def _agent_body(
    agent: str,
    terms: Terms,
    params: dict[str, Any],
    recaptcha: str,
    parts: list[dict[str, Any]],
    **more: Any,
) -> bytes:
    return msgspec.json.encode(
        {
            "type": agent,
            "model_params": params,
            **more,
            "project_id": None,
            "messages": [_user_turn(terms, parts)],
            "user_s_input": prompt_text(terms),
            "writingContent": None,
            "g_recaptcha_token": recaptcha,
            "is_private": True,
            "push_token": "",
        }
    )


def _user_turn(terms: Terms, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The prompt; where there are inputs it is the last part."""
    prompt = prompt_text(terms)
    content = [*parts, {"type": "text", "text": prompt}] if parts else prompt
    return {"role": "user", "content": content}


def _pictures(urls: list[str]) -> list[dict[str, Any]]:
    return [image_url_part(url) for url in urls]


def legacy_image_body(ask: MediaAsk, model: str, recaptcha: str, pictures: list[str]) -> bytes:
    """The copilot's image ask; ``pictures`` are data URLs."""
    terms = ask.terms
    config = {
        "model": _LEGACY_NAMES.get(model, model),
        "aspect_ratio": terms.ratio or "auto",
        "use_personalized_models": False,
        "fashion_profile_id": None,
        "hd": False,
        "reflection_enabled": bool(terms.rewrite_prompt),
        "style": "auto",
    }
    extra: dict[str, Any] = {
        "model_configs": [config],
        "llm_model": "gpt-4o",
        "imageModelMap": {},
        "writingContent": None,
    }
    return _legacy_body("COPILOT_MOA_IMAGE", terms, extra, recaptcha, pictures)


def legacy_video_body(ask: MediaAsk, model: str, recaptcha: str, pictures: list[str]) -> bytes:
    """The copilot's video ask; ``pictures`` are data URLs, ``duration`` is a number here."""
    terms = ask.terms
    config = {
        "model": model,
        "aspect_ratio": terms.ratio or "auto",
        "reflection_enabled": bool(terms.rewrite_prompt),
        **({} if terms.seconds is None else {"duration": whole_number(terms.seconds)}),
    }
    extra: dict[str, Any] = {"model_configs": [config], "imageModelMap": {}}
    return _legacy_body("COPILOT_MOA_VIDEO", terms, extra, recaptcha, pictures)


def _legacy_body(
    kind: str, terms: Terms, extra: dict[str, Any], recaptcha: str, pictures: list[str]
) -> bytes:
    return msgspec.json.encode(
        {
            "type": kind,
            "current_query_string": f"type={kind}",
            "messages": [_user_turn(terms, _pictures(pictures))],
            "user_s_input": prompt_text(terms),
            "action_params": {},
            "extra_data": extra,
            "g_recaptcha_token": recaptcha,
        }
    )
