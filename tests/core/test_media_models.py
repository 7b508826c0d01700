"""Which routes serve an image or video model: kinds, aliases, live lists, and the lists' own sense.

The expected facts are typed from Genspark's own model lists (key route 2026-09-22, web 2026-10,
legacy 2026-04), not from our file.
"""

import re
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import ValidationError

from proxy.core.media_facts import Facts, Presence, remix_of
from proxy.core.media_models import MediaCandidate, MediaCatalogue, expected_seconds
from proxy.core.products import Product, Route

FACTS = resources.files("proxy.core").joinpath("media_catalogue.toml").read_text("utf-8")
CATALOGUE = MediaCatalogue(FACTS)
ROUTES = list(Route)
BOTH = [Route.KEY, Route.COOKIE]

KEY_VIDEOS = {
    "kling/v3": "3-15",
    "kling/o3": "3-15",
    "gemini/veo3.1": "4,6,8",
    "minimax/h3": "5-15",
    "minimax/h3-max": "5-15",
    "wan/v2.7": "5",
    "wan/v3.0": "2-30",
    "vidu/q3": "1-16",
    "runway/gen4_turbo": "5,10",
    "pixverse/v6": "5,8",
    "pixverse/c1": "1-15",
    "fal-ai/bytedance/seedance-2.0": "4-15",
    "fal-ai/bytedance/seedance-2.5": "4-30",
    "xai/grok-imagine-video": "1-15",
    "alibaba/happy-horse": "3-15",
    "alibaba/happy-horse/reference-to-video": "3-15",
    "alibaba/happy-horse/video-edit": "-15",
    "gemini/omni-flash": "3-10",
    "bfl/flux-3-preview-high": "5-20",
    "fal-ai/bytedance-upscaler/upscale/video": "",
}
WEB_VIDEOS = [
    "sora-2",
    "sora-2-pro",
    "gemini/veo3",
    "gemini/veo3.1",
    "gemini/veo3.1/reference-to-video",
    "gemini/veo3.1/first-last-frame-to-video",
    "kling/v3",
    "kling/v2.6/standard/motion-control",
    "kling/o3/image-to-video",
    "kling/o3/reference-to-video",
    "fal-ai/bytedance/seedance/v1.5/pro",
    "fal-ai/bytedance/seedance/v1/pro/fast",
    "xai/grok-imagine-video",
    "minimax/hailuo-2.3/standard",
    "official/pixverse/v5",
    "fal-ai/sync-lipsync/v2",
    "wan/v2.6",
    "vidu/q3",
    "runway/gen4_turbo",
    "fal-ai/bytedance-upscaler/upscale/video",
]
KEY_IMAGES = [
    "nano-banana-2-flash-lite",
    "nano-banana-2",
    "nano-banana-pro",
    "gpt-image-2",
    "qwen-image-3",
    "fal-ai/bytedance/seedream/v5/lite",
    "fal-ai/bytedance/seedream/v5/pro",
    "xai/grok-imagine-image",
    "fal-ai/flux-2-pro",
    "fal-ai/z-image/turbo",
    "bbox-segment",
    "fal-bria-rmbg",
    "fal-ai/recraft-clarity-upscale",
    "fal-ai/image-editing/text-removal",
    "flux-pro/outpaint",
]
COOKIE_IMAGES = ["gpt-image-2", "gpt-image-2.5", "nano-banana-pro", "nano-banana-2"]
LEGACY_IMAGES = [
    "nano-banana-pro",
    "nano-banana-2",
    "fal-ai/bytedance/seedream/v5/lite",
    "fal-ai/flux-2",
    "fal-ai/flux-2-pro",
    "fal-ai/z-image/turbo",
    "fal-ai/gpt-image-1.5",
    "recraft-v3",
    "ideogram/V_3",
    "qwen-image",
    "fal-ai/recraft-clarity-upscale",
    "fal-bria-rmbg",
    "fal-ai/image-editing/text-removal",
]
LISTED = [
    (Route.KEY, Product.VIDEO, list(KEY_VIDEOS)),
    (Route.COOKIE, Product.VIDEO, WEB_VIDEOS),
    (Route.LEGACY, Product.VIDEO, WEB_VIDEOS),
    (Route.KEY, Product.IMAGE, KEY_IMAGES),
    (Route.COOKIE, Product.IMAGE, COOKIE_IMAGES),
    (Route.LEGACY, Product.IMAGE, LEGACY_IMAGES),
]
ALIASES = {"dall-e-2", "dall-e-3", "gpt-image-1"}


def _facts(name: str, route: Route = Route.KEY) -> Facts:
    product = CATALOGUE.kind(name)
    assert product is not None, name
    (candidate,) = CATALOGUE.candidates(name, product, [route])
    return candidate.facts


@pytest.mark.parametrize(("route", "product", "names"), LISTED)
def test_each_route_serves_exactly_its_list_under_the_same_names(
    route: Route, product: Product, names: list[str]
) -> None:
    for name in names:
        (found,) = CATALOGUE.candidates(name.upper(), product, [route])
        assert (found.route, found.model) == (route, name)
        assert CATALOGUE.kind(name) is product
    of_kind = {name for name in CATALOGUE.names({route}) if CATALOGUE.kind(name) is product}
    assert of_kind - ALIASES == set(names)


