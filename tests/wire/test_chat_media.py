"""Media in a chat: what the last user turn asks for, and what a chat window can show."""

import json
import re
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK, texts
from fixtures.media_fields import PNG, fields, outcome
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import Attachment, ChatAsk, InvalidRequest, Kept, Role, Turn
from proxy.core.media import MediaWish, Terms, Use
from proxy.core.products import Product
from proxy.wire.chat_media import MAX_ALT, markdown, progress_text, read_chat_media
from proxy.wire.openai_request import read_chat

VIDEO, IMAGE = Product.VIDEO, Product.IMAGE
A, B, C = (f"https://example.com/{name}.png" for name in "abc")
MP4 = "https://example.com/v1/files/x/1.mp4"
# How NextChat decides to show a player: app/components/markdown.tsx, commit 706a18b9.
NEXTCHAT_VIDEO = re.compile(r"\.(3gp|3g2|webm|ogv|mpeg|mp4|avi)$")
LINK = re.compile(r"(!?)\[([^\[\]\n]*)\]\(([^()\s]+)\)")


def _said(role: str, text: str, *images: str) -> dict[str, Any]:
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in images]
    return {"role": role, "content": [*parts, {"type": "text", "text": text}]}


def _wish(*messages: dict[str, Any], product: Product = VIDEO, **extra: Any) -> MediaWish:
    body = {"model": "kling/v3", "messages": messages, **extra}
    return read_chat_media(read_chat(json.dumps(body).encode()), product)


@pytest.mark.parametrize(
    ("product", "images", "uses"),
    [
        (VIDEO, (), []),
        (VIDEO, (A,), [Use.FIRST_FRAME]),
        (VIDEO, (A, PNG), [Use.FIRST_FRAME, Use.LAST_FRAME]),
        (VIDEO, (A, B, C), [Use.REFERENCE] * 3),
        (IMAGE, (A, B), [Use.REFERENCE] * 2),
    ],
)
def test_the_last_user_turn_is_the_wish(
    product: Product, images: tuple[str, ...], uses: list[Use]
) -> None:
    wish = _wish(_said("user", "a cat", *images), product=product)
    assert wish.terms == Terms(product=product, model="kling/v3", prompt="a cat")
    assert [given.use for given in wish.given] == uses
    assert [given.source for given in wish.given] == list(images)
    assert {given.param for given in wish.given} <= {"messages"}


def test_earlier_turns_do_not_count() -> None:
    wish = _wish(
        {"role": "system", "content": "You are a director."},
        _said("user", "a dog", A),
        {"role": "assistant", "content": "Done."},
        _said("user", "now a cat"),
    )
    assert (wish.terms.prompt, wish.given) == ("now a cat", ())


def test_extra_fields_count_as_at_the_doors_of_their_own() -> None:
    wish = _wish(
        _said("user", "a cat", A, B), aspect_ratio="9:16", seconds="8", resolution="720p", n=2,
        reference_mode=True, metadata={"tier": "pro", "mine": "x"}, seed=1,
    )  # fmt: skip
    assert (wish.terms.ratio, wish.terms.seconds, wish.terms.tier) == ("9:16", 8.0, "pro")
    assert (wish.terms.unused, wish.count, wish.metadata) == ((), 2, {"mine": "x"})
    assert [given.use for given in wish.given] == [Use.REFERENCE, Use.REFERENCE]


def test_a_chats_own_fields_are_not_taken_for_media_fields() -> None:
    wish = _wish(
        _said("user", "a cat"), audio={"voice": "alloy", "format": "mp3"}, user="u",
        temperature=0.5, max_tokens=4000, response_format={"type": "text"}, tools=[],
    )  # fmt: skip
    assert wish.terms == Terms(product=VIDEO, model="kling/v3", prompt="a cat")


@pytest.mark.parametrize(
    "messages",
    [
        [_said("user", " ", A)],
        [{"role": "assistant", "content": "Hello"}],
        [_said("user", "x" * 32_001)],
        [_said("user", "a cat", *(f"{A}?{n}" for n in range(17)))],
    ],
)
def test_a_turn_that_cannot_be_generated_from_is_refused(messages: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        _wish(*messages)
    assert caught.value.param == "messages"


def test_a_wrong_extra_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest) as caught:
        _wish(_said("user", "a cat"), aspect_ratio="wide")
    assert caught.value.param == "aspect_ratio"


@QUICK
@given(fields, texts, st.sampled_from([VIDEO, IMAGE]))
def test_any_extras_are_a_wish_or_the_callers_mistake(
    extra: dict[str, Any], prompt: str, product: Product
) -> None:
    turns = (Turn(Role.USER, prompt, (Attachment(Kept.IMAGE, PNG),)),)
    ask = ChatAsk("m", turns, False, False, frozenset(), extra)
    wish = outcome(read_chat_media, ask, product)
    if isinstance(wish, InvalidRequest):
        assert (wish.status, bool(wish.param)) == (400, True)
    else:
        assert wish.terms.prompt == prompt


def test_a_video_is_a_link_that_nextchat_plays() -> None:
    assert markdown(VIDEO, [(MP4, None)], "a cat") == f"[video.mp4]({MP4})"


def test_several_results_have_a_line_each() -> None:
    assert markdown(VIDEO, [(MP4, None), (MP4, None)], "a cat").splitlines() == [
        f"[video-1.mp4]({MP4})",
        f"[video-2.mp4]({MP4})",
    ]
    assert markdown(IMAGE, [(A, None), (B, None)], "a cat") == f"![a cat]({A})\n![a cat]({B})"


def test_a_poster_is_a_picture_before_its_video() -> None:
    assert markdown(VIDEO, [(MP4, A)], "a cat").splitlines() == [
        f"![a cat]({A})",
        f"[video.mp4]({MP4})",
    ]


@pytest.mark.parametrize(
    "url",
    [MP4, "https://example.com/a.mp4?token=1", "https://example.com/a", "https://e.com/a.MP4#t=3",
     "https://example.com/a (1).mp4", "https://example.com/a)b.mp4\n[x](y)"],
)  # fmt: skip
def test_every_video_link_ends_in_mp4_and_is_one_link(url: str) -> None:
    text = markdown(VIDEO, [(url, None)], "a cat")
    (found,) = LINK.findall(text)
    assert NEXTCHAT_VIDEO.search(found[2])
    assert "\n" not in text


@QUICK
@given(texts, st.sampled_from([VIDEO, IMAGE]))
def test_no_prompt_breaks_out_of_its_alt_text(prompt: str, product: Product) -> None:
    text = markdown(product, [(MP4, A)], prompt)
    links = LINK.findall(text)
    assert len(links) == len(text.split("\n"))
    assert all(0 < len(alt) <= MAX_ALT and alt == " ".join(alt.split()) for _, alt, _ in links)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ((VIDEO, 35, 63.4, 180.0), "Generating the video: 35 %, 63 s of usually 180 s.\n"),
        ((VIDEO, None, 0.2, None), "Generating the video: 0 s.\n"),
        ((IMAGE, 0, 5.0, 0.4), "Generating the image: 0 %, 5 s of usually 1 s.\n"),
    ],
)
def test_progress_is_one_line(given: Any, text: str) -> None:
    assert progress_text(*given) == text
