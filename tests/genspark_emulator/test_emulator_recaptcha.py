"""The captcha's tokens, and the asks that need one."""

import re
from typing import Any

import httpx2
import pytest
from emulator_client import ASK, COPILOT, SESSION, EmulatorClient, ask_body
from emulator_media import Clock, image_body, legacy_body, video_body

from genspark_emulator.recaptcha_tokens import LIFETIME_SECONDS
from genspark_emulator.scenarios.pages import SITE_KEYS

KEY = SITE_KEYS["v3"]
CONTROL = "/__emulator__/recaptcha"
REFUSED = (403, {"detail": "recaptcha verification failed"})


def mint(
    emulator: EmulatorClient, action: str = "copilot", key: str = KEY, session: str = SESSION
) -> str:
    """A token for an account."""
    body = {"site_key": key, "action": action, "variant": "v3"}
    return str(emulator.post("/recaptcha/token", body, session).json()["token"])


def ask(emulator: EmulatorClient, token: Any, session: str = SESSION) -> httpx2.Response:
    """A chat turn that presents a token."""
    return emulator.post(ASK, ask_body(g_recaptcha_token=token), session)


def verdict(emulator: EmulatorClient, token: Any, session: str = SESSION) -> Any:
    """What the journal says about it."""
    ask(emulator, token, session)
    return emulator.log()[-1]["recaptcha"]


def require(emulator: EmulatorClient, **flows: Any) -> dict[str, Any]:
    """Change the requirements."""
    response = emulator.http.post(CONTROL, json={"require": flows})
    assert response.status_code == 200, response.text
    return dict(response.json())


def captcha(emulator: EmulatorClient) -> dict[str, Any]:
    """Requirements and counters."""
    return dict(emulator.http.get(CONTROL).json())


def test_tokens_are_long_url_safe_and_never_the_same(emulator: EmulatorClient) -> None:
    first, second = mint(emulator), mint(emulator)
    assert first != second
    assert re.fullmatch(r"[\w-]{500}", first)


def test_minting_is_logged_with_its_account_and_body(emulator: EmulatorClient) -> None:
    mint(emulator, "submit")
    [entry] = emulator.log()
    assert (entry["flow"], entry["account"]) == ("token", SESSION)
    assert entry["body"] == {"site_key": KEY, "action": "submit", "variant": "v3"}


@pytest.mark.parametrize("body", [None, [], {"site_key": KEY, "action": "copilot"}, {"action": 1}])
def test_a_malformed_mint_is_refused(emulator: EmulatorClient, body: Any) -> None:
    assert emulator.post("/recaptcha/token", body).status_code == 400
    assert captcha(emulator)["issued"] == 0


def test_minting_can_be_scripted(emulator: EmulatorClient) -> None:
    emulator.script(flow="token", reply={"body": {"token": "made-up"}})
    emulator.script(flow="token", cut_after_bytes=0)
    token = mint(emulator)
    with pytest.raises(httpx2.RemoteProtocolError):
        mint(emulator)
    assert token == "made-up"
    assert verdict(emulator, token) == "unknown"


@pytest.mark.parametrize("token", [None, ""])
def test_no_token_is_absent_and_does_no_harm(emulator: EmulatorClient, token: Any) -> None:
    assert ask(emulator, token).status_code == 200
    assert emulator.log()[-1]["recaptcha"] == "absent"
    assert "You wrote" in emulator.ask()
    assert emulator.log()[-1]["recaptcha"] == "absent"


def test_a_token_is_accepted_once(emulator: EmulatorClient) -> None:
    token = mint(emulator)
    assert [verdict(emulator, token), verdict(emulator, token)] == ["ok", "reused"]


@pytest.mark.parametrize("token", ["made-up", 7, ["x"], {"a": 1}])
def test_a_token_of_unknown_origin(emulator: EmulatorClient, token: Any) -> None:
    assert verdict(emulator, token) == "unknown"


