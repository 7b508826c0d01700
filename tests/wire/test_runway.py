"""Runway's replies: tasks in every state, refusals of every kind, and anything else."""

import json
from pathlib import Path
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failures import AMBIGUOUS, Failure, Kind
from proxy.core.media import MediaAsk, TaskReport, TaskState, Terms
from proxy.core.products import Product
from proxy.services.outcomes import refusal_of
from proxy.wire.genspark_failures import Reply
from proxy.wire.provider import Call, Created, Provider
from proxy.wire.runway import Runway

FIXTURES = Path(__file__).parent.parent / "fixtures" / "runway"
TASK = "17f20503-6c24-4c16-946b-35dbbce2af2f"
NOW = 1_795_000_000.0
VERSION = {"X-Runway-Version": "2024-11-06"}
CLIP = "https://dnznrvs05pmza.cloudfront.net/7f3c/clip.mp4?_jwt=eyJhbGciOiJIUzI1NiJ9.e30.sig"
wire: Provider = Runway()


def _recorded(name: str, status: int = 200, **headers: str) -> Reply:
    page = name.endswith(".html")
    path = FIXTURES / (name if page else f"{name}.json")
    kind = {"content-type": "text/html" if page else "application/json"}
    return Reply(status, kind | headers, path.read_bytes(), NOW)


def _reply(body: Any, status: int = 200) -> Reply:
    return Reply(status, {}, json.dumps(body).encode(), NOW)


def _seen(reply: Reply) -> TaskReport | Failure:
    return wire.seen(reply, TASK, Product.VIDEO)


def _report(name: str) -> TaskReport:
    report = _seen(_recorded(name))
    assert isinstance(report, TaskReport)
    return report


# Requests.


def test_the_calls_carry_the_version_and_the_key_goes_to_the_api_alone() -> None:
    assert wire.sign("key_1") == {"Authorization": "Bearer key_1"}
    assert wire.own_hosts == frozenset()
    assert wire.look(TASK, Product.VIDEO) == Call(path=f"/v1/tasks/{TASK}", headers=VERSION)
    assert wire.cancel(TASK) == Call(method="DELETE", path=f"/v1/tasks/{TASK}", headers=VERSION)
    assert wire.check() == Call(path="/v1/organization", headers=VERSION)
    assert wire.fetch(CLIP) == Call(path=CLIP, signed=False)


def test_a_purchase() -> None:
    terms = Terms(
        product=Product.VIDEO, model="runway/gen4.5", prompt="a cat", ratio="16:9", seconds=5
    )
    call = wire.create(MediaAsk(terms=terms), "gen4.5", [])
    assert (call.method, call.path, call.signed) == ("POST", "/v1/text_to_video", True)
    assert call.headers == VERSION
    assert json.loads(call.content) == {
        "model": "gen4.5",
        "promptText": "a cat",
        "ratio": "1280:720",
        "duration": 5,
    }


def test_an_id_cannot_leave_its_place_in_the_path() -> None:
    assert wire.look("../a?b#c", Product.VIDEO).path == "/v1/tasks/..%2Fa%3Fb%23c"


def test_nothing_is_inline() -> None:
    assert wire.inline(_recorded("task_succeeded"), 0) is None


# Tasks.


def test_a_new_task() -> None:
    expected = Created(TaskReport(task_id=TASK, state=TaskState.PENDING))
    assert wire.created(_recorded("created"), Product.VIDEO) == expected


@pytest.mark.parametrize(
    "body", [{}, [], None, {"id": 7}, {"id": ""}, {"id": "a/b"}, {"id": "x" * 101}]
)
def test_a_purchase_whose_task_is_not_named_may_have_happened(body: Any) -> None:
    failure = wire.created(_reply(body), Product.VIDEO)
    assert isinstance(failure, Failure)
    assert failure.kind in AMBIGUOUS


