"""Content blocks: what each becomes, what is left out, and how a wrong one is named."""

import base64
import json
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import InvalidRequest
from proxy.wire.messages_blocks import ATTACHED, Content, read_content

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
PDF = base64.b64encode(b"%PDF-1.7").decode()
PICTURE = {"type": "base64", "media_type": "image/png", "data": PNG}
IMAGE = {"type": "image", "source": PICTURE}
IMAGE_PART = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
PAPER = {"type": "base64", "media_type": "application/pdf", "data": PDF}
PAPER_URL = f"data:application/pdf;base64,{PDF}"


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _read(*blocks: Any, role: str = "user") -> Content:
    return read_content(list(blocks), role, "messages.2.content")


def _refused(*blocks: Any, role: str = "user") -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        _read(*blocks, role=role)
    assert caught.value.status == 400
    assert f"'{caught.value.param}'" in caught.value.message
    return caught.value


def test_a_string_is_one_text() -> None:
    assert read_content("Hello", "user", "messages.0.content").parts == [_text("Hello")]


def test_texts_stay_apart_and_empty_ones_are_left_out() -> None:
    cached = _text("a") | {"cache_control": {"type": "ephemeral"}, "citations": None}
    assert _read(cached, _text(""), _text("b")).parts == [_text("a"), _text("b")]


def test_images_are_urls() -> None:
    linked = {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}}
    assert _read(IMAGE, linked).parts == [
        IMAGE_PART,
        {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}},
    ]


@pytest.mark.parametrize(
    ("title", "name"),
    [(None, "document.pdf"), ("Plan", "Plan.pdf"), ("Plan.PDF", "Plan.PDF"),
     ("x" * 1_000, "x" * 200 + ".pdf")],
)  # fmt: skip
def test_a_pdf_is_a_file_with_its_title_as_name(title: str | None, name: str) -> None:
    for source, data in (
        (PAPER, PAPER_URL),
        ({"type": "url", "url": "https://a.example/b"}, "https://a.example/b"),
    ):
        block = {"type": "document", "source": source, "title": title}
        (part,) = _read(block).parts
        assert part == {"type": "file", "file": {"filename": name, "file_data": data}}


def test_a_file_of_another_type_keeps_its_name_and_its_context_comes_first() -> None:
    block = {
        "type": "document",
        "title": "table.csv",
        "context": "Of last year.",
        "source": {"type": "base64", "media_type": "text/csv", "data": PDF},
    }
    about, part = _read(block).parts
    assert about == _text("\nDocument: table.csv\nOf last year.\n\n")
    assert part["file"] == {"filename": "table.csv", "file_data": f"data:text/csv;base64,{PDF}"}


def test_a_text_document_is_told_in_words() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "One.\nTwo."}
    block = {"type": "document", "title": "Plan", "source": source, "citations": {"enabled": True}}
    assert _read(block).parts == [_text("\nDocument: Plan\nOne.\nTwo.\n")]


def test_a_document_of_blocks_is_its_blocks() -> None:
    source: dict[str, Any] = {"type": "content", "content": [_text("One."), IMAGE]}
    block = {"type": "document", "source": source}
    assert _read(block).parts == [_text("\nDocument:\n\n"), _text("One."), IMAGE_PART]
    source["content"] = "One."
    assert _read(block).parts == [_text("\nDocument:\n\n"), _text("One.")]


def test_a_search_result_is_told_in_words() -> None:
    block = {
        "type": "search_result",
        "title": "A",
        "source": "https://a.example",
        "content": [_text("One."), _text("Two.")],
    }
    assert _read(block).parts == [_text("\nSearch result: A\nhttps://a.example\nOne.\nTwo.\n")]


def test_calls_carry_their_arguments_as_json() -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": ["é", None]}}
    found = _read(_text("Let me look."), use, role="assistant")
    assert found.parts == [_text("Let me look.")]
    assert found.calls == [
        {
            "id": "toolu_1",
            "type": "function",
            "function": {"name": "f", "arguments": '{"a":["é",null]}'},
        }
    ]


@pytest.mark.parametrize("given_input", [{}, None, "text", [1]])
def test_a_call_without_an_object_has_empty_arguments(given_input: Any) -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": given_input}
    assert _read(use, role="assistant").calls[0]["function"]["arguments"] == "{}"


@QUICK
@given(st.dictionaries(texts, texts | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False), max_size=4))  # fmt: skip  # noqa: E501
def test_any_arguments_survive(arguments: dict[str, Any]) -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": arguments}
    said = _read(use, role="assistant").calls[0]["function"]["arguments"]
    assert json.loads(said) == arguments


def _result(**fields: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "toolu_1", **fields}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"content": "18 °C"}, "18 °C"),
        ({"content": [_text("18"), _text("°C")]}, "18\n°C"),
        ({}, ""),
        ({"content": None}, ""),
        ({"content": []}, ""),
        ({"content": "no such city", "is_error": True}, "Error: no such city"),
        ({"content": "fine", "is_error": False}, "fine"),
        ({"content": [{"type": "tool_reference", "tool_name": "f"}]},
         "The tool f can be used now."),
        ({"content": [{"type": "browser_state", "tabs": []}, _text("done")]}, "done"),
    ],
)  # fmt: skip
def test_a_result_is_a_tool_message(fields: dict[str, Any], said: str) -> None:
    found = _read(_result(**fields))
    assert found.results == [{"role": "tool", "tool_call_id": "toolu_1", "content": said}]
    assert (found.parts, found.attached) == ([], [])


