"""What pydantic-ai makes of a server; see report.py for how to run it. Nothing is tried twice."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from conformance.clients.report import (
    BOTH,
    HELLO,
    PERSON,
    SNOW,
    WEATHER,
    Person,
    Target,
    check_person,
    tell,
    want,
)
from openai import AsyncOpenAI
from pydantic_ai import Agent, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.usage import UsageLimits

ROUNDS = UsageLimits(request_limit=4)


def get_weather(city: str) -> str:
    """The weather in a city."""
    return SNOW


def get_time(zone: str) -> str:
    """The time in a zone."""
    return "noon"


def _with_agent(
    target: Target, work: Callable[[Agent[None, Any]], Awaitable[Any]], **options: Any
) -> Any:
    """What the work comes to; the agent's connections live and end with its event loop."""

    async def run() -> Any:
        usual: Any = {"base_url": target.base_url, "api_key": target.api_key, "max_retries": 0}
        async with AsyncOpenAI(**usual) as client:
            model = OpenAIChatModel(target.model, provider=OpenAIProvider(openai_client=client))
            return await work(Agent(model, retries=0, **options))

    return asyncio.run(run())


def _run(target: Target, question: str, **options: Any) -> Any:
    """A whole run of an agent."""
    return _with_agent(target, lambda agent: agent.run(question, usage_limits=ROUNDS), **options)


def whole(target: Target) -> str:
    """A whole answer with its usage."""
    run = _run(target, HELLO, instructions="Be brief.")
    want(run.usage.output_tokens > 0, run.usage)
    want(run.response.finish_reason == "stop", run.response)
    return str(run.output)


def streamed(target: Target) -> str:
    """A streamed answer with its usage."""

    async def read(agent: Agent[None, Any]) -> tuple[list[str], Any]:
        async with agent.run_stream(HELLO) as run:
            return [text async for text in run.stream_text(delta=True, debounce_by=None)], run.usage

    pieces, usage = _with_agent(target, read)
    want(len(pieces) > 2, pieces)
    want(usage.output_tokens > 0, usage)
    return "".join(pieces)


def tool_loop(target: Target) -> str:
    """A call, its result, and an answer in words."""
    run = _run(target, WEATHER, tools=[get_weather, get_time])
    want((run.usage.tool_calls, run.usage.requests) == (1, 2), run.usage)
    want("4" in run.output, run.output)
    return str(run.output)


def streamed_tool_loop(target: Target) -> str:
    """The same in chunks, with two calls in one answer."""

    async def read(agent: Agent[None, Any]) -> tuple[str, Any]:
        async with agent.run_stream(BOTH, usage_limits=ROUNDS) as run:
            return await run.get_output(), run.usage

    text, usage = _with_agent(target, read, tools=[get_weather, get_time])
    want((usage.tool_calls, usage.requests) == (2, 2), usage)
    want(text, "no text")
    return str(text)


def output_by_call(target: Target) -> str:
    """A model from the arguments of a forced call."""
    return check_person(_run(target, PERSON, output_type=ToolOutput(Person)).output)


def output_by_schema(target: Target) -> str:
    """A model from a JSON Schema."""
    return check_person(_run(target, PERSON, output_type=NativeOutput(Person)).output)


def output_by_prompt(target: Target) -> str:
    """A model from a JSON object that the client describes in words."""
    return check_person(_run(target, PERSON, output_type=PromptedOutput(Person)).output)


def streamed_output(target: Target) -> str:
    """A model that grows while it streams."""

    async def read(agent: Agent[None, Any]) -> Any:
        async with agent.run_stream(PERSON) as run:
            return [output async for output in run.stream_output(debounce_by=None)][-1]

    return check_person(_with_agent(target, read, output_type=NativeOutput(Person)))


def tool_and_output(target: Target) -> str:
    """A tool of the user and an output type: called one after the other, then the run ends."""
    run = _run(target, f"{WEATHER} {PERSON}", tools=[get_weather], output_type=Person)
    want((run.usage.tool_calls, run.usage.requests) == (1, 2), run.usage)
    return check_person(run.output)


CHECKS = (
    whole,
    streamed,
    tool_loop,
    streamed_tool_loop,
    output_by_call,
    output_by_schema,
    output_by_prompt,
    streamed_output,
    tool_and_output,
)

if __name__ == "__main__":
    sys.exit(tell(CHECKS, Target()))
