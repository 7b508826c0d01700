"""openai-python against the running server; also assertion 38, how often it asks again."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import openai
import pytest
from conformance.openai_python import CALL, CHECKS, Target, run
from conformance.sides import COOKIE, KEY, SECRET_KEY, Side, Start
from conformance.upstream_frames import key_chunk
from live import SECRET

SCRIPT = Path(__file__).with_name("openai_python.py")
HELLO: Any = {"model": "gpt-5.4", "messages": [{"role": "user", "content": "Hi"}]}


def _client(side: Side, **options: Any) -> openai.OpenAI:
    usual = {"base_url": f"{side.url}/v1", "api_key": SECRET, "max_retries": 0}
    return openai.OpenAI(**{**usual, **options})


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_sdk_each_check_of_the_report_passes(side: Side, check: Callable[[Target], str]) -> None:
    assert check(Target(f"{side.url}/v1", SECRET))


def test_sdk_the_report_runs_by_hand(start: Start) -> None:
    both = start(COOKIE, gsk_api_key=[SECRET_KEY])

    command = [sys.executable, str(SCRIPT), "--base-url", f"{both.url}/v1", "--api-key", SECRET]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["ok", check.__name__] for check in CHECKS]


def test_sdk_the_report_tells_what_failed(start: Start) -> None:
    bare = start(COOKIE, gs_cookie=None)

    results = {result.name: result for result in run(Target(f"{bare.url}/v1", "wrong"))}

    assert not any(result.good for result in results.values())
    assert "AuthenticationError" in results["whole"].detail


@pytest.mark.parametrize("base", ["/v1", "/v1/", ""])
def test_sdk_bases_with_and_without_v1(side: Side, base: str) -> None:
    with _client(side, base_url=side.url + base) as client:
        assert client.chat.completions.create(**HELLO).choices[0].message.content
        assert client.models.list().data


def test_sdk_a_model_id_with_slashes(start: Start, route: str) -> None:
    side = start(route, model_aliases={"gemini/veo3/fast": "gpt-5.4"})

    with _client(side) as client:
        assert client.models.retrieve("gemini/veo3/fast").id == "gemini/veo3/fast"
        answer = client.chat.completions.create(**{**HELLO, "model": "gemini/veo3/fast"})

    assert answer.model == "gemini/veo3/fast"


def test_sdk_the_request_id_is_the_replys(side: Side) -> None:
    with _client(side) as client:
        raw = client.chat.completions.with_raw_response.create(**HELLO)
        assert raw.parse()._request_id == raw.headers["x-request-id"]
        with pytest.raises(openai.BadRequestError) as raised:
            client.chat.completions.create(**{**HELLO, "messages": []})

    assert raised.value.request_id == raised.value.response.headers["x-request-id"]


def test_sdk_usage_only_when_asked(side: Side) -> None:
    with _client(side) as client:
        unasked = list(client.chat.completions.create(**HELLO, stream=True))
        options: Any = {"include_usage": True}
        asked = list(client.chat.completions.create(**HELLO, stream=True, stream_options=options))

    assert all(chunk.choices and chunk.usage is None for chunk in unasked)
    assert [bool(chunk.usage) for chunk in asked] == [False] * (len(asked) - 1) + [True]
    assert asked[-1].usage is not None
    assert asked[-1].usage.total_tokens > 0


def test_sdk_keep_alive_comments_are_skipped(start: Start, route: str) -> None:
    side = start(route, first_event_patience=0.05)
    side.script(delay_s=0.2, answer={"text": "Late."})

    with _client(side) as client:
        chunks = list(client.chat.completions.create(**HELLO, stream=True))

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Late."


def test_sdk_reasoning_is_an_extra_attribute(key: Side) -> None:
    key.script(answer={"text": "42.", "reasoning": "Hm."}, times=2)

    with _client(key) as client:
        message: Any = client.chat.completions.create(**HELLO).choices[0].message
        chunks = list(client.chat.completions.create(**HELLO, stream=True))

    said = [getattr(chunk.choices[0].delta, "reasoning_content", None) for chunk in chunks]
    assert message.reasoning_content == "".join(filter(None, said)) == "Hm."


def test_sdk_a_tool_loop_comes_to_its_end(key: Side) -> None:
    messages: list[Any] = list(CALL["messages"])
    with _client(key) as client:
        asked = client.chat.completions.create(**{**CALL, "model": "gpt-5.4"})
        message = asked.choices[0].message
        assert message.tool_calls
        messages.append(message)
        result: Any = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "Snow."}
        said = client.chat.completions.create(
            model="gpt-5.4", messages=[*messages, result], tools=CALL["tools"]
        )

    assert said.choices[0].finish_reason == "stop"
    assert "Snow." in (said.choices[0].message.content or "")


def test_sdk_structured_answers_are_parsed(key: Side) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}

    with _client(key) as client:
        answer = client.chat.completions.create(**HELLO, response_format=wanted)

    assert (answer.choices[0].message.content or "").startswith("{")


def test_sdk_async_streams_can_be_left_early(side: Side) -> None:
    async def taste() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{side.url}/v1", api_key=SECRET) as client:
            first = []
            for _ in range(3):
                async with await client.chat.completions.create(**HELLO, stream=True) as stream:
                    async for chunk in stream:
                        if text := chunk.choices[0].delta.content:
                            first.append(text)
                            break
            return first

    assert asyncio.run(taste()) == ["This"] * 3


def test_sdk_async_raises_in_the_middle_of_a_broken_stream(side: Side) -> None:
    side.script(scenario="error_frame_mid" if side.name == COOKIE else "error_in_stream_mid")

    said: list[str] = []

    async def read() -> None:
        async with openai.AsyncOpenAI(base_url=f"{side.url}/v1", api_key=SECRET) as client:
            async for chunk in await client.chat.completions.create(**HELLO, stream=True):
                said.append(chunk.choices[0].delta.content or "")

    with pytest.raises(openai.APIError) as raised:
        asyncio.run(read())
    assert (raised.value.code, raised.value.type) == ("upstream_error", "server_error")
    assert "".join(said)


class _Patience:
    """Counts what the SDK sends; its waits between two tries are written down, not waited."""

    def __init__(self, side: Side, patch: pytest.MonkeyPatch) -> None:
        self.sent = 0
        self.waits: list[float] = []
        patch.setattr(
            "openai._base_client.time", SimpleNamespace(sleep=self.waits.append, time=time.time)
        )
        hooks = {"request": [self._count]}
        http = httpx2.Client(event_hooks=hooks)
        self.client = _client(side, max_retries=2, http_client=http)

    def _count(self, _request: httpx2.Request) -> None:
        self.sent += 1

    def ask(self, **fields: Any) -> openai.APIStatusError:
        """A chat that must fail."""
        with self.client as client, pytest.raises(openai.APIStatusError) as raised:
            client.chat.completions.create(**{**HELLO, **fields})
        return raised.value


def test_c38_a_503_is_asked_three_times(
    start: Start, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = _Patience(start(route, gs_cookie=None, gsk_api_key=[]), monkeypatch)

    error = patient.ask()

    assert (type(error), error.status_code) == (openai.InternalServerError, 503)
    assert patient.sent == 3


def test_c38_a_503_with_a_short_wait_is_asked_three_times(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    side.script(scenario="outage_page", times=3)
    patient = _Patience(side, monkeypatch)

    assert patient.ask().status_code == 503

    assert patient.sent == 3
    assert patient.waits == [10, 10]


def test_c38_a_short_429_is_asked_again_after_the_wait(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    side.script(scenario="too_quickly", retry_after=40)
    patient = _Patience(side, monkeypatch)

    error = patient.ask()

    assert type(error) is openai.RateLimitError
    assert patient.sent == 3
    assert all(30 <= wait <= 40 for wait in patient.waits)


@pytest.mark.parametrize("scenario", ["rate_limit_cf1", "retired"])
def test_c38_what_no_retry_can_mend_is_asked_once(
    start: Start, monkeypatch: pytest.MonkeyPatch, scenario: str
) -> None:
    side = start(COOKIE, max_attempts=1)
    side.script(scenario=scenario)
    patient = _Patience(side, monkeypatch)

    assert patient.ask().status_code in (429, 501)

    assert patient.sent == 1


MISTAKES: list[tuple[int, type[openai.APIStatusError], dict[str, Any], dict[str, Any]]] = [
    (400, openai.BadRequestError, {}, {"messages": []}),
    (401, openai.AuthenticationError, {"api_secret": ["another"]}, {}),
    (403, openai.PermissionDeniedError, {"ip_black_list": ["127.0.0.1"]}, {}),
    (404, openai.NotFoundError, {"unknown_model": "reject"}, {"model": "gpt-99"}),
    (413, openai.APIStatusError, {"max_body_mb": 1}, {"user": "x" * 3_000_000}),
]


@pytest.mark.parametrize(
    ("status", "kind", "settings", "fields"), MISTAKES, ids=lambda v: str(v)[:40]
)
def test_c38_the_callers_own_mistakes_are_asked_once(
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    kind: type[openai.APIStatusError],
    settings: dict[str, Any],
    fields: dict[str, Any],
) -> None:
    patient = _Patience(start(KEY, **settings), monkeypatch)

    error = patient.ask(**fields)

    assert (type(error), error.status_code) == (kind, status)
    assert isinstance(error.code, str)
    assert error.message
    assert patient.sent == 1


def test_c38_an_upstreams_422_is_a_400_and_asked_once(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    side.script(scenario="validation_failed")
    patient = _Patience(side, monkeypatch)

    assert type(patient.ask()) is openai.BadRequestError

    assert patient.sent == 1


@pytest.mark.parametrize(
    ("scenario", "kind"),
    [
        ("internal_error", openai.InternalServerError),
        ("challenge_page", openai.InternalServerError),
        ("rate_limit_cf1", openai.RateLimitError),
        ("validation_failed", openai.BadRequestError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_sdk_upstream_failures_are_the_sdks_classes(
    side: Side, scenario: str, kind: type[openai.APIStatusError], stream: bool
) -> None:
    side.script(scenario=scenario)

    with _client(side) as client, pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(**HELLO, stream=stream)

    assert type(raised.value) is kind
    assert raised.value.request_id


def test_sdk_two_choices(key: Side) -> None:
    choices = [key_chunk({"content": f"{word} "}, choice=n) for word in "ab" for n in (0, 1)] + [
        key_chunk({}, "stop", choice=n) for n in (0, 1)
    ]
    key.script(frames=[*choices, "[DONE]"])

    with _client(key) as client, client.chat.completions.stream(**HELLO, n=2) as stream:
        final = stream.get_final_completion()

    assert [choice.message.content for choice in final.choices] == ["a b ", "a b "]