@pytest.mark.parametrize(
    ("name", "state", "progress", "urls"),
    [
        ("task_pending", TaskState.PENDING, None, ()),
        ("task_throttled", TaskState.PENDING, None, ()),
        ("task_running", TaskState.PENDING, 56, ()),
        ("task_succeeded", TaskState.DONE, None, (CLIP,)),
        (
            "task_succeeded_images",
            TaskState.DONE,
            None,
            (
                "https://dnznrvs05pmza.cloudfront.net/1.png?_jwt=a",
                "https://dnznrvs05pmza.cloudfront.net/2.png?_jwt=b",
            ),
        ),
    ],
)
def test_a_task_on_its_way(
    name: str, state: TaskState, progress: int | None, urls: tuple[str, ...]
) -> None:
    assert _report(name) == TaskReport(task_id=TASK, state=state, progress=progress, urls=urls)


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("task_failed_input", Kind.POLICY,
         "Runway's content moderation refused an input (SAFETY.INPUT.TEXT):"
         " The prompt was not accepted."),
        ("task_failed_output", Kind.POLICY,
         "Runway's content moderation refused the result (SAFETY.OUTPUT.VIDEO):"
         " The output was not accepted."),
        ("task_failed_preprocessing_safety", Kind.POLICY,
         "Runway's content moderation refused an input (INPUT_PREPROCESSING.SAFETY.TEXT):"
         " An input was not accepted."),
        ("task_failed_preprocessing", Kind.TASK_FAILED,
         "Runway could not prepare an input (INPUT_PREPROCESSING.INTERNAL)"),
        ("task_failed_bad_output", Kind.TASK_FAILED,
         "Runway discarded a poor result; text or graphics laid over an input may cause it"
         " (INTERNAL.BAD_OUTPUT.CODE01): The result did not pass our checks."),
        ("task_failed_asset", Kind.TASK_FAILED,
         "Runway cannot use an input (ASSET.INVALID): Could not decode …"),
        ("task_failed_internal", Kind.TASK_FAILED,
         "Runway failed to make the result (INTERNAL): Generation failed:"
         ' {"code":13,"message":"Internal error. Please try again later."}'),
        ("task_failed_no_code", Kind.TASK_FAILED,
         "Runway failed to make the result: An unexpected error occurred."),
        ("task_cancelled", Kind.TASK_FAILED, "the task was cancelled at Runway"),
    ],
)  # fmt: skip
def test_a_task_that_ended_without_a_result(name: str, kind: Kind, reason: str) -> None:
    report = _report(name)
    assert (report.state, report.reason, report.urls) == (TaskState.FAILED, reason, ())
    refusal = refusal_of([report])
    assert refusal is not None
    assert refusal.kind is kind


def test_every_recorded_task_is_read_by_a_test() -> None:
    names = {path.stem for path in FIXTURES.glob("task_*.json")}
    marks = [
        *test_a_task_on_its_way.pytestmark,
        *test_a_task_that_ended_without_a_result.pytestmark,
    ]  # type: ignore[attr-defined]
    assert names == {row[0] for mark in marks for row in mark.args[1]}


@pytest.mark.parametrize(
    ("progress", "told"),
    [(0, 0), (0.999, 99), (1, 99), ("0.5", 50), (1.01, None), (-0.1, None), (None, None),
     (True, None)],
)  # fmt: skip
def test_progress_is_a_share(progress: Any, told: int | None) -> None:
    report = _seen(_reply({"status": "RUNNING", "progress": progress}))
    assert isinstance(report, TaskReport)
    assert report.progress == told


def test_a_state_nobody_knows_is_still_running() -> None:
    report = _seen(_reply({"status": "DREAMING", "output": ["https://a"]}))
    assert report == TaskReport(task_id=TASK, state=TaskState.PENDING)


@pytest.mark.parametrize(
    ("output", "urls"),
    [
        (["https://a", "ftp://b", 7, None, {"url": "https://c"}, "http://d"],
         ("https://a", "http://d")),
        (["https://" + "a" * 9000], ()),
        ([f"https://{n}" for n in range(99)], tuple(f"https://{n}" for n in range(16))),
        ("https://a", ()),
        (None, ()),
    ],
)  # fmt: skip
def test_addresses_are_those_that_can_be_fetched(output: Any, urls: tuple[str, ...]) -> None:
    report = _seen(_reply({"status": "SUCCEEDED", "output": output}))
    assert isinstance(report, TaskReport)
    assert (report.state, report.urls) == (TaskState.DONE, urls)


# Refusals.

REFUSALS = [
    ("error_validation", 400, Kind.BAD_REQUEST),
    ("error_asset", 400, Kind.BAD_REQUEST),
    ("error_validation", 413, Kind.BAD_REQUEST),
    ("error_validation", 422, Kind.BAD_REQUEST),
    ("error_model", 400, Kind.MODEL_UNKNOWN),
    ("error_model_gone", 400, Kind.MODEL_UNKNOWN),
    ("error_funds", 400, Kind.FUNDS),
    ("error_funds", 402, Kind.FUNDS),
    ("error_moderation", 400, Kind.POLICY),
    ("error_key", 401, Kind.DEAD_CREDENTIAL),
    ("error_key", 403, Kind.FORBIDDEN),
    ("error_missing", 405, Kind.RETIRED),
    ("error_missing", 418, Kind.REJECTED),
    ("error_rate", 429, Kind.RATE_LIMITED),
    ("error_daily", 429, Kind.DAILY_QUOTA),
    ("error_missing", 500, Kind.UPSTREAM_BROKEN),
    ("page_502.html", 502, Kind.UPSTREAM_BROKEN),
    ("error_missing", 503, Kind.OUTAGE),
    ("page_502.html", 504, Kind.UPSTREAM_BROKEN),
    ("page_502.html", 302, Kind.UNREADABLE),
]


