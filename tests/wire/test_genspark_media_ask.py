"""What the web's media asks send: private, fresh, the caller's prompt, nothing that costs more."""

import json
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.media import MediaAsk, Terms
from proxy.core.products import Product
from proxy.wire import genspark_media_ask as asks
from proxy.wire.genspark_files import PrivateFile

PNG = "data:image/png;base64,AAAA"
FILE = PrivateFile("first.png", "image/png", 4, "https://g/api/files/private/1")


def _ask(product: Product, **terms: Any) -> MediaAsk:
    given = {"product": product, "model": "m", "prompt": "a cat"} | terms
    return MediaAsk(terms=Terms(**given))


def _image(pictures: tuple[str, ...] = (), model: str = "gpt-image-2", **terms: Any) -> Any:
    ask = _ask(Product.IMAGE, **terms)
    return json.loads(asks.image_agent_body(ask, model, "token", list(pictures)))


def _video(files: tuple[PrivateFile, ...] = (), **terms: Any) -> Any:
    ask = _ask(Product.VIDEO, **terms)
    return json.loads(asks.video_agent_body(ask, "gemini/veo3.1", "token", list(files)))


def test_an_image_ask_is_a_private_fresh_project_in_the_background() -> None:
    assert _image() == {
        "type": "image_generation_agent",
        "model_params": {
            "type": "image",
            "model": "gpt-image-2",
            "aspect_ratio": "auto",
            "auto_prompt": False,
            "style": "auto",
            "image_size": "auto",
            "quality": "auto",
            "background_mode": True,
            "camera_control": None,
            "generation_count": 1,
        },
        "project_id": None,
        "messages": [{"role": "user", "content": "a cat"}],
        "user_s_input": "a cat",
        "writingContent": None,
        "g_recaptcha_token": "token",
        "is_private": True,
        "push_token": "",
    }


def test_a_video_ask_is_the_one_that_was_observed() -> None:
    body = _video((FILE,), ratio="16:9", seconds=8.0)
    assert body == {
        "type": "video_generation_agent",
        "models": ["gpt-4.1"],
        "project_id": None,
        "user_s_input": "a cat",
        "g_recaptcha_token": "token",
        "is_private": True,
        "push_token": "",
        "writingContent": None,
        "model_params": {
            "type": "video",
            "model": "gemini/veo3.1",
            "aspect_ratio": "16:9",
            "duration": "8",
            "tier": "standard",
            "video_size": "auto",
            "generation_count": 1,
        },
        "messages": [
            {
                "role": "user",
                "content": [
                    {
                        "type": "private_file",
                        "private_file": {
                            "name": "first.png",
                            "type": "image/png",
                            "size": 4,
                            "ext": "png",
                            "private_storage_url": "https://g/api/files/private/1",
                        },
                    },
                    {"type": "text", "text": "a cat"},
                ],
            }
        ],
    }


def test_no_agent_is_asked_with_a_model_of_its_own() -> None:
    assert "model" not in _image(), "its presence is charged for"
    assert "model" not in _video(), "its presence is charged for"


def test_the_terms_of_an_image_are_parameters_of_the_model() -> None:
    vendor = {"style": "anime", "quality": "high", "bbox": [1], "model": "other", "tier": "pro"}
    params = _image(ratio="16:9", resolution="2k", rewrite_prompt=True, vendor=vendor)[
        "model_params"
    ]
    assert (params["aspect_ratio"], params["image_size"]) == ("16:9", "2k")
    assert params["auto_prompt"] is True
    assert (params["style"], params["quality"]) == ("anime", "high")
    assert params["model"] == "gpt-image-2"
    assert params.keys().isdisjoint({"bbox", "tier"})


@pytest.mark.parametrize(
    ("model", "tier"), [("gpt-image-2.5", "flare"), ("gpt-image-2", None), ("nano-banana-2", None)]
)
def test_one_image_model_has_a_tier(model: str, tier: str | None) -> None:
    assert _image(model=model, tier="pro")["model_params"].get("tier") == tier


