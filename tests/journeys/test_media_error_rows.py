"""Every known way in which a generation fails: what the doors say, who else is asked, what is paid.

Three accounts stand behind each server. First all of them meet the failure, whatever is asked;
the tables say what becomes of that. Never is more than one generation bought.
"""

import base64
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from conformance.error_objects import assert_quiet
from conformance.sides import COOKIE, KEY, Side, eventually
from conformance.video_clients.doors import (
    IMAGE_MODEL,
    LONG,
    MP4,
    PNG,
    SOON,
    VIDEO_MODEL,
    Doors,
    Json,
    knocking,
    standing_servers,
)
from conftest import Serve, Upstream
from live import LiveServer

from genspark_emulator.scenarios.documents import DOCUMENTS
from genspark_emulator.scenarios.media_streams import MEDIA_STREAMS
from genspark_emulator.scenarios.tool_streams import TOOL_SCENARIOS
from genspark_emulator.serving import RunningEmulator
from genspark_emulator.state import EmulatorState

COOKIES: dict[str, Any] = {"gs_cookie": "ann\nbob\ncyd"}
KEYS: dict[str, Any] = {"gs_cookie": None, "gsk_api_key": ["gsk-ann", "gsk-bob", "gsk-cyd"]}
BOTH: dict[str, Any] = {"gs_cookie": "ann", "gsk_api_key": ["gsk-ann"]}
ACCOUNTS = {COOKIE: COOKIES, KEY: KEYS, "both": BOTH}
# Nobody waits for an account's rest.
HASTE: dict[str, Any] = {
    "account_policy": "round_robin",
    "account_wait": 0,
    "video_poll_interval": 0.02,
}
# Servers that wait less, for tests of just that: on a busy machine other answers would be late.
SILENCE_ENDS, TASKS_END = {"idle_timeout": 0.5}, {"job_timeout": 2.0}
KINDS = ("image", "video")


@dataclass(frozen=True)
class Row:
    """``status`` 200 is a result. ``asks``: how many of the three accounts were asked; ``rest`` is
    the reason and the product of the lock that each of them got.
    """

    status: int
    code: str = ""
    asks: int = 1
    bought: int = 0
    rest: tuple[str, str] | None = None


MADE = Row(200, bought=1)
ASK_AGAIN_NEVER = ("submission_unconfirmed", "result_not_understood", "content_policy_violation")
UNCLEAR = Row(502, "submission_unconfirmed")
UNREAD = Row(502, "result_not_understood")
INVALID = Row(400, "invalid_value")
OUT = Row(503, "upstream_unavailable", asks=2)
BROKEN = Row(502, "bad_upstream_response", asks=2)
EVENT = Row(502, "upstream_error", asks=2)


def _limited(reason: str, product: str = "all") -> Row:
    return Row(429, "rate_limit_exceeded", asks=3, rest=(reason, product))


def _unusable(reason: str) -> Row:
    return Row(503, "no_upstream_available", asks=3, rest=(reason, "all"))


LIMITED, DEAD, FUNDS = _limited("rate_limited"), _unusable("dead_credential"), _unusable("funds")
BANNED = _unusable("account_forbidden")
CHALLENGED = Row(503, "upstream_challenge", asks=2, rest=("challenge", "all"))
# "$" stands for the kind that was asked for.
WINDOW = _limited("window_quota", "$")

ON_BOTH = {
    **dict.fromkeys(("answered", "other_model", "task_ready"), MADE),
    "task_fails": Row(502, "generation_failed", bought=1),
    "moderation": Row(400, "content_policy_violation", bought=1),
    "no_url": Row(502, "result_unavailable", bought=1),
    **dict.fromkeys(("rate_limit_cf1", "rate_limit_cf1_200", "rate_limit_cf2"), LIMITED),
    **dict.fromkeys(("too_many_requests", "too_quickly"), LIMITED),
    **dict.fromkeys(("key_rate_limited", "key_rate_limited_header"), LIMITED),
    **dict.fromkeys(("challenge_page", "challenge_page_200", "challenge_page_503"), CHALLENGED),
    "edge_block": Row(503, "upstream_challenge", rest=("edge_block", "all")),
    **dict.fromkeys(("outage_page", "outage_page_200"), OUT),
    # Nobody knows how far the request came.
    "internal_error": UNCLEAR,
    **dict.fromkeys(("not_login", "not_login_401", "user_not_found"), DEAD),
    **dict.fromkeys(("session_rejected_401", "bad_key_401"), DEAD),
    **dict.fromkeys(("payment_402", "out_of_credits"), FUNDS),
    "validation_failed": INVALID,
    "retired_json": Row(501, "flow_retired"),
    "task_failed": Row(502, "generation_failed"),
    "task_not_found": Row(502, "task_not_found"),
}

