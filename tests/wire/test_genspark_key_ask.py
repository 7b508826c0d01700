"""What the official route is asked for beyond the caller's own words: a level the model takes."""

import json
from typing import Any

import pytest

from proxy.core.catalogue import Candidate
from proxy.core.products import Route
from proxy.wire import genspark_key_ask
from proxy.wire.openai_request import read_chat

DEEPSEEK = ("none", "low", "high", "max")


def _effort(wanted: Any, efforts: tuple[str, ...]) -> Any:
    request = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    ask = read_chat(json.dumps({**request, "reasoning_effort": wanted}).encode())
    candidate = Candidate(Route.KEY, "deepseek-v4-pro-0813", efforts=efforts)
    return json.loads(genspark_key_ask.body(ask, candidate)).get("reasoning_effort")


@pytest.mark.parametrize(
    ("wanted", "efforts", "asked"),
    [
        ("high", DEEPSEEK, "high"),
        ("medium", DEEPSEEK, "low"),
        ("xhigh", DEEPSEEK, "high"),
        ("minimal", ("none", "thinking"), "thinking"),
        ("minimal", (), "minimal"),
        ("whatever", DEEPSEEK, "whatever"),
        ("", DEEPSEEK, ""),
        (None, DEEPSEEK, None),
        (7, DEEPSEEK, 7),
    ],
)
def test_the_nearest_level_that_the_model_takes_is_asked_for(
    wanted: Any, efforts: tuple[str, ...], asked: Any
) -> None:
    assert _effort(wanted, efforts) == asked
