"""The vendor's own SDK takes the emulated server for Runway."""

from collections.abc import Iterator

import httpx2
import pytest
import runwayml
from providers import runway_script as script
from providers.runway_script import REFUSALS, Life, failing
from providers.runway_server import KEY, MP4, PNG, RunwayServer, running
from runwayml import RunwayML
from runwayml.lib import polling

PICTURE = "data:image/png;base64,iVBORw0KGgo="


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunwayServer]:
    """A server, and an SDK that does not wait six seconds between two looks."""
    monkeypatch.setattr(polling, "POLL_TIME", 0.001)
    monkeypatch.setattr(polling, "POLL_JITTER", 0)
    with running() as served:
        yield served


@pytest.fixture
def client(server: RunwayServer) -> Iterator[RunwayML]:
    """A client as users build it."""
    with _client(server) as made:
        yield made


def _client(server: RunwayServer, key: str = KEY, retries: int = 0) -> RunwayML:
    return RunwayML(api_key=key, base_url=server.url, max_retries=retries)


def test_text_to_video(server: RunwayServer, client: RunwayML) -> None:
    created = client.text_to_video.create(
        model="gen4.5", prompt_text="a cat", ratio="1280:720", duration=5
    )
    assert created.estimated_cost.credits == 60

    task = created.wait_for_task_output()

    assert task.status == "SUCCEEDED"
    assert task.cost.credits == 60
    assert task.created_at.tzinfo is not None
    assert httpx2.get(task.output[0]).content == MP4
    assert server.purchases == [
        {"model": "gen4.5", "promptText": "a cat", "ratio": "1280:720", "duration": 5}
    ]
    assert (len(server.asked("look")), server.leaks) == (3, [])


def test_image_to_video_and_image(server: RunwayServer, client: RunwayML) -> None:
    video = client.image_to_video.create(
        model="veo3.1",
        ratio="1080:1920",
        prompt_image=[
            {"uri": PICTURE, "position": "first"},
            {"uri": PICTURE, "position": "last"},
        ],
        audio=False,
        duration=8,
    )
    image = client.text_to_image.create(
        model="gen4_image",
        prompt_text="a cat",
        ratio="1920:1080",
        reference_images=[{"uri": "https://cdn.example.org/cat.png", "tag": "cat"}],
    )
    assert video.wait_for_task_output().status == "SUCCEEDED"
    still = image.wait_for_task_output()
    assert still.status == "SUCCEEDED"
    assert httpx2.get(still.output[0]).content == PNG
    assert [body["model"] for body in server.purchases] == ["veo3.1", "gen4_image"]


def test_every_state_is_one_the_sdk_knows(server: RunwayServer, client: RunwayML) -> None:
    server.next_life(Life(stages=("PENDING", "THROTTLED", "RUNNING", "FAILED"), code="INTERNAL"))
    task_id = _bought(client)
    seen = [client.tasks.retrieve(task_id) for _ in range(4)]
    assert [type(each).__name__ for each in seen] == [
        "AwaitablePending",
        "AwaitableThrottled",
        "AwaitableRunning",
        "AwaitableFailed",
    ]
    running_, failed = seen[2], seen[3]
    assert running_.status == "RUNNING"
    assert 0 < running_.progress < 1
    assert failed.status == "FAILED"
    assert (failed.failure_code, failed.cost.credits) == ("INTERNAL", 60)


def _bought(client: RunwayML) -> str:
    return client.text_to_video.create(
        model="gen4.5", prompt_text="a cat", ratio="1280:720", duration=5
    ).id


@pytest.mark.parametrize("code", [*script.FAILURE_CODES, None])
def test_a_failed_task(server: RunwayServer, client: RunwayML, code: str | None) -> None:
    server.next_life(failing(code))
    task = client.text_to_video.create(
        model="gen4.5", prompt_text="a cat", ratio="1280:720", duration=5
    )
    with pytest.raises(runwayml.TaskFailedError) as caught:
        task.wait_for_task_output()
    details = caught.value.task_details
    assert details.status == "FAILED"
    assert details.failure_code == code


def test_cancelling_and_deleting(server: RunwayServer, client: RunwayML) -> None:
    server.next_life(script.ENDLESS)
    going, done = _bought(client), _bought(client)
    client.tasks.retrieve(going)
    client.tasks.delete(going)
    assert client.tasks.retrieve(going).status == "CANCELLED"
    for _ in range(3):
        client.tasks.retrieve(done)
    client.tasks.delete(done)
    with pytest.raises(runwayml.NotFoundError):
        client.tasks.retrieve(done)


