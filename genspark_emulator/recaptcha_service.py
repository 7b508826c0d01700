"""What Google serves on the real pages, here under the same origin: script and tokens.

The script is told by its address how to behave, so that any number of pages can be open at once.
"""

from genspark_emulator.asset_files import text_asset
from genspark_emulator.calls import Call
from genspark_emulator.endpoint import Endpoint
from genspark_emulator.page_html import SCRIPTS
from genspark_emulator.reply import PLAIN, Reply
from genspark_emulator.rules import Rule
from genspark_emulator.state import EmulatorState
from genspark_emulator.web_pages import UNCACHED

SCRIPT = Reply(
    text_asset("recaptcha.js"), content_type="text/javascript; charset=utf-8", headers=UNCACHED
)
MISSING = Reply("Not Found", status=404, content_type=PLAIN)
BAD_TOKEN_REQUEST = Reply({"detail": "site_key, action and variant must be texts"}, status=400)


def _script(call: Call, _state: EmulatorState, _rule: Rule) -> Reply:
    return MISSING if call.query.get("behaviour") == "script_missing" else SCRIPT


def _token(call: Call, state: EmulatorState, _rule: Rule) -> Reply:
    """A token for whoever asks; without a session it is of no use to any account."""
    site_key, action, variant = (call.fields.get(n) for n in ("site_key", "action", "variant"))
    if not (isinstance(site_key, str) and isinstance(action, str) and isinstance(variant, str)):
        return BAD_TOKEN_REQUEST
    return Reply({"token": state.recaptcha.issue(call.account, site_key, action)})


ENDPOINTS = (
    *(Endpoint("GET", path, "recaptcha_script", "session", _script) for path in SCRIPTS.values()),
    Endpoint("POST", "/recaptcha/token", "token", "session", _token),
)
