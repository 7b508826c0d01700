"""The wire module against the emulated server: each refusal, a whole task, an upload."""

from collections.abc import Iterator

import httpx2
import pytest
from providers.runway_script import CANCELLED, THROTTLED, failing
from providers.runway_server import KEY, MP4, PNG, RunwayServer, running

from proxy.core.failures import AMBIGUOUS, Failure, Kind
from proxy.core.media import MediaAsk, TaskReport, TaskState, Terms, Use
from proxy.core.products import Product
from proxy.services.outcomes import refusal_of
from proxy.wire.genspark_failures import Reply
from proxy.wire.provider import Call, Created, Picture
from proxy.wire.runway import Runway
from proxy.wire.runway_uploads import UploadForm, post_file, posted, stored, upload, upload_form

wire = Runway()
VIDEO = Terms(
    product=Product.VIDEO, model="runway/gen4.5", prompt="a cat", ratio="16:9", seconds=5.0
)
IMAGE = Terms(product=Product.IMAGE, model="runway/gen4_image", prompt="a cat", ratio="1:1")


@pytest.fixture(scope="module")
def served() -> Iterator[RunwayServer]:
    """One socket for all tests."""
    with running() as server:
        yield server


@pytest.fixture
def server(served: RunwayServer) -> RunwayServer:
    """As new."""
    url = served.url
    served.__init__()  # type: ignore[misc]
    served.url = url
    return served


def _sent(server: RunwayServer, call: Call, key: str = KEY) -> Reply:
    """As the HTTP shell sends it."""
    url = call.path if "://" in call.path else server.url + call.path
    headers = {"Content-Type": "application/json"} if call.content else {}
    headers |= call.headers | (wire.sign(key) if call.signed else {})
    answer = httpx2.request(call.method, url, headers=headers, content=call.content)
    return Reply(answer.status_code, dict(answer.headers), answer.content, 0.0)


def _create(
    server: RunwayServer, terms: Terms = VIDEO, model: str = "gen4.5", *inputs: Picture
) -> Created | Failure:
    call = wire.create(MediaAsk(terms=terms), model, inputs)
    return wire.created(_sent(server, call), terms.product)


def _bought(server: RunwayServer, terms: Terms = VIDEO, model: str = "gen4.5") -> str:
    created = _create(server, terms, model)
    assert isinstance(created, Created)
    return created.report.task_id


def _look(server: RunwayServer, task_id: str) -> TaskReport | Failure:
    return wire.seen(_sent(server, wire.look(task_id, Product.VIDEO)), task_id, Product.VIDEO)


def _followed(server: RunwayServer, task_id: str) -> list[TaskReport]:
    """Looks until the end."""
    seen = []
    while True:
        report = _look(server, task_id)
        assert isinstance(report, TaskReport)
        seen.append(report)
        if report.state is not TaskState.PENDING:
            return seen


@pytest.mark.parametrize(
    ("terms", "model", "content"), [(VIDEO, "gen4.5", MP4), (IMAGE, "gen4_image", PNG)]
)
def test_a_task_from_its_purchase_to_its_file(
    server: RunwayServer, terms: Terms, model: str, content: bytes
) -> None:
    task_id = _bought(server, terms, model)
    first, second, last = _followed(server, task_id)
    assert (first.progress, second.progress) == (None, 42)
    assert last.state is TaskState.DONE
    assert _sent(server, wire.fetch(last.urls[0])).body == content
    assert (len(server.purchases), server.leaks) == (1, [])


def test_a_throttled_task_only_waits(server: RunwayServer) -> None:
    server.next_life(THROTTLED)
    assert len(_followed(server, _bought(server))) == 5


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("SAFETY.INPUT.TEXT", Kind.POLICY), ("SAFETY.INPUT.IMAGE", Kind.POLICY),
        ("SAFETY.OUTPUT.VIDEO", Kind.POLICY), ("INPUT_PREPROCESSING.SAFETY.TEXT", Kind.POLICY),
        ("INPUT_PREPROCESSING.INTERNAL", Kind.TASK_FAILED),
        ("INTERNAL.BAD_OUTPUT.CODE01", Kind.TASK_FAILED), ("INTERNAL", Kind.TASK_FAILED),
        ("ASSET.INVALID", Kind.TASK_FAILED), (None, Kind.TASK_FAILED),
    ],
)  # fmt: skip
def test_a_failed_task(server: RunwayServer, code: str | None, kind: Kind) -> None:
    server.next_life(failing(code))
    refusal = refusal_of(_followed(server, _bought(server))[-1:])
    assert refusal is not None
    assert refusal.kind is kind
    assert (code or "failed") in refusal.told


