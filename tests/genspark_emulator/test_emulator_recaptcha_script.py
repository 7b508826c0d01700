"""The captcha's script, executed by Node in just enough of a page."""

import re

import pytest
from captcha_programs import in_node
from emulator_client import SESSION, EmulatorClient

V3 = "/recaptcha/api.js?render=KEY"
ENTERPRISE = "/recaptcha/enterprise.js?render=KEY"

MINT = """
await new Promise((resolve) => {api}.ready(resolve));
return await {api}.execute("KEY", {{ action: "copilot" }});
"""
MINT_V3 = MINT.format(api="grecaptcha")


def test_v3_mints_a_token_for_the_session(emulator: EmulatorClient) -> None:
    token = in_node(emulator, V3, MINT_V3)
    assert re.fullmatch(r"[\w-]{500}", token)
    entry = emulator.log()[-1]
    assert (entry["flow"], entry["account"]) == ("token", SESSION)
    assert entry["body"] == {"site_key": "KEY", "action": "copilot", "variant": "v3"}


def test_enterprise_mints_as_enterprise(emulator: EmulatorClient) -> None:
    token = in_node(emulator, ENTERPRISE, MINT.format(api="grecaptcha.enterprise"))
    assert re.fullmatch(r"[\w-]{500}", token)
    assert emulator.log()[-1]["body"]["variant"] == "enterprise"


@pytest.mark.parametrize(
    ("address", "names"),
    [
        (V3, [["execute", "ready"], None]),
        (ENTERPRISE, [["enterprise"], ["execute", "ready"]]),
    ],
)
def test_each_variant_defines_its_own_names_only(
    emulator: EmulatorClient, address: str, names: list[list[str] | None]
) -> None:
    code = """
    await stillWaiting();
    const names = (api) => (api ? Object.keys(api).sort() : null);
    return [names(grecaptcha), names(grecaptcha.enterprise)];
    """
    assert in_node(emulator, address, code) == names


def test_execute_appears_after_the_script_has_run(emulator: EmulatorClient) -> None:
    code = """
    const before = typeof grecaptcha.execute;
    await new Promise((resolve) => grecaptcha.ready(resolve));
    await new Promise((resolve) => grecaptcha.ready(resolve));
    return [before, typeof grecaptcha.execute];
    """
    assert in_node(emulator, V3, code) == ["undefined", "function"]


def test_a_key_that_was_not_rendered_is_rejected(emulator: EmulatorClient) -> None:
    message = in_node(emulator, V3.replace("KEY", "OTHER"), MINT_V3)
    assert message == "Invalid site key or not loaded in api.js: KEY"
    assert [entry["flow"] for entry in emulator.log()] == ["recaptcha_script"]


@pytest.mark.parametrize("address", ["/recaptcha/api.js?render=explicit", "/recaptcha/api.js"])
def test_an_explicit_key_is_read_from_the_page(emulator: EmulatorClient, address: str) -> None:
    assert len(in_node(emulator, address, MINT_V3, keys=("KEY",))) == 500
    assert "Invalid site key" in in_node(emulator, address, MINT_V3)


@pytest.mark.parametrize(("query", "ms"), [("", 5), ("&execute_ms=700", 700)])
def test_execute_takes_its_time(emulator: EmulatorClient, query: str, ms: int) -> None:
    code = f"{MINT_V3.replace('return', '')} return waits;"
    assert in_node(emulator, V3 + query, code) == [0, ms]


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        ("execute_rejects", "reCAPTCHA error"),
        ("execute_empty", ""),
        ("execute_hangs", "still waiting"),
        ("ready_never", "still waiting"),
    ],
)
def test_failures(emulator: EmulatorClient, behaviour: str, outcome: str) -> None:
    code = f"return await Promise.race([(async () => {{ {MINT_V3} }})(), stillWaiting()]);"
    assert in_node(emulator, f"{V3}&behaviour={behaviour}", code) == outcome
    assert [entry["flow"] for entry in emulator.log()] == ["recaptcha_script"]


def test_a_failed_mint_rejects(emulator: EmulatorClient) -> None:
    emulator.script(flow="token", reply={"status": 503})
    emulator.script(flow="token", cut_after_bytes=0)
    assert in_node(emulator, V3, MINT_V3) == "reCAPTCHA: no token, HTTP 503"
    assert in_node(emulator, V3, MINT_V3) in {"terminated", "fetch failed"}
