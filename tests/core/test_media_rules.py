"""What a model is asked for, and what is refused before anybody pays."""

from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import InvalidRequest
from proxy.core.media import Terms, Use
from proxy.core.media_facts import Facts, Presence
from proxy.core.media_models import MediaCandidate, MediaCatalogue
from proxy.core.media_rules import fit, serveable
from proxy.core.products import GENSPARK_ROUTES, Product, Route

CATALOGUE = MediaCatalogue(
    resources.files("proxy.core").joinpath("media_catalogue.toml").read_text("utf-8")
)
UNKNOWN = MediaCandidate(Route.KEY, "new/model", Facts())
FIRST, LAST, REFERENCE, VIDEO = Use.FIRST_FRAME, Use.LAST_FRAME, Use.REFERENCE, Use.VIDEO


def _candidate(name: str, route: Route = Route.KEY) -> MediaCandidate:
    product = CATALOGUE.kind(name)
    assert product is not None
    (found,) = CATALOGUE.candidates(name, product, [route])
    return found


def _terms(name: str, **said: Any) -> Terms:
    product = CATALOGUE.kind(name) or Product.VIDEO
    return Terms(product=product, model=name, prompt="a cat", **said)


def _fit(name: str, *uses: Use, route: Route = Route.KEY, **said: Any) -> Terms:
    return fit(_terms(name, **said), uses, _candidate(name, route))


