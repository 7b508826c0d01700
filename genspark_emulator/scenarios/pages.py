"""The web pages that carry the captcha, by scenario name."""

from dataclasses import dataclass
from typing import Literal

from genspark_emulator.reply import Reply
from genspark_emulator.scenarios.documents import DOCUMENTS

Variant = Literal["v3", "enterprise"]

SITE_KEYS: dict[Variant, str] = {
    "v3": "6Leq7KYqAAAAAGdd1NaUBJF9dHTPAKP7DcnaRc66",
    "enterprise": "6LfYyWcsAAAAAK8DUr6Oo1wHl2CJ5kKbO0AK3LIM",
}
"""The public site keys of the real pages (seen 2026-02 to 2026-09-29)."""

OTHER_SITE_KEY = "6LdEmulatorAAAAAOnlyThePageTellsThisKey1"
"""A key no client can know beforehand, in the form of the real ones."""


@dataclass(frozen=True, slots=True)
class Page:
    """What differs from the usual page.

    ``variant`` and ``site_key`` replace those of the path, ``behaviour`` is handed to the
    captcha's script, ``explicit`` moves the key from the script's address into the page, a page
    that ``leaves`` goes to about:blank once loaded, and one that is not ``complete`` never ends.
    """

    variant: Variant | None = None
    site_key: str = ""
    behaviour: str = ""
    loads_captcha: bool = True
    explicit: bool = False
    leaves: bool = False
    complete: bool = True


USUAL_PAGE = Page()

PAGES: dict[str, Page] = {
    "page_enterprise": Page(variant="enterprise"),
    "page_v3": Page(variant="v3"),
    "page_slow": USUAL_PAGE,
    "page_without_grecaptcha": Page(loads_captcha=False),
    "page_other_site_key": Page(site_key=OTHER_SITE_KEY),
    "page_key_in_html_only": Page(explicit=True),
    "page_hangs": Page(complete=False),
    "page_crashes": Page(behaviour="execute_hangs", leaves=True),
    "script_missing": Page(behaviour="script_missing"),
    "ready_never": Page(behaviour="ready_never"),
    "execute_rejects": Page(behaviour="execute_rejects"),
    "execute_hangs": Page(behaviour="execute_hangs"),
    "execute_empty": Page(behaviour="execute_empty"),
}
"""``page_slow`` is the usual page, to be given with ``delay_s`` or ``execute_ms``. A page that
leaves could still hand out a token before it is gone, so there ``execute`` hangs as well."""

EXECUTE_MS = frozenset(
    {
        *("page_enterprise", "page_v3", "page_slow", "page_other_site_key"),
        *("page_key_in_html_only", "execute_rejects", "execute_empty"),
    }
)
"""Scenarios that take ``execute_ms``: those in which ``execute`` comes to an end."""

PAGE_DOCUMENTS: dict[str, Reply] = {
    "page_challenge": DOCUMENTS["challenge_page"],
    "page_challenge_200": DOCUMENTS["challenge_page_200"],
    "page_blocked": DOCUMENTS["edge_block"],
    "page_outage": DOCUMENTS["outage_page"],
}
"""What comes instead of a page; the same refusals as on the other routes."""

PAGE_SCENARIOS = PAGES.keys() | PAGE_DOCUMENTS.keys()
