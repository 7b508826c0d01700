"""Write an answer as a ``response`` object of OpenAI's Responses API, and the items inside it.

Field names and types are those of openai-python 3.52 (``openai/types/responses``).
"""

from collections.abc import Iterable
from typing import Any, Final, Literal

from proxy.core.answer import Answer, Choice
from proxy.core.events import Cited
from proxy.wire.citations import annotations
from proxy.wire.json_values import list_at, object_at, text_at
from proxy.wire.openai_errors import ErrorReply
from proxy.wire.responses_request import Translated
from proxy.wire.responses_tools import Offered, freeform_input

Status = Literal["completed", "incomplete"]

_STOPPED: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}


def response_object(
    response_id: str,
    created: int,
    model: str,
    translated: Translated,
    answer: Answer,
    usage: dict[str, Any],
    *,
    hide_reasoning: bool,
) -> dict[str, Any]:
    """The whole object. ``created`` is in Unix seconds, ``usage`` as a chat has it."""
    choice = answer.choice(0)
    frame = ResponseFrame(response_id, created, model, translated)
    return frame.ended(frame.output(choice, hide_reasoning=hide_reasoning), choice.finish, usage)


class ResponseFrame:
    """What all objects of one response share, and the ids of its items."""

    def __init__(self, response_id: str, created: int, model: str, translated: Translated) -> None:
        self._head = {"id": response_id, "object": "response", "created_at": created}
        self._rest = {**translated.echo, "model": model}
        self._offered = translated.offered
        self._tail = response_id.removeprefix("resp_")

    def begun(self) -> dict[str, Any]:
        """A response of which nothing is there yet."""
        return self._object("in_progress", [])

    def ended(
        self, output: list[dict[str, Any]], finish: str | None, usage: dict[str, Any]
    ) -> dict[str, Any]:
        """A response that came to a good end, for a chat's finish reason."""
        details = {"reason": _STOPPED[finish]} if finish in _STOPPED else None
        return self._object(
            status_of(finish), output, incomplete_details=details, usage=usage_object(usage)
        )

    def failed(self, output: list[dict[str, Any]], reply: ErrorReply) -> dict[str, Any]:
        """A response that broke off; ``output`` are the items that were complete by then."""
        return self._object("failed", output, error=_error(reply))

    def item_id(self, prefix: str, index: int) -> str:
        """The id of the item at this place of the output."""
        return f"{prefix}_{self._tail}_{index}"

    def call_id(self, given: str, number: int) -> str:
        """A call's id: the model's own, or one made of its number in the answer."""
        return given or f"call_{self._tail}_{number}"

    def tool(self, name: str) -> Offered:
        """The tool that the caller knows by this name in the chat."""
        return self._offered.get(name) or Offered(name)

    def output(self, choice: Choice, *, hide_reasoning: bool) -> list[dict[str, Any]]:
        """The items of a whole answer."""
        items: list[dict[str, Any]] = []
        status = status_of(choice.finish)
        if choice.reasoning and not hide_reasoning:
            items.append(reasoning_item(self.item_id("rs", 0), "".join(choice.reasoning)))
        if parts := _parts(choice, empty=status == "completed"):
            message = message_item(self.item_id("msg", len(items)), parts, "completed")
            items.append(message)
        for number, call in sorted(choice.calls.items()):
            tool = self.tool(call.name)
            item_id = self.item_id(prefix_of(tool), len(items))
            arguments = call.arguments or "{}"
            call_id = self.call_id(call.id, number)
            items.append(call_item(item_id, call_id, tool, arguments, "completed"))
        # Only the last item can have been cut off.
        if items and "status" in items[-1]:
            items[-1]["status"] = status
        return items

    def _object(
        self,
        status: str,
        output: list[dict[str, Any]],
        *,
        error: dict[str, Any] | None = None,
        incomplete_details: dict[str, str] | None = None,
        usage: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        return {
            **self._head,
            "status": status,
            "error": error,
            "incomplete_details": incomplete_details,
            **self._rest,
            "output": output,
            "usage": usage,
        }


def status_of(finish: str | None) -> Status:
    """How a response ended, for a chat's finish reason."""
    return "incomplete" if finish in _STOPPED else "completed"


def usage_object(usage: dict[str, Any]) -> dict[str, Any]:
    """A chat's ``usage`` under this dialect's names; all counts are tokens."""
    cached = object_at(usage, "prompt_tokens_details").get("cached_tokens") or 0
    reasoned = object_at(usage, "completion_tokens_details").get("reasoning_tokens") or 0
    return {
        "input_tokens": usage["prompt_tokens"],
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": usage["completion_tokens"],
        "output_tokens_details": {"reasoning_tokens": reasoned},
        "total_tokens": usage["total_tokens"],
    }


def reasoning_item(item_id: str, text: str | None) -> dict[str, Any]:
    """The visible reasoning as a summary; None when none of it has been said yet."""
    summary = [] if text is None else [summary_part(text)]
    return {"id": item_id, "type": "reasoning", "summary": summary}


def summary_part(text: str) -> dict[str, Any]:
    """A part of a reasoning item's summary."""
    return {"type": "summary_text", "text": text}


def message_item(item_id: str, parts: list[dict[str, Any]], status: str) -> dict[str, Any]:
    """A message of the assistant."""
    return {
        "id": item_id,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": parts,
    }


def text_part(text: str, annotations: list[dict[str, Any]]) -> dict[str, Any]:
    """A message's text."""
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}


