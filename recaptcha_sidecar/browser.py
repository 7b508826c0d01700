"""One Chromium with its warm contexts; the only module that speaks to Playwright."""

import asyncio
import contextlib
import hashlib
import re
import shutil
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    Playwright,
    ProxySettings,
    Route,
    async_playwright,
)
from playwright.async_api import TimeoutError as PageTimeout

from recaptcha_sidecar.contract import TokenRequest, cookie_pairs
from recaptcha_sidecar.failures import Failure, Reason
from recaptcha_sidecar.pages import EXECUTE, FIND_SITE_KEY, HAS_RECAPTCHA, judge
from recaptcha_sidecar.settings import Settings
from recaptcha_sidecar.shelf import Use, is_worn, to_close
from recaptcha_sidecar.telemetry import log

# A plain browser, told not to phone home; nothing here changes what a site sees of it.
ARGUMENTS: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
)
HEAVY: Final = frozenset({"image", "media", "font"})
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
CLOSE_SECONDS: Final = 5.0
# Playwright's words for a renderer or browser that died, or a page that navigated, mid-call.
_PAGE_IS_GONE: Final = re.compile(
    r"target|crashed|closed|context was destroyed|navigat", re.IGNORECASE
)


@dataclass(slots=True)
class Warm:
    """An account's context with its one page, where it stands and the site key found there."""

    context: BrowserContext
    use: Use
    page: Page | None = None
    path: str = ""
    site_key: str | None = None
    opened: float = 0.0


@dataclass(slots=True)
class Generation:
    """A browser process with the Playwright driver that leads it, and what is warm in it.

    The driver goes with its browser: its heap grows with every mint (50 MB in two thousand).
    """

    playwright: Playwright
    browser: Browser
    use: Use
    warm: dict[str, Warm] = field(default_factory=dict)
    retired: bool = False
    broken: bool = False