BREAKDOWNS = {
    "server_overloaded": OUT,
    "daily_quota": _limited("daily_quota", "$"),
    **dict.fromkeys(("credits_exhausted", "credits_exhausted_beside"), FUNDS),
    **dict.fromkeys(("credits_exhausted_localised", "negative_balance"), FUNDS),
    "data_retention": Row(503, "account_setting_required", asks=3),
    # It may stand for anything, so it is not tried again.
    "canned_apology": UNREAD,
    **dict.fromkeys(("error_frame", "error_frame_nested"), EVENT),
    **dict.fromkeys(("window_limit", "window_limit_object"), WINDOW),
}

ON_COOKIE = {
    **dict.fromkeys(MEDIA_STREAMS, MADE),
    **ON_BOTH,
    **BREAKDOWNS,
    "endless": Row(504, "generation_timeout", bought=1),
    **dict.fromkeys(("empty_stream", "no_frames", "no_task"), UNREAD),
    **dict.fromkeys(("bad_request_cf", "session_rejected_419"), DEAD),
    "forbidden_json": BROKEN,
    "bot_check_418": CHALLENGED,
    "retired": Row(501, "flow_retired"),
}

ON_KEY = {
    **dict.fromkeys(("future_version", "heartbeats", "no_version", "sparse_item"), MADE),
    **dict.fromkeys(("two_finals", "unfinished"), MADE),
    **ON_BOTH,
    "no_final": Row(502, "submission_unconfirmed", bought=1),
    "tool_error": Row(502, "generation_failed"),
    "moderation_error": Row(400, "content_policy_violation"),
    **dict.fromkeys(("detail_text", "detail_code"), INVALID),
    **dict.fromkeys(("tool_banned", "forbidden_403", "forbidden_json"), BANNED),
    "tool_free_plan": _unusable("plan_required"),
    "allowed_models": Row(404, "model_not_found"),
    "litellm_401": Row(502, "upstream_error"),
}

# Refusals in the other route's dialect: they are refused somehow, and nothing is bought.
FOREIGN = {
    COOKIE: {"allowed_models", "forbidden_403", "litellm_401", "tool_free_plan"},
    KEY: {"bad_request_cf", "bot_check_418", "retired", "session_rejected_419"},
}
TABLES = {COOKIE: ON_COOKIE, KEY: ON_KEY}
# Endless with a key: its own test below.
KNOWN = {
    COOKIE: {*MEDIA_STREAMS, *DOCUMENTS} - FOREIGN[COOKIE],
    KEY: {*TOOL_SCENARIOS, *DOCUMENTS} - FOREIGN[KEY] - {"endless"},
}
ROWS = [
    pytest.param(route, kind, scenario, row, id=f"{route}-{kind}-{scenario}")
    for route, table in TABLES.items()
    for kind in KINDS
    for scenario, row in table.items()
]


@pytest.fixture(scope="module")
def standing(
    _emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, LiveServer]]:
    """One server per kind of credential, one with both, and those that wait less."""
    wanted = {name: {**accounts, **HASTE} for name, accounts in ACCOUNTS.items()}
    wanted |= {f"{name}, silence ends": {**wanted[name], **SILENCE_ENDS} for name in (COOKIE, KEY)}
    wanted |= {f"{COOKIE}, tasks end": {**wanted[COOKIE], **TASKS_END}}
    with standing_servers(_emulator.url, tmp_path_factory, wanted) as servers:
        yield servers


@pytest.fixture(scope="module")
def control(_emulator: RunningEmulator) -> Iterator[Upstream]:
    """One connection for the whole module: making a client costs more than most tests here."""
    made = Upstream(_emulator.url)
    yield made
    made.close()


@pytest.fixture
def upstream(control: Upstream) -> Upstream:
    """A fresh emulator."""
    control.reset()
    return control


