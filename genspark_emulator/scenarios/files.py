"""What comes instead of a file, by scenario name, and what storage refuses."""

from genspark_emulator.reply import HTML, Reply
from genspark_emulator.scenarios.documents import text

_XML = "application/xml"


def _storage_error(status: int, code: str, message: str) -> Reply:
    """Errors in the form of Azure's blob storage."""
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code>'
    return Reply(f"{body}<Message>{message}</Message></Error>", status=status, content_type=_XML)


BAD_LINK = _storage_error(
    403, "AuthenticationFailed", "The signature is not valid, was used before, or has expired."
)
NO_BLOB_TYPE = _storage_error(
    400, "MissingRequiredHeader", "The header x-ms-blob-type: BlockBlob is required."
)
CREDENTIALS_IN_STORAGE = _storage_error(
    400, "InvalidAuthenticationInfo", "A cookie or key of another host does not belong here."
)
"""The real storage ignores cookies; here a leak is to be noticed."""

FORBIDDEN_FILE = Reply({"detail": "Forbidden"}, status=403)
MISSING_FILE = Reply({"detail": "Not Found"}, status=404)
NO_REFERER = text(403, "Referer required")

_SIGN_IN = "<!DOCTYPE html><html><head><title>Genspark</title></head><body>Sign in</body></html>"

FILE_DOCUMENTS: dict[str, Reply] = {
    "file_expired": BAD_LINK,
    "file_missing": MISSING_FILE,
    "file_wrong_type": Reply(_SIGN_IN, content_type=HTML),
    "file_empty": Reply(b"", content_type="video/mp4"),
}

FILE_SCENARIOS = FILE_DOCUMENTS.keys() | {"file_redirect"}
