"""The SDKs of two companies as clients of one side, and what the tests of both dialects share."""

import base64
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx2
import openai
from conformance.sides import COOKIE, Side
from live import SECRET

MODEL = "gpt-5.4"
CLAUDE = "claude-sonnet-4-6"
ODD = 'Emoji 🦊👩‍👩‍👧, 漢字,\nnew lines\u2028and \u0000 odd ones, \\ and " too.'
# A broken stream says some words, then this.
BROKEN = "Genspark reported an error while answering."

PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
        "0000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
    )
).decode()
PDF = base64.b64encode(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n").decode()


def openai_client(side: Side, **options: Any) -> openai.OpenAI:
    """OpenAI's SDK; it asks once."""
    usual = {"base_url": f"{side.url}/v1", "api_key": SECRET, "http_client": _http()}
    return openai.OpenAI(**{"max_retries": 0, **usual, **options})


def anthropic_client(side: Side, **options: Any) -> anthropic.Anthropic:
    """Anthropic's SDK; it asks once."""
    usual = {"base_url": side.url, "api_key": SECRET, "http_client": _http()}
    return anthropic.Anthropic(**{"max_retries": 0, **usual, **options})


def _http() -> httpx2.Client:
    """Without certificates: reading them costs more than most tests here."""
    return httpx2.Client(verify=False, timeout=30)


def user(content: Any) -> list[Any]:
    """A conversation of one turn."""
    return [{"role": "user", "content": content}]


def break_in_the_middle(side: Side) -> None:
    """The next answer breaks off with an error after some words."""
    side.script(scenario="error_frame_mid" if side.name == COOKIE else "error_in_stream_mid")


def paint_quickly(side: Side) -> None:
    """The next picture takes no time."""
    flow = "image" if side.name == COOKIE else "key_image"
    side.upstream.script({"flow": flow, "task_seconds": 0.05})


@dataclass(frozen=True, slots=True)
class Door:
    """One dialect's path, and its smallest request."""

    path: str
    request: dict[str, Any]

    def body(self, **fields: Any) -> dict[str, Any]:
        """The request with more fields."""
        return {**self.request, **fields}

    def ask(self, side: Side, **fields: Any) -> httpx2.Response:
        """Ask without an SDK."""
        return side.live.client.post(self.path, json=self.body(**fields))

    def whole(self, side: Side, **fields: Any) -> Any:
        """A complete answer."""
        reply = self.ask(side, **fields)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def stream(self, side: Side, **fields: Any) -> bytes:
        """A stream's bytes."""
        reply = self.ask(side, stream=True, **fields)
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
        return reply.content


RESPONSES = Door("/v1/responses", {"model": MODEL, "input": "Hello"})
COMPLETIONS = Door("/v1/completions", {"model": MODEL, "prompt": "Hello"})
MESSAGES = Door("/v1/messages", {"model": CLAUDE, "max_tokens": 900, "messages": user("Hello")})
