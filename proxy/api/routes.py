"""The rare doors, routed by Starlette: models, health, metrics, billing look-ups, accounts."""

import hmac
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from proxy import __version__
from proxy.api.accounts import account_routes
from proxy.api.auth import UNAUTHORISED
from proxy.api.context import Services, record_of, services_of
from proxy.api.doors import doors, encoder
from proxy.api.images import image_routes
from proxy.api.jobs import job_routes
from proxy.api.results import signed
from proxy.api.videos import told, video_routes
from proxy.core.ask import InvalidRequest
from proxy.wire.openai_completion import model_object
from proxy.wire.openai_errors import ErrorReply, invalid, model_not_found

# POST to these never comes here.
_OTHER_METHODS = ["GET", "PUT", "PATCH", "DELETE", "TRACE"]
NOT_KEPT: Final = ErrorReply(
    404, "This server keeps no responses; send the whole input each time.",
    "invalid_request_error", "not_found",
)  # fmt: skip
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def routes(*, demo: bool, mode: str) -> Starlette:
    """The router; every error is an error object, no path is ever redirected."""
    app = Starlette(
        routes=[
            Route("/v1/models", _models),
            Route("/v1/models/{model:path}", _model),
            *(Route(path, _post_only, methods=_OTHER_METHODS) for path in doors()),
            Route("/v1/responses/{id:path}", _not_kept, methods=["GET", "POST", "DELETE"]),
            Route("/v1/dashboard/billing/subscription", _subscription),
            Route("/v1/dashboard/billing/usage", _usage),
            Route("/healthz", _alive(demo=demo, mode=mode)),
            Route("/readyz", _ready),
            Route("/metrics", _metrics),
            *account_routes(),
            *video_routes(),
            *image_routes(),
            *job_routes(),
            Route("/media/{segment}/{name}", told(signed)),
        ],
        exception_handlers={HTTPException: _http_error, InvalidRequest: _invalid},
    )
    app.router.redirect_slashes = False
    return app


def error_response(reply: ErrorReply, path: str = "") -> Response:
    """An error object as a Starlette response, in the dialect of the path."""
    headers = {name.decode(): value.decode() for name, value in reply.headers()}
    return Response(encoder(path)(reply), reply.status, headers, "application/json")


async def _invalid(request: Request, error: Exception) -> Response:
    # Left to the front door it would come too late: Starlette answers a plain 500 by itself.
    assert isinstance(error, InvalidRequest)
    record_of(request.scope).failure = error.code
    return error_response(invalid(error), request.url.path)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = {404: ("not_found", "There is no such path."), 405: ("method_not_allowed", "")}
    code, message = words.get(error.status_code, ("invalid_value", ""))
    message = message or f"{request.method} is not possible here."
    reply = ErrorReply(error.status_code, message, "invalid_request_error", code)
    response = error_response(reply, request.url.path)
    response.headers.update(error.headers or {})
    return response


def _services(request: Request) -> Services:
    return services_of(request.scope)


async def _models(request: Request) -> Response:
    services = _services(request)
    data = [model_object(name, services.started, kind) for name, kind in _names(services).items()]
    return JSONResponse({"object": "list", "data": data})


def _names(services: Services) -> dict[str, str]:
    """Chat, image and video models, sorted, each once; with what they make."""
    media = services.media.plans
    kinds = {name: str(media.kind(name) or "chat") for name in media.names()}
    for name in services.chat.model_names():
        kinds.setdefault(name, str(media.kind(name) or "chat"))
    unique = {name.lower(): name for name in kinds}
    return {name: kinds[name] for _, name in sorted(unique.items())}


async def _model(request: Request) -> Response:
    services = _services(request)
    wanted = request.path_params["model"]
    kind = _names(services).get(wanted)
    if kind is not None:
        return JSONResponse(model_object(wanted, services.started, kind))
    return error_response(model_not_found(wanted))


async def _post_only(request: Request) -> Response:
    raise HTTPException(405, headers={"Allow": "POST"})


async def _not_kept(request: Request) -> Response:
    return error_response(NOT_KEPT)


async def _subscription(request: Request) -> Response:
    _billing_or_404(request)
    return JSONResponse(
        {
            "object": "billing_subscription",
            "has_payment_method": True,
            "hard_limit_usd": 0,
            "soft_limit_usd": 0,
            "system_hard_limit_usd": 0,
            "access_until": 0,
        }
    )


async def _usage(request: Request) -> Response:
    _billing_or_404(request)
    return JSONResponse({"object": "list", "total_usage": 0})


def _billing_or_404(request: Request) -> None:
    if _services(request).settings.dashboard_billing == "off":
        raise HTTPException(404)


def _alive(*, demo: bool, mode: str) -> Any:
    async def alive(request: Request) -> Response:
        body: dict[str, Any] = {"status": "ok", "version": __version__, "mode": mode}
        return JSONResponse({**body, "demo": True} if demo else body)

    return alive


async def _ready(request: Request) -> Response:
    verdict = await _services(request).health.verdict()
    status = 503 if verdict.status == "not_ready" else 200
    return JSONResponse({"status": verdict.status, "problems": verdict.problems}, status)


async def _metrics(request: Request) -> Response:
    services = _services(request)
    token = services.settings.metrics_token
    if token is not None:
        presented = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(presented.encode(), token.get_secret_value().encode()):
            return error_response(UNAUTHORISED)
    return Response(services.metrics.render(), media_type=PROMETHEUS)