def refusal_part(text: str) -> dict[str, Any]:
    """A message's refusal."""
    return {"type": "refusal", "refusal": text}


def call_item(
    item_id: str, call_id: str, tool: Offered, payload: str, status: str
) -> dict[str, Any]:
    """A call of a function or, with its arguments unwrapped, of a freeform tool."""
    item: dict[str, Any] = {"id": item_id, "status": status, "call_id": call_id, "name": tool.name}
    if tool.namespace:
        item["namespace"] = tool.namespace
    if tool.custom:
        return {**item, "type": "custom_tool_call", "input": freeform_input(payload)}
    return {**item, "type": "function_call", "arguments": payload}


def prefix_of(tool: Offered) -> str:
    """How the ids of this tool's calls begin."""
    return "ctc" if tool.custom else "fc"


def native_citations(given: Any) -> list[Cited]:
    """The pages in a chat's own ``annotations``; anything odd is left out."""
    found = given if isinstance(given, list) else []
    pages = (object_at(each, "url_citation") for each in found)
    return [Cited(url, text_at(page, "title")) for page in pages if (url := text_at(page, "url"))]


def url_citations(cited: Iterable[Cited], text: str) -> list[dict[str, Any]]:
    """The pages as annotations of a text, in this dialect's flat form."""
    nested = annotations(cited, text)
    return [{"type": "url_citation", **each["url_citation"]} for each in nested]


def _parts(choice: Choice, *, empty: bool) -> list[dict[str, Any]]:
    """A message's parts; ``empty``: a response that says nothing at all says so in a message."""
    parts = []
    text, refusal = "".join(choice.text), "".join(choice.refusal)
    if text or (empty and not refusal and not choice.calls):
        pages = [*native_citations(list_at(choice.extra, "annotations")), *choice.citations]
        parts.append(text_part(text, url_citations(pages, text)))
    if refusal:
        parts.append(refusal_part(refusal))
    return parts


def _error(reply: ErrorReply) -> dict[str, Any]:
    """The error in the few words that a response object has for it.

    Codex asks again after ``server_error``, waits for "try again in … s" of a
    ``rate_limit_exceeded``, and gives up after ``invalid_prompt``.
    """
    if reply.status == 429:
        wait = "" if reply.retry_after is None else _wait(reply.retry_after)
        return {"code": "rate_limit_exceeded", "message": reply.message + wait}
    code = "invalid_prompt" if reply.status < 500 else "server_error"
    return {"code": code, "message": reply.message}


def _wait(seconds: float) -> str:
    return f" Please try again in {max(1, round(seconds))}s."
