"""What the emulated Gemini API accepts, by google-genai 3.4 and Google's pages (2026-11).

Every function names the first thing that is wrong, or nothing; unknown fields always are.
"""

import base64
import binascii
import re
from typing import Any

OMNI = {
    "gemini-omni-1.1-flash": (3, 10),
    "gemini-omni-1.2-flash": (3, 15),
}
IMAGES = {
    "gemini-3.1-flash-image": {"512", "1K", "2K", "4K"},
    "gemini-3-pro-image": {"1K", "2K", "4K"},
    "gemini-3.1-flash-lite-image": {"1K"},
    "gemini-nano-banana-2.1": {"1K"},
}
_RATIOS = {"1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"}
_LONG_RATIOS = {"1:4", "4:1", "1:8", "8:1"}
_TASKS = {
    *("text_to_video", "image_to_video", "reference_to_video"),
    *("edit", "extend", "upscale"),
}
_CREATE = {
    *("model", "input", "response_format", "generation_config", "previous_interaction_id"),
    *("background", "store", "stream", "webhook_config", "safety_settings", "service_tier"),
    *("labels", "system_instruction", "tools", "response_modalities"),
}
_DURATION = re.compile(r"(\d+(?:\.\d{1,9})?)s")


def interaction(body: Any) -> str:
    """An interaction that makes a video."""
    if not isinstance(body, dict):
        return "Invalid JSON payload received."
    return (
        _unknown(body, _CREATE)
        or _input(body.get("input"))
        or _video_format(body.get("response_format", {}), OMNI[body["model"]])
        or _video_config(body.get("generation_config", {}))
        or _background(body)
    )


def _unknown(given: Any, known: set[str]) -> str:
    if not isinstance(given, dict):
        return "an object is expected"
    odd = sorted(given.keys() - known)
    return f'Invalid JSON payload received. Unknown name "{odd[0]}"' if odd else ""


def _input(given: Any) -> str:
    if isinstance(given, str):
        return "" if given.strip() else "input must not be empty."
    if not isinstance(given, list) or not given:
        return "input is required."
    parts = [part for each in given for part in _parts_of(each)]
    return next((wrong for part in parts if (wrong := _part(part))), "")


def _parts_of(given: Any) -> list[Any]:
    """A step's parts, as the SDK sends them, or the part itself, as Google's page has it."""
    if isinstance(given, dict) and given.get("type") == "user_input":
        return list(given.get("content", []))
    return [given]


def _part(part: Any) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text":
        return _unknown(part, {"type", "text"})
    if kind not in ("image", "video"):
        return f"Unsupported input type: {kind}"
    wrong = _unknown(part, {"type", "data", "uri", "mime_type"})
    if wrong or "uri" in part:
        outside = "uri" in part and "/files/" not in part["uri"]
        return wrong or ("Cannot fetch content from the provided URL." if outside else "")
    if not str(part.get("mime_type", "")).startswith(f"{kind}/"):
        return f"mime_type does not fit a part of type {kind}."
    return _base64(part.get("data"))


def _base64(text: Any) -> str:
    try:
        # Protobuf's JSON takes both alphabets.
        plain = text.replace("-", "+").replace("_", "/")
        return "" if base64.b64decode(plain, validate=True) else "data is empty"
    except (AttributeError, ValueError, binascii.Error):
        return "Base64 decoding failed"


def _video_format(given: Any, limits: tuple[int, int]) -> str:
    wrong = _unknown(
        given, {"type", "aspect_ratio", "resolution", "duration", "delivery", "gcs_uri"}
    )
    if wrong:
        return wrong
    allowed = {
        "type": {"video"},
        "aspect_ratio": {"16:9", "9:16"},
        "resolution": {"360p", "720p", "1080p", "4k"},
        "delivery": {"inline", "uri"},
    }
    for name, values in allowed.items():
        if name in given and given[name] not in values:
            return f"response_format.{name} must be one of {sorted(values)}."
    return _duration(given["duration"], limits) if "duration" in given else ""


def _duration(given: Any, limits: tuple[int, int]) -> str:
    found = _DURATION.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        return "Illegal duration format; duration must end with 's'"
    low, high = limits
    inside = low <= float(found[1]) <= high
    return "" if inside else f"duration must be between {low}s and {high}s."


def _video_config(given: Any) -> str:
    wrong = _unknown(given, {"video_config", "seed", "thinking_level"})
    config = given.get("video_config", {}) if not wrong else {}
    wrong = wrong or _unknown(config, {"task"})
    if wrong:
        return wrong
    return "" if config.get("task", "edit") in _TASKS else "Unknown task."


def _background(body: dict[str, Any]) -> str:
    if body.get("background") and body.get("store") is False:
        return "background requires store."
    return ""