@pytest.fixture(autouse=True)
def _no_breath(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses before a second try are not what is tested here."""
    monkeypatch.setattr("proxy.core.attempts.BACK_OFF", 0.0)
    for room in ("polling", "storing"):
        monkeypatch.setattr(f"proxy.services.{room}.pause_after", lambda _: 0.0)


@pytest.fixture
def behind(
    standing: dict[str, LiveServer], upstream: Upstream, emulator_state: EmulatorState
) -> Iterator[Any]:
    """Opens the doors of a standing server; all is well again when the test ends."""
    with ExitStack() as stack:

        def open_one(name: str, which: str = "") -> Doors:
            side = Side(name, standing[name + which], upstream)
            doors = stack.enter_context(knocking(side, emulator_state))
            stack.callback(_heal, doors)
            return doors

        yield open_one


def _heal(doors: Doors) -> None:
    doors.side.unlock()
    # Undoes what a retired flow means for the next ten minutes.
    doors.side.live.application.services.media.plans._retired.clear()


def _asked(doors: Doors, kind: str) -> Any:
    if kind == "video":
        return doors.generate(model=VIDEO_MODEL)
    return doors.images(model=IMAGE_MODEL, response_format="url")


def _asks(doors: Doors, kind: str) -> list[str]:
    """The accounts that were asked to generate, in order."""
    return [str(entry["account"]) for entry in doors.side.upstream.log(doors.flow(kind))]


def _rests(doors: Doors) -> list[tuple[str, str]]:
    accounts = doors.get("/admin/accounts").json()["accounts"]
    return [(lock["reason"], lock["product"]) for each in accounts for lock in each["locks"]]


def test_every_scenario_of_the_emulator_has_its_row() -> None:
    for route, known in KNOWN.items():
        assert TABLES[route].keys() == known


@pytest.mark.parametrize(("route", "kind", "scenario", "row"), ROWS)
def test_a_failure_of_all_accounts(
    behind: Any, route: str, kind: str, scenario: str, row: Row
) -> None:
    doors = behind(route, ", tasks end" if scenario == "endless" else "")
    doors.script(kind, scenario=scenario, times=None)

    reply = _asked(doors, kind)

    told, asks = reply.json(), _asks(doors, kind)
    assert (reply.status_code, told.get("error", {}).get("code", "")) == (row.status, row.code)
    assert len(asks) == len(set(asks)) == row.asks
    assert len(doors.purchases()) == row.bought
    rest = row.rest and (row.rest[0], row.rest[1].replace("$", kind))
    assert set(_rests(doors)) == ({rest} if rest else set())
    if row.status != 200:
        _check_failure(doors, kind, doors.error(reply, row.status), reply.headers)


def _check_failure(doors: Doors, kind: str, error: Json, headers: Any) -> None:
    """The job behind it has failed in the same words at all other doors."""
    assert_quiet(error["message"])
    if error["code"] in ASK_AGAIN_NEVER:
        assert headers["x-should-retry"] == "false"
    if int(headers.get("retry-after", 0)) > 60:
        assert headers["x-should-retry"] == "false"
    [job] = doors.jobs()
    told = {"code": error["code"], "message": error["message"]}
    assert (job["state"], job["kind"], job["error"]) == ("failed", kind, told)
    history = [entry["event"] for entry in doors.job(job["id"])["history"]]
    assert (history[0], history[-1]) == ("created", "failed")
    assert history.count("intent") == job["attempts"]
    if kind == "video":
        video = doors.video(job["id"])
        assert (video["status"], video["error"]) == ("failed", told)
        task = doors.get(f"/v1/tasks/{job['id']}").json()["data"]
        assert (task["status"], task["fail_reason"]) == ("failed", error["message"])


@pytest.mark.parametrize(
    ("route", "kind", "scenario"),
    [(r, k, s) for r, names in FOREIGN.items() for k in KINDS for s in sorted(names)],
)
def test_a_refusal_in_a_foreign_dialect(behind: Any, route: str, kind: str, scenario: str) -> None:
    doors = behind(route)
    doors.script(kind, scenario=scenario, times=None)

    reply = _asked(doors, kind)

    _check_failure(doors, kind, doors.error(reply, reply.status_code), reply.headers)
    assert doors.purchases() == []


# An answer that breaks: whoever has sent a request that costs does not send it again.


@pytest.mark.parametrize("route", [COOKIE, KEY])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "cut",
    [
        {"accept_then_cut": True},
        {"accept_then_cut": True, "delay_s": 0.2},
        {"cut_after_bytes": 0},
        {"cut_after_bytes": 20},
        {"end_after_bytes": 0},
        {"end_after_bytes": 20},
        {"delay_s": 5},
        {"first_event_delay_s": 5},
    ],
    ids=str,
)
def test_an_unclear_fate_is_told_and_never_sent_again(
    behind: Any, route: str, kind: str, cut: Json
) -> None:
    silent = {"delay_s": 5}, {"first_event_delay_s": 5}
    doors = behind(route, ", silence ends" if cut in silent else "")
    doors.script(kind, **cut, times=None)

    reply = _asked(doors, kind)

    error = doors.error(reply, 502)
    assert error["code"] in ("submission_unconfirmed", "result_not_understood")
    if "accept_then_cut" in cut:
        assert error["code"] == "submission_unconfirmed"
    assert reply.headers["x-should-retry"] == "false"
    _check_failure(doors, kind, error, reply.headers)
    assert len(_asks(doors, kind)) == 1
    assert len(doors.purchases()) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_that_was_named_is_ours_although_the_answer_breaks(behind: Any, kind: str) -> None:
    doors = behind(COOKIE)
    doors.script(kind, frame_delay_s=0.01)
    assert _asked(doors, kind).status_code == 200
    sent = doors.side.upstream.log(kind)[0]["bytes_sent"]
    # The name of the task comes first, the end of the conversation last.
    doors.script(kind, cut_after_bytes=sent - 100, times=None)

    reply = _asked(doors, kind)

    assert reply.status_code == 200
    assert len(_asks(doors, kind)) == len(doors.purchases()) == 2


def test_nobody_there_is_no_purchase(
    serve: Serve, upstream: Upstream, emulator_state: EmulatorState
) -> None:
    server = serve(genspark_base_url="http://127.0.0.1:9", account_wait=0)
    with knocking(Side(COOKIE, server, upstream), emulator_state) as doors:
        error = doors.error(_asked(doors, "image"), 502)

    assert error["code"] == "upstream_unreachable"


def test_a_key_call_that_only_ever_beats_ends_with_the_jobs_time(
    serve: Serve, upstream: Upstream
) -> None:
    # A server of its own: what does not end here would hold up all other tests.
    doors = Doors(Side(KEY, serve(**KEYS, **HASTE, job_timeout=1.0), upstream))
    doors.script("video", scenario="endless", heartbeat_s=0.05)

    video = doors.made()

    assert video["status"] == "failed"
    assert video["error"]["code"] in ("generation_timeout", "submission_unconfirmed")
    assert len(doors.purchases()) == 1


# One account fails, others are well.

REFUSED = {
    COOKIE: [
        "rate_limit_cf1", "not_login", "forbidden_json", "challenge_page", "outage_page",
        "server_overloaded", "daily_quota", "credits_exhausted", "data_retention", "error_frame",
        "window_limit", "out_of_credits",
    ],
    KEY: [
        "rate_limit_cf1", "key_rate_limited", "bad_key_401", "payment_402", "forbidden_403",
        "tool_banned", "tool_free_plan", "outage_page",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("route", "scenario"), [(r, s) for r in REFUSED for s in REFUSED[r]])
@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_travels_to_another_account(
    behind: Any, route: str, kind: str, scenario: str
) -> None:
    doors = behind(route)
    doors.script(kind, scenario=scenario)

    reply = _asked(doors, kind)

    assert reply.status_code == 200, reply.text
    assert reply.headers["x-genspark2api-attempts"] == "2"
    first, second = _asks(doors, kind)
    assert first != second
    [task] = doors.purchases()
    assert task["account"] == second
    [job] = doors.jobs()
    events = [entry["event"] for entry in doors.job(job["id"])["history"]]
    assert events[:4] == ["created", "intent", "refused", "intent"]


@pytest.mark.parametrize(
    ("route", "scenario"),
    [
        *((route, name) for route in (COOKIE, KEY) for name in ("moderation", "task_fails")),
        (KEY, "moderation_error"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_provider_decided_does_not_travel(
    behind: Any, route: str, kind: str, scenario: str
) -> None:
    doors = behind(route)
    doors.script(kind, scenario=scenario)

    reply = _asked(doors, kind)

    assert reply.status_code in (400, 502)
    assert len(_asks(doors, kind)) == 1
    assert len(doors.purchases()) <= 1


@pytest.mark.parametrize(
    "scenario", ["payment_402", "rate_limit_cf1", "outage_page", "tool_banned"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_no_key_can_do_is_done_with_a_cookie(
    behind: Any, upstream: Upstream, kind: str, scenario: str
) -> None:
    doors = behind("both")
    upstream.script({"flow": f"key_{kind}", "scenario": scenario, "times": None})

    reply = _asked(doors, kind)

    assert reply.status_code == 200, reply.text
    assert reply.headers["x-genspark2api-route"] == "cookie"
    [task] = doors.purchases()
    assert task["flow"] == kind


@pytest.mark.parametrize("scenario", ["moderation", "task_fails", "moderation_error", "no_final"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_cookie_is_not_asked_for_what_was_decided_or_may_be_paid(
    behind: Any, upstream: Upstream, kind: str, scenario: str
) -> None:
    doors = behind("both")
    upstream.script({"flow": f"key_{kind}", "scenario": scenario, "times": None})

    assert _asked(doors, kind).status_code in (400, 502)

    assert upstream.log(kind) == []
    assert len(doors.purchases()) <= 1


def test_a_wall_for_images_is_none_for_videos(behind: Any) -> None:
    doors = behind(COOKIE)
    doors.script("image", scenario="daily_quota", times=None)
    assert _asked(doors, "image").status_code == 429

    assert _asked(doors, "video").status_code == 200
    assert _asked(doors, "image").status_code == 429
    assert len(_asks(doors, "image")) == 3, "a resting account is not asked"


def test_a_short_rest_is_waited_for(
    serve: Serve, upstream: Upstream, emulator_state: EmulatorState
) -> None:
    server = serve(account_wait=5)
    with knocking(Side(COOKIE, server, upstream), emulator_state) as doors:
        doors.script("video", scenario="too_quickly", retry_after=0.4)
        began = time.monotonic()
        reply = _asked(doors, "video")
        doors.side.unlock()

    assert reply.status_code == 200, reply.text
    assert time.monotonic() - began >= 0.4
    assert len(_asks(doors, "video")) == 2


# Before the purchase: inputs that cannot be handed over.


@pytest.mark.parametrize("flow", ["upload", "blob"])
@pytest.mark.parametrize("route", [COOKIE, KEY])
def test_an_upload_that_fails_buys_nothing(behind: Any, route: str, flow: str) -> None:
    doors = behind(route)
    doors.side.upstream.script({"flow": flow, "scenario": "internal_error", "times": None})

    video = doors.made(image=_picture())

    assert video["status"] == "failed"
    assert video["error"]["code"] in ("upload_failed", "upstream_error")
    assert doors.purchases() == []
    assert _asks(doors, "video") == []


@pytest.mark.parametrize("route", [COOKIE, KEY])
def test_an_upload_that_fails_once_is_tried_elsewhere(behind: Any, route: str) -> None:
    doors = behind(route)
    doors.side.upstream.script({"flow": "blob", "scenario": "forbidden_json"})

    assert doors.made(image=_picture())["status"] == "completed"

    assert len(doors.purchases()) == 1


def _picture() -> str:
    return base64.b64encode(PNG).decode()


# After the purchase: asking how far the task is.


@pytest.mark.parametrize(
    "rule",
    [
        {"scenario": "poll_no_complete"},
        {"scenario": "poll_silent"},
        {"scenario": "poll_details"},
        {"scenario": "no_frames"},
        {"scenario": "rate_limit_cf1"},
        {"scenario": "outage_page"},
        {"scenario": "challenge_page"},
        {"scenario": "internal_error"},
        {"scenario": "not_login"},
        {"scenario": "task_not_found"},
        {"accept_then_cut": True},
        {"cut_after_bytes": 30},
        {"delay_s": 0.3},
    ],
    ids=str,
)
@pytest.mark.parametrize("route", [COOKIE, KEY])
def test_a_bad_answer_about_a_task_is_not_the_tasks_end(
    behind: Any, route: str, rule: Json
) -> None:
    doors = behind(route)
    if route == KEY:
        doors.script("video", scenario="unfinished")
    doors.side.upstream.script({"flow": "tasks", **rule, "times": 2})

    video = doors.made()

    assert video["status"] == "completed", video
    [task] = doors.purchases()
    polls = doors.side.upstream.log("tasks")
    assert {entry["account"] for entry in polls} == {task["account"]}


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_that_its_upstream_forgot_is_given_up(behind: Any, kind: str) -> None:
    doors = behind(COOKIE)
    doors.side.upstream.script({"flow": "tasks", "scenario": "task_not_found", "times": None})

    error = doors.error(_asked(doors, kind), 502)

    assert error["code"] == "task_not_found"
    assert len(doors.purchases()) == 1


# After the task's end: fetching the result.

# With a key the file is behind a link that needs no credential.
FILE_RULES: list[Json] = [
    {"scenario": "file_expired"},
    {"scenario": "file_missing"},
    {"scenario": "file_wrong_type"},
    {"scenario": "file_empty"},
    {"scenario": "rate_limit_cf1"},
    {"scenario": "outage_page"},
    {"cut_after_bytes": 100},
    {"accept_then_cut": True},
]


@pytest.mark.parametrize("rule", FILE_RULES, ids=str)
@pytest.mark.parametrize("route", [COOKIE, KEY])
def test_a_result_that_cannot_be_fetched_at_once_is_fetched_later(
    behind: Any, route: str, rule: Json
) -> None:
    doors = behind(route)
    doors.side.upstream.script({"flow": "file", **rule, "times": 2})

    video = doors.made()

    assert video["status"] == "completed", video
    content = doors.get(f"/v1/videos/{video['id']}/content")
    assert content.content.startswith(MP4)
    assert doors.purchases()[0]["id"].encode() in content.content
    assert len(doors.purchases()) == 1


@pytest.mark.parametrize("rule", FILE_RULES, ids=str)
@pytest.mark.parametrize("route", [COOKIE, KEY])
def test_a_result_that_can_never_be_fetched_is_said_to_be_lost(
    behind: Any, route: str, rule: Json
) -> None:
    doors = behind(route)
    doors.side.upstream.script({"flow": "file", **rule, "times": None})

    error = doors.error(_asked(doors, "image"), 502)

    assert error["code"] == "result_unavailable"
    [task] = doors.purchases()
    [job] = doors.jobs()
    # The operator finds it at the upstream.
    assert task["id"] in doors.job(job["id"])["history"][-1]["note"]


@pytest.mark.parametrize("route", [COOKIE, KEY])
def test_a_result_behind_a_redirect_is_fetched_without_a_credential(
    behind: Any, route: str
) -> None:
    doors = behind(route)
    doors.side.upstream.script({"flow": "file", "scenario": "file_redirect", "times": None})

    assert doors.made()["status"] == "completed"

    visits = doors.side.upstream.log("cdn")
    assert visits
    assert {entry["account"] for entry in visits} == {None}


def test_a_result_beyond_the_limit_is_not_kept(
    serve: Serve, upstream: Upstream, emulator_state: EmulatorState
) -> None:
    server = serve(media_max_file_mb=1)
    with knocking(Side(COOKIE, server, upstream), emulator_state) as doors:
        doors.script("video", file_mb=2)
        video = doors.made()
        [job] = doors.jobs()
        note = doors.job(job["id"])["history"][-1]["note"]

    assert (video["status"], video["error"]["code"]) == ("failed", "result_unavailable")
    assert "MEDIA_MAX_FILE_MB" in note
    assert not list((server.application.services.settings.data_dir / "media").glob("*.mp4*"))


# What a caller does while a job is under way.


@pytest.mark.parametrize("route", [COOKIE, KEY])
def test_a_cancelled_job_stays_cancelled_and_is_paid_once(behind: Any, route: str) -> None:
    # With a key the request that nobody wants any more is open, and silent.
    doors = behind(route, ", silence ends")
    doors.live_for(video=LONG)
    public = doors.create()["id"]
    eventually(lambda: len(doors.purchases()) == 1, SOON)

    reply = doors.post(f"/v1/jobs/{public}/cancel")

    assert reply.json()["state"] == "cancelled"
    assert doors.video(public)["error"]["code"] == "cancelled"
    assert doors.post(f"/v1/jobs/{public}/cancel").json()["state"] == "cancelled"
    eventually(lambda: doors.side.live.application.services.media.worker.sending() == 0, SOON)
    assert doors.video(public)["status"] == "failed"
    assert len(doors.purchases()) == 1
