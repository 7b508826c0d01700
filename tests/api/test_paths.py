"""What users type as a base, and what clients append to it."""

import pytest
from conftest import Serve

from proxy.api.paths import resolve


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("//v1/chat/completions", "/v1/chat/completions"),
        ("/v1//chat/completions", "/v1/chat/completions"),
        ("/v1/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/v1/v1/models", "/v1/models"),
        ("/chat/completions", "/v1/chat/completions"),
        ("/models/gemini/veo3", "/v1/models/gemini/veo3"),
        ("/dashboard/billing/usage", "/v1/dashboard/billing/usage"),
        ("/v1/chat/completions/", "/v1/chat/completions/"),
        ("/healthz", "/healthz"),
    ],
)
def test_tolerated_spellings(path: str, expected: str) -> None:
    assert resolve(path, "") == expected


def test_a_prefix_moves_the_api_and_leaves_health_alone(serve: Serve) -> None:
    server = serve(route_prefix="hidden/door/")
    assert server.client.get("/hidden/door/v1/models").status_code == 200
    assert server.client.get("/hidden/door/models").status_code == 200
    assert server.client.get("/v1/models").status_code == 404
    assert server.client.get("/hidden/v1/models").status_code == 404
    assert server.client.get("/healthz").status_code == 200
