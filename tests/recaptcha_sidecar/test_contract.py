"""The sidecar's doors say what the shared contract file says."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from recaptcha_sidecar import contract
from recaptcha_sidecar.app import Doors
from recaptcha_sidecar.browser import Chromium
from recaptcha_sidecar.contract import Token, TokenRequest
from recaptcha_sidecar.failures import STATUS, Failure, Reason
from recaptcha_sidecar.minting import Mint
from recaptcha_sidecar.settings import Settings
from recaptcha_sidecar.telemetry import Metrics

EXCHANGES = json.loads((Path(__file__).parent.parent / "contracts" / "recaptcha.json").read_text())[
    "exchanges"
]


class ScriptedMint(Mint):
    """Mints what the example says; the doors are the real ones."""

    def __init__(self, settings: Settings, outcome: dict[str, Any] | None) -> None:
        super().__init__(settings, Chromium(settings), Metrics())
        self._outcome = outcome

    async def token(self, request: TokenRequest) -> Token:
        """The example's token or failure."""
        assert self._outcome is not None, "the request should not have come this far"
        if "token" not in self._outcome:
            reason = Reason(self._outcome["reason"])
            raise Failure(reason, self._outcome["message"], self._outcome.get("retry_after"))
        action = request.action or request.flow.action
        key = request.site_key or request.flow.site_key
        return Token(self._outcome["token"], 1000.0, 1100.0, request.flow.name, action, key)


def _client(outcome: dict[str, Any] | None = None, **given: Any) -> TestClient:
    settings = Settings(_env_file=None, **given)
    mint = ScriptedMint(settings, outcome)
    return TestClient(Doors(settings, mint, Chromium(settings), Metrics()).app())


@pytest.mark.parametrize("example", EXCHANGES, ids=lambda example: example["name"])
def test_the_doors_keep_the_contract(example: dict[str, Any]) -> None:
    request = example["request"]
    reply = _client(example["mint"]).request(
        request["method"], request["path"], headers=request["headers"], json=request.get("body")
    )
    assert reply.status_code == example["reply"]["status"]
    assert reply.json() == example["reply"]["body"]
    assert reply.headers["cache-control"] == "no-store"
    for name, value in example["reply"].get("headers", {}).items():
        assert reply.headers[name] == value


def test_a_secret_closes_both_doors_but_not_health() -> None:
    client = _client({"token": "t"}, sidecar_secret="knock")
    cookie = {"Cookie": "session_id=alice"}
    assert client.get("/genspark", headers=cookie).status_code == 401
    assert client.post("/token", json={"cookie": "a"}).status_code == 401
    wrong = {"Authorization": "Bearer wrong", **cookie}
    assert client.get("/genspark", headers=wrong).status_code == 401
    right = {"Authorization": "Bearer knock", **cookie}
    assert client.get("/genspark", headers=right).json()["token"] == "t"
    assert client.get("/healthz").status_code == 200


def test_without_a_browser_the_sidecar_is_alive_but_not_ready() -> None:
    client = _client()
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["problems"] == ["no browser is running"]


def test_metrics_are_prometheus_text() -> None:
    assert "sidecar_contexts 0.0" in _client().get("/metrics").text


@pytest.mark.parametrize("path", ["/", "/token/", "/genspark/"])
def test_other_paths_are_404_in_json(path: str) -> None:
    reply = _client().get(path)
    assert reply.status_code == 404
    assert reply.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"cookie": ""}',
        b'{"cookie": 7}',
        b'{"cookie": "a\\r\\nb"}',
        b'{"cookie": "a", "flow": 1}',
        b'{"cookie": "a", "flow": []}',
        b'{"cookie": "a", "site_key": "short"}',
        b'{"cookie": "a", "action": "a b"}',
        b'{"cookie": "' + b"a" * 17_000 + b'"}',
        b"[" * 30_000,
    ],
)
def test_bad_bodies_are_400(body: bytes) -> None:
    reply = _client().post("/token", content=body)
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "bad_request"


def test_a_huge_body_is_413() -> None:
    reply = _client().post("/token", content=b" " * (contract.MAX_BODY + 1))
    assert reply.status_code == 413


def test_every_reason_has_a_status_and_no_repr_shows_a_secret() -> None:
    assert set(STATUS) == set(Reason)
    request = contract.read_token_request(b'{"cookie": "session_id=SECRET"}')
    assert "SECRET" not in repr(request)
    assert "VALUE" not in repr(Token("VALUE", 0, 1, "chat", "a", "k"))


def test_a_bare_session_id_gets_its_name() -> None:
    assert contract.read_cookie_header("abc").cookie == "session_id=abc"
    assert contract.cookie_pairs("a=1; b=x=y;; c") == [("a", "1"), ("b", "x=y")]