@pytest.mark.parametrize(
    ("name", "uses", "said", "param", "text"),
    [
        ("kling/v3", [], {"seconds": 20}, "seconds",
         "kling/v3 takes 3 to 15 seconds; 20 was asked for."),
        ("kling/v3", [], {"seconds": 7.5}, "seconds",
         "kling/v3 takes 3 to 15 whole seconds; 7.5 was asked for."),
        ("gemini/veo3.1", [], {"seconds": 5}, "seconds",
         "gemini/veo3.1 takes 4, 6 or 8 seconds; 5 was asked for."),
        ("gemini/veo3.1", [REFERENCE], {"seconds": 4}, "seconds",
         "gemini/veo3.1 with reference images takes 8 seconds; 4 was asked for."),
        ("gemini/veo3.1", [VIDEO], {"seconds": 8}, "seconds",
         "gemini/veo3.1 with a given video takes 7 seconds; 8 was asked for."),
        ("alibaba/happy-horse/video-edit", [VIDEO], {"seconds": 16}, "seconds",
         "alibaba/happy-horse/video-edit takes up to 15 seconds; 16 was asked for."),
        ("fal-ai/bytedance/seedance-2.5", [VIDEO], {"seconds": 3}, "seconds",
         "fal-ai/bytedance/seedance-2.5 with a given video takes 0 or 4 to 30 seconds; "
         "3 was asked for."),
        ("fal-ai/bytedance/seedance-2.5", [], {"seconds": 0}, "seconds",
         "fal-ai/bytedance/seedance-2.5 takes 4 to 30 seconds; 0 was asked for."),
        ("kling/v3", [], {"ratio": "4:3"}, "aspect_ratio",
         "kling/v3 takes the ratios 16:9, 9:16 and 1:1; 4:3 was asked for."),
        ("kling/v3", [], {"ratio": "auto"}, "aspect_ratio",
         "kling/v3 takes the ratios 16:9, 9:16 and 1:1; auto was asked for."),
        ("alibaba/happy-horse/video-edit", [VIDEO], {"ratio": "16:9"}, "aspect_ratio",
         "alibaba/happy-horse/video-edit takes the ratio auto; 16:9 was asked for."),
        ("kling/v3", [], {"size": "1000x300"}, "size",
         "kling/v3 takes the ratios 16:9, 9:16 and 1:1; 1000x300 was asked for."),
        ("gemini/omni-flash", [], {"size": "1920x1080"}, "size",
         "gemini/omni-flash takes the resolution 720p; 1920x1080 was asked for."),
        ("gemini/veo3.1", [], {"resolution": "480p"}, "resolution",
         "gemini/veo3.1 takes the resolutions 720p, 1080p and 4k; 480p was asked for."),
        ("fal-ai/bytedance/seedance-2.0", [], {"resolution": "1080p", "tier": "fast"}, "resolution",
         "fal-ai/bytedance/seedance-2.0 in the tier fast takes the resolutions 480p and 720p; "
         "1080p was asked for."),
        ("nano-banana-2-flash-lite", [], {"size": "2048x2048"}, "size",
         "nano-banana-2-flash-lite takes the resolution 1k; 2048x2048 was asked for."),
        ("kling/v3", [], {"tier": "max"}, "tier",
         "kling/v3 takes the tiers pro, standard and turbo; max was asked for."),
        ("nano-banana-pro", [], {"tier": "fast"}, "tier",
         "nano-banana-pro has no choice of tier; fast was asked for."),
        ("kling/v3", [], {"tier": "turbo", "audio": True}, "generate_audio",
         "kling/v3 in the tier turbo is always silent here."),
        ("kling/v3", [FIRST, LAST], {"tier": "turbo"}, "last_frame",
         "kling/v3 in the tier turbo does not take a last frame."),
        ("kling/v3", [LAST], {}, "last_frame", "A last frame needs a first frame."),
        ("kling/v3", [VIDEO], {}, "video_url", "kling/v3 does not take a video."),
        ("kling/v3", [REFERENCE], {}, "image_urls",
         "kling/v3 takes no reference images; 1 was given."),
        ("kling/o3", [REFERENCE] * 5, {}, "image_urls",
         "kling/o3 takes at most 4 reference images; 5 were given."),
        ("minimax/h3", [VIDEO] * 4, {}, "video_urls",
         "minimax/h3 takes at most 3 videos; 4 were given."),
        ("kling/o3", [], {}, "image", "kling/o3 needs an image or a video."),
        ("runway/gen4_turbo", [], {}, "image", "runway/gen4_turbo needs an image."),
        ("fal-bria-rmbg", [], {}, "image", "fal-bria-rmbg needs an image."),
        ("alibaba/happy-horse/video-edit", [], {}, "video_url",
         "alibaba/happy-horse/video-edit needs a video."),
        ("pixverse/v6", [VIDEO], {"vendor": {"video_mode": "edit"}}, "video_mode",
         "pixverse/v6 takes the video mode extend; edit was asked for."),
        ("nano-banana-pro", [REFERENCE] * 15, {}, "image_urls",
         "nano-banana-pro takes at most 14 reference images; 15 were given."),
    ],
)  # fmt: skip
def test_a_refusal_names_the_field_and_what_the_model_allows(
    name: str, uses: list[Use], said: dict[str, Any], param: str, text: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        _fit(name, *uses, **said)
    refusal = refused.value
    assert (refusal.status, refusal.code, refusal.param) == (400, "invalid_value", param)
    assert refusal.message == text


def test_a_route_without_the_field_refuses_the_choice() -> None:
    for said in ({"resolution": "1080p"}, {"tier": "fast"}, {"audio": False}):
        with pytest.raises(InvalidRequest):
            _fit("gemini/veo3.1", route=Route.LEGACY, **said)
    with pytest.raises(InvalidRequest, match="always has sound here"):
        _fit("gemini/veo3.1", route=Route.COOKIE, audio=False)
    assert _fit("gemini/veo3.1", route=Route.COOKIE, audio=True).audio is True
    assert _fit("gemini/veo3", route=Route.COOKIE, audio=False).audio is False


@pytest.mark.parametrize(
    ("size", "ratio", "resolution"),
    [
        ("1280x720", "16:9", "720p"),
        ("1920x1080", "16:9", "1080p"),
        ("720x1280", "9:16", "720p"),
        ("1080x1920", "9:16", "1080p"),
        ("1024x1792", "9:16", "1080p"),
        ("1792x1024", "16:9", "1080p"),
        ("1024x1024", "1:1", "1080p"),
        ("1536x1024", "3:2", "1080p"),
        ("1024x1536", "2:3", "1080p"),
    ],
)
def test_a_size_becomes_a_ratio_and_a_resolution(size: str, ratio: str, resolution: str) -> None:
    found = _fit("xai/grok-imagine-video", size=size)
    assert (found.ratio, found.resolution, found.size) == (ratio, resolution, size)


def test_a_size_asks_for_no_resolution_where_there_is_none_to_choose() -> None:
    assert _fit("kling/v3", size="1024x1792").resolution is None
    assert _fit("gemini/veo3.1", route=Route.LEGACY, size="1920x1080").resolution is None


@pytest.mark.parametrize(
    ("name", "route", "size", "ratio", "resolution"),
    [
        ("gpt-image-2", Route.KEY, "1024x1024", "1:1", None),
        ("gpt-image-2", Route.COOKIE, "1792x1024", "16:9", "1k"),
        ("nano-banana-pro", Route.KEY, "1024x1536", "2:3", "2k"),
        ("nano-banana-2", Route.KEY, "512x512", "1:1", "0.5k"),
        ("nano-banana-2", Route.COOKIE, "512x512", "1:1", "1k"),
        ("recraft-v3", Route.LEGACY, "1024x1792", "9:16", None),
        ("gpt-image-2", Route.KEY, "auto", "auto", None),
    ],
)
def test_an_image_is_asked_for_in_the_shape_of_its_size(
    name: str, route: Route, size: str, ratio: str, resolution: str | None
) -> None:
    found = _fit(name, route=route, size=size)
    assert (found.ratio, found.resolution) == (ratio, resolution)


def test_an_explicit_ratio_or_resolution_goes_before_the_size() -> None:
    found = _fit("gemini/veo3.1", size="1280x720", ratio="9:16", resolution="4K")
    assert (found.ratio, found.resolution) == ("9:16", "4k")
    assert _fit("gemini/veo3.1", size="1280x720", ratio="9:16").resolution == "720p"
    assert _fit("gemini/veo3.1", size="1280x720", resolution="auto").resolution == "720p"


@pytest.mark.parametrize(
    ("name", "uses", "route", "ratio", "seconds"),
    [
        ("kling/v3", [], Route.KEY, "16:9", 5),
        ("gemini/veo3.1", [], Route.KEY, "16:9", 8),
        ("gemini/veo3.1", [VIDEO], Route.KEY, None, 7),
        ("kling/v3", [FIRST], Route.KEY, None, 5),
        ("wan/v3.0", [FIRST], Route.KEY, "auto", 5),
        ("kling/o3", [VIDEO], Route.KEY, None, None),
        ("fal-ai/bytedance/seedance-2.5", [VIDEO], Route.KEY, "auto", 0),
        ("alibaba/happy-horse/video-edit", [VIDEO], Route.KEY, "auto", None),
        ("minimax/h3-max", [], Route.KEY, None, 5),
        ("gemini/veo3", [], Route.COOKIE, "16:9", 8),
        ("fal-ai/bytedance/seedance/v1/pro/fast", [], Route.LEGACY, "16:9", 5),
        ("nano-banana-pro", [], Route.COOKIE, "auto", None),
    ],
)
def test_what_the_caller_left_open_is_filled_in(
    name: str, uses: list[Use], route: Route, ratio: str | None, seconds: float | None
) -> None:
    found = _fit(name, *uses, route=route)
    assert (found.ratio, found.seconds) == (ratio, seconds)


def test_video_links_among_the_vendors_fields_are_given_videos() -> None:
    links = {"video_urls": ["https://example.com/a.mp4", "https://example.com/b.mp4"]}
    assert _fit("fal-ai/bytedance/seedance-2.5", vendor=links).seconds == 0
    assert _fit("alibaba/happy-horse/video-edit", vendor=links).ratio == "auto"
    assert _fit("minimax/h3", VIDEO, vendor=links).seconds == 5
    with pytest.raises(InvalidRequest, match="takes at most 3 videos; 4 were given"):
        _fit("minimax/h3", VIDEO, VIDEO, vendor=links)
    with pytest.raises(InvalidRequest, match="does not take a video"):
        _fit("kling/v3", vendor=links)
    assert _fit("kling/v3", vendor={"video_urls": "nonsense"}).seconds == 5


def test_auto_keeps_the_shape_of_a_given_image() -> None:
    assert _fit("kling/v3", FIRST, ratio="AUTO").ratio == "auto"
    assert _fit("wan/v3.0", ratio="auto").ratio == "auto"


def test_an_unknown_model_is_asked_as_it_came() -> None:
    said = {"ratio": "7:5", "seconds": 99.5, "resolution": "8k", "tier": "x", "audio": True}
    terms = _terms("new/model", **said)
    assert fit(terms, [FIRST, REFERENCE, VIDEO], UNKNOWN) == terms
    assert fit(_terms("new/model"), [], UNKNOWN) == _terms("new/model")
    assert fit(_terms("new/model", size="1792x1024"), [], UNKNOWN).ratio == "16:9"
    assert fit(_terms("new/model", size="1000x300"), [], UNKNOWN).ratio == "10:3"


def test_a_long_wrong_word_is_quoted_in_part() -> None:
    with pytest.raises(InvalidRequest) as refused:
        _fit("kling/v3", ratio="9" * 5000)
    assert len(refused.value.message) < 150


def test_nothing_but_the_open_terms_changes() -> None:
    said = {"negative_prompt": "rain", "vendor": {"keep_audio": True}, "unused": ("seed",)}
    before = _terms("kling/v3", **said)
    after = fit(before, [], _candidate("kling/v3"))
    kept = ("product", "model", "prompt", "negative_prompt", "vendor", "unused", "size", "audio")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]


