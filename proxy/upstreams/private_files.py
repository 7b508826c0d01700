"""Put a file into the storage of the account that is going to use it."""

from typing import Protocol
from urllib.parse import urljoin

import httpx2

from proxy.core.accounts import Account
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.upstreams.genspark import Genspark
from proxy.wire import genspark_files
from proxy.wire.genspark_failures import classify
from proxy.wire.genspark_files import PrivateFile


class NamedBytes(Protocol):
    """A file in memory. ``mime`` is its true type, ``name`` has the extension that goes with it."""

    @property
    def name(self) -> str:
        """The file's name without a path."""

    @property
    def mime(self) -> str:
        """The MIME type."""

    @property
    def data(self) -> bytes:
        """The content."""


async def upload(genspark: Genspark, account: Account, file: NamedBytes) -> PrivateFile:
    """The file in a cookie account's own storage: another account could not use it.

    Raises ``UpstreamError``.
    """
    upload_url, storage_url = await _place(genspark, account)
    await put(genspark, account, upload_url, genspark_files.put_headers(genspark.origin), file.data)
    return PrivateFile(file.name, file.mime, len(file.data), storage_url)


async def _place(genspark: Genspark, account: Account) -> tuple[str, str]:
    """Where to put one file, and its address afterwards."""
    exchange = await genspark.http.send(
        "GET",
        genspark.origin + genspark_files.UPLOAD_URL_PATH,
        genspark.cookie_headers(account, "/") | {"Accept": "application/json"},
        proxy=account.proxy,
    )
    try:
        genspark.refresh(account, exchange)
        reply = genspark.reply(exchange, await exchange.read_all())
    finally:
        await exchange.aclose()
    if (failure := classify(reply)) is not None:
        raise UpstreamError(failure)
    links = genspark_files.read_upload_url(reply.json)
    if links is None:
        raise UpstreamError(Failure(Kind.UPLOAD_FAILED, "no place to upload an input to"))
    return links


async def put(
    genspark: Genspark, account: Account, url: str, headers: dict[str, str], data: bytes
) -> None:
    """Send the bytes to a signed address; ``headers`` are all that go along, so no credential."""
    try:
        address = urljoin(genspark.origin, url)
        exchange = await genspark.http.send("PUT", address, headers, data, proxy=account.proxy)
    except (ValueError, httpx2.InvalidURL):
        # Its text quotes the address, which is a credential.
        unusable = Failure(Kind.UPLOAD_FAILED, "the address to upload to is not valid")
        raise UpstreamError(unusable) from None
    await exchange.aclose()
    if exchange.status not in (200, 201):
        raise UpstreamError(Failure(Kind.UPLOAD_FAILED, f"HTTP {exchange.status} on upload"))
