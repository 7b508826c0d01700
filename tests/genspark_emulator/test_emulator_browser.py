"""The pages in a real browser. Starting one takes a second, so each test does a lot."""

import json
from pathlib import Path
from typing import Any

from captcha_programs import SECONDS, browser
from emulator_client import ASK, SESSION, EmulatorClient, ask_body, eventually

from genspark_emulator.scenarios.pages import OTHER_SITE_KEY, SITE_KEYS

VISITOR = """<!DOCTYPE html><title>visitor</title><body><script>
const later = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));

function keyOf(page) {
  const script = page.document.querySelector("script[src*=recaptcha]");
  const key = new URL(script.src).searchParams.get("render");
  return key === "explicit" ? page.__RECAPTCHA_SITE_KEY__ : key;
}

async function token(page) {
  const captcha = page.grecaptcha.enterprise || page.grecaptcha;
  await new Promise((resolve) => captcha.ready(resolve));
  return await captcha.execute(keyOf(page), { action: "copilot" });
}

async function opened(path) {
  const frame = document.createElement("iframe");
  const loaded = new Promise((resolve) => (frame.onload = resolve));
  frame.src = path;
  document.body.append(frame);
  await loaded;
  return frame.contentWindow;
}

async function visited(page) {
  const names = page.grecaptcha ? Object.keys(page.grecaptcha).sort() : null;
  const minted = token(page).catch((error) => error.message);
  const outcome = await Promise.race([minted, later(1000, "no answer")]);
  return { outcome, names, where: page.location.href };
}

(async () => {
  const visits = [];
  for (const path of PATHS) visits.push(visited(await opened(path)));
  const body = JSON.stringify(await Promise.all(visits));
  await fetch("/visits", { method: "POST", body });
})();
</script></body>"""
"""Opens pages in order and asks each for a token; reports to the journal of the emulator."""


def reports(emulator: EmulatorClient) -> list[dict[str, Any]]:
    """What the visitor has sent."""
    return [entry for entry in emulator.log() if entry["path"] == "/visits"]


def visits(emulator: EmulatorClient, profile: Path, *paths: str) -> list[dict[str, Any]]:
    """What came of asking each of these pages for a token."""
    body = VISITOR.replace("PATHS", json.dumps(paths))
    headers = {"content-type": "text/html", "set-cookie": f"session_id={SESSION}; Path=/"}
    emulator.script(flow="page", reply={"headers": headers, "body": body})
    with browser(emulator.emulator.url, profile):
        assert eventually(lambda: bool(reports(emulator)), SECONDS), emulator.log()
    return list(reports(emulator)[0]["body"])


def test_a_page_loads_all_its_files(emulator: EmulatorClient, tmp_path: Path) -> None:
    def loaded() -> set[tuple[str, str, str]]:
        return {(e["flow"], e["headers"]["sec-fetch-dest"], e["path"]) for e in emulator.log()}

    with browser(f"{emulator.emulator.url}/agents?type=moa_chat", tmp_path):
        eventually(lambda: len(loaded()) == 6, SECONDS)
    assert loaded() == {
        ("page", "document", "/agents"),
        ("recaptcha_script", "script", "/recaptcha/api.js"),
        ("static", "image", "/static/logo.png"),
        ("static", "image", "/static/banner.svg"),
        ("static", "font", "/static/blank.woff"),
        ("static", "audio", "/static/chime.wav"),
    }


def test_both_variants_mint_tokens_that_are_accepted(
    emulator: EmulatorClient, tmp_path: Path
) -> None:
    chat, image = visits(emulator, tmp_path, "/agents?type=moa_chat", "/ai_image")
    assert (chat["names"], image["names"]) == (["execute", "ready"], ["enterprise"])
    for visit in (chat, image):
        emulator.post(ASK, ask_body(g_recaptcha_token=visit["outcome"]))
        assert emulator.log()[-1]["recaptcha"] == "ok"
    minted = [entry["body"] for entry in emulator.log() if entry["flow"] == "token"]
    assert [(body["variant"], body["site_key"]) for body in minted] == list(SITE_KEYS.items())


def test_scripted_pages_fail_the_way_their_names_say(
    emulator: EmulatorClient, tmp_path: Path
) -> None:
    expected = {
        "page_other_site_key": "a token",
        "page_key_in_html_only": "a token",
        "execute_rejects": "reCAPTCHA error",
        "execute_empty": "",
        "execute_hangs": "no answer",
        "ready_never": "no answer",
        "page_without_grecaptcha": "no captcha",
        "script_missing": "no captcha",
        "page_crashes": "no answer",
    }
    paths = [f"/agents?type=ai_chat&id={name}" for name in expected]
    emulator.script(
        rules=[{"flow": "page", "account": SESSION, "scenario": name} for name in expected]
    )
    outcomes = visits(emulator, tmp_path, *paths)
    told = dict(zip(expected, map(read, outcomes), strict=True))
    assert told == expected
    assert outcomes[-1]["where"] == "about:blank"
    keys = [entry["body"]["site_key"] for entry in emulator.log() if entry["flow"] == "token"]
    assert keys == [OTHER_SITE_KEY, SITE_KEYS["v3"]]


def read(visit: dict[str, Any]) -> str:
    """An outcome in a word."""
    outcome = str(visit["outcome"])
    missing = visit["names"] is None and "undefined" in outcome
    return "no captcha" if missing else "a token" if len(outcome) == 500 else outcome