def test_candidates_that_fit_are_served_in_their_order() -> None:
    candidates = CATALOGUE.candidates("gemini/veo3.1", Product.VIDEO, list(GENSPARK_ROUTES))
    open_terms, sharp = _terms("gemini/veo3.1"), _terms("gemini/veo3.1", resolution="4k")
    assert [c.route for c, _ in serveable(open_terms, [], candidates)] == list(GENSPARK_ROUTES)
    found = serveable(sharp, [], candidates[::-1])
    assert [(c.route, terms.resolution) for c, terms in found] == [
        (Route.COOKIE, "4k"),
        (Route.KEY, "4k"),
    ]


def test_when_none_fits_the_first_ones_refusal_is_told() -> None:
    candidates = [
        MediaCandidate(Route.KEY, "one", Facts(tiers=("fast",))),
        MediaCandidate(Route.COOKIE, "two", Facts(image=Presence.REQUIRED)),
    ]
    with pytest.raises(InvalidRequest, match=r"one takes the tier fast; slow was asked for\."):
        serveable(_terms("one", tier="slow"), [], candidates)
    assert serveable(_terms("one", tier="slow"), [], []) == []


ALL = [
    candidate
    for name in CATALOGUE.names(set(Route))
    if (product := CATALOGUE.kind(name)) is not None
    for candidate in CATALOGUE.candidates(name, product, list(Route))
]
WORDS = st.none() | st.sampled_from(
    ["auto", "16:9", "9:16", "1:1", "5:3", "480p", "720p", "1080P", "2k", "4K", "fast", "turbo"]
) | st.text(max_size=8)  # fmt: skip
SIZES = st.none() | st.sampled_from(["1280x720", "1024x1792", "1024x1024", "auto"]) | st.builds(
    "{}x{}".format, st.integers(0, 9999), st.integers(0, 9999)
) | st.text(max_size=8)  # fmt: skip
USES = st.lists(st.sampled_from(list(Use)), max_size=12)