def test_a_token_lives_two_minutes(emulator: EmulatorClient) -> None:
    now = 1_000_000.0
    emulator.emulator.state.clock = lambda: now
    in_time, late = mint(emulator), mint(emulator)
    now += LIFETIME_SECONDS
    assert verdict(emulator, in_time) == "ok"
    now += 0.1
    assert verdict(emulator, late) == "expired"
    assert verdict(emulator, late) == "reused"


def test_a_token_is_bound_to_the_session_that_minted_it(emulator: EmulatorClient) -> None:
    token = mint(emulator)
    assert verdict(emulator, token, "session-of-bert") == "wrong_account"
    assert verdict(emulator, token) == "reused"


def test_an_anonymous_token_is_of_no_use(emulator: EmulatorClient) -> None:
    body = {"site_key": KEY, "action": "copilot", "variant": "v3"}
    token = emulator.http.post("/recaptcha/token", json=body).json()["token"]
    assert verdict(emulator, token) == "wrong_account"


def test_refreshed_cookies_keep_the_tokens(emulator: EmulatorClient) -> None:
    refreshed = emulator.emulator.state.accounts.refresh(SESSION)
    assert verdict(emulator, mint(emulator), refreshed) == "ok"


def test_a_required_token_is_demanded(emulator: EmulatorClient) -> None:
    require(emulator, chat=True)
    without, with_one = ask(emulator, ""), ask(emulator, mint(emulator))
    assert (without.status_code, without.json()) == REFUSED
    assert with_one.status_code == 200
    assert emulator.post(COPILOT, {}).status_code == 200
    assert [e["recaptcha"] for e in emulator.log() if e["flow"] == "chat"] == ["absent", "ok"]


def test_the_former_chat_can_demand_one_too(emulator: EmulatorClient) -> None:
    require(emulator, legacy={"action": "copilot"})
    refused = emulator.post(COPILOT, {"g_recaptcha_token": mint(emulator, "ask")})
    assert (refused.status_code, refused.json()) == REFUSED
    accepted = emulator.post(COPILOT, {"g_recaptcha_token": mint(emulator)})
    assert "retired" in accepted.text
    assert ask(emulator, "").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "action", "key", "expected"),
    [
        (True, "anything", "any-key", "ok"),
        ({}, "anything", "any-key", "ok"),
        ({"action": "copilot"}, "copilot", KEY, "ok"),
        ({"action": "copilot"}, "submit", KEY, "wrong_action"),
        ({"action": ["copilot", "ask"]}, "ask", KEY, "ok"),
        ({"action": ["copilot", "ask"]}, "submit", KEY, "wrong_action"),
        ({"site_key": KEY}, "copilot", KEY, "ok"),
        ({"site_key": KEY}, "copilot", "another", "wrong_site_key"),
        ({"site_key": KEY, "action": "ask"}, "ask", KEY, "ok"),
    ],
)
def test_action_and_site_key_can_be_demanded(
    emulator: EmulatorClient, wanted: Any, action: str, key: str, expected: str
) -> None:
    require(emulator, chat=wanted)
    response = ask(emulator, mint(emulator, action, key))
    assert emulator.log()[-1]["recaptcha"] == expected
    assert response.status_code == (200 if expected == "ok" else 403)


def test_a_refused_ask_opens_no_project_and_uses_no_rule(emulator: EmulatorClient) -> None:
    require(emulator, chat=True)
    emulator.script(answer={"text": "at last"})
    ask(emulator, "")
    assert emulator.projects() == []
    assert "at last" in ask(emulator, mint(emulator)).text


def test_an_ask_that_is_wrong_in_itself_is_told_so_but_spends_its_token(
    emulator: EmulatorClient,
) -> None:
    require(emulator, chat=True)
    token = mint(emulator)
    assert emulator.post(ASK, {"g_recaptcha_token": token}).status_code == 422
    assert verdict(emulator, token) == "reused"
    anonymous = emulator.http.post(ASK, json=ask_body())
    assert anonymous.json()["message"] == "not login"
    assert captcha(emulator)["refused"] == {"reused": 1}