def picture(body: Any, model: str) -> str:
    """A ``generateContent`` that makes a picture."""
    wrong = _unknown(body, {"contents", "generationConfig", "safetySettings"})
    if wrong:
        return wrong
    for content in body.get("contents", []):
        wrong = _unknown(content, {"role", "parts"})
        parts = [] if wrong else content["parts"]
        wrong = wrong or next((found for part in parts if (found := _content(part))), "")
        if wrong:
            return wrong
    return _picture_config(body.get("generationConfig", {}), model)


def _content(part: Any) -> str:
    wrong = _unknown(part, {"text", "inlineData"})
    if wrong or "inlineData" not in part:
        return wrong
    # Protobuf's JSON takes both spellings of a name.
    data = part["inlineData"]
    return _unknown(data, {"mimeType", "mime_type", "data"}) or _base64(data.get("data"))


def _picture_config(given: Any, model: str) -> str:
    wrong = _unknown(given, {"responseModalities", "imageConfig", "seed"})
    config = given.get("imageConfig", {}) if not wrong else {}
    wrong = wrong or _unknown(config, {"aspectRatio", "imageSize"})
    if wrong:
        return wrong
    if "IMAGE" not in given.get("responseModalities", ["TEXT", "IMAGE"]):
        return "responseModalities must have IMAGE."
    ratios = _RATIOS | (_LONG_RATIOS if model.startswith("gemini-3.1") else set())
    if config.get("aspectRatio", "1:1") not in ratios:
        return "aspectRatio is not supported."
    return "" if config.get("imageSize", "1K") in IMAGES[model] else "imageSize is not supported."


_VERTEX_ONLY = {
    *("generateAudio", "storageUri", "fps", "pubsubTopic", "compressionQuality", "resizeMode"),
    *("labels", "sampleCount", "seed"),
}


def long_running(body: Any, model: str, *, vertex: bool) -> str:
    """Veo's ``predictLongRunning``, at one of the two hosts."""
    lite = "-lite-" in model
    top = {"instances", "parameters", "labels"} if vertex else {"instances", "parameters"}
    wrong = _unknown(body, top)
    instances = [] if wrong else body.get("instances", [])
    if wrong or len(instances) != 1:
        return wrong or "exactly one instance is expected"
    plain = {"prompt", "image"} if lite else {"prompt", "image", "lastFrame", "referenceImages"}
    known = plain | ({"video", "mask"} if vertex and not lite else set())
    return (
        _unknown(instances[0], known)
        or _instance(instances[0])
        or _parameters(body.get("parameters", {}), lite=lite, vertex=vertex)
        or _together(instances[0], body.get("parameters", {}))
    )


def _instance(given: dict[str, Any]) -> str:
    if not given.get("prompt") and "image" not in given:
        return "prompt is required."
    media = [given[name] for name in ("image", "lastFrame", "video") if name in given]
    for reference in given.get("referenceImages", []):
        if str(reference.get("referenceType")).lower() != "asset":
            return "referenceType must be asset."
        media.append(reference.get("image"))
    for each in media:
        wrong = _unknown(each, {"bytesBase64Encoded", "mimeType", "gcsUri"})
        wrong = wrong or ("" if "gcsUri" in each else _base64(each.get("bytesBase64Encoded")))
        if wrong or "mimeType" not in each:
            return wrong or "mimeType is required."
    return ""


def _parameters(given: Any, *, lite: bool, vertex: bool) -> str:
    common = {"aspectRatio", "durationSeconds", "resolution", "personGeneration", "sampleCount"}
    known = common | (_VERTEX_ONLY if vertex else set()) | (set() if lite else {"negativePrompt"})
    wrong = _unknown(given, known)
    if wrong:
        return wrong
    seconds = given.get("durationSeconds", 8)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds not in (4, 6, 8):
        return "The number value for `durationSeconds` needs to be 4, 6 or 8."
    if given.get("aspectRatio", "16:9") not in ("16:9", "9:16"):
        return "aspectRatio is not supported."
    resolutions = ("720p", "1080p") if lite else ("720p", "1080p", "4k")
    if given.get("resolution", "720p") not in resolutions:
        return "resolution is not supported."
    if given.get("personGeneration", "allow_all") not in ("allow_all", "allow_adult", "dont_allow"):
        return f"{given['personGeneration']} for personGeneration is currently not supported."
    if vertex and not isinstance(given.get("generateAudio"), bool):
        return "generateAudio is required."
    return ""


def _together(instance: dict[str, Any], given: dict[str, Any]) -> str:
    seconds = given.get("durationSeconds", 8)
    if "lastFrame" in instance and "image" not in instance:
        return "lastFrame needs an image."
    if "referenceImages" in instance:
        if len(instance["referenceImages"]) > 3 or instance.keys() & {
            "image",
            "lastFrame",
            "video",
        }:
            return "referenceImages: at most 3, and nothing else."
        return "" if seconds == 8 else "referenceImages need 8 seconds."
    if given.get("resolution") in ("1080p", "4k") and seconds != 8:
        return "1080p and 4k need 8 seconds."
    return ""