@pytest.mark.parametrize(("name", "lengths"), KEY_VIDEOS.items())
def test_the_key_routes_lengths_are_those_of_its_list(name: str, lengths: str) -> None:
    seconds = _facts(name).seconds
    assert seconds is not None
    low, dash, high = lengths.partition("-")
    told = tuple(float(length) for length in lengths.split(",") if length and not dash)
    assert seconds.only == told
    assert (seconds.low, seconds.high) == (
        (float(low) if low else None, float(high)) if dash else (None, None)
    )


@pytest.mark.parametrize(
    ("name", "ratios"),
    [
        ("kling/v3", "16:9 9:16 1:1"),
        ("gemini/veo3.1", "16:9 9:16"),
        ("minimax/h3", "auto 21:9 16:9 4:3 1:1 3:4 9:16"),
        ("runway/gen4_turbo", "5:3 3:5"),
        ("pixverse/c1", "16:9 9:16 4:3 3:4 1:1 3:2 2:3 21:9"),
        ("xai/grok-imagine-video", "16:9 4:3 3:2 1:1 2:3 3:4 9:16"),
        ("alibaba/happy-horse", "16:9 9:16 1:1 4:3 3:4 21:9 9:21 5:4 4:5"),
        ("bfl/flux-3-preview-high", "auto 21:9 2:1 16:9 4:3 1:1 3:4 9:16"),
    ],
)
def test_ratios_are_those_of_the_list(name: str, ratios: str) -> None:
    assert _facts(name).ratios == tuple(ratios.split())


def test_tools_need_what_they_change() -> None:
    for name in ("bbox-segment", "fal-bria-rmbg", "flux-pro/outpaint", "runway/gen4_turbo"):
        assert _facts(name).image is Presence.REQUIRED
    for name in ("fal-ai/bytedance-upscaler/upscale/video", "alibaba/happy-horse/video-edit"):
        assert _facts(name).video is Presence.REQUIRED
    assert _facts("fal-ai/sync-lipsync/v2", Route.COOKIE).video is Presence.REQUIRED
    assert _facts("kling/o3").image_or_video is Presence.REQUIRED


def test_the_models_that_edit_are_known() -> None:
    editors = {name for name in KEY_VIDEOS if remix_of(_facts(name))}
    assert editors == {
        "kling/o3",
        "gemini/omni-flash",
        "alibaba/happy-horse/video-edit",
        "fal-ai/bytedance/seedance-2.5",
    }


@pytest.mark.parametrize(
    ("name", "routes", "found"),
    [
        ("dall-e-2", BOTH, [("key", "gpt-image-2"), ("cookie", "gpt-image-2")]),
        ("DALL-E-3", ROUTES[1:], [("cookie", "gpt-image-2"), ("legacy", "dalle-3")]),
        ("gpt-image-1", [Route.LEGACY], [("legacy", "fal-ai/gpt-image-1.5")]),
        ("dall-e-2", [Route.LEGACY], []),
        ("recraft-v3", ROUTES, [("legacy", "recraft-v3")]),
        ("gpt-image-2", BOTH[::-1], [("cookie", "gpt-image-2"), ("key", "gpt-image-2")]),
        ("no-such-model", ROUTES, []),
        ("kling/v3", ROUTES, []),
    ],
)
def test_images_are_served_in_the_order_of_the_routes(
    name: str, routes: list[Route], found: list[tuple[str, str]]
) -> None:
    candidates = CATALOGUE.candidates(name, Product.IMAGE, routes)
    assert [(candidate.route.value, candidate.model) for candidate in candidates] == found


def test_old_names_of_the_web_stay_themselves() -> None:
    found = CATALOGUE.candidates("gemini/veo3", Product.VIDEO, ROUTES)
    assert [(c.route, c.model) for c in found] == [
        (Route.COOKIE, "gemini/veo3"),
        (Route.LEGACY, "gemini/veo3"),
    ]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Kling/V3", Product.VIDEO),
        ("ideogram/v_3", Product.IMAGE),
        ("Dall-E-3", Product.IMAGE),
        ("my-film", Product.VIDEO),
        ("my-chat", None),
        ("gpt-5.4", None),
        ("", None),
    ],
)
def test_the_kind_of_a_name_is_known_in_any_case(name: str, kind: Product | None) -> None:
    catalogue = MediaCatalogue(FACTS, {"My-Film": "GEMINI/veo3.1", "my-chat": "gpt-5.4"})
    assert catalogue.kind(name) is kind


def test_the_operators_aliases_go_before_ours_and_lead_to_them() -> None:
    catalogue = MediaCatalogue(FACTS, {"dall-e-3": "nano-banana-pro", "Picture": "dall-e-2"})
    for name, model in (("DALL-E-3", "nano-banana-pro"), ("picture", "gpt-image-2")):
        found = catalogue.candidates(name, Product.IMAGE, [Route.KEY])
        assert [candidate.model for candidate in found] == [model]
    assert "Picture" in catalogue.names({Route.KEY})
    assert "Picture" not in catalogue.names({Route.LEGACY})
    assert "my-chat" not in MediaCatalogue(FACTS, {"my-chat": "gpt-5.4"}).names(set(Route))


