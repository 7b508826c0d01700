"""The pages of the web application, with the files they load."""

from genspark_emulator.asset_files import asset
from genspark_emulator.calls import Call
from genspark_emulator.endpoint import Endpoint, Respond, bare_client
from genspark_emulator.page_html import page_html
from genspark_emulator.reply import HTML, Reply
from genspark_emulator.rules import Rule
from genspark_emulator.scenarios.pages import PAGE_DOCUMENTS, PAGES, USUAL_PAGE, Variant
from genspark_emulator.state import EmulatorState

UNCACHED = (("cache-control", "no-store"),)
"""The real files may be cached; here every load is to be seen in the journal."""

PAGE_VARIANTS: dict[str, Variant] = {
    "/": "v3",
    "/agents": "v3",
    "/ai_image": "enterprise",
    "/ai_video": "enterprise",
}
"""Which captcha a page uses unless scripted; Genspark has been seen to use both."""

STATIC_FILES = {
    "logo.png": "image/png",
    "banner.svg": "image/svg+xml",
    "blank.woff": "font/woff",
    "chime.wav": "audio/wav",
}


def _page(variant: Variant) -> Respond:
    """Any query is taken: ``type=ai_chat``, ``type=moa_chat`` or the ``id`` of a project."""

    def respond(_call: Call, _state: EmulatorState, rule: Rule) -> Reply:
        page = PAGES.get(rule.scenario or "", USUAL_PAGE)
        document = page_html(page, variant, rule.execute_ms)
        return Reply(document, content_type=HTML, headers=UNCACHED, ends=page.complete)

    return respond


def _file(name: str, content_type: str) -> Respond:
    reply = Reply(asset(name), content_type=content_type, headers=UNCACHED)

    def respond(_call: Call, _state: EmulatorState, _rule: Rule) -> Reply:
        return reply

    return respond


ENDPOINTS = (
    *(
        Endpoint("GET", path, "page", "session", _page(variant), bare_client, PAGE_DOCUMENTS)
        for path, variant in PAGE_VARIANTS.items()
    ),
    *(
        Endpoint("GET", f"/static/{name}", "static", "session", _file(name, content_type))
        for name, content_type in STATIC_FILES.items()
    ),
)
