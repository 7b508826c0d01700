"""Refusals in OpenAI's shape: what no single provider's table of replies shows."""

import json
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from fixtures.provider_rows import ANY_JSON, NOW
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failures import Kind
from proxy.wire.gateway_refusals import is_policy_code, refused, told_of
from proxy.wire.genspark_failures import Reply


def _reply(status: int, body: Any, **headers: str) -> Reply:
    return Reply(status, headers, json.dumps(body).encode(), NOW)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_good_reply_is_no_refusal(status: int) -> None:
    assert (
        refused(_reply(status, {"id": "video_1", "status": "queued"}), Kind.MODEL_UNKNOWN) is None
    )


@pytest.mark.parametrize(
    "body",
    [
        {"id": "v", "status": "failed", "error": {"code": 500, "message": "x"}},
        {"code": 200, "data": {"status": "failed", "error": {"code": 500}}},
        {"code": 0, "data": [{"task_id": "t"}]},
        {"code": "success", "message": "", "data": {"status": "FAILURE"}},
        {"object": "list", "data": []},
        {"error": None},
        {"error": {}},
        [],
        None,
    ],
)
def test_a_failed_task_is_no_refusal(body: Any) -> None:
    assert refused(_reply(200, body), Kind.TASK_UNKNOWN) is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Kind.BAD_REQUEST), (409, Kind.REJECTED), (418, Kind.REJECTED), (301, Kind.REJECTED),
     (503, Kind.OUTAGE), (522, Kind.UPSTREAM_BROKEN), (529, Kind.OVERLOADED),
     (410, Kind.RETIRED)],
)  # fmt: skip
def test_without_words_the_status_decides(status: int, kind: Kind) -> None:
    failure = refused(Reply(status, {}, b"", NOW), Kind.MODEL_UNKNOWN)
    assert failure is not None
    assert (failure.kind, failure.told) == (kind, "")
    assert failure.detail == f"HTTP {status}"


def test_the_log_is_told_the_code_and_nothing_the_caller_wrote() -> None:
    error = {"message": "a cat", "code": "invalid_prompt", "type": "x", "param": "prompt"}
    failure = refused(_reply(400, {"error": error}), Kind.MODEL_UNKNOWN)
    assert failure is not None
    assert failure.detail == "HTTP 400, invalid_prompt"
    strange = {"error": {"message": "m", "code": "Oh no, a cat!"}}
    failure = refused(_reply(400, strange), Kind.MODEL_UNKNOWN)
    assert failure is not None
    assert failure.detail == "HTTP 400"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Model 'x' not found", Kind.MODEL_UNKNOWN),
        ("unknown model: x", Kind.MODEL_UNKNOWN),
        ("This model is deprecated", Kind.MODEL_UNKNOWN),
        ("model x is not supported", Kind.MODEL_UNKNOWN),
        # A prompt that is quoted decides nothing.
        ("bad prompt: 'the model was not found'", Kind.BAD_REQUEST),
        ("modelling is not supported", Kind.BAD_REQUEST),
        ("the prompt was rejected for safety reasons", Kind.POLICY),
    ],
)
def test_the_words_of_a_bad_request(message: str, kind: Kind) -> None:
    failure = refused(_reply(400, {"error": {"message": message}}), Kind.MODEL_UNKNOWN)
    assert failure is not None
    assert (failure.kind, failure.told) == (kind, message)


def test_a_named_field_is_at_fault_whatever_the_words() -> None:
    error = {"message": "size violates the pattern", "param": "size"}
    failure = refused(_reply(400, {"error": error}), Kind.MODEL_UNKNOWN)
    assert failure is not None
    assert failure.kind is Kind.BAD_REQUEST


@pytest.mark.parametrize("said", ["Bearer abc.def", "sk-12345", "https://a.example/?key=1",
                                  "data:image/png;base64,AAAA", "me@example.com"])  # fmt: skip
def test_secrets_are_not_told(said: str) -> None:
    told = told_of(f"before {said} after")
    assert said not in told
    assert told.startswith("before")
    assert told.endswith("after")


def test_a_long_text_is_cut() -> None:
    assert len(told_of("a " * 5000)) == 500


def test_codes_that_speak_of_content() -> None:
    assert is_policy_code("Sentinel_Block")
    assert is_policy_code("SAFETY.INPUT")
    assert not is_policy_code("server_error")


@QUICK
@given(ANY_JSON, st.integers(200, 599), st.sampled_from([Kind.MODEL_UNKNOWN, Kind.TASK_UNKNOWN]))
def test_no_reply_raises(body: Any, status: int, missing: Kind) -> None:
    failure = refused(_reply(status, body), missing)
    assert failure is not None or 200 <= status < 300
