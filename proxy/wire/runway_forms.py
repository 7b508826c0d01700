"""Runway's forms: which fields and words each model takes at each endpoint. Data.

Runway refuses unknown keys and sizes that are not on a model's list. Names, words and limits are
those of the vendor's own SDK (5.24.0, read 2026-11).
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from proxy.core.media import Use
from proxy.core.sizes import AUTO, COMMON_RATIOS, nearest_ratio

TEXT: Final = "text_to_video"
IMAGE: Final = "image_to_video"
FILM: Final = "video_to_video"
STILL: Final = "text_to_image"

Sizes = dict[str, dict[str, str]]


class Form(Struct, frozen=True, kw_only=True):
    """One model at one endpoint.

    ``sizes`` are the words for the field ``shape``, by resolution and ratio, the usual resolution
    first; a word under ``auto`` keeps the input's shape. ``lines``: the words for a ``resolution``
    of its own; ``sizes`` then has the single key ``""``. ``inputs``: the fields for inputs;
    ``pattern``: whose shape the result has when the caller names none. ``options``: our names of
    optional terms that have a field. ``fixed``: terms without a field that hold anyway. ``timed``:
    there is a ``duration``. ``prompt``: most UTF-16 units, 0: unknown.
    """

    sizes: Sizes = field(default_factory=dict)
    shape: str = "ratio"
    needs_shape: bool = False
    lines: tuple[str, ...] = ()
    inputs: Mapping[Use, str] = field(default_factory=dict)
    pattern: Use = Use.FIRST_FRAME
    options: frozenset[str] = frozenset()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    timed: bool = True
    prompt: int = 0


# Words of this kind keep the shape of the input.
_KEPT: Final = ("auto", "adaptive")


def _sizes(words: Mapping[str, str]) -> Sizes:
    """A line of words for each resolution, as words by the ratio that each stands for."""
    return {
        resolution: {_ratio_of(word): word for word in line.split()}
        for resolution, line in words.items()
    }


def _ratio_of(word: str) -> str:
    """The common name of a word's shape: generators round pixels, 1112:834 is 4:3."""
    if word.startswith(_KEPT):
        return AUTO
    width, height = word.split(":")
    ratio = nearest_ratio(int(width), int(height), COMMON_RATIOS)
    assert ratio is not None, word
    return ratio


_FIRST: Final = {Use.FIRST_FRAME: "promptImage"}
_FRAMES: Final = {**_FIRST, Use.LAST_FRAME: "promptImage"}
_REFERENCES: Final = {Use.REFERENCE: "references"}
_GUIDES: Final = {Use.REFERENCE: "referenceImages"}
_SILENT: Final = {"audio": False}
_SOUNDING: Final = {"audio": True}
_EDITS: Final = {"video_mode": "edit"}
_SEED: Final = frozenset({"seed"})
_AUDIO: Final = frozenset({"audio"})

_GEN4_WIDE: Final = _sizes({"720p": "1280:720 720:1280 1104:832 960:960 832:1104 1584:672"})
_VEO: Final = _sizes({"720p": "1280:720 720:1280", "1080p": "1920:1080 1080:1920"})
_OMNI: Final = _sizes(
    {
        "720p": "1280:720 720:1280",
        "360p": "640:360 360:640",
        "1080p": "1920:1080 1080:1920",
        "4k": "3840:2160 2160:3840",
    }
)
_KLING_STANDARD: Final = _sizes({"720p": "1280:720 720:1280 960:960"})
_KLING_PRO: Final = _sizes({"1080p": "1920:1080 1080:1920 1440:1440"})
_KLING_4K: Final = _sizes({"4k": "3840:2160 2160:3840 2880:2880"})
_SEEDANCE_720: Final = "1280:720 720:1280 960:960 1112:834 834:1112 1470:630"
_SEEDANCE_480: Final = "864:496 496:864 640:640 752:560 560:752 992:432"
_SEEDANCE_1080: Final = "1920:1080 1080:1920 1440:1440 1664:1248 1248:1664 2206:946"
_SEEDANCE_SMALL: Final = _sizes({"720p": _SEEDANCE_720, "480p": _SEEDANCE_480})
_SEEDANCE: Final = _sizes(
    {
        "720p": _SEEDANCE_720,
        "480p": _SEEDANCE_480,
        "1080p": _SEEDANCE_1080,
        "4k": "3840:2160 2160:3840 3840:3840 3840:2880 2880:3840 3840:1646",
    }
)
_SEEDANCE_25: Final = _sizes(
    {
        "720p": _SEEDANCE_720,
        "480p": "854:480 480:854 640:640 752:560 560:752 992:432",
        "1080p": _SEEDANCE_1080,
    }
)
_WAN: Final = _sizes(
    {
        "720p": "1280:720 720:1280 960:960 1104:832 832:1104 auto_720p",
        "480p": "832:480 480:832 624:624 720:544 544:720 auto_480p",
        "1080p": "1920:1080 1080:1920 1440:1440 1648:1248 1248:1648 auto_1080p",
    }
)
_AUTO_THREE: Final = _sizes({"720p": "auto_720p", "480p": "auto_480p", "1080p": "auto_1080p"})
_AUTO_TWO: Final = _sizes({"720p": "auto_720p", "1080p": "auto_1080p"})
_GROK_LITE: Final = _sizes(
    {
        "720p": "1280:720 720:1280 720:720 960:720 720:960 1088:720 720:1088",
        "480p": "848:480 480:848 480:480 640:480 480:640 720:480 480:720",
        "1080p": "1904:1072 1072:1904 1424:1424 1648:1232 1232:1648 1744:1152 1152:1744",
    }
)
_GEN4_STILL: Final = _sizes(
    {
        "720p": "1280:720 720:1280 720:720 960:720 720:960 1680:720",
        "1080p": "1920:1080 1080:1920 1080:1080 1440:1080 1080:1440 2112:912",
    }
)
_BANANA_1K: Final = (
    "1024:1024 768:1376 1376:768 848:1264 1264:848 896:1200 1200:896 928:1152 1152:928 1584:672"
)
_BANANA_2K: Final = (
    "2048:2048 1536:2752 2752:1536 1696:2528 2528:1696 1792:2400 2400:1792 1856:2304 2304:1856"
    " 3168:1344"
)
_BANANA_4K: Final = (
    "4096:4096 3072:5504 5504:3072 3392:5056 5056:3392 3584:4800 4800:3584 3712:4608 4608:3712"
    " 6336:2688"
)
_GEMINI_HALF: Final = (
    "512:512 384:672 672:384 416:624 624:416 432:592 592:432 448:576 576:448 768:336"
)
_GEMINI_1K: Final = (
    "1024:1024 768:1344 1344:768 832:1248 1248:832 864:1184 1184:864 896:1152 1152:896 1536:672"
)