def test_counters_tell_what_became_of_the_tokens(emulator: EmulatorClient) -> None:
    ask(emulator, "made-up")
    require(emulator, chat=True)
    token = mint(emulator)
    mint(emulator)
    for presented in (token, token, "", "", "made-up"):
        ask(emulator, presented)
    assert captcha(emulator) == {
        "require": {"chat": True},
        "issued": 2,
        "accepted": 1,
        "refused": {"reused": 1, "absent": 2, "unknown": 1},
    }


def test_requirements_are_changed_flow_by_flow(emulator: EmulatorClient) -> None:
    require(emulator, chat={"action": "copilot"}, image=True, video={"site_key": KEY}, legacy=True)
    changed = require(emulator, chat=None, legacy=False, image={"action": ["a", "b"]})
    wanted = {"image": {"action": ["a", "b"]}, "video": {"site_key": KEY}}
    assert changed["require"] == captcha(emulator)["require"] == wanted


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"require": {"chats": True}}, "Invalid enum value 'chats'"),
        ({"require": {"chat": "copilot"}}, "Expected `bool | object | null`"),
        ({"require": {"chat": {"actions": "x"}}}, "unknown field `actions`"),
        ({"require": {"chat": {"action": 1}}}, "Expected `str | array | null`"),
        ({"demand": {}}, "unknown field `demand`"),
        ({}, "missing required field `require`"),
        ("chat", "Expected `object`"),
    ],
)
def test_bad_requirements_are_refused_with_a_reason(
    emulator: EmulatorClient, body: Any, complaint: str
) -> None:
    response = emulator.http.post(CONTROL, json=body)
    assert response.status_code == 400
    assert complaint in response.json()["error"]
    assert captcha(emulator)["require"] == {}


def test_reset_forgets_requirements_tokens_counters_and_clock(emulator: EmulatorClient) -> None:
    require(emulator, chat=True)
    token = mint(emulator)
    ask(emulator, "")
    emulator.emulator.state.clock = lambda: 0.0
    emulator.http.post("/__emulator__/reset")
    nothing: dict[str, Any] = {"require": {}, "issued": 0, "accepted": 0, "refused": {}}
    assert captcha(emulator) == nothing
    assert verdict(emulator, token) == "unknown"
    assert emulator.emulator.state.clock() > 0


MEDIA_BODIES = {"image": image_body, "video": video_body}


@pytest.mark.parametrize("flow", sorted(MEDIA_BODIES))
def test_the_media_agents_can_demand_one(emulator: EmulatorClient, flow: str) -> None:
    require(emulator, **{flow: {"action": "agent_ask"}})
    body = MEDIA_BODIES[flow]
    refused = emulator.post(ASK, body(g_recaptcha_token=mint(emulator, "copilot")))
    assert (refused.status_code, refused.json()) == REFUSED
    accepted = emulator.post(ASK, body(g_recaptcha_token=mint(emulator, "agent_ask")))
    assert f"{flow}_generation_agent.results" in accepted.text
    verdicts = [e["recaptcha"] for e in emulator.log() if e["flow"] == flow]
    assert verdicts == ["wrong_action", "ok"]
    assert len(emulator.emulator.state.tasks) == 1
    assert ask(emulator, "").status_code == 200


def test_a_refusal_can_be_disguised_as_a_limit(emulator: EmulatorClient) -> None:
    clock = Clock(emulator)
    require(emulator, image={"refusal": "window_limit"})
    for later in (0, 1000):
        clock.now += later
        text = emulator.post(ASK, image_body()).text
        reset = int(clock.now) + 5400
        assert f"AI Image [5-hour limit] reached. Resets {{time:{reset}}}" in text
        assert "task_id" not in text
    assert len(emulator.emulator.state.tasks) == 0
    assert captcha(emulator)["refused"] == {"absent": 2}
    accepted = emulator.post(ASK, image_body(g_recaptcha_token=mint(emulator)))
    assert "task_id" in accepted.text


@pytest.mark.parametrize("kind", ["image", "video"])
def test_media_of_the_former_route_share_its_requirement(
    emulator: EmulatorClient, kind: str
) -> None:
    require(emulator, legacy=True)
    refused = emulator.post(COPILOT, legacy_body(kind, "sora-2"))
    assert (refused.status_code, refused.json()) == REFUSED