def test_a_name_nobody_knows_is_forwarded_only_where_wanted() -> None:
    assert CATALOGUE.candidates("New/Model", Product.VIDEO, BOTH) == []
    assert CATALOGUE.candidates("New/Model", Product.VIDEO, BOTH, forward=True) == [
        MediaCandidate(Route.KEY, "New/Model", Facts()),
        MediaCandidate(Route.COOKIE, "New/Model", Facts()),
    ]
    assert CATALOGUE.candidates("kling/v3", Product.IMAGE, BOTH, forward=True) == []


def test_a_known_name_goes_only_where_it_is_served() -> None:
    found = CATALOGUE.candidates("wan/v3.0", Product.VIDEO, BOTH, forward=True)
    assert [candidate.route for candidate in found] == [Route.KEY]


def test_a_live_list_adds_names_without_facts_and_takes_nothing_away() -> None:
    catalogue = MediaCatalogue(FACTS)
    before = set(catalogue.names(set(Route)))
    catalogue.learn(Route.KEY, Product.VIDEO, ["Brand/New", "KLING/V3"])
    catalogue.learn(Route.COOKIE, Product.IMAGE, [])
    assert set(catalogue.names(set(Route))) == before | {"Brand/New"}
    assert catalogue.kind("brand/new") is Product.VIDEO
    found = catalogue.candidates("brand/NEW", Product.VIDEO, ROUTES)
    assert found == [MediaCandidate(Route.KEY, "Brand/New", Facts())]
    assert catalogue.candidates("kling/v3", Product.VIDEO, [Route.KEY])[0].facts.seconds


def test_a_name_keeps_its_first_kind() -> None:
    catalogue = MediaCatalogue(FACTS)
    catalogue.learn(Route.KEY, Product.IMAGE, ["kling/v3"])
    assert catalogue.kind("kling/v3") is Product.VIDEO


def test_a_live_list_may_bring_a_name_that_was_only_an_alias() -> None:
    catalogue = MediaCatalogue(FACTS)
    catalogue.learn(Route.LEGACY, Product.IMAGE, ["dall-e-2"])
    found = catalogue.candidates("dall-e-2", Product.IMAGE, ROUTES)
    assert [candidate.model for candidate in found] == ["gpt-image-2", "gpt-image-2", "dall-e-2"]


def test_names_are_sorted_and_each_is_there_once() -> None:
    names = CATALOGUE.names(set(Route))
    lowered = [name.lower() for name in names]
    assert lowered == sorted(set(lowered))
    assert set(names) >= ALIASES
    assert CATALOGUE.names(set()) == []


def test_every_listed_name_can_be_asked_for() -> None:
    for name in CATALOGUE.names(set(Route)):
        product = CATALOGUE.kind(name)
        assert product is not None, name
        assert CATALOGUE.candidates(name, product, ROUTES), name


def test_every_list_says_when_it_was_known() -> None:
    for route, product, names in LISTED:
        for name in names:
            (candidate,) = CATALOGUE.candidates(name, product, [route])
            assert re.fullmatch(r"2026-\d\d(-\d\d)?", candidate.facts.known), name


def test_legacy_can_choose_no_resolution_whatever_is_given() -> None:
    for name in (*WEB_VIDEOS, *LEGACY_IMAGES):
        facts = _facts(name, Route.LEGACY)
        parts = [facts, facts.with_references, facts.with_video, *facts.at_tier.values()]
        assert {part.resolutions or () for part in parts if part} == {()}


@pytest.mark.parametrize(
    "wrong",
    [
        '[video."x/y"]\nroutes = ["key"]\nratio = ["16:9"]',
        '[video."x/y"]\nknown = "2026-09"',
        '[video."x/y"]\nroutes = ["nowhere"]',
        '[video."x/y"]\nroutes = ["key"]\non.nowhere.id = "y"',
        '[video."x/y"]\nroutes = ["key"]\nimage = "perhaps"',
        '[video."x/y"]\nroutes = ["key"]\nseconds = { min = 3 }',
        "[audio]",
    ],
)
def test_a_slip_in_the_lists_is_found_at_once(wrong: str) -> None:
    lists = f"[aliases]\n[forms]\n[image]\n[video]\n{wrong}"
    with pytest.raises(ValidationError):
        MediaCatalogue(lists)


@given(st.text(max_size=30), st.sampled_from([Product.IMAGE, Product.VIDEO]))
def test_any_name_can_be_asked_about(name: str, product: Product) -> None:
    found = CATALOGUE.candidates(name, product, ROUTES)
    assert bool(found) is (CATALOGUE.kind(name) is product)


def test_a_first_guess_of_the_wall_time_is_sober() -> None:
    assert expected_seconds(Product.IMAGE) == 30
    assert expected_seconds(Product.VIDEO) == 180
