"""Runway's forms and facts: as the vendor's own schema has them, and the same as each other."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures.runway import asking
from fixtures.runway.asking import FIRST, LAST, REFERENCE, VIDEO
from providers import runway_schema as schema

from proxy.core.ask import InvalidRequest
from proxy.core.media import MediaAsk, Terms, Use
from proxy.core.media_facts import Facts, Presence
from proxy.core.media_models import MediaCandidate, MediaCatalogue
from proxy.core.media_rules import fit
from proxy.core.products import Product, Route
from proxy.wire.provider import Picture
from proxy.wire.runway import takes
from proxy.wire.runway_bodies import request_of
from proxy.wire.runway_forms import FILM, FORMS, IMAGE, STILL, TEXT, Form

EMPTY = "[aliases.image]\n[aliases.video]\n[forms]\n[image]\n[video]\n"
FACTS = Path("proxy/core/providers/runway.toml").read_text("utf-8")
CATALOGUE = MediaCatalogue(EMPTY)
CATALOGUE.provide(Route.RUNWAY, FACTS, takes)


# The forms against the vendor's schema.


EVERY = [(model, endpoint, form) for model in FORMS for endpoint, form in FORMS[model].items()]


@pytest.mark.parametrize(("model", "endpoint", "form"), EVERY)
def test_every_word_of_a_form_is_one_of_the_vendors(model: str, endpoint: str, form: Form) -> None:
    fields = schema.fields(endpoint, model)
    words = {word for line in form.sizes.values() for word in line.values()}
    if words:
        assert words <= schema.words(fields[form.shape])
    else:
        assert form.shape not in fields
    if form.lines:
        assert set(form.lines) <= schema.words(fields["resolution"])
    else:
        assert "resolution" not in fields
    assert form.timed is ("duration" in fields)
    assert set(form.inputs.values()) <= fields.keys()


@pytest.mark.parametrize(("model", "endpoint", "form"), EVERY)
def test_no_option_of_the_vendors_is_missed(model: str, endpoint: str, form: Form) -> None:
    named = {"seed": "seed", "audio": "audio", "negativePrompt": "negative_prompt",
             "mode": "video_mode", "promptExpansionMode": "rewrite_prompt"}  # fmt: skip
    offered = {ours for theirs, ours in named.items() if theirs in schema.fields(endpoint, model)}
    assert form.options - {"keep_audio"} == offered


@pytest.mark.parametrize(("model", "endpoint", "form"), EVERY)
def test_no_two_words_of_a_line_are_the_same_ratio(model: str, endpoint: str, form: Form) -> None:
    everything = sum(len(line) for line in form.sizes.values())
    offered = schema.words(schema.fields(endpoint, model).get(form.shape))
    slim = {word for word in offered if _slimness(word) > 3}
    # Left out: Runway's own image sizes of about a megapixel, which come in four ratios only, and
    # Wan's plain sizes beside a first frame, whose shape it keeps anyway.
    assert everything == len(offered - slim) or model.startswith(("gen4_image", "wan3"))


def _slimness(word: str) -> float:
    found = re.fullmatch(r"(\d+):(\d+)", word)
    sides = sorted((int(found[1]), int(found[2]))) if found else [1, 1]
    return sides[1] / sides[0]


def test_the_facts_are_those_of_the_forms() -> None:
    assert {public.removeprefix("runway/") for public in CATALOGUE.names({Route.RUNWAY})} == set(
        FORMS
    )
    for product in (Product.IMAGE, Product.VIDEO):
        assert CATALOGUE.usual(Route.RUNWAY, product) in FORMS


def _candidate(model: str) -> MediaCandidate:
    product = Product.IMAGE if STILL in FORMS[model] else Product.VIDEO
    (found,) = CATALOGUE.candidates(f"runway/{model}", product, [Route.RUNWAY])
    return found


def _inputs(model: str, facts: Facts) -> Iterator[tuple[Picture, ...]]:
    """The sets of inputs that a model's facts allow."""
    if facts.image is not Presence.REQUIRED and facts.video is not Presence.REQUIRED:
        yield ()
    if facts.image is not Presence.FORBIDDEN and STILL not in FORMS[model]:
        yield (FIRST,)
    if facts.last_frame:
        yield FIRST, LAST
    if facts.video is not Presence.FORBIDDEN and FILM in FORMS[model]:
        yield (VIDEO,)
    if STILL in FORMS[model] or (
        facts.references != 0 and Use.REFERENCE in FORMS[model][TEXT].inputs
    ):
        yield (REFERENCE,)


@pytest.mark.parametrize("model", list(FORMS))
def test_a_plain_wish_passes_the_facts_and_the_schema(model: str) -> None:
    candidate = _candidate(model)
    product = Product.IMAGE if STILL in FORMS[model] else Product.VIDEO
    terms = Terms(product=product, model=f"runway/{model}", prompt="a cat")
    for inputs in _inputs(model, candidate.facts):
        fitted = fit(terms, [each.use for each in inputs], candidate)
        endpoint, body = request_of(MediaAsk(terms=fitted), model, inputs)
        assert schema.issues(endpoint, body) == [], (inputs, body)


@pytest.mark.parametrize("model", list(FORMS))
def test_everything_the_facts_allow_has_a_word(model: str) -> None:
    """Without inputs; with a first frame some models have fewer words, or more."""
    facts = _candidate(model).facts
    ratios, lines = facts.ratios or [None], facts.resolutions or [None]
    only = next(iter(FORMS[model]))
    inputs = {IMAGE: (FIRST,), FILM: (VIDEO,), STILL: (REFERENCE,)}.get(only, ())
    wide = FORMS[model].get(IMAGE) if model == "gen4.5" else None
    for ratio, line in itertools.product(ratios, lines):
        given = (FIRST,) if wide and ratio not in ("16:9", "9:16") else inputs
        timed = {} if only in (FILM, STILL) else {"seconds": 8.0 if "veo" in model else 5.0}
        body = asking.body(model, *given, ratio=ratio, resolution=line, **timed)
        assert body.get("resolution") in (None, line)
        word = body.get("ratio", "1:1" if ratio is None else ratio)
        assert ratio is None or _near(word, ratio), (word, ratio)


def _near(word: str, ratio: str) -> bool:
    (a, b), (c, d) = (map(int, text.split(":")) for text in (word, ratio))
    return abs(a * d / (b * c) - 1) < 0.05


def test_lengths_that_must_be_said_have_a_default() -> None:
    for model, endpoint, _ in EVERY:
        if "Required" in str(schema.fields(endpoint, model).get("duration")):
            seconds = _candidate(model).facts.seconds
            assert seconds is not None
            assert seconds.default is not None


def test_what_a_model_takes_is_also_in_its_facts() -> None:
    for model in FORMS:
        product = Product.IMAGE if STILL in FORMS[model] else Product.VIDEO
        told, facts = takes(model, product), _candidate(model).facts
        assert facts.terms == told
        assert ("last_frame" in told) is bool(facts.last_frame)
        if facts.references is not None:
            assert ("references" in told) is (facts.references > 0)
        if facts.audio_choice is False:
            assert ("audio" in told, "audio_off" in told) == (facts.audio, not facts.audio)
        if facts.audio_choice:
            assert {"audio", "audio_off"} <= told


def test_facts_refuse_what_can_never_be_asked() -> None:
    """Before anything is stored: the same words as everywhere else."""
    terms = Terms(product=Product.VIDEO, model="m", prompt="p", seconds=11)
    with pytest.raises(InvalidRequest, match="2 to 10 seconds"):
        fit(terms, [], _candidate("gen4.5"))