def test_tasks_may_move_by_a_clock() -> None:
    now = 1_795_000_000.0
    with running(clock=lambda: now) as server, _client(server) as client:
        server.next_life(Life(step=60.0))
        task_id = _bought(client)
        assert client.tasks.retrieve(task_id).status == "PENDING"
        assert client.tasks.retrieve(task_id).status == "PENDING"
        now += 61
        assert client.tasks.retrieve(task_id).status == "RUNNING"
        now += 600
        assert client.tasks.retrieve(task_id).status == "SUCCEEDED"


def test_links_expire_and_a_look_gives_new_ones(server: RunwayServer, client: RunwayML) -> None:
    task_id = _bought(client)
    for _ in range(3):
        task = client.tasks.retrieve(task_id)
    assert task.status == "SUCCEEDED"
    server.expire_links()
    assert httpx2.get(task.output[0]).status_code == 403
    again = client.tasks.retrieve(task_id)
    assert again.status == "SUCCEEDED"
    assert httpx2.get(again.output[0]).content == MP4


def test_the_organisation_is_the_free_check(server: RunwayServer, client: RunwayML) -> None:
    _bought(client)
    organization = client.organization.retrieve()
    assert organization.credit_balance == server.credits
    assert organization.tier.models["gen4.5"].max_daily_generations == 500
    assert organization.usage.models["gen4.5"].daily_generations == 1


def test_uploads(server: RunwayServer, client: RunwayML) -> None:
    large = b"\x89PNG" + bytes(6_000_000)
    uri = client.uploads.create_ephemeral(file=("cat.png", large)).uri
    assert server.uploads[uri] == large
    client.image_to_video.create(model="gen4_turbo", prompt_image=uri, ratio="1280:720", duration=5)
    with pytest.raises(runwayml.BadRequestError):
        client.image_to_video.create(
            model="gen4_turbo", prompt_image="runway://unknown", ratio="1280:720", duration=5
        )
    assert server.leaks == []


ERRORS = {
    400: runwayml.BadRequestError,
    401: runwayml.AuthenticationError,
    403: runwayml.PermissionDeniedError,
    404: runwayml.NotFoundError,
    405: runwayml.APIStatusError,
    429: runwayml.RateLimitError,
}


@pytest.mark.parametrize(
    ("name", "status"),
    [(name, answer.status) for name, answer in REFUSALS.items() if answer.status >= 400],
)
def test_every_refusal_is_an_error_of_the_sdks(
    server: RunwayServer, client: RunwayML, name: str, status: int
) -> None:
    server.answer(name)
    with pytest.raises(ERRORS.get(status, runwayml.InternalServerError)) as caught:
        _bought(client)
    assert caught.value.status_code == status
    if isinstance(REFUSALS[name].body, dict):
        assert caught.value.body == REFUSALS[name].body
    assert len(server.purchases) == REFUSALS[name].buys


def test_the_sdk_retries_what_may_have_been_bought(server: RunwayServer) -> None:
    """Which is why it is not what this project sends its purchases with."""
    server.answer("broke_after")
    with _client(server, retries=1) as client:
        _bought(client)
    assert len(server.purchases) == 2


def test_a_wrong_key(server: RunwayServer) -> None:
    with _client(server, key="key_wrong") as client, pytest.raises(runwayml.AuthenticationError):
        client.organization.retrieve()


def test_the_version_is_required(server: RunwayServer) -> None:
    with _client(server) as client, pytest.raises(runwayml.BadRequestError):
        client.organization.retrieve(extra_headers={"X-Runway-Version": "2023-01-01"})


@pytest.mark.parametrize(
    "extra",
    [{"negativePrompt": "rain"}, {"ratio": "1920:1080"}, {"duration": 11}, {"promptText": ""},
     {"promptText": "x" * 1001}, {"model": "gen3a_turbo"}, {"seed": "7"}, {"duration": None}],
)  # fmt: skip
def test_what_the_schema_does_not_have_is_refused(
    server: RunwayServer, client: RunwayML, extra: dict[str, object]
) -> None:
    with pytest.raises(runwayml.BadRequestError) as caught:
        client.text_to_video.create(
            model="gen4.5",
            prompt_text="a cat",
            ratio="1280:720",
            duration=5,
            extra_body=extra,
        )
    body = caught.value.body
    assert isinstance(body, dict)
    assert body["issues"][0]["path"] == list(extra)
    assert server.purchases == []


def test_funds_run_out(server: RunwayServer, client: RunwayML) -> None:
    server.credits = 100
    _bought(client)
    with pytest.raises(runwayml.BadRequestError, match="not have enough credits"):
        _bought(client)
    assert len(server.purchases) == 1
