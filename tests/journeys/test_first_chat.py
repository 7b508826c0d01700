"""The main job over sockets: one chat on each route, streaming and not."""

import json

import pytest
from conftest import Upstream
from live import LiveServer


def _chunks(text: str) -> list[dict]:
    lines = [line[6:] for line in text.split("\n") if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


@pytest.mark.parametrize("name", ["server", "key_server"])
def test_stream_and_whole_answer_say_the_same(
    name: str, request: pytest.FixtureRequest, upstream: Upstream
) -> None:
    live: LiveServer = request.getfixturevalue(name)
    flow = "chat" if name == "server" else "key_chat"
    answer = {"deltas": ["Hé", "llo 🦊", "\n世界", " \u2028 end"]}
    upstream.script({"flow": flow, "times": 2, "answer": answer})

    whole = live.chat().json()
    streamed = _chunks(live.chat(stream=True).text)

    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in streamed)
    assert text == whole["choices"][0]["message"]["content"] == "Héllo 🦊\n世界 \u2028 end"
    assert streamed[-1]["choices"][0]["finish_reason"] == "stop"