def test_a_task_that_somebody_cancelled(server: RunwayServer) -> None:
    server.next_life(CANCELLED)
    last = _followed(server, _bought(server))[-1]
    assert (last.state, last.reason) == (TaskState.FAILED, "the task was cancelled at Runway")


def test_cancelling(server: RunwayServer) -> None:
    task_id = _bought(server)
    _look(server, task_id)
    call = wire.cancel(task_id)
    assert call is not None
    assert _sent(server, call).status == 204
    report = _look(server, task_id)
    assert isinstance(report, TaskReport)
    assert report.state is TaskState.FAILED


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bad_input", Kind.BAD_REQUEST), ("no_asset", Kind.BAD_REQUEST),
        ("moderated", Kind.POLICY), ("no_funds", Kind.FUNDS), ("bad_key", Kind.DEAD_CREDENTIAL),
        ("forbidden", Kind.FORBIDDEN), ("not_found", Kind.MODEL_UNKNOWN),
        ("wrong_method", Kind.RETIRED), ("rate", Kind.RATE_LIMITED), ("daily", Kind.DAILY_QUOTA),
        ("internal", Kind.UPSTREAM_BROKEN), ("bad_gateway", Kind.UPSTREAM_BROKEN),
        ("overloaded", Kind.OUTAGE), ("gateway_timeout", Kind.UPSTREAM_BROKEN),
        ("unreadable", Kind.UNREADABLE), ("no_id", Kind.UNREADABLE),
        ("broke_after", Kind.UPSTREAM_BROKEN),
    ],
)  # fmt: skip
def test_a_refused_purchase(server: RunwayServer, name: str, kind: Kind) -> None:
    server.answer(name)
    failure = _create(server)
    assert isinstance(failure, Failure)
    assert failure.kind is kind
    assert failure.retry_after == (7.0 if name == "rate" else None)
    assert "s3" not in failure.told
    # Whatever was bought without a word must not be bought again.
    assert not server.purchases or failure.kind in AMBIGUOUS


def test_a_body_that_breaks_off_is_no_reply(server: RunwayServer) -> None:
    server.answer("cut")
    with pytest.raises(httpx2.RemoteProtocolError):
        _create(server)
    assert len(server.purchases) == 1


def test_a_retired_model_and_a_wrong_key(server: RunwayServer) -> None:
    call = wire.create(MediaAsk(terms=VIDEO), "gen4.5", [])
    old = Call(
        method="POST",
        path=call.path,
        content=call.content.replace(b'"gen4.5"', b'"gen3a_turbo"'),
        headers=call.headers,
    )
    gone = wire.created(_sent(server, old), Product.VIDEO)
    assert isinstance(gone, Failure)
    assert gone.kind is Kind.MODEL_UNKNOWN
    dead = wire.created(_sent(server, call, "key_no"), Product.VIDEO)
    assert isinstance(dead, Failure)
    assert dead.kind is Kind.DEAD_CREDENTIAL
    assert _sent(server, wire.check(), "key_no").status == 401
    assert _sent(server, wire.check()).status == 200


def test_a_task_that_was_deleted(server: RunwayServer) -> None:
    task_id = _bought(server)
    _followed(server, task_id)
    call = wire.cancel(task_id)
    assert call is not None
    _sent(server, call)
    assert _look(server, task_id) == Failure(Kind.TASK_UNKNOWN, "HTTP 404")


def test_a_large_input_goes_by_way_of_an_upload(server: RunwayServer) -> None:
    large = Picture(Use.FIRST_FRAME, "image/png", PNG + bytes(6_000_000))
    form = upload_form(_sent(server, upload(large)))
    assert isinstance(form, UploadForm)
    assert posted(_sent(server, post_file(form, large, "f00dfeed" * 4))) is None
    created = _create(server, VIDEO, "gen4_turbo", stored(large, form))
    assert isinstance(created, Created)
    assert server.uploads[form.uri] == large.data
    assert server.purchases[0]["promptImage"] == form.uri
    assert server.leaks == []
