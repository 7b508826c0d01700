"""What langchain-openai makes of a server; see report.py for how to run it."""

import asyncio
import sys
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
    of_kind,
    tell,
    want,
)
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return SNOW


@tool
def get_time(zone: str) -> str:
    """The time in a zone."""
    return "noon"


TOOLS = {each.name: each for each in (get_weather, get_time)}


def _model(target: Target) -> ChatOpenAI:
    return ChatOpenAI(
        base_url=target.base_url,
        api_key=SecretStr(target.api_key),
        model=target.model,
        max_retries=0,
    )


def _finish(message: AIMessage) -> Any:
    return message.response_metadata.get("finish_reason")


def whole(target: Target) -> str:
    """A whole answer with its usage."""
    answer = _model(target).invoke(HELLO)
    want(_finish(answer) == "stop", answer.response_metadata)
    want(answer.usage_metadata and answer.usage_metadata["output_tokens"] > 0, "no usage")
    return of_kind(str, answer.content)


def streamed(target: Target) -> str:
    """A streamed answer with its usage at the end."""
    chunks = list(_model(target).stream(HELLO, stream_usage=True))
    answer = _sum(chunks)
    want(len(chunks) > 2, f"{len(chunks)} chunks")
    want(answer.content, "no text")
    want(_finish(answer) == "stop", answer.response_metadata)
    want(answer.usage_metadata and answer.usage_metadata["output_tokens"] > 0, "no usage")
    return of_kind(str, answer.content)


def asynchronous(target: Target) -> str:
    """Three answers at once."""
    answers = asyncio.run(_model(target).abatch([HELLO] * 3))
    want(all(answer.content for answer in answers), answers)
    return f"{len(answers)} answers"


def tool_loop(target: Target) -> str:
    """A call, its result, and an answer in words."""
    bound = _model(target).bind_tools(list(TOOLS.values()))
    return _loop(lambda messages: of_kind(AIMessage, bound.invoke(messages)), WEATHER, 1)


def streamed_tool_loop(target: Target) -> str:
    """The same in chunks, with two calls in one answer."""
    bound = _model(target).bind_tools(list(TOOLS.values()))
    return _loop(lambda messages: _sum(list(bound.stream(messages))), BOTH, 2)


def forced_call(target: Target) -> str:
    """A named tool is called, whatever was said, and only once."""
    bound = _model(target).bind_tools(
        list(TOOLS.values()), tool_choice="get_time", parallel_tool_calls=False
    )
    calls = of_kind(AIMessage, bound.invoke("The zone is CET.")).tool_calls
    want([call["name"] for call in calls] == ["get_time"], calls)
    return str(calls[0]["args"])


def structured_output(target: Target) -> str:
    """A model from a JSON Schema, the default way."""
    return check_person(_model(target).with_structured_output(Person).invoke(PERSON))


def structured_by_call(target: Target) -> str:
    """A model from the arguments of a forced call."""
    model = _model(target).with_structured_output(Person, method="function_calling")
    return check_person(model.invoke(PERSON))


def structured_as_json(target: Target) -> str:
    """Any JSON object, asked for in words as well."""
    model = _model(target).with_structured_output(None, method="json_mode")
    return str(of_kind(dict, model.invoke(f"{PERSON} Answer with a JSON object.")))


def structured_stream(target: Target) -> str:
    """A model that grows while it streams."""
    *_, last = _model(target).with_structured_output(Person).stream(PERSON)
    return check_person(last)


def _sum(chunks: list[Any]) -> AIMessageChunk:
    total: AIMessageChunk = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    return total


def _loop(ask: Any, question: str, calls: int) -> str:
    messages: list[BaseMessage] = [HumanMessage(question)]
    asked: AIMessage = ask(messages)
    want(_finish(asked) == "tool_calls", asked.response_metadata)
    want(not asked.invalid_tool_calls, asked.invalid_tool_calls)
    want(len({call["id"] for call in asked.tool_calls}) == calls, asked.tool_calls)
    for call in asked.tool_calls:
        want(call["args"], f"no arguments for {call['name']}")
        messages.append(TOOLS[call["name"]].invoke(call))
    said = ask([messages[0], asked, *messages[1:]])
    want(_finish(said) == "stop" and not said.tool_calls, said)
    want("4" in said.content or "noon" in said.content, said.content)
    return of_kind(str, said.content)


CHECKS = (
    whole,
    streamed,
    asynchronous,
    tool_loop,
    streamed_tool_loop,
    forced_call,
    structured_output,
    structured_by_call,
    structured_as_json,
    structured_stream,
)

if __name__ == "__main__":
    sys.exit(tell(CHECKS, Target()))
