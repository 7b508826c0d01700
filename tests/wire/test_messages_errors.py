"""Errors in Anthropic's shape: its SDK finds the type, the class and the words."""

import json

import anthropic
import httpx2
import pytest
from anthropic.types import ErrorResponse
from fixtures.messages_stream import sdk

from proxy.core.ask import InvalidRequest
from proxy.core.failures import Failure, Kind
from proxy.wire.messages_errors import error_body, error_type
from proxy.wire.openai_errors import DRAINING, INTERNAL, ErrorReply, for_failure, invalid

# From Anthropic's documentation of its errors; 408, 409 and 504 from the SDK's list of types.
DOCUMENTED = [
    (400, "invalid_request_error", anthropic.BadRequestError),
    (401, "authentication_error", anthropic.AuthenticationError),
    (403, "permission_error", anthropic.PermissionDeniedError),
    (404, "not_found_error", anthropic.NotFoundError),
    (405, "invalid_request_error", anthropic.APIStatusError),
    (408, "timeout_error", anthropic.RequestTimeoutError),
    (409, "conflict_error", anthropic.ConflictError),
    (413, "request_too_large", anthropic.APIStatusError),
    (429, "rate_limit_error", anthropic.RateLimitError),
    (500, "api_error", anthropic.InternalServerError),
    (501, "api_error", anthropic.InternalServerError),
    (502, "api_error", anthropic.InternalServerError),
    (503, "api_error", anthropic.InternalServerError),
    (504, "timeout_error", anthropic.InternalServerError),
    (529, "overloaded_error", anthropic.InternalServerError),
]


@pytest.mark.parametrize(("status", "kind", "raised"), DOCUMENTED)
def test_the_sdk_raises_its_class_with_our_words(
    status: int, kind: str, raised: type[anthropic.APIStatusError]
) -> None:
    body = error_body(ErrorReply(status, "Something is wrong."), "req_1")
    with (
        sdk(lambda _: httpx2.Response(status, content=body)) as client,
        pytest.raises(raised) as caught,
    ):
        client.messages.create(
            model="m", max_tokens=1, messages=[{"role": "user", "content": "Hello"}]
        )
    error = caught.value
    assert (error.status_code, error.type) == (status, kind)
    assert error.api_message == "Something is wrong."
    assert error.body == {
        "type": "error",
        "error": {"type": kind, "message": "Something is wrong."},
        "request_id": "req_1",
    }


def test_the_sdk_knows_a_refused_thread() -> None:
    refused = InvalidRequest("No.", param="thread", code="thread_unsupported_request")
    with (
        sdk(lambda _: httpx2.Response(400, content=error_body(invalid(refused)))) as client,
        pytest.raises(anthropic.BadRequestError) as caught,
    ):
        client.beta.messages.create(
            model="m", max_tokens=1, messages=[{"role": "user", "content": "Hello"}]
        )
    assert caught.value.error_code == "thread_unsupported_request"


def test_without_a_request_id_the_key_is_absent() -> None:
    assert json.loads(error_body(INTERNAL)).keys() == {"type", "error"}


def test_the_callers_own_mistake_is_told_in_its_own_names() -> None:
    error = InvalidRequest("'messages.0.role' must be user.", param="messages.0.role")
    told = json.loads(error_body(invalid(error)))["error"]
    assert told == {"type": "invalid_request_error", "message": "'messages.0.role' must be user."}


def test_a_503_that_waiting_helps_is_an_overload() -> None:
    assert error_type(503, DRAINING) == "overloaded_error"
    assert error_type(503, for_failure(Failure(Kind.ALL_BUSY))) == "overloaded_error"
    assert error_type(503, for_failure(Failure(Kind.FUNDS))) == "api_error"
    # What needs the operator is not better in a minute, whatever the wait says.
    assert error_type(503, for_failure(Failure(Kind.SETTING_REQUIRED), 60)) == "api_error"


@pytest.mark.parametrize("kind", Kind)
def test_no_upstream_failure_is_told_as_the_callers_key(kind: Kind) -> None:
    reply = for_failure(Failure(kind, "Your CREDIT balance: Permission Denied"))
    told = json.loads(error_body(reply))
    assert told["error"]["type"] not in ("authentication_error", "permission_error")
    assert told["error"]["message"] == reply.message
    assert ErrorResponse.model_validate(told).error.type == told["error"]["type"]
