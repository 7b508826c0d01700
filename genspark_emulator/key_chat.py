"""``POST /api/llm_proxy/v1/chat/completions``: chat with an API key."""

from dataclasses import replace

from genspark_emulator.answer import DEFAULT_REASONING, Answer
from genspark_emulator.calls import Call
from genspark_emulator.catalogue import KEY_MODELS, base_id, offered_on_key_route
from genspark_emulator.completion import STREAM_ERROR, Completion, told
from genspark_emulator.endpoint import Endpoint, keyless
from genspark_emulator.events import JsonObject
from genspark_emulator.limits import limited
from genspark_emulator.question import content_text, read_question
from genspark_emulator.reply import Reply
from genspark_emulator.rules import Rule
from genspark_emulator.scenarios.documents import allowed_models, key_error
from genspark_emulator.scenarios.key_streams import (
    KEY_STREAMS,
    OTHER_KEY_MODEL,
    SPARE_FUNCTIONS,
    KeyStream,
)
from genspark_emulator.state import EmulatorState
from genspark_emulator.tool_choice import (
    MAX_CALLS,
    call_of,
    offered_functions,
    speaks_of_functions,
)
from genspark_emulator.usual_answer import usual_answer

MOST_CHOICES = 128
"""OpenAI's limit; more are not refused, but not given either."""

FIXED_TEMPERATURE = ("gpt-5", "gpt-6", "kimi-k3")
"""Families that accept no temperature but the default one (vendor software of 2026-08-21)."""


def refuse_completion(call: Call, state: EmulatorState) -> Reply | None:
    """No key, no messages, a model that is not offered, a temperature that is not accepted."""
    return keyless(call, state) or _malformed(call.fields) or _unaccepted(call.fields)


def _malformed(body: JsonObject) -> Reply | None:
    messages = body.get("messages")
    good = isinstance(messages, list) and bool(messages) and isinstance(body.get("model"), str)
    complaint = "'model' and a non-empty 'messages' list are required"
    return None if good else key_error(400, complaint, "invalid_request_error")


def _unaccepted(body: JsonObject) -> Reply | None:
    model = body["model"]
    if not offered_on_key_route(model):
        return allowed_models(KEY_MODELS, model)
    fixed = base_id(model).startswith(FIXED_TEMPERATURE)
    if fixed and body.get("temperature") not in (None, 1):
        complaint = f"litellm.UnsupportedParamsError: {model} only supports temperature=1"
        return key_error(400, complaint, "invalid_request_error")
    return None


def _forced_calls(body: JsonObject) -> Answer:
    functions = offered_functions(body) or SPARE_FUNCTIONS
    return Answer(tool_calls=tuple(call_of(function) for function in functions[:MAX_CALLS]))


def _answer(body: JsonObject, rule: Rule, stream: KeyStream) -> Answer:
    question = read_question(str(body["model"]), body["messages"])
    if rule.answer is not None:
        return rule.answer.as_answer(question)
    if stream.text is not None:
        return Answer(deltas=(stream.text,) if stream.text else ())
    answer = usual_answer(body, question)
    if stream.forces_tools and not answer.tool_calls:
        answer = _forced_calls(body)
    if body.get("reasoning_effort") in (None, "none"):
        return answer
    return replace(answer, reasoning=DEFAULT_REASONING)


def _completion(body: JsonObject, rule: Rule, stream: KeyStream) -> Completion:
    answer = limited(_answer(body, rule, stream), body)
    options = body.get("stream_options")
    served = OTHER_KEY_MODEL if rule.scenario == "other_model" else base_id(body["model"])
    return Completion(
        model=answer.served_model or served,
        answer=answer,
        prompt_text="\n".join(
            content_text(m.get("content")) for m in body["messages"] if isinstance(m, dict)
        ),
        include_usage=isinstance(options, dict) and bool(options.get("include_usage")),
        choices=max(1, min(body.get("n") or 1, MOST_CHOICES)),
        functions=speaks_of_functions(body),
        extra=stream.extra,
    )


def answer_completion(call: Call, _state: EmulatorState, rule: Rule) -> Reply:
    """A completion, streamed or whole."""
    body = call.fields
    stream = KEY_STREAMS[rule.scenario or "answered"]
    completion = _completion(body, rule, stream)
    if body.get("stream") and not stream.as_document:
        return Reply(frames=told(stream.parts, completion), headers=stream.headers, spaced=False)
    if stream.error_status:
        return Reply(body=STREAM_ERROR, status=stream.error_status, spaced=False)
    return Reply(body=completion.whole(), headers=stream.headers, spaced=False)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/llm_proxy/v1/chat/completions",
        "key_chat",
        "key",
        answer_completion,
        refuse_completion,
    ),
)
