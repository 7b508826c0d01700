"""Keys of conversations: equal for the same caller and words, different for anything else."""

import json
from typing import Any

from fixtures.genspark.properties import QUICK, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import ChatAsk
from proxy.core.conversation_key import conversation_key, split_at_answer
from proxy.wire.openai_request import read_chat

PNG = "data:image/png;base64,iVBORw0KGgo="
TOOL = {"type": "function", "function": {"name": "f"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


def _ask(*messages: tuple[str, Any], **fields: Any) -> ChatAsk:
    given = [{"role": role, "content": content} for role, content in messages]
    return read_chat(json.dumps({"model": "m", "messages": given, **fields}).encode())


def _key(ask: ChatAsk, caller: str = "alice") -> str:
    return conversation_key(caller, ask, ask.turns)


HELLO = ("user", "Hello"), ("assistant", "Hi!")


def test_the_same_words_of_another_caller_are_another_conversation() -> None:
    assert _key(_ask(*HELLO)) == _key(_ask(*HELLO))
    assert _key(_ask(*HELLO)) != _key(_ask(*HELLO), "bob")


def test_everything_that_was_said_or_asked_for_counts() -> None:
    base = _ask(*HELLO)
    others = [
        _ask(("user", "Hello"), ("assistant", "Hi?")),
        _ask(("system", "Hello"), ("assistant", "Hi!")),
        _ask(("user", "Hello")),
        _ask(*HELLO, model="n"),
        _ask(*HELLO, tools=[TOOL]),
        _ask(*HELLO, response_format={"type": "json_object"}),
        _ask(*HELLO, web_search_options={}),
        _ask(*HELLO, reasoning_effort="low"),
        _ask(("user", [{"type": "text", "text": "Hello"},
                       {"type": "image_url", "image_url": {"url": PNG}}]), HELLO[1]),
    ]  # fmt: skip
    keys = {_key(each) for each in [base, *others]}
    assert len(keys) == len(others) + 1


@QUICK
@given(st.lists(texts, max_size=4), st.lists(texts, max_size=4))
def test_texts_cannot_be_shifted_between_turns(left: list[str], right: list[str]) -> None:
    one, two = (_ask(*(("user", text) for text in [*each, "x"])) for each in (left, right))
    same = [text.strip() for text in left] == [text.strip() for text in right]
    assert (_key(one) == _key(two)) == same


def test_what_clients_change_on_their_own_does_not_count() -> None:
    plain = _ask(*HELLO)
    assert _key(plain) == _key(_ask(HELLO[0], ("assistant", "Hi! \n")))
    assert _key(plain) == _key(_ask(HELLO[0], ("assistant", "<think>Hm.</think>\n\nHi!")))
    called = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    spaced = json.loads(json.dumps(called))
    spaced["tool_calls"][0]["function"]["arguments"] = '{"a":1}'
    asks = [
        read_chat(json.dumps({"model": "m", "messages": [each]}).encode())
        for each in (called, spaced)
    ]
    assert _key(asks[0]) == _key(asks[1])


def test_a_think_tag_of_the_caller_counts() -> None:
    assert _key(_ask(("user", "<think>a</think>b"))) != _key(_ask(("user", "b")))


def test_only_a_mere_question_goes_on() -> None:
    assert split_at_answer(_ask(*HELLO, ("user", "And?")).turns) == 2
    assert split_at_answer(_ask(*HELLO).turns) == 0
    assert split_at_answer(_ask(("user", "Hello")).turns) == 0
    assert split_at_answer(_ask(*HELLO, ("system", "Be rude."), ("user", "And?")).turns) == 0
    results = read_chat(
        json.dumps(
            {"model": "m", "messages": [
                {"role": "user", "content": "Go"},
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "c1", "content": "42"},
            ]}
        ).encode()
    )  # fmt: skip
    assert split_at_answer(results.turns) == 2
