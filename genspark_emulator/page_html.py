"""A page as HTML: the usual markup, with the captcha embedded the way its scenario says."""

from html import escape
from string import Template
from urllib.parse import urlencode

from genspark_emulator.asset_files import text_asset
from genspark_emulator.scenarios.pages import SITE_KEYS, Page, Variant

SCRIPTS: dict[Variant, str] = {"v3": "/recaptcha/api.js", "enterprise": "/recaptcha/enterprise.js"}

_TEMPLATE = Template(text_asset("page.html"))

_LEAVE = '<script>addEventListener("load", () => location.replace("about:blank"));</script>'
"""Stands in for a crash: whatever ran in the page is gone."""


def page_html(page: Page, usual: Variant, execute_ms: int | None) -> str:
    """The whole document, or the part of it that a page which hangs gets to send."""
    variant = page.variant or usual
    site_key = page.site_key or SITE_KEYS[variant]
    head = _script(page, variant, site_key, execute_ms) if page.loads_captcha else ""
    body = _container(site_key) if page.explicit else _LEAVE if page.leaves else ""
    document = _TEMPLATE.substitute(head=head, body=body)
    return document if page.complete else document.partition("<link")[0]


def _script(page: Page, variant: Variant, site_key: str, execute_ms: int | None) -> str:
    render = "explicit" if page.explicit else site_key
    query = {"render": render, "behaviour": page.behaviour, "execute_ms": execute_ms}
    given = {name: value for name, value in query.items() if value not in (None, "")}
    return f'<script src="{SCRIPTS[variant]}?{escape(urlencode(given))}"></script>'


def _container(site_key: str) -> str:
    """Where the key stands when the script's address does not tell it."""
    return (
        f'<div class="g-recaptcha" data-sitekey="{site_key}" data-size="invisible"></div>\n'
        f'<script>window.__RECAPTCHA_SITE_KEY__ = "{site_key}";</script>'
    )
