"""Every row of Google's error table, and anything else that may come in its place."""

import pytest
from fixtures.gemini.replies import ANYTHING, NOW, ROWS, STATUSES, Row, recorded, reply, row
from fixtures.genspark.properties import QUICK, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failures import Failure, Kind
from proxy.core.media import TaskReport, TaskState
from proxy.services.outcomes import refusal_of
from proxy.wire.google_errors import (
    LONGEST_EXPLANATION,
    error_of,
    explanation,
    failure_of,
    is_policy,
    reason_of,
)

SECRETS = ["AIzaSyD-1a2b3c", "AQ.Ab8RN6J", "ya29.c.b0Aaek", "eyJhbGciOi.J9", "gs://acme/x"]


@pytest.mark.parametrize("each", ROWS, ids=lambda row: row.name)
def test_a_row_of_the_table(each: Row) -> None:
    failure = failure_of(each.reply, Kind.MODEL_UNKNOWN)
    assert failure is not None
    assert failure.kind == each.kind
    assert failure.retry_after == each.retry_after
    assert failure.until == each.until
    assert each.told in failure.told
    assert each.detail in failure.detail
    assert bool(failure.told) is (failure.kind in (Kind.BAD_REQUEST, Kind.POLICY))


@pytest.mark.parametrize("each", ROWS, ids=lambda row: row.name)
def test_nothing_of_the_operators_is_told(each: Row) -> None:
    failure = failure_of(each.reply, Kind.MODEL_UNKNOWN)
    assert failure is not None
    for text in (failure.told, failure.detail):
        assert "http" not in text.replace("HTTP", "")
        assert "acme" not in text
        assert "credits" not in text


def test_a_missing_task_is_no_missing_model() -> None:
    unknown = reply(
        {"error": {"code": "invalid_request", "message": "Invalid interaction name."}}, 400
    )
    for answer in (row("model_retired"), unknown):
        failure = failure_of(answer, Kind.TASK_UNKNOWN)
        assert failure is not None
        assert failure.kind is Kind.TASK_UNKNOWN


@pytest.mark.parametrize(
    "name", ["interaction_failed", "operation_failed", "image", "operation_created"]
)
def test_an_answer_is_no_refusal_even_when_it_tells_of_a_failure(name: str) -> None:
    assert failure_of(recorded(name), Kind.MODEL_UNKNOWN) is None


def test_a_day_ends_at_midnight_pacific() -> None:
    failure = failure_of(row("day_quota"), Kind.MODEL_UNKNOWN)
    assert failure is not None
    assert failure.until is not None
    assert failure.until % 86_400 == 8 * 3600
    assert 0 < failure.until - NOW <= 86_400


@pytest.mark.parametrize("secret", SECRETS)
def test_an_explanation_has_no_secret(secret: str) -> None:
    said = explanation(
        f"The value {secret} in https://x.example/?key=1 and projects/acme is wrong."
    )
    assert secret not in said
    assert said.startswith("The value … in …")
    assert "acme" not in said


def test_an_explanation_is_no_stack_trace() -> None:
    assert explanation('Traceback (most recent call last): File "serve.py"') == ""


def test_support_codes_are_never_cut_off() -> None:
    long = f"{'Sorry. ' * 200}Support codes: 58061214, 17301594"
    said = explanation(long)
    assert len(said) == LONGEST_EXPLANATION
    assert said.endswith("… Support codes: 58061214, 17301594")
    assert explanation("x" * 1000).endswith("x…")


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("Support codes: 29310472", True),
        ("violates our content policies", True),
        ("words that violate Vertex AI's usage guidelines", True),
        ("blocked by our safety filters", True),
        ("Google's Responsible AI practices", True),
        ("safety_settings is not a field", False),
        ("Constraint violated: seed", False),
        ("durationSeconds is out of range", False),
    ],
)
def test_content_rules_are_told_from_bad_values(text: str, policy: bool) -> None:
    assert is_policy(text) is policy


@pytest.mark.parametrize(
    ("text", "filtered", "kind"),
    [
        ("We can't create videos with real people's names.", True, Kind.POLICY),
        ("", True, Kind.POLICY),
        ("The prompt violates our usage guidelines.", False, Kind.POLICY),
        ("It was blocked. Support codes: 29310472", False, Kind.POLICY),
        ("The service is unavailable.", False, Kind.TASK_FAILED),
    ],
)
def test_a_reason_says_whether_content_rules_were_it(text: str, filtered: bool, kind: Kind) -> None:
    """The jobs know it by the reason alone."""
    reason = reason_of(text, filtered=filtered)
    report = TaskReport(task_id="t", state=TaskState.FAILED, reason=reason)
    failure = refusal_of([report])
    assert failure is not None
    assert failure.kind is kind
    assert text in failure.told


def test_an_error_is_found_wherever_it_is() -> None:
    assert error_of({"error": {"code": 1}}) == {"code": 1}
    assert error_of([{"error": {"code": 1}}]) == {"code": 1}
    assert error_of({"error": "text"}) == {"message": "text"}
    for other in ([], {}, None, "error", {"error": 7}):
        assert error_of(other) == {}


@QUICK
@given(ANYTHING | st.fixed_dictionaries({"error": ANYTHING}), STATUSES)
def test_any_reply_is_an_answer_or_a_failure(body: object, status: int) -> None:
    failure = failure_of(reply(body, status), Kind.MODEL_UNKNOWN)
    assert failure is None or isinstance(failure, Failure)
    assert (failure is None) <= (status == 200)


@QUICK
@given(texts, st.sampled_from(SECRETS), texts)
def test_no_explanation_is_long_or_tells_a_secret(before: str, secret: str, after: str) -> None:
    said = explanation(f"{before} {secret} {after}")
    assert len(said) <= LONGEST_EXPLANATION
    assert secret not in said