@given(st.sampled_from([*ALL, UNKNOWN]), USES, st.data())
def test_fit_refuses_or_gives_terms_that_fit_unchanged(
    candidate: MediaCandidate, uses: list[Use], data: st.DataObject
) -> None:
    terms = Terms(
        product=CATALOGUE.kind(candidate.model) or Product.IMAGE,
        model="any",
        prompt="a cat",
        ratio=data.draw(WORDS),
        resolution=data.draw(WORDS),
        tier=data.draw(WORDS),
        size=data.draw(SIZES),
        seconds=data.draw(st.none() | st.integers(0, 31) | st.floats(allow_nan=False)),
        audio=data.draw(st.none() | st.booleans()),
    )
    try:
        found = fit(terms, uses, candidate)
    except InvalidRequest:
        return
    assert fit(found, uses, candidate) == found
    facts = candidate.facts.under(found.tier, uses)
    assert found.resolution is None or found.resolution in (facts.resolutions or [found.resolution])
    assert found.seconds is None or facts.seconds is None or facts.seconds.allow(found.seconds)
    assert terms.seconds in (None, found.seconds)


@pytest.mark.parametrize("uses", [[], [FIRST], [FIRST, LAST], [REFERENCE], [VIDEO], [FIRST, VIDEO]])
def test_all_defaults_are_within_the_facts(uses: list[Use]) -> None:
    for candidate in ALL:
        for tier in (None, *(candidate.facts.tiers or ())):
            facts = candidate.facts.under(tier, uses)
            known, ratio = facts.seconds, facts.default_ratio
            assert ratio is None or facts.ratios is None or ratio in facts.ratios, candidate
            assert known is None or known.default is None or known.allow(known.default), candidate


@pytest.mark.parametrize("candidate", ALL, ids=lambda c: f"{c.route.value}-{c.model}")
def test_every_model_can_be_asked_with_what_it_needs(candidate: MediaCandidate) -> None:
    facts = candidate.facts
    needs = {
        VIDEO: facts.video is Presence.REQUIRED,
        FIRST: Presence.REQUIRED in (facts.image, facts.image_or_video),
    }
    product = CATALOGUE.kind(candidate.model) or Product.IMAGE
    terms = Terms(product=product, model="any", prompt="a cat")
    found = fit(terms, [use for use, needed in needs.items() if needed], candidate)
    assert found.prompt == "a cat"
