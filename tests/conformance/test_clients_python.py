"""langchain-openai, pydantic-ai and instructor against the running server, on both routes."""

import re

from conformance.python_client import LOCK, instructor_python, run_client
from conformance.sides import Side

LANGCHAIN = [
    *("whole", "streamed", "asynchronous", "tool_loop", "streamed_tool_loop", "forced_call"),
    *("structured_output", "structured_by_call", "structured_as_json", "structured_stream"),
]
PYDANTIC_AI = [
    *("whole", "streamed", "tool_loop", "streamed_tool_loop", "output_by_call"),
    *("output_by_schema", "output_by_prompt", "streamed_output", "tool_and_output"),
]
INSTRUCTOR = [
    *("by_call", "by_schema", "by_json_object", "growing", "one_by_one", "parallel_calls"),
    "asynchronous",
]


def _check(lines: list[dict[str, object]], checks: list[str]) -> None:
    assert [line for line in lines if not line["ok"]] == []
    assert [line["check"] for line in lines] == checks


def test_sdk_langchain_each_check_passes(side: Side) -> None:
    _check(run_client(side, "langchain_client"), LANGCHAIN)


def test_sdk_pydantic_ai_each_check_passes(side: Side) -> None:
    _check(run_client(side, "pydantic_ai_client"), PYDANTIC_AI)


def test_sdk_instructor_each_check_passes(side: Side) -> None:
    _check(run_client(side, "instructor_client", instructor_python()), INSTRUCTOR)


def test_instructor_is_pinned_by_content_and_not_by_address() -> None:
    text = LOCK.read_text("utf-8")
    pinned = re.findall(r"^([\w.-]+)==\S+ .*\\$", text, re.MULTILINE)

    assert "instructor" in pinned
    assert len(pinned) == len(re.findall(r"^\w", text, re.MULTILINE))
    assert text.count("--hash=sha256:") >= len(pinned)
    assert "://" not in text
    assert "--index" not in text
