"""What every error must be like, whatever went wrong."""

from typing import Any, Protocol

from conformance.sides import SECRET_KEY, SECRET_OF_CALLER, SECRET_SESSION
from live import SECRET

# Statuses the server may use, and the type that belongs to each.
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    408: "timeout_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
    500: "server_error",
    501: "server_error",
    502: "server_error",
    503: "server_error",
    504: "server_error",
}

# Words by which one-api switches a channel off for good.
FORBIDDEN = (
    "credit", "balance", "permission denied", "your access was terminated",
    "violation of our policies", "organization has been disabled",
    "organization has been restricted", "api key not valid", "api key expired", "已欠费",
)  # fmt: skip

SECRETS = (SECRET_SESSION, SECRET_KEY, SECRET_KEY.removeprefix("gsk-"), SECRET_OF_CALLER, SECRET)
INSIDES = (
    "session_id", "gsk-", "/api/", "Traceback", 'File "', ".py", "httpx", "aiohttp", "starlette",
)  # fmt: skip


class Reply(Protocol):
    """What ``error_of`` needs of a reply."""

    status: int

    @property
    def headers(self) -> dict[str, str]:
        """Headers by lower-cased name."""

    def json(self) -> Any:
        """The decoded body."""


def error_of(reply: Reply, status: int) -> dict[str, Any]:
    """The error object of a reply that must have this status."""
    assert reply.status == status, (reply.status, reply.json())
    assert reply.headers["content-type"].split(";")[0] == "application/json"
    assert reply.headers["x-request-id"]
    body = reply.json()
    assert set(body) == {"error"}, body
    return checked(body["error"], status)


def checked(error: Any, status: int | None = None) -> dict[str, Any]:
    """An error object whose keys have the types that strict clients parse."""
    assert isinstance(error, dict), error
    assert {"message", "type", "param", "code"} <= set(error), error
    assert isinstance(error["message"], str), error
    assert error["message"].strip(), error
    assert isinstance(error["type"], str), error
    assert isinstance(error["param"], str | None), error
    assert isinstance(error["code"], str | None), error
    if status is not None:
        assert error["type"] == TYPES[status], error
    return error


def assert_quiet(everything: str) -> None:
    """No word in a reply makes a gateway switch its channel off."""
    lowered = everything.lower()
    said = [word for word in FORBIDDEN if word in lowered]
    assert not said, f"{said} in {everything}"


def assert_discreet(everything: str, upstream_url: str) -> None:
    """No secret and nothing of the inside is in a reply, headers included."""
    address = upstream_url.removeprefix("http://")
    found = [word for word in (*SECRETS, *INSIDES, address) if word in everything]
    assert not found, f"{found} in {everything}"
