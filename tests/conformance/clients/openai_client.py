"""What openai-python's own conveniences make of a server: parsed answers, agent loops.

See report.py for how to run it; plain requests are the business of ../openai_python.py.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import openai
from conformance.clients.report import (
    BOTH,
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
from pydantic import BaseModel, Field


class GetWeather(BaseModel):
    """The weather in a city."""

    city: str


class GetTime(BaseModel):
    """The time in a zone."""

    zone: str = Field(description="for example CET")


TOOLS: Any = [
    openai.pydantic_function_tool(GetWeather, name="get_weather"),
    openai.pydantic_function_tool(GetTime, name="get_time"),
]
RESULTS = {"get_weather": SNOW, "get_time": "noon"}


def _client(target: Target) -> openai.OpenAI:
    return openai.OpenAI(base_url=target.base_url, api_key=target.api_key, max_retries=0)


def _user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def parsed(target: Target) -> str:
    """A pydantic model from a whole answer."""
    with _client(target) as client:
        answer = client.chat.completions.parse(
            model=target.model, messages=_user(PERSON), response_format=Person
        )
    [choice] = answer.choices
    want((choice.finish_reason, choice.message.refusal) == ("stop", None), choice)
    return check_person(choice.message.parsed)


def parsed_stream(target: Target) -> str:
    """The same from a stream, with the SDK's events."""
    with (
        _client(target) as client,
        client.chat.completions.stream(
            model=target.model, messages=_user(PERSON), response_format=Person
        ) as stream,
    ):
        events = list(stream)
        final = stream.get_final_completion().choices[0]
    done: list[Any] = [event for event in events if event.type == "content.done"]
    want(len(done) == 1 and done[0].parsed == final.message.parsed, done)
    want(final.finish_reason == "stop", final)
    return check_person(final.message.parsed)


def json_object(target: Target) -> str:
    """Any JSON object."""
    with _client(target) as client:
        answer = client.chat.completions.create(
            model=target.model,
            messages=_user(f"{PERSON} Answer with a JSON object."),
            response_format={"type": "json_object"},
        )
    return str(of_kind(dict, json.loads(answer.choices[0].message.content or "")))


def tool_loop(target: Target) -> str:
    """A call, its result, and an answer in words."""
    with _client(target) as client:

        def ask(messages: list[Any]) -> Any:
            return client.chat.completions.parse(
                model=target.model, messages=messages, tools=TOOLS
            ).choices[0]

        return _loop(ask, WEATHER, ["get_weather"])


def streamed_tool_loop(target: Target) -> str:
    """The same in chunks, with two calls in one answer."""
    with _client(target) as client:

        def ask(messages: list[Any]) -> Any:
            asked: Any = {"model": target.model, "messages": messages, "tools": TOOLS}
            with client.chat.completions.stream(**asked) as stream:
                events: list[Any] = list(stream)
                choice = stream.get_final_completion().choices[0]
            told = [e.name for e in events if e.type == "tool_calls.function.arguments.done"]
            want(told == [call.function.name for call in choice.message.tool_calls or ()], told)
            return choice

        return _loop(ask, BOTH, ["get_time", "get_weather"])


def one_call(target: Target) -> str:
    """``parallel_tool_calls: false`` leaves one call of two."""
    with _client(target) as client:
        answer = client.chat.completions.create(
            model=target.model, messages=_user(BOTH), tools=TOOLS, parallel_tool_calls=False
        )
    calls = answer.choices[0].message.tool_calls or []
    want(len(calls) == 1, calls)
    return str(calls[0].to_dict())


def choices(target: Target) -> str:
    """``tool_choice``: required, a name, none."""
    named = {"type": "function", "function": {"name": "get_time"}}
    told = {}
    with _client(target) as client:
        for choice in ("required", named, "none"):
            asked: Any = {"messages": _user("It is get_weather."), "tool_choice": choice}
            answer = client.chat.completions.create(model=target.model, tools=TOOLS, **asked)
            calls: list[Any] = answer.choices[0].message.tool_calls or []
            told[str(choice)] = [call.function.name for call in calls]
    want(told["required"], "no call, though one was required")
    want((told[str(named)], told["none"]) == (["get_time"], []), told)
    return str(told)


def several(target: Target) -> str:
    """Two parsed answers at once, whole and streamed."""
    asked: Any = {"messages": _user(PERSON), "response_format": Person, "n": 2}
    with _client(target) as client:
        answer = client.chat.completions.parse(model=target.model, **asked)
        with client.chat.completions.stream(model=target.model, **asked) as stream:
            final = stream.get_final_completion()
    want([c.index for c in answer.choices] == [c.index for c in final.choices] == [0, 1], final)
    found = [choice.message.parsed for choice in (*answer.choices, *final.choices)]
    return "\n".join(check_person(person) for person in found)


def functions(target: Target) -> str:
    """The older form of tools: one ``function_call``."""
    told: Any = {"name": "get_weather", "parameters": GetWeather.model_json_schema()}
    asked: Any = {"messages": _user(WEATHER), "functions": [told], "function_call": "auto"}
    with _client(target) as client:
        choice = client.chat.completions.create(model=target.model, **asked).choices[0]
        want(choice.finish_reason == "function_call", choice)
        call = choice.message.function_call
        want(call and call.name == "get_weather", choice.message)
        result = {"role": "function", "name": "get_weather", "content": SNOW}
        asked["messages"] += [choice.message, result]
        said = client.chat.completions.create(model=target.model, **asked).choices[0]
    want(said.finish_reason == "stop" and "4" in (said.message.content or ""), said)
    return str(said.message.content)


def _loop(ask: Callable[[list[Any]], Any], question: str, names: list[str]) -> str:
    messages = _user(question)
    choice = ask(messages)
    want(choice.finish_reason == "tool_calls", choice)
    calls = choice.message.tool_calls
    want(sorted(call.function.name for call in calls) == names, calls)
    for call in calls:
        kind = GetTime if call.function.name == "get_time" else GetWeather
        of_kind(kind, call.function.parsed_arguments)
    messages.append(choice.message)
    for call in calls:
        result = RESULTS[call.function.name]
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    said = ask(messages)
    want(said.finish_reason == "stop" and not said.message.tool_calls, said)
    want("4" in said.message.content or "noon" in said.message.content, said.message.content)
    return str(said.message.content)


CHECKS = (
    parsed,
    parsed_stream,
    json_object,
    tool_loop,
    streamed_tool_loop,
    one_call,
    choices,
    several,
    functions,
)

if __name__ == "__main__":
    sys.exit(tell(CHECKS, Target()))
