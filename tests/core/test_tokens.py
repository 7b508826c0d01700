"""Token counts: right where the vocabulary is public, cheap and bounded everywhere."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core import tokens
from proxy.core.ask import Attachment, Kept, Role, ToolCall, Turn
from proxy.core.tokens import PER_MESSAGE, count, count_prompt


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 0),
        ("Hello, world!", 4),
        ("The quick brown fox jumps over the lazy dog.", 10),
        ("你好", 1),
        (" ", 1),
    ],
)
def test_known_counts_of_the_o200k_vocabulary(text: str, number: int) -> None:
    assert count(text) == number


def test_what_looks_like_a_control_token_is_plain_text() -> None:
    assert count("<|endoftext|>") > 1


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])), st.text("ab c\n"))
def test_a_count_is_bounded_by_the_bytes(left: str, right: str) -> None:
    assert (count(left) > 0) == bool(left)
    assert count(left + right) <= count(left) + count(right) + 1
    assert count(left) <= len(left.encode())


def test_the_rest_of_a_very_long_text_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "COUNTED", 1000)
    text = "some words here " * 1000
    start = count(text[:1000])
    assert count(text) == round(start * len(text) / 1000)


def test_a_prompt_is_all_its_texts_and_calls() -> None:
    call = ToolCall("call_1", "get_weather", '{"city":"Paris"}')
    image = Attachment(Kept.IMAGE, "data:image/png;base64,AAAA")
    short = (Turn(Role.USER, "Hi"),)
    full = (
        Turn(Role.SYSTEM, "Be brief."),
        Turn(Role.USER, "Weather?", (image,)),
        Turn(Role.ASSISTANT, "", calls=(call,)),
        Turn(Role.TOOL, "sunny", call_id="call_1"),
    )
    joined = 'Be brief.\nWeather?\n\nget_weather{"city":"Paris"}\nsunny'
    assert count_prompt(short) == count("Hi") + PER_MESSAGE
    assert count_prompt(full) == count(joined) + 4 * PER_MESSAGE
    assert count_prompt(()) == 0
