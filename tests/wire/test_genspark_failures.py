"""Waits, limits and details: what is read out of a refusal beyond its kind."""

import pytest
from fixtures.genspark.properties import QUICK, texts
from fixtures.genspark.reading import NOW
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failures import Failure, Kind
from proxy.core.products import Product
from proxy.wire.genspark_failures import Reply, classify, limit_from_message
from proxy.wire.genspark_key_failures import classify_key, from_error


def _reply(status: int = 429, header: str | None = None, body: bytes = b"") -> Reply:
    return Reply(status, {} if header is None else {"retry-after": header}, body, NOW)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0), ("30", 30.0), (" 30 ", 30.0), ("1.5", 1.5), ("-5", 0.0),
        ("Sat, 17 Oct 2026 08:02:00 GMT", 120.0),
        ("Saturday, 17-Oct-26 08:02:00 GMT", 120.0),
        ("Sat, 17 Oct 2026 10:02:00 +0200", 120.0),
        ("Sat, 17 Oct 2026 08:02:00", 120.0),
        ("Sat, 17 Oct 2026 07:00:00 GMT", 0.0),
        ("soon", None), ("inf", None), ("nan", None), ("", None),
        ("Fri, 31 Dec 99999 00:00:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    assert _reply(header=header).retry_after() == seconds


@QUICK
@given(st.one_of(texts, st.from_regex(r"[A-Za-z0-9,:+ -]{0,40}", fullmatch=True)))
def test_any_retry_after_is_a_sane_wait_or_none(header: str) -> None:
    wait = _reply(header=header).retry_after()
    assert wait is None or 0 <= wait < float("inf")


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (b'{"retry_after": 12}', 12.0), (b'{"retry_after": "12.5"}', 12.5),
        (b'{"retry_after": -3}', 0.0), (b'{"retry_after": "inf"}', None),
        (b'{"retry_after": true}', None), (b'{"retry_after": null}', None), (b"[12]", None),
    ],
)  # fmt: skip
def test_the_body_says_it_when_no_header_does(body: bytes, seconds: float | None) -> None:
    assert _reply(body=body).retry_after() == seconds
    assert _reply(header="7", body=body).retry_after() == 7.0
    assert _reply(header="soon", body=body).retry_after() == seconds


@pytest.mark.parametrize(
    ("value", "product", "until"),
    [
        ("AI Image [5-hour limit] reached. Resets {time:1792249200}", Product.IMAGE, 1792249200.0),
        ("AI Chat [7-day limit] reached. Resets {time: 1792249200}", Product.CHAT, 1792249200.0),
        ("AI Video limit reached, epoch=1792249200123", Product.VIDEO, 1792249200.0),
        ({"value": "AI Chat [5-hour limit] reached."}, Product.CHAT, None),
        ('{"value": "AI Image [5-hour limit] reached. Resets {time:1792249200}"}', Product.IMAGE,
         1792249200.0),
        ("LIMIT REACHED", None, None),
    ],
)  # fmt: skip
def test_a_window_limit_names_its_product_and_its_end(
    value: object, product: Product | None, until: float | None
) -> None:
    failure = limit_from_message(value)
    assert failure is not None
    assert (failure.kind, failure.product, failure.until) == (Kind.WINDOW_QUOTA, product, until)


@pytest.mark.parametrize(
    "value",
    ["Approaching 5-hour limit.", "approaching the limit reached last week", "", None, 7, [],
     {"value": None}, {"text": "AI Chat limit reached"}, "AI Chat is ready"],
)  # fmt: skip
def test_a_warning_or_anything_else_is_no_limit(value: object) -> None:
    assert limit_from_message(value) is None


@QUICK
@given(st.sampled_from(list(Product)), st.integers(10**9, 2 * 10**9), st.booleans())
def test_any_epoch_is_read_to_the_second(product: Product, epoch: int, milliseconds: bool) -> None:
    stamp = f"{epoch}123" if milliseconds else str(epoch)
    failure = limit_from_message(f"AI {product} [5-hour limit] reached. Resets {{time:{stamp}}}")
    assert failure is not None
    assert failure.until == epoch


replies = st.builds(
    Reply,
    st.sampled_from([200, 400, 401, 402, 403, 404, 418, 419, 422, 429, 500, 502, 503, 520, 302]),
    st.dictionaries(
        st.sampled_from(["content-type", "retry-after", "x-genspark-credit-wall"]),
        st.sampled_from(["text/html", "application/json", "5", "free_plan_block", ""]),
    ),
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([b"null", b"7", b'"x"', b"[]", b"[" * 9999, b'{"status": "-5"}']),
        texts.map(str.encode),
    ),
    st.just(NOW),
)


@QUICK
@given(replies, st.booleans())
def test_every_reply_but_a_200_is_some_failure(reply: Reply, sent_project: bool) -> None:
    for failure in (classify(reply, sent_project=sent_project), classify_key(reply)):
        assert isinstance(failure, Failure) or reply.status == 200


@pytest.mark.parametrize("status", [400, 404, 409, 415, 451])
def test_an_unknown_refusal_of_the_web_is_rejected(status: int) -> None:
    failure = classify(_reply(status, body=b"no"))
    assert failure is not None
    assert failure.kind is Kind.REJECTED


def test_the_detail_of_a_rejected_body_names_places_not_what_stood_there() -> None:
    body = (
        b'{"status": -2, "errors": [{"loc": ["body", "messages", 0], "input": "SECRET PROMPT"},'
        b' {"loc": "body"}, 7]}'
    )
    failure = classify(_reply(422, body=body))
    assert failure is not None
    assert failure.detail.endswith("failed: body.messages.0")


@pytest.mark.parametrize(
    "secret", ["gsk-abc123", "sk-abc123", "session_id=abc123", "https://x.test/?k=abc123",
               "abc123@example.com"],
)  # fmt: skip
def test_a_key_routes_explanation_is_passed_on_without_secrets(secret: str) -> None:
    body = f'{{"error": {{"message": "bad value near {secret} in field"}}}}'.encode()
    failure = classify_key(_reply(400, body=body))
    assert failure is not None
    assert failure.kind is Kind.BAD_REQUEST
    assert failure.told.startswith("bad value near")
    assert "abc123" not in failure.told
    assert "bad value" not in f"{failure}{failure.detail}", "only the caller hears it"


@pytest.mark.parametrize("error", [None, "", 7, [], {}, {"message": 7}, "no", {"code": "new"}])
def test_any_error_object_is_some_failure(error: object) -> None:
    assert from_error(error).kind is Kind.ERROR_FRAME
