"""Tokens from a real browser on the emulator's page: fresh, isolated, honest when there is none."""

import asyncio
import time

import httpx2
import pytest
from conftest import Upstream

from recaptcha_sidecar.failures import Failure, Reason
from recaptcha_sidecar.flows import SITE_KEY_AGENTS, SITE_KEY_CHAT

# The fixtures `play` and `Rig` live in this folder's conftest.py.


def _judged(upstream: Upstream, account: str, token: str) -> str:
    """What the emulator says of a token presented with an ask of this account."""
    body = {
        "type": "ai_chat",
        "ai_chat_model": "gpt-5.4",
        "messages": [{"role": "user", "content": "x"}],
        "g_recaptcha_token": token,
    }
    headers = {"Cookie": f"session_id={account}", "User-Agent": "test"}
    httpx2.post(f"{upstream.url}/api/agent/ask_proxy", json=body, headers=headers)
    return upstream.log("chat")[-1]["recaptcha"]


def test_tokens_are_good_for_their_account_once(play, upstream: Upstream) -> None:
    async def story(rig) -> None:
        alice, bob = await asyncio.gather(rig.token("alice"), rig.token("bob"))
        again = await rig.token("alice")
        values = {alice.value, bob.value, again.value}
        assert len(values) == 3
        verdicts = await asyncio.to_thread(
            lambda: [
                _judged(upstream, "alice", alice.value),
                _judged(upstream, "alice", alice.value),
                _judged(upstream, "alice", bob.value),
                _judged(upstream, "alice", again.value),
            ]
        )
        assert verdicts == ["ok", "reused", "wrong_account", "ok"]

    play(story)


def test_each_flow_has_its_page_key_and_variant(play, upstream: Upstream) -> None:
    async def story(rig) -> None:
        chat, image = await rig.token(flow="chat"), await rig.token(flow="image")
        assert (chat.site_key, chat.action) == (SITE_KEY_CHAT, "copilot")
        assert (image.site_key, image.action) == (SITE_KEY_AGENTS, "submit")
        assert chat.minted_at <= time.time() < chat.expires_at <= chat.minted_at + 120

    play(story)
    paths = [entry["path"] for entry in upstream.log("page")]
    assert paths == ["/agents", "/ai_image"]


@pytest.mark.parametrize("scenario", ["page_other_site_key", "page_key_in_html_only"])
def test_the_pages_own_key_wins(play, upstream: Upstream, scenario: str) -> None:
    upstream.script({"flow": "page", "scenario": scenario})

    async def story(rig) -> None:
        token = await rig.token()
        judged = await asyncio.to_thread(_judged, upstream, "alice", token.value)
        assert judged in ("ok", "wrong_site_key")
        assert token.site_key.startswith("6L")

    play(story)


def test_a_warm_page_is_not_opened_again_and_heavy_things_are_not_loaded(
    play, upstream: Upstream
) -> None:
    async def story(rig) -> None:
        for _ in range(5):
            await rig.token()

    play(story)
    assert len(upstream.log("page")) == 1
    loaded = [entry["path"] for entry in upstream.log("static")]
    # A tab's icon is fetched by the browser itself, out of a page's reach; it is tiny.
    assert set(loaded) <= {"/static/logo.png"}


def test_cookies_reach_only_the_genspark_origin(play, upstream: Upstream) -> None:
    async def story(rig) -> None:
        await rig.token("alice")
        (warm,) = next(iter(rig.chromium._generations())).warm.values()
        cookies = await warm.context.cookies()
        assert [(c["name"], c["domain"]) for c in cookies] == [("session_id", "127.0.0.1")]

    play(story)


PAGE, MINT = {"page_timeout": 1.0}, {"mint_timeout": 1.0}


@pytest.mark.parametrize(
    ("scenario", "reason", "limit"),
    [
        ("page_challenge", Reason.CHALLENGE, {}),
        ("page_challenge_200", Reason.CHALLENGE, {}),
        ("page_blocked", Reason.BLOCKED, {}),
        ("execute_rejects", Reason.REJECTED, {}),
        ("execute_empty", Reason.REJECTED, {}),
        ("execute_hangs", Reason.TIMEOUT, MINT),
        ("ready_never", Reason.TIMEOUT, MINT),
        ("page_hangs", Reason.TIMEOUT, PAGE),
        ("script_missing", Reason.NO_RECAPTCHA, MINT),
        ("page_without_grecaptcha", Reason.NO_RECAPTCHA, MINT),
        ("page_outage", Reason.PAGE_FAILED, {}),
    ],
)
def test_what_goes_wrong_is_named_and_the_next_request_works(
    play, upstream: Upstream, scenario: str, reason: Reason, limit: dict[str, float]
) -> None:
    upstream.script({"flow": "page", "scenario": scenario, "times": None})

    async def story(rig) -> None:
        with pytest.raises(Failure) as caught:
            await rig.token()
        assert caught.value.reason is reason
        await asyncio.to_thread(upstream.reset)
        # What works has all the time that it takes on a busy machine.
        rig.settings.page_timeout = rig.settings.mint_timeout = 20.0
        assert (await rig.token()).value

    play(story, **limit)


def test_a_page_that_lost_its_script_is_opened_again(play, upstream: Upstream) -> None:
    async def story(rig) -> None:
        await rig.token()
        (warm,) = next(iter(rig.chromium._generations())).warm.values()
        await warm.page.goto("about:blank")
        assert (await rig.token()).value

    play(story)


def test_requests_of_one_account_queue_and_too_many_are_refused_at_once(
    play, upstream: Upstream
) -> None:
    upstream.script({"flow": "page", "scenario": "page_v3", "execute_ms": 200, "times": None})

    async def story(rig) -> None:
        await rig.token()
        started = time.monotonic()
        results = await asyncio.gather(*(rig.token() for _ in range(6)), return_exceptions=True)
        refused = [r for r in results if isinstance(r, Failure)]
        assert {r.reason for r in refused} == {Reason.BUSY}
        assert all(r.retry_after for r in refused)
        assert len(results) - len(refused) >= 3
        assert time.monotonic() - started >= 0.6

    play(story, sidecar_queue=2)


def test_contexts_stay_within_their_number(play) -> None:
    async def story(rig) -> None:
        for account in ("a", "b", "c", "d"):
            await rig.token(account)
            assert rig.chromium.contexts <= 2
        await rig.token("d")

    play(story, max_contexts=2)


def test_worn_contexts_and_browsers_are_replaced(play, upstream: Upstream) -> None:
    async def story(rig) -> None:
        for _ in range(7):
            await rig.token()
            await rig.chromium.tidy()
        assert rig.chromium.launches == 2

    play(story, own=True, context_max_mints=2, browser_max_mints=4)
    assert len(upstream.log("page")) == 4


def test_idle_contexts_are_let_go(play) -> None:
    async def story(rig) -> None:
        await rig.token()
        await rig.chromium.tidy()
        assert rig.chromium.contexts == 0

    play(story, context_idle=1e-9)
