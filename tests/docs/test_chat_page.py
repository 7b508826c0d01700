"""docs/chat.md: its examples run on both routes, its numbers and refusals are the program's."""

import base64
import json
import re
from pathlib import Path
from typing import Any, get_args

import httpx2
import pytest
from conformance.sides import COOKIE, KEY, SIDES
from conftest import Serve, Upstream
from docs.page_shell import Shell, shell_lines
from live import LiveServer

from proxy.api.doors import doors
from proxy.core.catalogue import Catalogue
from proxy.core.products import Route
from proxy.services import attachments, sticky
from proxy.settings import Settings
from proxy.wire.media_types import megabytes
from proxy.wire.messages_request import LOW_BELOW, MEDIUM_BELOW, MOST_STOPS
from proxy.wire.openai_parameters import MAX_CHOICES, MAX_STOPS
from proxy.wire.openai_wishes import MAX_TOOLS

PAGE = "docs/chat.md"
NUMBERS = {2: "two", 4: "four", 6: "six"}
PICTURE = Path(__file__).parents[2] / "genspark_emulator/assets/result.png"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
GAP = "…"


@pytest.fixture
def text(pages: dict[str, Any]) -> str:
    """The page, each paragraph on one line."""
    found: str = pages[PAGE].text
    return re.sub(r"\s+", " ", found)


@pytest.fixture(params=[COOKIE, KEY])
def either(request: pytest.FixtureRequest, serve: Serve) -> LiveServer:
    """A server of each route."""
    return serve(**SIDES[request.param])


def test_every_door_is_in_the_table(pages: dict[str, Any]) -> None:
    _, _, table = pages[PAGE].text.partition("| Door | Dialect | Clients |")
    told = re.findall(r"(/v1/[a-z/_]+)`", table.partition("\n\n")[0])
    assert sorted(told) == sorted(doors())


def test_the_curl_lines_work(pages: dict[str, Any], either: LiveServer, tmp_path: Path) -> None:
    with httpx2.Client(base_url=either.url, timeout=20) as client:
        replies = [
            Shell(client, tmp_path).curl(line).json() for line in shell_lines(pages[PAGE], "curl")
        ]
    assert [reply.get("object") or reply["type"] for reply in replies] == ["response", "message"]


def test_the_message_with_a_picture_and_a_file_works(
    pages: dict[str, Any], either: LiveServer
) -> None:
    [shown] = pages[PAGE].examples("json")
    message = json.loads(shown)
    _, picture, file = message["content"]
    picture["image_url"]["url"] = _filled(picture["image_url"]["url"], PICTURE.read_bytes())
    file["file"]["file_data"] = _filled(file["file"]["file_data"], PDF)
    reply = either.client.post(
        "/v1/chat/completions", json={"model": "gpt-5.4", "messages": [message]}
    )
    said = reply.json()["choices"][0]["message"]["content"]
    assert "Images received: 1" in said
    assert "Files received: 1" in said


def _filled(data_url: str, data: bytes) -> str:
    assert data_url.endswith(GAP)
    return data_url.removesuffix(GAP) + base64.b64encode(data).decode()


def test_limits_are_the_program_s(text: str) -> None:
    limits = (
        f"{attachments.IMAGE_LIMIT >> 20} MiB a picture, {attachments.FILE_LIMIT >> 20} MiB a file,"
        f" {attachments.MOST_ATTACHMENTS} of them and {megabytes(attachments.TOTAL_LIMIT)}"
    )
    assert limits in text
    assert f"may offer {MAX_TOOLS} tools" in text
    assert f"`stop` (up to {NUMBERS[MAX_STOPS]})" in text
    assert f"`n` up to {MAX_CHOICES} is one ask" in text
    assert f"the first {NUMBERS[MOST_STOPS]} count" in text
    assert f"after {NUMBERS[int(sticky.KEPT_SECONDS / 3600)]} hours" in text


def test_budgets_of_thinking_are_the_program_s(text: str) -> None:
    low, medium = f"below {LOW_BELOW:,} tokens", f"below {MEDIUM_BELOW:,} as `medium`"
    assert f"{low} it counts as `low`, {medium}" in text


def test_every_style_of_reasoning_has_a_row(text: str) -> None:
    field = Settings.model_fields["reasoning_style"]
    told = re.findall(r"\| `REASONING_STYLE=(\w+)` \|", text)
    assert told == list(get_args(field.annotation))
    assert "(the default)" in text.partition(f"`REASONING_STYLE={field.default}`")[2][:60]


def test_the_model_with_variants_has_them(root: Path, text: str) -> None:
    [name] = re.findall(r"where it has them \(`([\w.-]+)`\)", text)
    catalogue = Catalogue((root / "proxy/core/catalogue.toml").read_text("utf-8"))
    for effort in ("low", "medium", "high"):
        assert catalogue.variant(Route.COOKIE, name, effort) == f"{name}-{effort}"


def test_responses_refuse_what_the_page_names(text: str, either: LiveServer) -> None:
    [told] = re.findall(r"keeps nothing between requests: (.*?) are refused with 400", text)
    for name in re.findall(r"`(\w+)`", told):
        body = {"model": "gpt-5.4", "input": "Hi", name: "an-earlier-one"}
        reply = either.client.post("/v1/responses", json=body)
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, name)
    assert "`GET /v1/responses/…` is 404" in text
    assert either.client.get("/v1/responses/resp_1").status_code == 404


def test_messages_refuse_and_leave_out_what_the_page_names(text: str, either: LiveServer) -> None:
    body = {"model": "claude-sonnet-4-6", "messages": [{"role": "user", "content": "Hi"}]}
    [told] = re.findall(r"web search works\. (.*?) are refused", text)
    for name in re.findall(r"`(\w+)`", told):
        reply = either.client.post("/v1/messages", json={**body, name: {"type": "new"}})
        assert reply.status_code == 400
    tools = [{"type": f"{kind}20250124", "name": "x"} for kind in ("bash_", "computer_")]
    reply = either.client.post("/v1/messages", json={**body, "tools": tools})
    assert reply.status_code == 200
    assert "tools.bash_20250124" in reply.headers["x-genspark2api-ignored"]


def test_completions_refuse_what_the_page_names(text: str, either: LiveServer) -> None:
    assert "`suffix`, `logprobs` and lists of several prompts are refused" in text
    for wrong in ({"suffix": "x"}, {"logprobs": 2}, {"prompt": ["a", "b"]}):
        body = {"model": "gpt-5.4", "prompt": "Hi", **wrong}
        assert either.client.post("/v1/completions", json=body).status_code == 400


def test_a_suffix_chooses_the_cookie(serve: Serve, upstream: Upstream) -> None:
    server = serve(**SIDES[COOKIE] | {"gsk_api_key": ["gsk-demo-1"]})
    routes = [
        server.chat(model=model, **fields).headers["x-genspark2api-route"]
        for model, fields in (("gpt-5.4-search", {}), ("gpt-5.4", {"web_search_options": {}}))
    ]
    assert routes == ["cookie", "key"]
    [asked] = upstream.log("chat")
    assert asked["body"]["ai_chat_enable_search"] is True
    alone = serve(**SIDES[KEY])
    assert alone.chat(model="gpt-5.4-search").headers["x-genspark2api-route"] == "key"
    assert len(upstream.log("key_search")) == 1


def test_a_schema_that_is_none_is_refused_with_a_cookie(server: LiveServer) -> None:
    wrong = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": 5}}}
    reply = server.chat(response_format=wrong)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_schema")
