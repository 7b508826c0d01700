"""The emulator as an ASGI application."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from genspark_emulator import (
    file_service,
    key_account,
    key_chat,
    media_tools,
    recaptcha_service,
    search_tool,
    task_polling,
    upload_links,
    web_account,
    web_asks,
    web_pages,
)
from genspark_emulator.calls import Call
from genspark_emulator.control import control_routes
from genspark_emulator.endpoint import Endpoint
from genspark_emulator.reply import Reply
from genspark_emulator.rules import Rule
from genspark_emulator.state import EmulatorState

ENDPOINTS: tuple[Endpoint, ...] = (
    *web_asks.ENDPOINTS,
    *key_chat.ENDPOINTS,
    *media_tools.ENDPOINTS,
    *search_tool.ENDPOINTS,
    *task_polling.ENDPOINTS,
    *upload_links.ENDPOINTS,
    *file_service.ENDPOINTS,
    *web_account.ENDPOINTS,
    *key_account.ENDPOINTS,
    *web_pages.ENDPOINTS,
    *recaptcha_service.ENDPOINTS,
)

ANY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _not_found(_call: Call, _state: EmulatorState, _rule: Rule) -> Reply:
    return Reply(body={"detail": "Not Found"}, status=404)


async def _defect(_request: Request, error: Exception) -> PlainTextResponse:
    """Tell a fault of the emulator apart from Genspark's own HTTP 500."""
    return PlainTextResponse(f"genspark_emulator failed: {error!r}", status_code=500)


def _route(endpoint: Endpoint, state: EmulatorState) -> Route:
    return Route(endpoint.path, endpoint.handler(state), methods=[endpoint.method])


def create_app(state: EmulatorState | None = None) -> Starlette:
    """A fresh emulator; its memory is ``app.state.emulator``.

    Paths that are not emulated answer 404 and are journalled as flow ``unknown``.
    """
    memory = state or EmulatorState()
    elsewhere = Endpoint("", "/{path:path}", "unknown", "none", _not_found)
    app = Starlette(
        routes=[
            control_routes(memory),
            *(_route(endpoint, memory) for endpoint in ENDPOINTS),
            Route(elsewhere.path, elsewhere.handler(memory), methods=list(ANY_METHOD)),
        ],
        exception_handlers={Exception: _defect},
    )
    app.state.emulator = memory
    return app