def test_images_and_files_of_a_result_are_attached_elsewhere() -> None:
    paper = {"type": "document", "source": PAPER}
    found = _read(_result(content=[_text("Seen."), IMAGE, paper]), _text("And?"))
    assert found.results[0]["content"] == f"Seen.\n{ATTACHED}"
    assert found.attached[0] == IMAGE_PART
    assert found.attached[1]["file"]["file_data"] == PAPER_URL
    assert found.parts == [_text("And?")]
    assert _read(_result(content=[IMAGE])).results[0]["content"] == ATTACHED


@pytest.mark.parametrize("role", ["user", "assistant", "system"])
@pytest.mark.parametrize(
    "kind",
    ["thinking", "redacted_thinking", "server_tool_use", "web_search_tool_result", "fallback",
     "bash_code_execution_tool_result", "mcp_tool_use", "mcp_tool_result", "tool_addition"],
)  # fmt: skip
def test_what_only_anthropic_can_read_is_left_out(kind: str, role: str) -> None:
    assert _read({"type": kind, "content": []}, role=role) == Content()


def test_a_summary_stands_for_what_it_sums_up() -> None:
    for role in ("user", "assistant"):
        assert _read({"type": "compaction", "content": "So far."}, role=role).parts == [
            _text("So far.")
        ]
    assert _read({"type": "compaction", "content": None}) == Content()


@pytest.mark.parametrize(
    ("block", "place"),
    [
        (None, ""),
        ("text", ""),
        ({}, ""),
        ({"type": "unheard_of"}, ""),
        ({"type": "tool_use", "id": "a", "name": "f", "input": {}}, ""),
        ({"type": "text"}, ".text"),
        ({"type": "text", "text": 5}, ".text"),
        ({"type": "image"}, ".source"),
        ({"type": "image", "source": {"type": "text", "data": "a"}}, ".source"),
        ({"type": "image", "source": {"type": "url", "url": "file:///a"}}, ".source.url"),
        ({"type": "image", "source": {"type": "url"}}, ".source.url"),
        ({"type": "image", "source": PICTURE | {"media_type": "text/html"}}, ".source.media_type"),
        ({"type": "image", "source": PICTURE | {"media_type": "image/png;a,b"}},
         ".source.media_type"),
        ({"type": "image", "source": PICTURE | {"media_type": None}}, ".source.media_type"),
        ({"type": "image", "source": PICTURE | {"data": "no base64"}}, ".source.data"),
        ({"type": "image", "source": PICTURE | {"data": "é"}}, ".source.data"),
        ({"type": "image", "source": PICTURE | {"data": ""}}, ".source.data"),
        ({"type": "document", "source": PAPER | {"media_type": "pdf"}}, ".source.media_type"),
        ({"type": "document", "source": {"type": "text", "data": None}}, ".source.data"),
        ({"type": "document", "source": {"type": "content"}}, ".source.content"),
        ({"type": "document", "source": {"type": "content", "content": [{"type": "document"}]}},
         ".source.content.0"),
        ({"type": "search_result", "content": [IMAGE]}, ".content.0"),
        (_result(tool_use_id=""), ".tool_use_id"),
        (_result(content=5), ".content"),
        (_result(content=[_text("a"), _result()]), ".content.1"),
        (_result(content=[_text("a"), {"type": "image"}]), ".content.1.source"),
    ],
)  # fmt: skip
def test_a_wrong_block_is_named(block: Any, place: str) -> None:
    assert _refused(_text("a"), block).param == f"messages.2.content.1{place}"


@pytest.mark.parametrize("name", ["id", "name"])
def test_a_call_needs_its_id_and_its_name(name: str) -> None:
    use = {"type": "tool_use", "id": "a", "name": "f", "input": {}} | {name: ""}
    refused = _refused(use, role="assistant")
    assert (refused.param, refused.code) == (
        f"messages.2.content.0.{name}",
        "missing_required_parameter",
    )


@pytest.mark.parametrize(
    ("role", "block"),
    [("assistant", IMAGE), ("assistant", _result()), ("system", IMAGE), ("system", _result())],
)
def test_a_block_must_fit_who_speaks(role: str, block: dict[str, Any]) -> None:
    assert _refused(block, role=role).param == "messages.2.content.0"


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, ".source"),
        ({"type": "document", "source": {"type": "file", "file_id": "file_1"}}, ".source"),
        ({"type": "container_upload", "file_id": "file_1"}, ""),
    ],
)
def test_files_kept_elsewhere_cannot_be_had(block: dict[str, Any], place: str) -> None:
    refused = _refused(block)
    assert refused.param == f"messages.2.content.0{place}"
    assert refused.code == "unsupported_value"


@pytest.mark.parametrize("content", [None, 5, {}])
def test_content_is_a_string_or_a_list(content: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_content(content, "user", "messages.2.content")
    assert caught.value.param == "messages.2.content"


def test_an_error_never_repeats_what_was_sent() -> None:
    secret = "c2VjcmV0!"
    message = _refused({"type": "image", "source": PICTURE | {"data": secret}}).message
    assert secret not in message
