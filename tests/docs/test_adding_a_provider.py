"""The worked example of docs/adding-a-provider.md does what it says."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgi_server import serving
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Path_

from proxy.core.accounts import Account, Secret
from proxy.core.failures import Kind, UpstreamError
from proxy.core.media import MediaAsk, TaskState, Terms
from proxy.core.media_models import MediaCatalogue
from proxy.core.products import Credential, Product, Route
from proxy.upstreams.http import Http
from proxy.upstreams.media import Accepted, Order
from proxy.upstreams.providers import ProviderMedia

PAGE = Path("docs/adding-a-provider.md").read_text("utf-8")
KEY = "filmlet-secret"
CLIP = b"\0\0\0\x18ftypmp42" + b"\0" * 400
EMPTY = "[aliases.image]\n[aliases.video]\n[forms]\n[image]\n[video]\n"


def _block(name: str) -> str:
    found = re.search(rf"<!-- {re.escape(name)} -->\n```\w+\n(.*?)```", PAGE, re.S)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """The example's module, run."""
    names: dict[str, Any] = {}
    exec(compile(_block("filmlet.py") + _block("registration.py"), "filmlet.py", "exec"), names)
    return names


class Server:
    """A Filmlet that makes each film at the second look."""

    def __init__(self) -> None:
        self.films: list[dict[str, Any]] = []
        self.looks = 0
        self.status = 200
        self.keys: list[str | None] = []
        self.app = Starlette(
            routes=[
                Path_("/films", self._create, methods=["POST"]),
                Path_("/films/{task}", self._look),
                Path_("/clips/{task}", self._clip),
                Path_("/me", self._me),
            ]
        )

    def _seen(self, request: Request) -> None:
        self.keys.append(request.headers.get("x-filmlet-key"))

    async def _create(self, request: Request) -> Response:
        self._seen(request)
        if self.status == 200:
            self.films.append(await request.json())
        return JSONResponse({"task": f"f{len(self.films)}"}, self.status)

    async def _look(self, request: Request) -> Response:
        self._seen(request)
        self.looks += 1
        if self.looks == 1:
            return JSONResponse({"state": "filming"})
        url = str(request.url_for("_clip", task=request.path_params["task"]))
        return JSONResponse({"state": "ready", "url": url})

    async def _clip(self, request: Request) -> Response:
        self._seen(request)
        return Response(CLIP, media_type="video/mp4")

    async def _me(self, request: Request) -> Response:
        self._seen(request)
        return JSONResponse({}, 200 if request.headers.get("x-filmlet-key") == KEY else 401)


def _account() -> Account:
    return Account("1", "filmlet-1", Credential.RUNWAY, Secret(KEY))


async def _nothing() -> None:
    pass


def _with(example: dict[str, Any], server: Server, work: Callable[[ProviderMedia], Any]) -> Any:
    async def run(origin: str) -> Any:
        http = Http(None, 5, 5)
        try:
            wire = example["registration"].wire
            return await work(ProviderMedia(wire, origin, http, http, lambda: 0.0))
        finally:
            await http.aclose()

    with serving(server.app) as origin:
        return asyncio.run(run(origin))


def _order(**terms: Any) -> Order:
    said = {"product": Product.VIDEO, "model": "x", "prompt": "a cat", "seconds": 4.0, **terms}
    return Order(MediaAsk(terms=Terms(**said)), Route.RUNWAY, "reel-1")


def test_a_film_is_made_and_fetched(example: dict[str, Any]) -> None:
    server = Server()

    async def story(media: ProviderMedia) -> tuple[Accepted, list[Any], bytes, bool | None]:
        account, order = _account(), _order(vendor={"seed": 7})
        accepted = await media.submit(account, order, _nothing)
        ids = [report.task_id for report in accepted.reports]
        looks = [
            (await media.tasks(account, Route.RUNWAY, Product.VIDEO, ids, 1.0))[0] for _ in "12"
        ]
        download = await media.open(account, Route.RUNWAY, looks[1].urls[0])
        data = b"".join([chunk async for chunk in download.chunks])
        await download.aclose()
        return accepted, looks, data, await media.is_alive(account)

    accepted, looks, data, alive = _with(example, server, story)
    assert [report.task_id for report in accepted.reports] == ["f1"]
    assert [look.state for look in looks] == [TaskState.PENDING, TaskState.DONE]
    assert (data, alive) == (CLIP, True)
    assert server.films == [
        {"film": "reel-1", "text": "a cat", "shape": None, "seconds": 4.0, "seed": 7}
    ]
    # The clip's address needs no key, so none is sent there.
    assert server.keys == [KEY, KEY, KEY, None, KEY]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Kind.DEAD_CREDENTIAL), (402, Kind.FUNDS), (404, Kind.MODEL_UNKNOWN),
     (429, Kind.RATE_LIMITED), (503, Kind.OUTAGE), (500, Kind.UPSTREAM_BROKEN)],
)  # fmt: skip
def test_refusals_are_told_apart(example: dict[str, Any], status: int, kind: Kind) -> None:
    server = Server()
    server.status = status

    async def story(media: ProviderMedia) -> Kind | None:
        try:
            await media.submit(_account(), _order(), _nothing)
        except UpstreamError as error:
            return error.failure.kind
        return None

    assert _with(example, server, story) is kind


def test_the_facts_are_read(example: dict[str, Any]) -> None:
    catalogue = MediaCatalogue(EMPTY)
    catalogue.provide(Route.RUNWAY, _block("filmlet.toml"), example["takes"])
    [candidate] = catalogue.candidates("runway/reel-1", Product.VIDEO, [Route.RUNWAY])
    assert (candidate.model, candidate.facts.price) == ("reel-1", 0.05)
    assert candidate.facts.terms == {"seed"}
    assert catalogue.usual(Route.RUNWAY, Product.VIDEO) == "reel-1"
