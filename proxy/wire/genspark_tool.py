"""The official media tools, ``/api/tool_cli/<tool>``: bodies, answers, files (as of 2026-09).

An answer is one JSON object per line: progress about every 5 s, then a final envelope. Its HTTP
status is 200 for failures, too.
"""

from dataclasses import replace
from typing import Any, Final

import msgspec

from proxy.core.failures import Failure, Kind
from proxy.core.media import MediaAsk, TaskReport, TaskState, Terms, Use
from proxy.core.products import Product
from proxy.wire.genspark_failures import LOOK, Reply, classify, message_of
from proxy.wire.genspark_key_failures import classify_key
from proxy.wire.genspark_tasks import MOST_TASKS, is_policy, read_task, unfolded
from proxy.wire.json_values import child, list_at, number_at, object_at, text_at

_TOOLS: Final = {Product.IMAGE: "image_generation", Product.VIDEO: "video_generation"}
PATHS: Final = {product: f"/api/tool_cli/{tool}" for product, tool in _TOOLS.items()}
TOOLS_PATH: Final = "/api/tool_cli/tools"
UPLOAD_PATH: Final = "/api/tool_cli/file/upload_url"
DOWNLOAD_PATH: Final = "/api/tool_cli/file/download"

# An envelope repeats the prompt and names addresses: kilobytes, never megabytes.
LINE_LIMIT: Final = 16 * 1024 * 1024
# So much of an answer's beginning is enough to say why it is a refusal.
KEPT: Final = LOOK

# The tools' own optional fields, by their names (CLI 1.13.1, 2026-09-22).
VENDOR_FIELDS: Final = {
    Product.IMAGE: frozenset({"aspect_ratio", "image_size", "image_urls", "bbox"}),
    Product.VIDEO: frozenset(
        {
            "aspect_ratio", "duration", "image_urls", "reference_mode", "video_url", "video_mode",
            "video_urls", "audio_urls", "audio_url", "keep_audio", "input_mode", "audio_enable",
            "tier", "video_size", "file_name",
        }
    ),
}  # fmt: skip
# These edit, extend and refer by ``video_urls`` even when there is one (skill text, 2026-09-22).
_TAKE_LISTS: Final = ("fal-ai/bytedance/seedance-2.5", "minimax/h3")
_LISTS: Final = {
    Product.IMAGE: ("generated_images", "images"),
    Product.VIDEO: ("generated_videos", "videos"),
}


class LineTooLong(Exception):
    """One line of an answer grew beyond the reader's limit."""


def headers(key: str) -> dict[str, str]:
    """The key, and the server's own name as the attribution bucket."""
    return {
        "Content-Type": "application/json",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "X-Api-Key": key,
        "User-Agent": "genspark2api",
        "X-Agent-Type": "genspark2api",
    }


def prompt_text(terms: Terms) -> str:
    """The caller's prompt; Genspark has no field for what is not wanted, so a sentence says it."""
    unwanted = (terms.negative_prompt or "").strip().rstrip(".")
    return f"{terms.prompt}\n\nAvoid the following: {unwanted}." if unwanted else terms.prompt


def body(ask: MediaAsk, model: str, urls: list[tuple[Use, str]]) -> bytes:
    """The tool's arguments. ``urls`` are the inputs' addresses in the caller's order.

    A field that the caller gave by the tool's own name wins over the common one. There is no field
    for a mask.
    """
    terms = ask.terms
    common = _image_terms(terms) if terms.product is Product.IMAGE else _video_terms(terms)
    own = {name: v for name, v in terms.vendor.items() if name in VENDOR_FIELDS[terms.product]}
    fields = {"query": prompt_text(terms), "model": model, **common, **own}
    fields |= _input_fields(terms.product, model, urls, own)
    return msgspec.json.encode({name: value for name, value in fields.items() if value is not None})


def _image_terms(terms: Terms) -> dict[str, Any]:
    return {"aspect_ratio": terms.ratio, "image_size": terms.resolution}


def _video_terms(terms: Terms) -> dict[str, Any]:
    return {
        "aspect_ratio": terms.ratio,
        "duration": whole_number(terms.seconds),
        "video_size": video_size(terms),
        "audio_enable": terms.audio,
        "tier": terms.tier,
    }


def whole_number(seconds: float | None) -> float | None:
    """Seconds without a fraction that says nothing: 8, not 8.0."""
    return int(seconds) if seconds is not None and float(seconds).is_integer() else seconds


def video_size(terms: Terms) -> str | None:
    """The resolution as the video models spell it: ``2K`` alone is in upper case."""
    return "2K" if terms.resolution == "2k" else terms.resolution


def _input_fields(
    product: Product, model: str, urls: list[tuple[Use, str]], own: dict[str, Any]
) -> dict[str, Any]:
    """First frame, last frame, references: the tool goes by their order and number."""
    order = (Use.FIRST_FRAME, Use.LAST_FRAME, Use.REFERENCE)
    given = [(use, url) for wanted in order for use, url in urls if use is wanted]
    pictures = [url for _, url in given] + _listed(own.get("image_urls"))
    fields: dict[str, Any] = {"image_urls": pictures} if pictures else {}
    if product is Product.VIDEO:
        if given and all(use is Use.REFERENCE for use, _ in given):
            fields["reference_mode"] = own.get("reference_mode", True)
        fields |= _video_inputs(model, [url for use, url in urls if use is Use.VIDEO])
    return fields


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [value] if value else []


def _video_inputs(model: str, videos: list[str]) -> dict[str, Any]:
    if len(videos) > 1 or (videos and model.startswith(_TAKE_LISTS)):
        return {"video_urls": videos}
    return {"video_url": videos[0]} if videos else {}


