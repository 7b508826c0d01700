"""The page's own time: the same page in a browser of our own, timed inside the page."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from typing import Final

from playwright.async_api import Browser, Error, Page, async_playwright

from bench.processes import BrokenServerError

PATH: Final = "/agents?type=ai_chat"
READY: Final = "() => Boolean(window.grecaptcha && window.grecaptcha.execute)"
# What the page spends between being asked and having its token, by its own clock.
EXECUTE_MS: Final = """
async () => {
  const script = document.querySelector('script[src*="recaptcha/"]');
  const siteKey = new URL(script.src).searchParams.get("render");
  const began = performance.now();
  await new Promise((resolve) => grecaptcha.ready(resolve));
  const token = await grecaptcha.execute(siteKey, {action: "copilot"});
  return token ? performance.now() - began : null;
}
"""


class OwnPage:
    """A warm page without a sidecar in front of it."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def token_seconds(self) -> float:
        with _broken():
            milliseconds: float | None = await self._page.evaluate(EXECUTE_MS)
        if milliseconds is None:
            raise BrokenServerError("the page itself gave no token")
        return milliseconds / 1000


@contextlib.contextmanager
def _broken() -> Iterator[None]:
    try:
        yield
    except Error as error:
        raise BrokenServerError(f"the browser of the bench: {error}") from error


@contextlib.asynccontextmanager
async def own_page(url: str) -> AsyncIterator[OwnPage]:
    """The page in an account's context, opened and ready."""
    async with async_playwright() as playwright:
        with _broken():
            browser = await playwright.chromium.launch(
                executable_path=os.environ.get("CHROMIUM_PATH") or shutil.which("chromium"),
                # Chromium refuses to run its sandbox as root.
                chromium_sandbox=os.geteuid() != 0,
                # Ctrl-C is the bench's, which closes the browser on its way out.
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
        try:
            with _broken():
                page = await _opened(browser, url)
            yield OwnPage(page)
        finally:
            with contextlib.suppress(Error):
                await browser.close()


async def _opened(browser: Browser, url: str) -> Page:
    context = await browser.new_context()
    await context.add_cookies([{"name": "session_id", "value": "bench-own", "url": url}])
    page = await context.new_page()
    await page.goto(url + PATH)
    await page.wait_for_function(READY)
    return page