class Chromium:
    """Keeps one browser running, and a fresh one coming when it is worn, crashed or killed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._current: Generation | None = None
        self._old: list[Generation] = []
        self._launching = asyncio.Lock()
        self.launches = 0

    @property
    def contexts(self) -> int:
        """How many contexts are open."""
        return sum(len(g.warm) for g in self._generations())

    @property
    def is_up(self) -> bool:
        """Whether a browser is connected."""
        return self._current is not None and self._current.browser.is_connected()

    async def start(self) -> None:
        """Launch ahead of the first request."""
        await self._generation()

    @contextlib.asynccontextmanager
    async def warm(self, account: str, request: TokenRequest) -> AsyncIterator[Warm]:
        """The account's context; whatever fails inside costs it its warmth."""
        generation = await self._generation()
        generation.use.enter(time.monotonic())
        minted = False
        try:
            warm = generation.warm.get(account)
            if warm is None:
                warm = await self._new_context(generation, account, request)
                warm.use.enter(time.monotonic())
                await self.tidy()
            else:
                warm.use.enter(time.monotonic())
            try:
                yield warm
                minted = True
            except BaseException:
                generation.warm.pop(account, None)
                await self._close_quietly(warm)
                raise
            finally:
                warm.use.leave(time.monotonic(), minted=minted)
        except Failure:
            raise
        except Exception as error:
            # Not Error alone: Playwright raises a bare Exception when its driver has died.
            raise _browser_failed(error) from error
        finally:
            generation.use.leave(time.monotonic(), minted=minted)
            if generation.retired and not generation.use.busy:
                await self._close(generation)

    async def tidy(self) -> None:
        """Let go of what is idle, worn or too many."""
        settings, now = self._settings, time.monotonic()
        for generation in self._generations():
            uses = {key: warm.use for key, warm in generation.warm.items()}
            for key in to_close(
                uses,
                now,
                most=settings.max_contexts,
                idle=settings.context_idle,
                max_mints=settings.context_max_mints,
            ):
                await self._close_quietly(generation.warm.pop(key))

    async def aclose(self) -> None:
        """Close every browser and Playwright's driver."""
        for generation in self._generations():
            await self._close(generation)

    def _generations(self) -> list[Generation]:
        return [*self._old, *([self._current] if self._current else [])]

    async def _generation(self) -> Generation:
        async with self._launching:
            current = self._current
            if current is not None and not self._is_over(current):
                return current
            if current is not None:
                await self._retire(current)
            self._current = await self._launch()
            return self._current

    def _is_over(self, generation: Generation) -> bool:
        settings, now = self._settings, time.monotonic()
        worn = is_worn(
            generation.use,
            now,
            max_age=settings.browser_max_age,
            max_mints=settings.browser_max_mints,
        )
        return worn or generation.broken or not generation.browser.is_connected()

    async def _retire(self, generation: Generation) -> None:
        """What runs in it may finish; it closes with its last mint."""
        self._current = None
        generation.retired = True
        if generation.use.busy and generation.browser.is_connected():
            self._old.append(generation)
        else:
            await self._close(generation)

    async def _launch(self) -> Generation:
        """A browser has a second chance; what stops it twice stops the request."""
        try:
            return await self._launch_once()
        except Exception as error:
            log.warning("browser.launch_failed", error=_first_line(error))
        try:
            return await self._launch_once()
        except Exception as error:
            raise _browser_failed(error) from error

    async def _launch_once(self) -> Generation:
        settings = self._settings
        self.launches += 1
        playwright = await async_playwright().start()
        try:
            browser = await playwright.chromium.launch(
                executable_path=settings.chromium_path or _on_path(),
                args=list(ARGUMENTS),
                chromium_sandbox=settings.sandboxed(),
                proxy=_proxy(settings),
                # Signals are the service's; a browser that hears them too would end mid-mint.
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
        except BaseException:
            await _within(CLOSE_SECONDS, playwright.stop())
            raise
        return Generation(playwright, browser, _fresh_use())

    async def _new_context(
        self, generation: Generation, account: str, request: TokenRequest
    ) -> Warm:
        try:
            context = await generation.browser.new_context()
        except Exception:
            # It may still call itself connected (a dead driver tells nobody); it is of no use.
            generation.broken = True
            raise
        warm = generation.warm[account] = Warm(context, _fresh_use())
        origin = self._settings.genspark_base_url
        await context.add_cookies(
            [
                # No script of the page needs to read the session.
                {"name": name, "value": value, "url": origin, "httpOnly": True}
                for name, value in cookie_pairs(request.cookie)
            ]
        )
        return warm

    async def open_page(self, warm: Warm, path: str) -> Page:
        """The page of this flow, warm or opened anew. Raises ``Failure``."""
        page = warm.page
        fresh = time.monotonic() - warm.opened < self._settings.page_max_age
        if page is not None and warm.path == path and fresh and not page.is_closed():
            return page
        page = page if page is not None and not page.is_closed() else await warm.context.new_page()
        warm.page, warm.path = page, ""
        async with self._light(warm.context):
            await self._open(warm, page, path)
        warm.path, warm.opened = path, time.monotonic()
        return page

    @contextlib.asynccontextmanager
    async def _light(self, context: BrowserContext) -> AsyncIterator[None]:
        """Without images, media and fonts while a page opens.

        Afterwards nothing is intercepted any more: each request of a mint would take a way
        through three processes, which tripled a warm token's time.
        """
        if not self._settings.block_heavy_resources:
            yield
            return
        await context.route("**/*", _without_heavy)
        yield
        await context.unroute("**/*", _without_heavy)

    async def _open(self, warm: Warm, page: Page, path: str) -> None:
        try:
            response = await page.goto(
                self._settings.genspark_base_url + path,
                wait_until="domcontentloaded",
                timeout=self._settings.page_timeout * 1000,
            )
        except PageTimeout:
            raise Failure(Reason.TIMEOUT, "the page did not open in time") from None
        except Error as error:
            raise Failure(Reason.PAGE_FAILED, _first_line(error)) from error
        failure = judge(response.status if response else 200, await page.content())
        if failure is not None:
            raise failure
        await self._wait_for_recaptcha(warm, page)

    async def _wait_for_recaptcha(self, warm: Warm, page: Page) -> None:
        """Once per opened page, so that a token from a warm one takes a single round trip."""
        milliseconds = self._settings.mint_timeout * 1000
        try:
            await page.wait_for_function(HAS_RECAPTCHA, timeout=milliseconds)
        except PageTimeout:
            raise Failure(Reason.NO_RECAPTCHA, "the page has no reCAPTCHA") from None
        warm.site_key = await page.evaluate(FIND_SITE_KEY)

    async def mint(self, warm: Warm, page: Page, request: TokenRequest) -> tuple[str, str, str]:
        """A token by the page's own reCAPTCHA, with the site key and action used."""
        site_key = request.site_key or warm.site_key or request.flow.site_key
        action = request.action or request.flow.action
        try:
            async with asyncio.timeout(self._settings.mint_timeout):
                result = await page.evaluate(EXECUTE, [site_key, action])
        except TimeoutError:
            raise Failure(Reason.TIMEOUT, "reCAPTCHA did not answer in time") from None
        except Error as error:
            if page.is_closed() or _PAGE_IS_GONE.search(str(error)):
                raise
            raise Failure(Reason.REJECTED, f"reCAPTCHA refused: {_first_line(error)}") from error
        if result is None:
            raise Failure(Reason.NO_RECAPTCHA, "the page lost its reCAPTCHA")
        token = result.get("token")
        if not isinstance(token, str) or not token:
            raise Failure(Reason.REJECTED, "reCAPTCHA gave an empty token")
        return token, site_key, action

    async def _close_quietly(self, warm: Warm) -> None:
        """A hung renderer must not hold up anybody; the browser's end takes it along."""
        await _within(CLOSE_SECONDS, warm.context.close())

    async def _close(self, generation: Generation) -> None:
        generation.warm.clear()
        if generation in self._old:
            self._old.remove(generation)
        await _within(CLOSE_SECONDS, generation.browser.close())
        await _within(CLOSE_SECONDS, generation.playwright.stop())


async def _within(seconds: float, farewell: Awaitable[None]) -> None:
    """Wait for an end that the dead may never give; how it fails is of no interest."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(seconds):
            await farewell


async def _without_heavy(route: Route) -> None:
    if route.request.resource_type in HEAVY:
        await route.abort()
    else:
        await route.continue_()


def _on_path() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def _proxy(settings: Settings) -> ProxySettings | None:
    if settings.proxy_url is None:
        return None
    parts = urlsplit(settings.proxy_url.get_secret_value())
    server = f"{parts.scheme}://{parts.hostname}:{parts.port}"
    if parts.username is None:
        return {"server": server}
    password = unquote(parts.password or "")
    return {"server": server, "username": unquote(parts.username), "password": password}


def _fresh_use() -> Use:
    now = time.monotonic()
    return Use(born=now, last=now)


def _first_line(error: Exception) -> str:
    """Playwright's texts go on with a call log that quotes URLs."""
    return str(error).split("\n", 1)[0][:200]


def _browser_failed(error: Exception) -> Failure:
    return Failure(Reason.BROWSER_FAILED, f"the browser failed: {_first_line(error)}")


def account_key(cookie: str) -> str:
    """A name for an account in this process's memory."""
    return hashlib.sha256(cookie.encode()).hexdigest()
