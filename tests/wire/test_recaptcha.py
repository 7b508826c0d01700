"""The sidecar's address and its replies."""

import pytest

from proxy.core.products import Product
from proxy.wire.recaptcha import is_safe_for_cookies, read_token, service_url, token_url


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("10.0.0.5:7022", "http://10.0.0.5:7022"),
        (" http://sidecar:7022/ ", "http://sidecar:7022"),
        ("https://tokens.example.com", "https://tokens.example.com"),
    ],
)
def test_a_bare_address_means_http_and_one_slash_joins(given: str, expected: str) -> None:
    assert service_url(given) == expected
    assert token_url(expected, Product.IMAGE) == f"{expected}/genspark?flow=image"


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://tokens.example.com", True),
        ("http://127.0.0.1:7022", True),
        ("http://10.1.2.3:7022", True),
        ("http://[fd00::1]:7022", True),
        ("http://sidecar:7022", True),
        ("http://box.local:7022", True),
        ("http://tokens.example.com", False),
        ("http://8.8.8.8:7022", False),
    ],
)
def test_cookies_do_not_cross_open_networks_in_the_clear(url: str, safe: bool) -> None:
    assert is_safe_for_cookies(url) is safe


@pytest.mark.parametrize(
    ("body", "token"),
    [
        ({"code": 200, "token": "t"}, "t"),
        ({"code": 200, "token": ""}, None),
        ({"code": 200}, None),
        ({"code": 500, "message": "no", "token": "t"}, None),
        ([], None),
        (None, None),
    ],
)
def test_only_code_200_with_a_token_is_one(body: object, token: str | None) -> None:
    assert read_token(body) == token


@pytest.mark.parametrize(
    "url", ["http://", "https://", "ftp://127.0.0.1", "//x", "http://2130706433", "http://[::1"]
)
def test_what_is_no_web_address_is_not_safe(url: str) -> None:
    assert not is_safe_for_cookies(url)
