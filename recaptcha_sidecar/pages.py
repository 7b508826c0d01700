"""What a page says about itself: an edge page, an outage, or the site. Pure.

Markers as collected from public reports up to 2026-09.
"""

import re
from typing import Final

from recaptcha_sidecar.failures import Failure, Reason

_CHALLENGE: Final = re.compile(
    r"just a moment|_cf_chl_opt|cdn-cgi/challenge-platform|attention required", re.IGNORECASE
)
_BLOCKED: Final = re.compile(r"sorry, you have been blocked", re.IGNORECASE)


def judge(status: int, html: str) -> Failure | None:
    """The failure that this page is, or None for the site itself."""
    if _BLOCKED.search(html):
        return Failure(Reason.BLOCKED, "the edge blocks this address; nothing works around it")
    if _CHALLENGE.search(html):
        return Failure(
            Reason.CHALLENGE, "the edge shows a challenge page; it is reported, not solved"
        )
    if status >= 400:
        return Failure(Reason.PAGE_FAILED, f"the page answered HTTP {status}")
    return None


# Runs inside the page. The site's own key wins: the render parameter of its script, an element's
# data-sitekey, then anything in the page that has the form of a key (40 characters, "6L" first).
FIND_SITE_KEY: Final = """
() => {
  const form = /6L[0-9A-Za-z_-]{38}/;
  for (const script of document.scripts) {
    const url = script.src || "";
    if (!/recaptcha\\/(api|enterprise)\\.js/.test(url)) continue;
    const render = new URL(url, location.href).searchParams.get("render");
    if (render && form.test(render)) return render;
  }
  const marked = document.querySelector("[data-sitekey]");
  if (marked && form.test(marked.dataset.sitekey)) return marked.dataset.sitekey;
  const found = document.documentElement.innerHTML.match(form);
  return found ? found[0] : null;
}
"""

HAS_RECAPTCHA: Final = """
() => Boolean(window.grecaptcha &&
  ((window.grecaptcha.enterprise && window.grecaptcha.enterprise.execute)
    || window.grecaptcha.execute))
"""

# null: the page that had reCAPTCHA a moment ago has navigated away or reloaded.
EXECUTE: Final = """
([siteKey, action]) => new Promise((resolve, reject) => {
  const found = window.grecaptcha;
  if (!found) { resolve(null); return; }
  const api = found.enterprise && found.enterprise.execute ? found.enterprise : found;
  api.ready(() => api.execute(siteKey, {action}).then((token) => resolve({token}), reject));
})
"""
