"""The web pages that carry the captcha, as they come over the wire."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from emulator_client import SESSION, EmulatorClient, eventually

from genspark_emulator.scenarios.pages import OTHER_SITE_KEY, SITE_KEYS

V3, ENTERPRISE = SITE_KEYS["v3"], SITE_KEYS["enterprise"]
PAGES = ["/", "/agents?type=ai_chat", "/agents?type=moa_chat", "/agents?id=p1"]
PAGES += ["/ai_image", "/ai_video"]


def script_of(html: str) -> tuple[str, dict[str, str]]:
    """Path and query of the script a page loads."""
    [address] = re.findall(r'<script src="([^"]*)"', html)
    parts = urlsplit(unescape(address))
    return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_titled_and_logged_under_its_account(emulator: EmulatorClient, path: str) -> None:
    response = emulator.get(path)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>Genspark</title>" in response.text
    [entry] = emulator.log()
    assert (entry["flow"], entry["account"], entry["status"]) == ("page", SESSION, 200)
    assert entry["recaptcha"] is None


def test_a_page_is_served_without_a_cookie_but_not_without_a_user_agent(
    emulator: EmulatorClient,
) -> None:
    assert emulator.get("/agents?type=ai_chat", session=None).status_code == 200
    assert emulator.log()[0]["account"] is None
    bare = emulator.http.get("/ai_image", headers={"user-agent": ""})
    assert (bare.status_code, bare.text) == (400, "bad request cf")


@pytest.mark.parametrize("path", PAGES)
def test_chat_pages_load_v3_and_media_pages_enterprise(emulator: EmulatorClient, path: str) -> None:
    media = path in {"/ai_image", "/ai_video"}
    script = "/recaptcha/enterprise.js" if media else "/recaptcha/api.js"
    key = ENTERPRISE if media else V3
    assert script_of(emulator.get(path).text) == (script, {"render": key})
    assert f'<script src="{script}?render={key}"></script>' in emulator.get(path).text


@pytest.mark.parametrize("name", ["api.js", "enterprise.js"])
def test_the_script_is_javascript_and_has_a_flow_of_its_own(
    emulator: EmulatorClient, name: str
) -> None:
    response = emulator.get(f"/recaptcha/{name}?render={V3}")
    assert response.headers["content-type"].startswith("text/javascript")
    assert "grecaptcha" in response.text
    assert [entry["flow"] for entry in emulator.log()] == ["recaptcha_script"]


def test_the_files_of_a_page_are_small_and_real(emulator: EmulatorClient) -> None:
    html = emulator.get("/agents").text
    found = set(re.findall(r"/static/[\w.]+", html))
    beginnings = {
        "image/png": b"\x89PNG\r\n\x1a\n",
        "image/svg+xml": b"<svg ",
        "font/woff": b"wOFF",
        "audio/wav": b"RIFF",
    }
    for path in found:
        response = emulator.get(path)
        kind = response.headers["content-type"]
        assert response.content.startswith(beginnings.pop(kind))
        assert int(response.headers["content-length"]) == len(response.content) < 1000
    assert beginnings == {}
    assert [entry["flow"] for entry in emulator.log()[1:]] == ["static"] * 4


def test_nothing_is_cached_so_that_every_load_is_logged(emulator: EmulatorClient) -> None:
    for path in ("/agents", "/recaptcha/api.js", "/static/logo.png"):
        assert emulator.get(path).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "scenario", "script", "key"),
    [
        ("/agents", "page_enterprise", "/recaptcha/enterprise.js", ENTERPRISE),
        ("/ai_image", "page_v3", "/recaptcha/api.js", V3),
        ("/agents", "page_other_site_key", "/recaptcha/api.js", OTHER_SITE_KEY),
        ("/ai_image", "page_other_site_key", "/recaptcha/enterprise.js", OTHER_SITE_KEY),
        ("/agents", "page_slow", "/recaptcha/api.js", V3),
    ],
)
def test_variant_and_key_can_be_scripted(
    emulator: EmulatorClient, path: str, scenario: str, script: str, key: str
) -> None:
    emulator.script(flow="page", scenario=scenario)
    assert script_of(emulator.get(path).text) == (script, {"render": key})


@pytest.mark.parametrize(
    "behaviour",
    ["execute_rejects", "execute_hangs", "execute_empty", "ready_never", "script_missing"],
)
def test_the_page_tells_the_script_how_to_behave(emulator: EmulatorClient, behaviour: str) -> None:
    emulator.script(flow="page", scenario=behaviour)
    path, query = script_of(emulator.get("/ai_video").text)
    assert (path, query["behaviour"]) == ("/recaptcha/enterprise.js", behaviour)
    status = 404 if behaviour == "script_missing" else 200
    assert emulator.http.get(path, params=query).status_code == status


def test_the_time_of_execute_can_be_scripted(emulator: EmulatorClient) -> None:
    emulator.script(flow="page", scenario="page_slow", execute_ms=700)
    assert script_of(emulator.get("/agents").text)[1] == {"render": V3, "execute_ms": "700"}


def test_a_key_may_stand_in_the_page_alone(emulator: EmulatorClient) -> None:
    emulator.script(flow="page", scenario="page_key_in_html_only")
    html = emulator.get("/ai_image").text
    assert script_of(html) == ("/recaptcha/enterprise.js", {"render": "explicit"})
    assert f'window.__RECAPTCHA_SITE_KEY__ = "{ENTERPRISE}"' in html
    assert f'data-sitekey="{ENTERPRISE}"' in html


def test_a_page_may_lack_the_captcha(emulator: EmulatorClient) -> None:
    emulator.script(flow="page", scenario="page_without_grecaptcha")
    html = emulator.get("/agents").text
    assert "<title>Genspark</title>" in html
    assert "recaptcha" not in html


@pytest.mark.parametrize(
    ("scenario", "status", "text"),
    [
        ("page_challenge", 403, "_cf_chl_opt"),
        ("page_challenge_200", 200, "Just a moment..."),
        ("page_blocked", 403, "Sorry, you have been blocked"),
        ("page_outage", 503, "Service Unavailable"),
        ("row10", 503, "genspark_logo.png"),
    ],
)
def test_something_else_may_come_instead_of_a_page(
    emulator: EmulatorClient, scenario: str, status: int, text: str
) -> None:
    emulator.script(flow="page", scenario=scenario)
    response = emulator.get("/agents?type=ai_chat")
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    assert text in response.text


def test_a_page_that_hangs_sends_headers_and_never_ends(emulator: EmulatorClient) -> None:
    emulator.script(flow="page", scenario="page_hangs")
    with emulator.http.stream("GET", "/agents") as response:
        assert response.status_code == 200
        assert "content-length" not in response.headers
        chunks = response.iter_text()
        beginning = next(chunks)
        assert "<title>Genspark</title>" in beginning
        assert "<script" not in beginning
        assert emulator.log()[0]["ended"] is None
    assert eventually(lambda: emulator.log()[0]["cancelled"])


def test_a_page_that_hangs_can_still_be_cut(emulator: EmulatorClient) -> None:
    emulator.script(flow="page", scenario="page_hangs", cut_after_bytes=10)
    with pytest.raises(httpx2.RemoteProtocolError):
        emulator.get("/agents")


def test_page_rules_wait_for_their_account_and_leave_chat_alone(emulator: EmulatorClient) -> None:
    emulator.script(flow="page", account="session-of-bert", scenario="page_blocked", times=2)
    assert "You wrote" in emulator.ask()
    assert emulator.get("/agents").status_code == 200
    assert emulator.get("/agents", session="session-of-bert").status_code == 403
    assert emulator.get("/ai_image", session="session-of-bert").status_code == 403
    assert emulator.get("/agents", session="session-of-bert").status_code == 200


@pytest.mark.parametrize("flow", ["page", "static", "recaptcha_script", "token"])
def test_every_new_flow_takes_replies(emulator: EmulatorClient, flow: str) -> None:
    paths = {
        "page": "/",
        "static": "/static/logo.png",
        "recaptcha_script": "/recaptcha/enterprise.js",
    }
    emulator.script(flow=flow, reply={"status": 500, "body": "broken"})
    path = paths.get(flow)
    response = emulator.get(path) if path else emulator.post("/recaptcha/token", {})
    assert (response.status_code, response.text) == (500, "broken")


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"scenario": "page_v3"}, "flow '*' cannot be answered like this, only page"),
        ({"flow": "chat", "scenario": "execute_empty"}, "only page"),
        ({"flow": "page", "scenario": "daily_quota"}, "only chat, image, legacy"),
        ({"flow": "page", "answer": {"text": "x"}}, "flow 'page'"),
        ({"flow": "page", "scenario": "page_hangs", "execute_ms": 1}, "'execute_ms' only goes"),
        ({"flow": "page", "execute_ms": 1}, "'execute_ms' only goes with scenario"),
        ({"flow": "page", "scenario": "page_v3", "execute_ms": -1}, ">= 0"),
    ],
)
def test_page_rules_that_make_no_sense_are_refused(
    emulator: EmulatorClient, rule: dict[str, object], complaint: str
) -> None:
    assert complaint in emulator.rejected(rule)


def test_help_lists_the_page_scenarios(emulator: EmulatorClient) -> None:
    body = emulator.http.get("/__emulator__/").json()
    assert {"page_hangs", "page_challenge", "execute_empty"} <= set(body["scenarios"]["page"])
    assert "execute_ms" in body["rule_fields"]