@pytest.mark.parametrize(("name", "status", "kind"), REFUSALS)
def test_a_refusal_means_the_same_to_a_purchase_and_to_a_look(
    name: str, status: int, kind: Kind
) -> None:
    for failure in (
        wire.created(_recorded(name, status), Product.VIDEO),
        _seen(_recorded(name, status)),
    ):
        assert isinstance(failure, Failure)
        assert (failure.kind, failure.detail) == (kind, f"HTTP {status}")


def test_not_found_is_a_model_that_ended_or_a_task_that_was_deleted() -> None:
    bought = wire.created(_recorded("error_missing", 404), Product.VIDEO)
    looked = _seen(_recorded("error_missing", 404))
    assert bought == Failure(Kind.MODEL_UNKNOWN, "HTTP 404")
    assert looked == Failure(Kind.TASK_UNKNOWN, "HTTP 404")


def test_every_recorded_error_is_read_by_a_test() -> None:
    names = {path.stem for path in FIXTURES.glob("error_*.json")}
    assert names == {row[0] for row in REFUSALS if row[0].startswith("error_")}


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0", 0.0), ("soon", None), ("", None)],
)
def test_how_long_to_rest_is_the_headers_word(header: str, seconds: float | None) -> None:
    failure = _seen(_recorded("error_rate", 429, **{"retry-after": header}))
    assert isinstance(failure, Failure)
    assert failure.retry_after == seconds


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("error_validation",
         "Validation of body failed; ratio: Invalid enum value. Expected '1280:720' | '720:1280',"
         " received '1:1'; promptImage.0: Unrecognized key(s) in object: 'tag'"),
        ("error_asset", "Invalid asset (promptImage): Failed to fetch asset from …"),
        ("error_moderation", "The prompt did not pass content moderation."),
        ("error_funds", ""),
        ("error_model", ""),
    ],
)  # fmt: skip
def test_the_caller_is_told_what_it_can_mend(name: str, told: str) -> None:
    failure = wire.created(_recorded(name, 400), Product.VIDEO)
    assert isinstance(failure, Failure)
    assert failure.told == told


@pytest.mark.parametrize(
    "said",
    ["key_0123456789abcdef", "Bearer abc.def", "https://u:p@cdn.example/x?sig=1",
     "runway://eyJhIjoxfQ", "data:image/png;base64,AAAA", "me@example.org"],
)  # fmt: skip
def test_no_secret_is_told(said: str) -> None:
    failed = {"status": "FAILED", "failureCode": "INTERNAL", "failure": f"see {said} there"}
    refused = wire.created(_reply({"error": f"see {said} there"}, 400), Product.VIDEO)
    report = _seen(_reply(failed))
    assert isinstance(refused, Failure)
    assert isinstance(report, TaskReport)
    assert refused.told == "see … there"
    assert report.reason.endswith(": see … there")


def test_inner_workings_are_not_told() -> None:
    trace = {"error": 'Traceback (most recent call last):\n  File "a.py", line 1'}
    refused = wire.created(_reply(trace, 400), Product.VIDEO)
    assert isinstance(refused, Failure)
    assert refused.told == ""


# Anything else.

names = st.sampled_from(
    ["id", "status", "output", "progress", "failure", "failureCode", "error", "issues", "path",
     "message", "uploadUrl"]
)  # fmt: skip
words = st.sampled_from(
    ["SUCCEEDED", "FAILED", "RUNNING", "CANCELLED", "SAFETY.INPUT", "https://a", "model"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=15,
)
statuses = st.sampled_from([200, 201, 204, 302, 400, 401, 403, 404, 422, 429, 500, 503])


@QUICK
@given(values, statuses)
def test_any_json_is_a_report_or_a_failure(body: Any, status: int) -> None:
    created = wire.created(_reply(body, status), Product.VIDEO)
    seen = _seen(_reply(body, status))
    good = 200 <= status < 300
    assert isinstance(created, Created | Failure if good else Failure)
    assert isinstance(seen, TaskReport | Failure if good else Failure)


@QUICK
@given(st.binary(max_size=60), statuses)
def test_any_bytes_are_read_without_an_exception(body: bytes, status: int) -> None:
    reply = Reply(status, {}, body, NOW)
    assert isinstance(wire.created(reply, Product.IMAGE), Created | Failure)
    assert isinstance(wire.seen(reply, TASK, Product.IMAGE), TaskReport | Failure)


def test_deep_and_long_bodies_are_read_without_an_exception() -> None:
    deep = b'{"error": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    huge = b'{"status": "RUNNING", "progress": ' + b"9" * 10_000 + b"}"
    steps = b'{"error": "e", "issues": [{"path": [' + b"9" * 5000 + b", {}, null]}]}"
    for body in (deep, huge, steps):
        for status in (200, 400):
            reply = Reply(status, {}, body, NOW)
            assert isinstance(_seen(reply), TaskReport | Failure)
            assert isinstance(wire.created(reply, Product.VIDEO), Failure)
