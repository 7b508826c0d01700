"""The image and video models Genspark offers, per route.

Key ids and facts: vendor software of 2026-09-22. Cookie ids: seen between 2026-02 and 2026-10.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Need = Literal["", "image", "source", "either"]

KEY_IMAGE_MODELS = (
    *("nano-banana-2-flash-lite", "nano-banana-2", "nano-banana-pro", "gpt-image-2"),
    *("fal-ai/bytedance/seedream/v5/lite", "fal-ai/bytedance/seedream/v5/pro"),
    *("xai/grok-imagine-image", "qwen-image-3", "fal-ai/flux-2-pro", "fal-ai/z-image/turbo"),
    *("bbox-segment", "fal-bria-rmbg", "fal-ai/recraft-clarity-upscale"),
    *("fal-ai/image-editing/text-removal", "flux-pro/outpaint"),
)

KEY_IMAGE_DEFAULT = "nano-banana-2-flash-lite"

COOKIE_IMAGE_MODELS = (
    *("gpt-image-2", "gpt-image-2.5", "nano-banana-pro", "nano-banana-2"),
    *("fal-ai/bytedance/seedream/v5/lite", "fal-ai/flux-2", "fal-ai/flux-2-pro"),
    *("fal-ai/z-image/turbo", "fal-ai/gpt-image-1.5", "recraft-v3", "ideogram/V_3", "qwen-image"),
    *("fal-ai/recraft-clarity-upscale", "fal-bria-rmbg", "fal-ai/image-editing/text-removal"),
)

COOKIE_IMAGE_FALLBACK = "gpt-image-2"
"""Serves in place of an unknown id, without a word (seen 2026-09)."""

COOKIE_VIDEO_MODELS = (
    *("sora-2", "sora-2-pro", "gemini/veo3", "gemini/veo3.1"),
    *("gemini/veo3.1/reference-to-video", "gemini/veo3.1/first-last-frame-to-video"),
    *("kling/v3", "kling/v2.6/standard/motion-control", "kling/o3/image-to-video"),
    *("kling/o3/reference-to-video", "fal-ai/bytedance/seedance/v1.5/pro"),
    *("fal-ai/bytedance/seedance/v1/pro/fast", "xai/grok-imagine-video"),
    *("minimax/hailuo-2.3/standard", "official/pixverse/v5", "fal-ai/sync-lipsync/v2"),
    *("wan/v2.6", "vidu/q3", "runway/gen4_turbo"),
    "fal-ai/bytedance-upscaler/upscale/video",
)


@dataclass(frozen=True, slots=True)
class VideoModel:
    """Whole seconds a model can make, and an input it cannot do without.

    ``either`` means an image or a source video; ``zero`` that a duration of 0 is allowed.
    """

    seconds: Sequence[int]
    need: Need = ""
    zero: bool = False

    def clamped(self, duration: float) -> float:
        """The nearest duration it can make."""
        if self.zero and duration == 0:
            return 0
        return min(self.seconds, key=lambda able: abs(able - duration), default=duration)


def _up_to(first: int, last: int) -> range:
    return range(first, last + 1)


KEY_VIDEO_MODELS: dict[str, VideoModel] = {
    "kling/v3": VideoModel(_up_to(3, 15)),
    "kling/o3": VideoModel(_up_to(3, 15), need="either"),
    "gemini/veo3.1": VideoModel((4, 6, 7, 8)),
    "minimax/h3": VideoModel(_up_to(5, 15)),
    "minimax/h3-max": VideoModel(_up_to(5, 15)),
    "wan/v2.7": VideoModel((5,)),
    "wan/v3.0": VideoModel(_up_to(2, 30)),
    "vidu/q3": VideoModel(_up_to(1, 16)),
    "runway/gen4_turbo": VideoModel((5, 10), need="image"),
    "pixverse/v6": VideoModel((5, 8)),
    "pixverse/c1": VideoModel(_up_to(1, 15)),
    "fal-ai/bytedance/seedance-2.0": VideoModel(_up_to(4, 15)),
    "fal-ai/bytedance/seedance-2.5": VideoModel(_up_to(4, 30), zero=True),
    "xai/grok-imagine-video": VideoModel(_up_to(1, 15)),
    "alibaba/happy-horse": VideoModel(_up_to(3, 15)),
    "alibaba/happy-horse/reference-to-video": VideoModel(_up_to(3, 15), need="image"),
    "alibaba/happy-horse/video-edit": VideoModel(_up_to(1, 15), need="source"),
    "gemini/omni-flash": VideoModel(_up_to(3, 10)),
    "bfl/flux-3-preview-high": VideoModel(_up_to(5, 20)),
    "fal-ai/bytedance-upscaler/upscale/video": VideoModel((), need="source"),
}