class ToolReader:
    """The lines of one answer. ``final`` is its last final object, None while there is none."""

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._limit = limit
        self.final: dict[str, Any] | None = None
        self.clean = False

    def feed(self, data: bytes) -> int:
        """How many signs of progress this read completes. Raises ``LineTooLong``."""
        *lines, rest = data.split(b"\n")
        if not lines:
            self._keep(rest)
            return 0
        first = b"".join([*self._parts, lines[0]])
        self._parts, self._size = [], 0
        progress = sum(self._read(line) for line in [first, *lines[1:]])
        self._keep(rest)
        return progress

    def close(self, *, clean: bool) -> None:
        """The end of the transfer; a last line needs no line end."""
        self.clean = clean
        self._read(b"".join(self._parts))
        self._parts, self._size = [], 0

    def _keep(self, rest: bytes) -> None:
        self._size += len(rest)
        if self._size > self._limit:
            raise LineTooLong
        if rest:
            self._parts.append(rest)

    def _read(self, line: bytes) -> bool:
        """Whether the line is a sign of progress; a final object is kept."""
        if len(line) > self._limit:
            raise LineTooLong
        try:
            value = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError):
            return False
        if not _is_envelope(value):
            return False
        if "status" in value or "version" not in value:
            self.final = value
            return False
        return True


def _is_envelope(value: Any) -> bool:
    """An object; those of a later version are to be ignored, as the official client does."""
    return isinstance(value, dict) and (number_at(value, "version") or 0) <= 1


def outcome(
    reply: Reply, final: dict[str, Any] | None, product: Product, *, clean: bool = True
) -> list[TaskReport] | Failure:
    """What an answer comes to: one report or more, or why there is none.

    ``EMPTY`` and ``BROKEN_STREAM`` (``clean`` is False) say that nothing usable came: whether the
    request was taken is unknown. ``reply`` needs no more than the first ``KEPT`` bytes as its body.
    """
    # A body that spreads one object over many lines has no line to be final.
    envelope = final or (object_at(reply.json) if _is_envelope(reply.json) else {})
    if reports := _reports(envelope, product):
        return reports
    told = replace(reply, body=msgspec.json.encode(envelope)) if envelope else reply
    if (failure := classify_key(told) or _web_refusal(told)) is not None:
        return failure
    if text_at(envelope, "status") == "error" or (
        "status" not in envelope and message_of(envelope)
    ):
        return _tool_failure(told)
    if clean:
        return Failure(Kind.EMPTY, "the tool named no result")
    return Failure(Kind.BROKEN_STREAM, "the answer broke off before its final object")


def _reports(envelope: dict[str, Any], product: Product) -> list[TaskReport]:
    data = unfolded(child(envelope, "data"))
    lists = (unfolded(child(data, name)) for name in _LISTS[product])
    items = next((found for found in lists if found and isinstance(found, list)), [])
    if not items and text_at(data, "task_id"):
        items = [data]
    # An envelope's own words explain the failures under it that have none.
    why = text_at(envelope, "message") if text_at(envelope, "status") == "error" else ""
    reports = [_report(unfolded(item), product, why) for item in items[:MOST_TASKS]]
    return [r for r in reports if r.task_id or r.urls or r.state is TaskState.FAILED]


def _report(item: Any, product: Product, why: str) -> TaskReport:
    told = {"message": why, **item} if isinstance(item, dict) else item
    report = read_task(told, product)
    # The tool returns when its work is over, whatever word it has for that.
    if report.state is TaskState.PENDING and report.urls:
        return msgspec.structs.replace(report, state=TaskState.DONE)
    return report


def _web_refusal(told: Reply) -> Failure | None:
    """The web's numbers in place of the envelope's words."""
    return None if number_at(told.json, "status") is None else classify(told)


def _tool_failure(told: Reply) -> Failure:
    """An error envelope under HTTP 200, read like the HTTP 400 that it stands for."""
    failure = classify_key(replace(told, status=400))
    if failure is not None and failure.kind is Kind.MODEL_UNKNOWN:
        return failure
    reason = failure.told if failure is not None else ""
    kind = Kind.POLICY if is_policy(reason) else Kind.TASK_FAILED
    return Failure(kind, "the tool reported an error", told=reason[:500])


def upload_body(name: str, mime: str) -> bytes:
    """The question for a place to put an input."""
    return msgspec.json.encode({"content_type": mime, "name": name})


def upload_headers(mime: str) -> dict[str, str]:
    """For the PUT into blob storage: it is signed by its address, so no key goes along."""
    return {"Content-Type": mime, "x-ms-blob-type": "BlockBlob"}


def read_upload(answer: Any) -> tuple[str, str] | None:
    """Where to PUT the bytes, and the wrapper address that stands for them afterwards."""
    data = object_at(answer, "data") or answer
    upload, wrapper = text_at(data, "upload_url"), text_at(data, "file_wrapper_url")
    return (upload, wrapper) if upload and wrapper else None


def download_body(wrapper: str) -> bytes:
    """The question for an address that opens without a credential (for about 24 h)."""
    return msgspec.json.encode({"file_wrapper_url": wrapper})


def read_download(answer: Any) -> str | None:
    """That address."""
    return text_at(object_at(answer, "data") or answer, "download_url") or None


def media_models(answer: Any, product: Product) -> list[str]:
    """The model ids that ``/tools`` allows for this product's tool."""
    tools = list_at(answer, "tools") or list_at(answer, "data", "tools")
    parameters = next(
        (child(t, "parameters") for t in tools if text_at(t, "name") == _TOOLS[product]), None
    )
    listed = list_at(parameters, "properties", "model", "enum")
    return [model for model in listed if isinstance(model, str) and model]
