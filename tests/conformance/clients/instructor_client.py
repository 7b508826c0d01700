"""What instructor makes of a server; see report.py. Nothing is tried twice.

It runs in a virtual environment of its own: ../instructor/.venv, made by test_clients_python.py.
"""

import asyncio
import sys
from collections.abc import Iterable
from typing import Any

import instructor
import openai
from conformance.clients.report import (
    BOTH,
    PERSON,
    Person,
    Target,
    check_person,
    of_kind,
    tell,
    want,
)
from instructor import Mode
from pydantic import BaseModel


class get_weather(BaseModel):  # noqa: N801 (instructor takes the tool's name from the class)
    """The weather in a city."""

    city: str


class get_time(BaseModel):  # noqa: N801
    """The time in a zone."""

    zone: str


def _asked(target: Target, question: str = PERSON) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}]
    return {"model": target.model, "messages": messages, "max_retries": 0}


def _client(target: Target, mode: Mode) -> Any:
    client = openai.OpenAI(base_url=target.base_url, api_key=target.api_key, max_retries=0)
    return instructor.from_openai(client, mode=mode)


def by_call(target: Target) -> str:
    """A model from the arguments of a forced call, with the answer it came in."""
    create = _client(target, Mode.TOOLS).create_with_completion
    person, answer = create(response_model=Person, **_asked(target))
    want(answer.choices[0].finish_reason in ("tool_calls", "stop"), answer)
    want(answer.usage.total_tokens > 0, answer.usage)
    return check_person(person)


def by_schema(target: Target) -> str:
    """A model from a JSON Schema."""
    found = _client(target, Mode.JSON_SCHEMA).create(response_model=Person, **_asked(target))
    return check_person(found)


def by_json_object(target: Target) -> str:
    """A model from a JSON object that the client describes in words."""
    found = _client(target, Mode.JSON).create(response_model=Person, **_asked(target))
    return check_person(found)


def growing(target: Target) -> str:
    """A model that grows while it streams."""
    create = _client(target, Mode.TOOLS).create_partial
    steps = list(create(response_model=Person, **_asked(target)))
    want(len(steps) > 1, f"{len(steps)} steps")
    return check_person(Person.model_validate(steps[-1].model_dump()))


def one_by_one(target: Target) -> str:
    """A list of models, told as it streams."""
    create = _client(target, Mode.TOOLS).create_iterable
    found = list(create(response_model=Person, **_asked(target)))
    want(all(isinstance(each, Person) for each in found), found)
    return f"{len(found)} persons"


def parallel_calls(target: Target) -> str:
    """Two calls of different tools in one answer."""
    create = _client(target, Mode.PARALLEL_TOOLS).create
    kinds = Iterable[get_weather | get_time]
    found = list(create(response_model=kinds, **_asked(target, BOTH)))
    want(sorted(type(each).__name__ for each in found) == ["get_time", "get_weather"], found)
    return str(found)


def asynchronous(target: Target) -> str:
    """Three models at once."""

    async def ask() -> list[Any]:
        asked: dict[str, Any] = {"response_model": Person, **_asked(target)}
        usual: dict[str, Any] = {"base_url": target.base_url, "api_key": target.api_key}
        async with openai.AsyncOpenAI(**usual, max_retries=0) as client:
            create = instructor.from_openai(client, mode=Mode.TOOLS).create
            return list(await asyncio.gather(*(create(**asked) for _ in range(3))))

    found = asyncio.run(ask())
    return "\n".join(check_person(of_kind(Person, each)) for each in found)


CHECKS = (
    by_call,
    by_schema,
    by_json_object,
    growing,
    one_by_one,
    parallel_calls,
    asynchronous,
)

if __name__ == "__main__":
    sys.exit(tell(CHECKS, Target()))
