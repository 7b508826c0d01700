"""Go's JSON decoder, as strict as it is, and the structs that gateways decode our replies into.

Sources: QuantumNous/new-api as of 2026-09, dto/openai_video.go, dto/video.go, dto/task.go,
dto/openai_image.go and relay/channel/task/sora/adaptor.go; songquanpeng/one-api 8df4a267,
relay/adaptor/openai/model.go and relay/model/misc.go.
"""

from typing import Any

Struct = dict[str, Any]
"""Field names with their types: ``string``, ``int``, ``float``, ``any``, a struct, or a list of one
type."""

TASK_ERROR: Struct = {"message": "string", "code": "string"}

SORA_TASK: Struct = {
    "id": "string",
    "task_id": "string",
    "object": "string",
    "model": "string",
    "status": "string",
    "progress": "int",
    "created_at": "int",
    "completed_at": "int",
    "expires_at": "int",
    "seconds": "string",
    "size": "string",
    "remixed_from_video_id": "string",
    "error": TASK_ERROR,
}

OPENAI_VIDEO: Struct = {
    **SORA_TASK,
    "usage": {"completion_tokens": "int", "total_tokens": "int"},
    "metadata": {},
}

VIDEO_SUBMITTED: Struct = {"task_id": "string", "status": "string"}

VIDEO_TASK: Struct = {
    "task_id": "string",
    "status": "string",
    "url": "string",
    "format": "string",
    "metadata": {
        "duration": "float",
        "fps": "int",
        "width": "int",
        "height": "int",
        "seed": "int",
    },
    "error": {"code": "int", "message": "string"},
}

TASK_RECORD: Struct = {
    "id": "int",
    "created_at": "int",
    "updated_at": "int",
    "task_id": "string",
    "platform": "string",
    "user_id": "int",
    "group": "string",
    "channel_id": "int",
    "quota": "int",
    "action": "string",
    "status": "string",
    "fail_reason": "string",
    "result_url": "string",
    "submit_time": "int",
    "start_time": "int",
    "finish_time": "int",
    "progress": "string",
    "properties": "any",
    "data": "any",
}

TASK_REPLY: Struct = {"code": "string", "message": "string", "data": TASK_RECORD}

IMAGES: Struct = {
    "created": "int",
    "data": [{"url": "string", "b64_json": "string", "revised_prompt": "string"}],
}

ERROR_REPLY: Struct = {
    "error": {"message": "string", "type": "string", "param": "string", "code": "any"}
}


def decode(value: Any, kind: Any, where: str = "$") -> None:
    """Fail as ``json.Unmarshal`` would. null leaves a field as it is; unknown names are skipped."""
    if value is None or kind == "any":
        return
    if isinstance(kind, list):
        assert isinstance(value, list), f"{where}: cannot unmarshal {value!r} into a slice"
        for number, item in enumerate(value):
            decode(item, kind[0], f"{where}[{number}]")
    elif isinstance(kind, dict):
        assert isinstance(value, dict), f"{where}: cannot unmarshal {value!r} into a struct"
        fields = {name.lower(): inner for name, inner in kind.items()}
        for name, item in value.items():
            decode(item, fields.get(name.lower(), "any"), f"{where}.{name}")
    else:
        assert _fits(value, kind), f"{where}: cannot unmarshal {value!r} into a Go {kind}"


def _fits(value: Any, kind: str) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "int":
        return type(value) is int and -(2**63) <= value < 2**63
    assert kind == "float", kind
    return type(value) in (int, float)
