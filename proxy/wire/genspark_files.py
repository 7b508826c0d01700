"""Pictures and files in the web routes' asks, and how files get into an account's own storage.

The part's shape is that of public clients of 2026-04, for chats and for the media agents alike.
"""

from pathlib import PurePosixPath
from typing import Any, Final

from msgspec import Struct

from proxy.wire.json_values import object_at, text_at
from proxy.wire.media_types import data_url

UPLOAD_URL_PATH: Final = "/api/get_upload_personal_image_url"


class PrivateFile(Struct, frozen=True):
    """A file that lies in an account's own storage; only that account can use it.

    ``size`` is in bytes.
    """

    name: str
    mime: str
    size: int
    storage_url: str


def file_part(file: PrivateFile) -> dict[str, Any]:
    """The content part that attaches an uploaded file."""
    return {
        "type": "private_file",
        "private_file": {
            "name": file.name,
            "type": file.mime,
            "size": file.size,
            "ext": PurePosixPath(file.name).suffix.lstrip("."),
            "private_storage_url": file.storage_url,
        },
    }


def image_part(mime: str, data: bytes) -> dict[str, Any]:
    """The content part of an image sent inline. Nobody has seen Genspark fetch a plain URL."""
    return image_url_part(data_url(mime, data))


def image_url_part(url: str) -> dict[str, Any]:
    """The same for a data URL that is there already."""
    return {"type": "image_url", "image_url": {"url": url}}


def read_upload_url(answer: Any) -> tuple[str, str] | None:
    """Where to PUT the bytes, once and soon, and the storage address that stands for them."""
    data = object_at(answer, "data") or answer
    upload, stored = text_at(data, "upload_image_url"), text_at(data, "private_storage_url")
    return (upload, stored) if upload and stored else None


def put_headers(origin: str) -> dict[str, str]:
    """For the PUT into blob storage: it is signed by its address, so no cookie goes along."""
    return {
        "Content-Type": "application/octet-stream",
        "x-ms-blob-type": "BlockBlob",
        "Origin": origin,
    }
