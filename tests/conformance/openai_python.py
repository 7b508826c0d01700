"""What openai-python makes of a server: a short report, for people and for the tests.

    .venv/bin/python tests/conformance/openai_python.py
    .venv/bin/python tests/conformance/openai_python.py \\
        --base-url http://127.0.0.1:7055/v1 --api-key KEY --model gpt-5.4

Without options it asks what ``make run`` serves. It asks a handful of short questions, so against
the real service it costs a handful of short answers. The exit status is 1 when something failed.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import openai

BASE_URL = "http://127.0.0.1:7055/v1"
MODEL = "gpt-5.4"
QUESTION: Any = [{"role": "user", "content": "Say hello in one short sentence."}]
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
CALL: Any = {
    "messages": [{"role": "user", "content": "Call get_weather for Geneva."}],
    "tools": [TOOL],
    "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
}


@dataclass(frozen=True, slots=True)
class Target:
    """The server to be asked."""

    base_url: str = BASE_URL
    api_key: str = "none"
    model: str = MODEL

    def client(self, **options: Any) -> openai.OpenAI:
        """A client as users build it."""
        return openai.OpenAI(**{"base_url": self.base_url, "api_key": self.api_key} | options)

    def async_client(self) -> openai.AsyncOpenAI:
        """Its asynchronous twin."""
        return openai.AsyncOpenAI(base_url=self.base_url, api_key=self.api_key)


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the report."""

    name: str
    good: bool
    detail: str


class Unexpected(Exception):
    """The server did something else than the check wants."""


def want(condition: object, otherwise: str) -> None:
    """Fail a check."""
    if not condition:
        raise Unexpected(otherwise)


def models(target: Target) -> str:
    """List the models; retrieve one, also by a name with a slash."""
    with target.client() as client:
        listed = list(client.models.list())
        want(listed, "the list is empty")
        first = client.models.retrieve(listed[0].id)
        want(first.id == listed[0].id, f"retrieved {first.id}")
        try:
            client.models.retrieve("no/such/model")
        except openai.NotFoundError as error:
            want(error.code == "model_not_found", f"code {error.code}")
        else:
            raise Unexpected("a model that does not exist was found")
    return f"{len(listed)} models"


def whole(target: Target) -> str:
    """A whole answer, its usage and its request id."""
    with target.client() as client:
        answer = client.chat.completions.create(model=target.model, messages=QUESTION)
    want(answer._request_id, "no request id")
    want(answer.usage and answer.usage.total_tokens > 0, "no usage")
    want(answer.model == target.model, f"model {answer.model}")
    want(answer.choices[0].message.content, "no text")
    return str(answer.choices[0].message.content)


def streamed(target: Target) -> str:
    """A streamed answer with usage at its end."""
    with target.client() as client:
        chunks = list(
            client.chat.completions.create(
                model=target.model,
                messages=QUESTION,
                stream=True,
                stream_options={"include_usage": True},
            )
        )
    want(chunks[-1].usage and not chunks[-1].choices, "no usage chunk at the end")
    want(all(chunk.choices for chunk in chunks[:-1]), "a chunk without choices")
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    want(text, "no text")
    return f"{len(chunks)} chunks: {text}"


def asynchronous(target: Target) -> str:
    """Three answers at once, one of them streamed."""

    async def ask() -> list[str]:
        async with target.async_client() as client:
            create = client.chat.completions.create
            asked: Any = {"model": target.model, "messages": QUESTION}
            plain, other, stream = await asyncio.gather(
                create(**asked), create(**asked), create(**asked, stream=True)
            )
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        return [plain.choices[0].message.content, other.choices[0].message.content, text]

    texts = asyncio.run(ask())
    want(all(texts), f"an empty answer among {texts}")
    return f"{len(texts)} answers"


def tools(target: Target) -> str:
    """A tool call, whole and streamed."""
    with target.client() as client:
        answer = client.chat.completions.create(model=target.model, **CALL)
        with client.chat.completions.stream(model=target.model, **CALL) as stream:
            final = stream.get_final_completion()
    for choice in (answer.choices[0], final.choices[0]):
        want(choice.finish_reason == "tool_calls", f"finish reason {choice.finish_reason}")
        [call] = choice.message.tool_calls or [None]
        want(call and call.function.name == "get_weather", "not the tool that was named")
        json.loads(call.function.arguments)
    return f"get_weather({answer.choices[0].message.tool_calls[0].function.arguments})"


def mistakes(target: Target) -> str:
    """Errors arrive as the SDK's own exception classes, with code and request id."""
    with target.client(max_retries=0) as client:
        empty = _raised(
            lambda: client.chat.completions.create(model=target.model, messages=[]),
            openai.BadRequestError,
        )
        want(empty.param == "messages", f"param {empty.param}")
        want(empty.request_id, "no request id")
        missing = _raised(lambda: client.get("/no/such/path", cast_to=object), openai.NotFoundError)
        want(missing.type == "invalid_request_error", f"type {missing.type}")
    return f"{empty.message}"


def _raised(call: Callable[[], Any], kind: type[openai.APIStatusError]) -> openai.APIStatusError:
    try:
        call()
    except openai.APIStatusError as error:
        want(type(error) is kind, f"{type(error).__name__} instead of {kind.__name__}")
        return error
    raise Unexpected(f"no {kind.__name__}")


CHECKS: tuple[Callable[[Target], str], ...] = (
    models,
    whole,
    streamed,
    asynchronous,
    tools,
    mistakes,
)


def run(target: Target) -> Iterator[Result]:
    """Every check, whatever becomes of the others."""
    for check in CHECKS:
        try:
            yield Result(check.__name__, True, check(target))
        except (openai.OpenAIError, Unexpected, LookupError, ValueError) as error:
            yield Result(check.__name__, False, f"{type(error).__name__}: {error}")


def main() -> int:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--base-url", default=os.environ.get("BASE_URL", BASE_URL))
    parser.add_argument("--api-key", default=os.environ.get("API_KEY", "none"))
    parser.add_argument("--model", default=os.environ.get("MODEL", MODEL))
    target = Target(**vars(parser.parse_args()))
    print(f"openai-python {openai.__version__} against {target.base_url}, model {target.model}")
    good = True
    for result in run(target):
        good = good and result.good
        print(f"{'ok  ' if result.good else 'FAIL'}  {result.name:12}  {result.detail[:100]}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