def test_the_terms_of_a_video_are_parameters_of_the_model() -> None:
    vendor = {"character_orientation": "video", "audio_url": "https://a", "duration": "9"}
    params = _video(resolution="2k", tier="fast", seconds=2.5, vendor=vendor)["model_params"]
    assert (params["video_size"], params["tier"], params["duration"]) == ("2K", "fast", "2.5")
    assert params["character_orientation"] == "video"
    assert "audio_url" not in params
    assert "duration" not in _video()["model_params"]


def test_pictures_come_first_and_the_prompt_last() -> None:
    other = "data:image/webp;base64,BBBB"
    (message,) = _image((PNG, other))["messages"]
    assert message["content"] == [
        {"type": "image_url", "image_url": {"url": PNG}},
        {"type": "image_url", "image_url": {"url": other}},
        {"type": "text", "text": "a cat"},
    ]


def test_what_is_not_wanted_is_said_behind_the_prompt() -> None:
    for body in (_image(negative_prompt="rain"), _video(negative_prompt="rain")):
        assert body["user_s_input"] == "a cat\n\nAvoid the following: rain."
        assert body["messages"][0]["content"] == body["user_s_input"]


def test_a_legacy_image_ask() -> None:
    ask = _ask(Product.IMAGE, ratio="1:1")
    assert json.loads(asks.legacy_image_body(ask, "dall-e-3", "token", [PNG])) == {
        "type": "COPILOT_MOA_IMAGE",
        "current_query_string": "type=COPILOT_MOA_IMAGE",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": PNG}},
                    {"type": "text", "text": "a cat"},
                ],
            }
        ],
        "user_s_input": "a cat",
        "action_params": {},
        "extra_data": {
            "model_configs": [
                {
                    "model": "dalle-3",
                    "aspect_ratio": "1:1",
                    "use_personalized_models": False,
                    "fashion_profile_id": None,
                    "hd": False,
                    "reflection_enabled": False,
                    "style": "auto",
                }
            ],
            "llm_model": "gpt-4o",
            "imageModelMap": {},
            "writingContent": None,
        },
        "g_recaptcha_token": "token",
    }


def test_a_legacy_video_ask_has_a_number_of_seconds() -> None:
    ask = _ask(Product.VIDEO, ratio="9:16", seconds=8.0, rewrite_prompt=True)
    body = json.loads(asks.legacy_video_body(ask, "sora-2", "", []))
    assert body["type"] == "COPILOT_MOA_VIDEO"
    assert body["current_query_string"] == "type=COPILOT_MOA_VIDEO"
    assert body["messages"] == [{"role": "user", "content": "a cat"}]
    (config,) = body["extra_data"]["model_configs"]
    assert config == {
        "model": "sora-2",
        "aspect_ratio": "9:16",
        "reflection_enabled": True,
        "duration": 8,
    }
    assert body["extra_data"]["imageModelMap"] == {}


@QUICK
@given(texts.filter(bool), st.lists(texts, max_size=3))
def test_any_prompt_arrives_unchanged(prompt: str, pictures: list[str]) -> None:
    image = _image(tuple(pictures), prompt=prompt)
    legacy = _ask(Product.VIDEO, prompt=prompt)
    for body in (
        image,
        _video(prompt=prompt),
        json.loads(asks.legacy_video_body(legacy, "m", "", pictures)),
    ):
        content = body["messages"][0]["content"]
        said = content if isinstance(content, str) else content[-1]["text"]
        assert said == body["user_s_input"] == prompt


def test_paths_and_pages() -> None:
    assert asks.AGENT_PATH == "/api/agent/ask_proxy"
    assert asks.LEGACY_PATH == "/api/copilot/ask"
    assert asks.PAGES == {Product.IMAGE: "/ai_image", Product.VIDEO: "/ai_video"}
