"""The official search tool: what it is asked, what of its answer is used."""

import json
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.events import Cited
from proxy.core.failures import Failure, Kind
from proxy.wire.genspark_failures import Reply
from proxy.wire.openai_request import read_chat
from proxy.wire.web_search import MAX_QUERY, MOST, Page, body, cited, read, with_pages

FOUND = {"title": "A page", "link": "https://a.test/1", "snippet": "Words."}
ASK = read_chat(
    json.dumps(
        {
            "model": "m",
            "web_search_options": {},
            "messages": [
                {"role": "user", "content": "One"},
                {"role": "assistant", "content": "1"},
                {"role": "user", "content": "Two"},
            ],
        }
    ).encode()
)


def _read(envelope: Any, status: int = 200) -> Any:
    reply = Reply(status, {}, json.dumps(envelope).encode(), 0.0)
    return read(reply, envelope if isinstance(envelope, dict) else None)


def _ok(*results: Any) -> dict[str, Any]:
    return {"version": 1, "status": "ok", "data": {"organic_results": list(results)}}


def test_a_question_is_one_short_line() -> None:
    assert json.loads(body("Who \n won?")) == {"q": "Who won?"}
    assert len(json.loads(body("word " * 500))["q"]) == MAX_QUERY


def test_pages_are_read_with_what_they_have() -> None:
    assert _read(_ok(FOUND)) == [Page("A page", "https://a.test/1", "Words.")]
    assert _read(_ok({"link": "https://a.test/2"})) == [Page("", "https://a.test/2", "")]
    assert _read(_ok({"title": "no address"}, {"link": "javascript:1"}, 7)) == []
    assert len(_read(_ok(*[FOUND] * 50))) == MOST
    assert _read(_ok()) == []


@pytest.mark.parametrize(
    ("envelope", "kind"),
    [
        ({"version": 1, "status": "error", "message": "no"}, Kind.ERROR_FRAME),
        ({"version": 1, "status": "error", "data": {"code": "free_plan_block"}},
         Kind.PLAN_REQUIRED),
        ({"error_code": "rate_limited", "retry_after": 7}, Kind.RATE_LIMITED),
        ([], Kind.ERROR_FRAME),
    ],
)  # fmt: skip
def test_refusals_are_known(envelope: Any, kind: Kind) -> None:
    failure = _read(envelope)
    assert isinstance(failure, Failure)
    assert failure.kind is kind


@QUICK
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
            st.sampled_from(["status", "data", "organic_results", "link", "title", "message"]),
            inner, max_size=4),
    )
)  # fmt: skip
def test_anything_is_pages_or_a_failure(envelope: Any) -> None:
    assert isinstance(_read(envelope), list | Failure)


def test_what_was_found_stands_before_the_question() -> None:
    ask = with_pages(ASK, [Page("A page", "https://a.test/1", "Words.")])
    roles = [message["role"] for message in ask.native["messages"]]
    assert roles == ["user", "assistant", "system", "user"]
    assert "https://a.test/1" in ask.native["messages"][2]["content"]
    assert "web_search_options" not in ask.native
    assert len(ASK.native["messages"]) == 3, "the ask itself stays as it is"
    assert "nothing" in with_pages(ASK, []).native["messages"][2]["content"]


def test_pages_are_sources() -> None:
    pages = [Page("A page", "https://a.test/1", "x"), Page("", "https://a.test/2", "")]
    assert cited(pages) == [
        Cited("https://a.test/1", "A page"),
        Cited("https://a.test/2", "https://a.test/2"),
    ]
