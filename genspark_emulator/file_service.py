"""Result files, and the places uploads go to.

A wrapper address (``/api/files/s/…``) is for the session that owns the file; a signed one is for
whoever has it. ``/blob/`` stands for the storage provider and ``/cdn/`` for the delivery network,
both of which are other hosts in reality: no credential belongs there.
"""

from dataclasses import replace
from urllib.parse import urlsplit

from genspark_emulator.accounts import session_of
from genspark_emulator.byte_ranges import FileBody, Unsatisfiable, asked_range
from genspark_emulator.calls import Call
from genspark_emulator.endpoint import Endpoint, bare_client
from genspark_emulator.reply import Reply
from genspark_emulator.result_files import (
    PARTS,
    WRAPPER,
    ResultFile,
    result_file,
    task_id_of,
)
from genspark_emulator.rules import Rule
from genspark_emulator.scenarios.files import (
    BAD_LINK,
    CREDENTIALS_IN_STORAGE,
    FILE_DOCUMENTS,
    FORBIDDEN_FILE,
    MISSING_FILE,
    NO_BLOB_TYPE,
    NO_REFERER,
)
from genspark_emulator.state import EmulatorState
from genspark_emulator.tasks import Task
from genspark_emulator.uploads import Upload

STORED = "/blob/results/"
DELIVERED = "/cdn/"
AWAITED = "/blob/uploads/"


def id_in(address: str) -> str:
    """The file's id in any of the addresses above, absolute or not, whatever the query."""
    return urlsplit(address).path.rpartition("/")[2]


def is_wrapper(address: str) -> bool:
    """Whether it is the address of a file kept by Genspark."""
    return urlsplit(address).path.startswith(WRAPPER)


def found_file(
    file: str, state: EmulatorState, file_mb: int | None = None
) -> tuple[str, ResultFile] | None:
    """The owner and the file of that id, be it a result or an upload."""
    upload = state.uploads.find(file)
    if upload is not None:
        return _uploaded(upload)
    task = state.tasks.find(task_id_of(file))
    part = file[-1:]
    if task is None or not _is_there(task, part, state):
        return None
    return task.account, result_file(task, part, file_mb)


def _is_there(task: Task, part: str, state: EmulatorState) -> bool:
    return part in PARTS[task.order.kind] and task.has_files(state.clock())


def _uploaded(upload: Upload) -> tuple[str, ResultFile] | None:
    if upload.content is None:
        return None
    body = FileBody(upload.content, 0, len(upload.content))
    return upload.account, ResultFile(upload.id, upload.name, upload.content_type, body)


def refuse_stranger(call: Call, state: EmulatorState) -> Reply | None:
    """Without the owner's session a file is forbidden, also to the owner's own key."""
    refusal = bare_client(call, state)
    if refusal is not None:
        return refusal
    if session_of(call.headers) is None:
        return FORBIDDEN_FILE
    found = found_file(id_in(call.path), state)
    if found is None:
        return MISSING_FILE
    return None if found[0] == call.account else FORBIDDEN_FILE


def refuse_bad_link(call: Call, state: EmulatorState) -> Reply | None:
    """A link that was changed or is too old."""
    if not state.links.holds(call.path, call.query):
        return BAD_LINK
    return None if found_file(id_in(call.path), state) else MISSING_FILE


def refuse_hot_link(call: Call, state: EmulatorState) -> Reply | None:
    """The delivery network also wants to be told where the client comes from (2026-09-22)."""
    return refuse_bad_link(call, state) or (None if call.headers.get("referer") else NO_REFERER)


def serve_file(call: Call, state: EmulatorState, rule: Rule) -> Reply:
    """The file, or the part of it that was asked for."""
    if rule.scenario == "file_redirect":
        return _elsewhere(call, state)
    found = found_file(id_in(call.path), state, rule.file_mb)
    return MISSING_FILE if found is None else _sent(found[1], call)


def _elsewhere(call: Call, state: EmulatorState) -> Reply:
    """To the delivery network, with a signature instead of a session."""
    target = call.origin + state.links.signed(DELIVERED + id_in(call.path))
    return Reply(b"", status=302, headers=(("location", target),))


def _sent(file: ResultFile, call: Call) -> Reply:
    """Whole, or HTTP 206 for one range of it."""
    tag, whole = f'"{file.id}"', file.body
    headers = (("accept-ranges", "bytes"), ("etag", tag))
    reply = Reply(whole, headers=headers, content_type=file.content_type)
    if call.headers.get("if-range", tag) != tag:
        return reply
    try:
        asked = asked_range(call.headers.get("range", ""), whole.stop)
    except Unsatisfiable:
        return Reply("", status=416, headers=(("content-range", f"bytes */{whole.stop}"),))
    if asked is None:
        return reply
    start, stop = asked
    part = replace(reply, body=replace(whole, start=start, stop=stop), status=206)
    return part.with_headers(("content-range", f"bytes {start}-{stop - 1}/{whole.stop}"))


def refuse_upload(call: Call, state: EmulatorState) -> Reply | None:
    """Storage wants its own header and its own signature, and nobody else's secrets."""
    if any(name in call.headers for name in ("cookie", "x-api-key", "authorization")):
        return CREDENTIALS_IN_STORAGE
    if call.headers.get("x-ms-blob-type") != "BlockBlob":
        return NO_BLOB_TYPE
    token = call.query.get("sig", "")
    return None if state.uploads.awaited(id_in(call.path), token) else BAD_LINK


def take_upload(call: Call, state: EmulatorState, _rule: Rule) -> Reply:
    """Keep the file; the link is used up."""
    upload = state.uploads.awaited(id_in(call.path), call.query.get("sig", ""))
    assert upload is not None
    upload.content_type = call.headers.get("content-type", upload.content_type)
    state.uploads.fill(upload, call.raw)
    return Reply(b"", status=201, headers=(("etag", f'"{upload.id}"'),))


ENDPOINTS = (
    Endpoint(
        "GET", WRAPPER + "{file}", "file", "either", serve_file, refuse_stranger, FILE_DOCUMENTS
    ),
    Endpoint(
        "GET", STORED + "{file}", "file", "either", serve_file, refuse_bad_link, FILE_DOCUMENTS
    ),
    Endpoint(
        "GET", DELIVERED + "{file}", "cdn", "either", serve_file, refuse_hot_link, FILE_DOCUMENTS
    ),
    Endpoint(
        "PUT", AWAITED + "{upload}", "blob", "either", take_upload, refuse_upload, binary=True
    ),
)
