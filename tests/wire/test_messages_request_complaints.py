"""Complaints of the chat's reader about an Anthropic request, in that request's words."""

from typing import Any

import pytest

from proxy.core.ask import InvalidRequest
from proxy.wire.messages_request import chat_of
from proxy.wire.openai_request import chat_from

HELLO: dict[str, Any] = {"role": "user", "content": "Hello"}


@pytest.mark.parametrize(
    ("chats", "ours"),
    [
        ("messages.0", "system"),
        ("messages.1.content.0", "messages.0.content"),
        ("messages.3", "messages.2"),
        ("messages.4.content.2.image_url", "messages.2.content"),
        ("messages.9.content.2", "messages.content"),
        ("max_completion_tokens", "max_tokens"),
        ("response_format.json_schema.schema", "output_config.format.schema"),
        ("tools", "tools"),
    ],
)
def test_complaints_about_the_chat_are_put_into_these_words(chats: str, ours: str) -> None:
    call = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "c", "content": "x"}
    messages = [
        HELLO,
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result, {"type": "text", "text": "Go on."}]},
    ]
    translated = chat_of({"model": "m", "messages": messages, "system": "Be brief."})

    told = InvalidRequest(f"'{chats}' is wrong.", param=chats, code="x", status=413)
    renamed = translated.renamed(told)

    assert (renamed.message, renamed.param) == (f"'{ours}' is wrong.", ours)
    assert (renamed.code, renamed.status) == ("x", 413)


def test_a_complaint_without_a_place_keeps_its_words() -> None:
    translated = chat_of({"model": "m", "messages": [HELLO], "max_tokens": 10**12})
    with pytest.raises(InvalidRequest) as caught:
        chat_from(translated.chat)
    assert translated.renamed(caught.value).param == "max_tokens"

    schema = InvalidRequest("The JSON Schema of response_format is not valid: type: 5")
    assert translated.renamed(schema).message.startswith("The JSON Schema of output_config.format ")
    assert translated.renamed(schema).param is None