def _veo() -> dict[str, Form]:
    options = frozenset({"negative_prompt", "seed", "audio"})
    text = Form(sizes=_VEO, needs_shape=True, options=options, prompt=1000)
    return {TEXT: text, IMAGE: replace(text, inputs=_FRAMES)}


def _kling3(sizes: Sizes) -> dict[str, Form]:
    text = Form(sizes=sizes, needs_shape=True, options=_AUDIO)
    return {TEXT: text, IMAGE: replace(text, needs_shape=False, inputs=_FRAMES)}


def _kling_o3(sizes: Sizes) -> dict[str, Form]:
    frames = Form(sizes=sizes, options=_AUDIO, inputs={**_FRAMES, **_REFERENCES})
    film = Form(
        inputs={Use.VIDEO: "promptVideo", **_REFERENCES},
        options=frozenset({"keep_audio"}),
        fixed=_EDITS,
        timed=False,
    )
    return {TEXT: Form(sizes=sizes, needs_shape=True, options=_AUDIO), IMAGE: frames, FILM: film}


def _seedance(sizes: Sizes, prompt: int) -> dict[str, Form]:
    text = Form(sizes=sizes, options=_AUDIO | _SEED, inputs=_REFERENCES, prompt=prompt)
    return {TEXT: text, IMAGE: replace(text, inputs=_FRAMES)}


def _wan() -> dict[str, Form]:
    text = Form(sizes=_WAN, options=_AUDIO, inputs=_REFERENCES)
    return {TEXT: text, IMAGE: replace(text, sizes=_AUTO_THREE, needs_shape=True, inputs=_FRAMES)}


def _gemini_still(sizes: Sizes) -> dict[str, Form]:
    return {
        STILL: Form(
            sizes=sizes, needs_shape=True, inputs=_GUIDES, pattern=Use.REFERENCE, timed=False
        )
    }


def _gen4_still() -> dict[str, Form]:
    return {
        STILL: Form(
            sizes=_GEN4_STILL,
            needs_shape=True,
            inputs=_GUIDES,
            pattern=Use.REFERENCE,
            options=_SEED,
            timed=False,
            prompt=1000,
        )
    }


_GEN4_TEXT: Final = Form(
    sizes=_sizes({"720p": "1280:720 720:1280"}),
    needs_shape=True,
    options=_SEED,
    fixed=_SILENT,
    prompt=1000,
)
_GEN4_IMAGE: Final = replace(_GEN4_TEXT, sizes=_GEN4_WIDE, inputs=_FIRST)
_OMNI_TEXT: Final = Form(sizes=_OMNI, inputs=_REFERENCES, fixed=_SOUNDING)
_OLD_OMNI: Final = Form(sizes=_sizes({"720p": "1280:720 720:1280"}), fixed=_SOUNDING)
_HAILUO: Final = Form(
    sizes=_sizes({"": "16:9 9:16 1:1 4:3 3:4 21:9 adaptive"}),
    lines=("768p", "2k"),
    inputs=_REFERENCES,
)
_H3_MAX: Final = Form(lines=("480p", "768p"), options=_SEED | {"rewrite_prompt"})

