"""Callers' keys."""

import pytest
from conftest import Serve

from proxy.api.auth import Keys


@pytest.mark.parametrize(
    ("headers", "admitted"),
    [
        ([(b"authorization", b"Bearer one")], True),
        ([(b"authorization", b"bearer  two ")], True),
        ([(b"x-api-key", b"two")], True),
        ([(b"api-key", b"one")], True),
        ([(b"authorization", b"Basic one")], False),
        ([(b"authorization", b"Bearer wrong"), (b"x-api-key", b"one")], False),
        ([(b"authorization", b"one")], False),
        ([(b"x-api-key", b"")], False),
        ([], False),
    ],
)
def test_keys_in_each_place_clients_put_them(
    headers: list[tuple[bytes, bytes]], admitted: bool
) -> None:
    assert Keys(["one", "two"]).admits(headers) is admitted


def test_without_keys_everybody_is_let_in(serve: Serve) -> None:
    assert Keys([]).admits([])
    server = serve(api_secret=[])
    reply = server.client.get("/v1/models", headers={"Authorization": ""})
    assert reply.status_code == 200
