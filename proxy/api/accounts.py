"""``/admin/accounts``: what the command line asks a running server; labels only, no credentials."""

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from proxy.api.context import Services, services_of
from proxy.core.accounts import Lock
from proxy.core.ask import InvalidRequest
from proxy.core.pool import Seat
from proxy.core.products import Product
from proxy.wire.json_values import number_at, text_at
from proxy.wire.openai_request import read_object

OPERATOR = "operator"
LONGEST_LOCK = 366 * 86400.0


def account_routes() -> list[Route]:
    """The routes under ``/admin``."""
    return [
        Route("/admin/accounts", _list),
        Route("/admin/accounts/{label:path}/lock", _lock, methods=["POST"]),
        Route("/admin/accounts/{label:path}/unlock", _unlock, methods=["POST"]),
    ]


def describe(seat: Seat, now: float) -> dict[str, Any]:
    """An account as an operator may see it."""
    locks = [
        {
            "product": lock.product.value,
            "reason": lock.reason,
            "until": lock.until,
            "on_trial": lock.on_trial(lock.product, now),
        }
        for lock in seat.locks.values()
    ]
    account = seat.account
    return {
        "label": account.label,
        "credential": account.credential.value,
        "disabled": account.disabled,
        "limit": account.limit,
        "busy": seat.busy,
        "locks": locks,
    }


async def _list(request: Request) -> Response:
    services = services_of(request.scope)
    now = time.time()
    return JSONResponse({"accounts": [describe(s, now) for s in services.desk.pool.seats()]})


async def _lock(request: Request) -> Response:
    services, seat = services_of(request.scope), _seat(request)
    await services.desk.lock(operator_lock(seat.account.id, await request.body(), time.time()))
    return JSONResponse(describe(seat, time.time()))


async def _unlock(request: Request) -> Response:
    services, seat = services_of(request.scope), _seat(request)
    await services.desk.unlock(seat.account.id)
    return JSONResponse(describe(seat, time.time()))


def operator_lock(account_id: str, body: bytes, now: float) -> Lock:
    """The lock that ``{"seconds", "product"}`` describes; without seconds it has no end."""
    wish = read_object(body) if body.strip() else {}
    seconds = number_at(wish, "seconds")
    if seconds is not None and not 0 < seconds <= LONGEST_LOCK:
        raise InvalidRequest("'seconds' must be above 0 and at most a year.", param="seconds")
    try:
        product = Product(text_at(wish, "product") or Product.ALL)
    except ValueError:
        names = ", ".join(Product)
        raise InvalidRequest(f"'product' must be one of {names}.", param="product") from None
    return Lock(account_id, product, OPERATOR, now, None if seconds is None else now + seconds)


def _seat(request: Request) -> Seat:
    services: Services = services_of(request.scope)
    wanted = request.path_params["label"]
    for seat in services.desk.pool.seats():
        if seat.account.label == wanted:
            return seat
    raise InvalidRequest(
        f"There is no account '{wanted[:80]}'.", param="label", code="not_found", status=404
    )
