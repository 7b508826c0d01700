"""The doors: the original's, our own, and those for operators."""

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from recaptcha_sidecar import contract
from recaptcha_sidecar.browser import Chromium
from recaptcha_sidecar.failures import Failure, Reason
from recaptcha_sidecar.minting import Mint
from recaptcha_sidecar.settings import Settings
from recaptcha_sidecar.telemetry import Metrics

Endpoint = Callable[[Request], Awaitable[Response]]
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class Doors:
    """The endpoints, with what they lead to."""

    def __init__(
        self, settings: Settings, mint: Mint, chromium: Chromium, metrics: Metrics
    ) -> None:
        self._secret = settings.sidecar_secret
        self._mint = mint
        self._chromium = chromium
        self._metrics = metrics

    def app(self) -> Starlette:
        """The application."""
        app = Starlette(
            routes=[
                Route("/genspark", self._original),
                Route("/token", self._token, methods=["POST"]),
                Route("/healthz", self._alive),
                Route("/readyz", self._ready),
                Route("/metrics", self._metrics_page),
            ],
            exception_handlers={HTTPException: _no_such_door},
        )
        app.router.redirect_slashes = False
        return app

    async def _original(self, request: Request) -> Response:
        try:
            self._check_secret(request)
            flow = request.query_params.get("flow")
            wish = contract.read_cookie_header(request.headers.get("cookie", ""), flow)
            token = await self._mint.token(wish)
        except Failure as failure:
            status = 401 if failure.reason is Reason.UNAUTHORISED else 200
            return _json(contract.original_error_body(failure), status)
        return _json(contract.original_token_body(token))

    async def _token(self, request: Request) -> Response:
        try:
            self._check_secret(request)
            wish = contract.read_token_request(await _body(request))
            token = await self._mint.token(wish)
        except Failure as failure:
            return _error(failure)
        return _json(contract.token_body(token))

    async def _alive(self, request: Request) -> Response:
        return _json({"status": "ok"})

    async def _ready(self, request: Request) -> Response:
        problems = [
            *(["shutting down"] if self._mint.draining else []),
            *([] if self._chromium.is_up else ["no browser is running"]),
        ]
        status = "not_ready" if problems else "ready"
        return _json({"status": status, "problems": problems}, 503 if problems else 200)

    async def _metrics_page(self, request: Request) -> Response:
        metrics = self._metrics
        metrics.contexts.set(self._chromium.contexts)
        metrics.waiting.set(self._mint.waiting)
        metrics.launches.set(self._chromium.launches)
        return Response(metrics.render(), media_type=PROMETHEUS)

    def _check_secret(self, request: Request) -> None:
        if self._secret is None:
            return
        scheme, _, presented = request.headers.get("authorization", "").partition(" ")
        known = self._secret.get_secret_value()
        same = hmac.compare_digest(presented.strip().encode(), known.encode())
        if scheme.lower() != "bearer" or not same:
            raise Failure(Reason.UNAUTHORISED, "send SIDECAR_SECRET as a Bearer token")


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > contract.MAX_BODY:
            raise Failure(Reason.TOO_LARGE, "the body is too large")
    return body


def _json(body: dict[str, Any], status: int = 200) -> Response:
    # A token is good for one use by one caller.
    headers = {"Cache-Control": "no-store"}
    return Response(json.dumps(body), status, headers, "application/json")


def _error(failure: Failure) -> Response:
    response = _json(contract.error_body(failure), failure.status)
    if failure.retry_after is not None:
        response.headers["Retry-After"] = str(failure.retry_after)
    return response


async def _no_such_door(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    failure = Failure(Reason.NOT_FOUND, "doors: GET /genspark, POST /token, GET /healthz")
    response = _json(contract.error_body(failure), error.status_code)
    response.headers.update(error.headers or {})
    return response