FORMS: Final[Mapping[str, Mapping[str, Form]]] = {
    "gen4.5": {TEXT: _GEN4_TEXT, IMAGE: _GEN4_IMAGE},
    "gen4_turbo": {IMAGE: _GEN4_IMAGE},
    "veo3.1": _veo(),
    "veo3.1_fast": _veo(),
    "gemini_omni_flash_1.1": {
        TEXT: _OMNI_TEXT,
        IMAGE: replace(_OMNI_TEXT, inputs=_FRAMES),
        FILM: replace(
            _OMNI_TEXT,
            inputs={Use.VIDEO: "videoUri", **_REFERENCES},
            options=frozenset({"video_mode"}),
        ),
    },
    "gemini_omni_flash": {
        TEXT: _OLD_OMNI,
        IMAGE: replace(_OLD_OMNI, inputs=_FIRST),
        FILM: Form(
            inputs={Use.VIDEO: "videoUri", **_REFERENCES}, fixed=_SOUNDING | _EDITS, timed=False
        ),
    },
    "kling2.5_turbo_pro": {
        TEXT: Form(
            sizes=_sizes(
                {"720p": "1280:720 720:1280 720:720", "1080p": "1920:1080 1080:1920 1440:1440"}
            ),
            fixed=_SILENT,
        ),
        IMAGE: Form(inputs=_FRAMES, fixed=_SILENT),
    },
    "kling3.0_standard": _kling3(_KLING_STANDARD),
    "kling3.0_pro": _kling3(_KLING_PRO),
    "kling3.0_4k": _kling3(_KLING_4K),
    "klingO3_standard": _kling_o3(_KLING_STANDARD),
    "klingO3_pro": _kling_o3(_KLING_PRO),
    "klingO3_4k": _kling_o3(_KLING_4K),
    "kling_4": {
        TEXT: Form(
            sizes=_sizes(
                {
                    "720p": "1280:720 720:1280 940:940 1460:624 auto_720p",
                    "1080p": "1920:1080 1080:1920 1440:1440 2200:940 auto_1080p",
                }
            ),
            inputs=_REFERENCES,
        ),
        IMAGE: Form(sizes=_AUTO_TWO, inputs={**_FRAMES, **_REFERENCES}),
        FILM: Form(
            sizes=_AUTO_TWO,
            inputs={Use.VIDEO: "videoUri", **_REFERENCES},
            fixed=_EDITS,
            timed=False,
        ),
    },
    "seedance2": _seedance(_SEEDANCE, 3500),
    "seedance2_fast": _seedance(_SEEDANCE_SMALL, 3500),
    "seedance2_mini": _seedance(_SEEDANCE_SMALL, 3500),
    "seedance2_5": _seedance(_SEEDANCE_25, 15_000),
    "wan3": _wan(),
    "wan3_prime": _wan(),
    "hailuo3": {TEXT: _HAILUO, IMAGE: replace(_HAILUO, inputs=_FRAMES)},
    "h3_max": {TEXT: _H3_MAX, IMAGE: replace(_H3_MAX, inputs=_FRAMES)},
    "happyhorse_1_0": {
        TEXT: Form(
            sizes=_sizes(
                {
                    "720p": "1280:720 720:1280 960:960 1108:832 832:1108",
                    "1080p": "1920:1080 1080:1920 1440:1440 1662:1248 1248:1662",
                }
            ),
            prompt=2500,
        ),
        IMAGE: Form(lines=("720p", "1080p"), inputs=_FIRST, prompt=2500),
    },
    "grok_imagine_1_5": {
        TEXT: Form(
            sizes=_sizes({"": "16:9 9:16 1:1 4:3 3:4 3:2 2:3"}),
            lines=("480p", "720p", "1080p"),
            inputs=_REFERENCES,
        ),
        IMAGE: Form(lines=("480p", "720p", "1080p"), inputs=_FIRST),
    },
    "grok_imagine_1_5_lite": {
        TEXT: Form(sizes=_GROK_LITE),
        IMAGE: Form(sizes=_AUTO_THREE, inputs=_FIRST),
    },
    "aleph2": {
        FILM: Form(
            sizes=_sizes({"": "16:9 9:16 1:1 4:3 3:4 3:2 2:3 21:9"}),
            shape="targetAspectRatio",
            inputs={Use.VIDEO: "videoUri"},
            options=_SEED,
            fixed=_EDITS,
            timed=False,
        )
    },
    "gen4_image": _gen4_still(),
    "gen4_image_turbo": _gen4_still(),
    "gemini_image3_pro": _gemini_still(
        _sizes({"1k": _GEMINI_1K, "2k": _BANANA_2K, "4k": _BANANA_4K})
    ),
    "gemini_image3.1_flash": _gemini_still(
        _sizes({"1k": _GEMINI_1K, "0.5k": _GEMINI_HALF, "2k": _BANANA_2K, "4k": _BANANA_4K})
    ),
    "gemini_image3.1_flash_lite": _gemini_still(_sizes({"1k": _BANANA_1K})),
    "nano_banana_2.1": _gemini_still(
        _sizes({"1k": _BANANA_1K, "2k": _BANANA_2K, "4k": _BANANA_4K})
    ),
}
