"""Where clients are told to put files, and how to reach those Genspark keeps.

With a key: vendor software of 2026-09-22. With a session: seen until 2026-04.
"""

from genspark_emulator.calls import Call
from genspark_emulator.endpoint import Endpoint, anonymous, toolless
from genspark_emulator.file_service import AWAITED, STORED, found_file, id_in, is_wrapper
from genspark_emulator.reply import Reply
from genspark_emulator.result_files import WRAPPER
from genspark_emulator.rules import Rule
from genspark_emulator.state import EmulatorState
from genspark_emulator.tool_envelope import tool_error, tool_ok
from genspark_emulator.uploads import Upload

_NO_TYPE = tool_error("'content_type' is required", "invalid_parameters")
_NO_WRAPPER = tool_error("'file_wrapper_url' must be a file's address", "invalid_parameters")
_NO_FILE = tool_error("The file does not exist or is not yours.", "file_not_found")


def _links(call: Call, upload: Upload) -> tuple[str, str]:
    """Where to put the file, and its address afterwards."""
    put = f"{call.origin}{AWAITED}{upload.id}?sv=2026-02-06&sr=b&sp=cw&sig={upload.token}"
    return put, f"{call.origin}{WRAPPER}{upload.id}"


def refuse_upload_url(call: Call, state: EmulatorState) -> Reply | None:
    """No key, or a body that does not say what will come."""
    given = isinstance(call.fields.get("content_type"), str) and call.fields["content_type"]
    return toolless(call, state) or (None if given else _NO_TYPE)


def upload_url(call: Call, state: EmulatorState, _rule: Rule) -> Reply:
    """A place for a file of the key's owner."""
    name, content_type = call.fields.get("name"), call.fields["content_type"]
    upload = state.uploads.open(call.account or "", str(name or ""), content_type)
    put, wrapper = _links(call, upload)
    return tool_ok({"upload_url": put, "file_wrapper_url": wrapper})


def personal_upload_url(call: Call, state: EmulatorState, _rule: Rule) -> Reply:
    """A place for an attachment of the session's account."""
    put, address = _links(call, state.uploads.open(call.account or ""))
    data = {"upload_image_url": put, "private_storage_url": address}
    return Reply({"status": 0, "message": "success", "data": data})


def refuse_download(call: Call, state: EmulatorState) -> Reply | None:
    """No key, no address, or a file of somebody else."""
    refusal = toolless(call, state)
    if refusal is not None:
        return refusal
    wrapper = call.fields.get("file_wrapper_url")
    if not isinstance(wrapper, str) or not is_wrapper(wrapper):
        return _NO_WRAPPER
    found = found_file(id_in(wrapper), state)
    return None if found is not None and found[0] == call.account else _NO_FILE


def download(call: Call, state: EmulatorState, _rule: Rule) -> Reply:
    """A link that needs no credential, for about a day."""
    wrapper = call.fields["file_wrapper_url"]
    found = found_file(id_in(wrapper), state)
    assert found is not None
    file = found[1]
    return tool_ok(
        {
            "download_url": call.origin + state.links.signed(STORED + file.id),
            "file_name": file.name,
            "content_type": file.content_type,
            "original_url": wrapper,
        }
    )


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/tool_cli/file/upload_url",
        "upload",
        "key",
        upload_url,
        refuse_upload_url,
        framing="lines",
    ),
    Endpoint(
        "POST",
        "/api/tool_cli/file/download",
        "download",
        "key",
        download,
        refuse_download,
        framing="lines",
    ),
    Endpoint(
        "GET",
        "/api/get_upload_personal_image_url",
        "upload",
        "session",
        personal_upload_url,
        anonymous,
    ),
)
