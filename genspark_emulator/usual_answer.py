"""What the emulated model answers when no script says so, by an OpenAI request."""

from typing import Any

from genspark_emulator.answer import Answer, default_answer, words
from genspark_emulator.events import JsonObject, encode_json
from genspark_emulator.question import Question
from genspark_emulator.schema_example import example_of, schema_within
from genspark_emulator.tool_choice import chosen_calls


def usual_answer(body: JsonObject, question: Question) -> Answer:
    """Tool calls if there is reason to, a JSON document if one is asked for, else words."""
    calls = chosen_calls(body, question)
    if calls:
        return Answer(tool_calls=calls)
    document = _asked_document(body.get("response_format"), question)
    return default_answer(question) if document is None else Answer(deltas=words(document))


def _asked_document(wanted: Any, question: Question) -> str | None:
    """JSON text for ``response_format``, or None when plain text is wanted.

    Clients that ask for any object often describe it by a schema in a system turn.
    """
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "json_object":
        described = schema_within(question.system)
        document = {"emulated": True} if described is None else example_of(described)
        return encode_json(document, spaced=True)
    if not isinstance(wanted, dict) or kind != "json_schema":
        return None
    schema = (wanted.get("json_schema") or {}).get("schema", {})
    return encode_json(example_of(schema), spaced=True)
