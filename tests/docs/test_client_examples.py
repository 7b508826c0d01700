"""docs/clients.md: every example runs, word for word."""

import re
import time
import tomllib
import warnings
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from conformance.sides import SIDES
from conftest import Serve
from docs.page_shell import Shell, at_server, run_node, run_python, shell_lines
from live import SECRET, LiveServer

from genspark_emulator.state import EmulatorState

PAGE = "docs/clients.md"
# A word of each library's own examples; the others belong to the OpenAI SDK.
LIBRARIES = ["litellm", "langchain_openai", "pydantic_ai", "anthropic"]


@pytest.fixture
def server(serve: Serve, emulator_state: EmulatorState) -> LiveServer:
    """The demo's accounts, of which the key is asked first, and tasks that take no time."""
    emulator_state.tasks.seconds.update(video=0.05, image=0.02)
    return serve(demo=True, gs_cookie="session_id=demo-1", gsk_api_key=["gsk-demo-1"])


def _python(pages: dict[str, Any], library: str) -> str:
    """All of a library's examples, as one program."""
    found = [code for code in pages[PAGE].examples("python") if library in code]
    assert found
    return "".join(found)


def _openai(pages: dict[str, Any]) -> list[str]:
    """The OpenAI SDK's: a chat, images and videos, a document."""
    examples = pages[PAGE].examples("python")
    return [code for code in examples if not any(library in code for library in LIBRARIES)]


def _run_here(code: str) -> str:
    """What the example prints; its client is closed."""
    names: dict[str, Any] = {}
    with redirect_stdout(StringIO()) as printed:
        exec(compile(code, PAGE, "exec"), names)
    names["client"].close()
    return printed.getvalue()


def test_the_openai_sdk_s_chat_images_and_videos(
    pages: dict[str, Any], server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The SDK's pauses are for real videos.
    monkeypatch.setattr("openai._resource.SyncAPIResource._sleep", lambda *_: time.sleep(0.05))
    chat, media, _ = _openai(pages)
    with warnings.catch_warnings():
        # openai-python 3 says on every call that OpenAI's own Sora has ended.
        warnings.simplefilter("ignore", DeprecationWarning)
        told = _run_here(at_server(chat, server) + media)

    assert "emulator" in told
    assert f"{server.url}/media/" in told
    assert told.rstrip().endswith("completed")


@pytest.mark.parametrize("route", SIDES)
def test_the_openai_sdk_s_parsed_answer(pages: dict[str, Any], serve: Serve, route: str) -> None:
    chat, _, document = _openai(pages)
    told = _run_here(at_server(chat, serve(**SIDES[route])) + document)
    assert re.search(r"^city='.*' country='.*'$", told, re.MULTILINE)


@pytest.mark.parametrize("library", LIBRARIES)
def test_another_library_s_examples(
    pages: dict[str, Any], server: LiveServer, tmp_path: Path, library: str
) -> None:
    told = run_python(at_server(_python(pages, library), server), tmp_path)
    assert told.startswith("This is the Genspark emulator")
    if library == "litellm":
        assert (tmp_path / "cat.mp4").read_bytes()[4:8] == b"ftyp"


def test_the_node_examples(pages: dict[str, Any], server: LiveServer, tmp_path: Path) -> None:
    told = run_node(at_server("".join(pages[PAGE].examples("js")), server), tmp_path)
    assert re.search(r"^video_\S+ queued$", told, re.MULTILINE)
    # One answer through the OpenAI SDK, one through Vercel's.
    assert told.count("This is the Genspark emulator") == 2


def test_curl(pages: dict[str, Any], server: LiveServer, tmp_path: Path) -> None:
    lines = shell_lines(pages[PAGE], "curl")
    with httpx2.Client(base_url=server.url, timeout=20) as client:
        replies = [Shell(client, tmp_path).curl(line) for line in lines]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[1].text.endswith("data: [DONE]\n\n")


def test_what_claude_code_is_told(pages: dict[str, Any], server: LiveServer) -> None:
    [block] = [code for code in pages[PAGE].examples("sh") if "ANTHROPIC" in code]
    told = dict(re.findall(r"^export ANTHROPIC_(\w+)=(.*)$", at_server(block, server), re.M))
    models = {name: value for name, value in told.items() if name.endswith("MODEL")}
    assert len(models) == 2

    # As it asks: below the address, with the key as a Bearer token.
    with httpx2.Client(headers={"Authorization": f"Bearer {told['AUTH_TOKEN']}"}) as client:
        for model in models.values():
            body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
            reply = client.post(f"{told['BASE_URL']}/v1/messages?beta=true", json=body)
            assert reply.json()["content"][0]["type"] == "text"
            assert reply.headers["x-genspark2api-served-model"] == model


def test_what_codex_is_told(pages: dict[str, Any], server: LiveServer) -> None:
    [block] = pages[PAGE].examples("toml")
    told = tomllib.loads(at_server(block, server))
    provider = told["model_providers"][told["model_provider"]]
    assert f"`export {provider['env_key']}=" in pages[PAGE].text
    assert provider["wire_api"] == "responses"

    with httpx2.Client(headers={"Authorization": f"Bearer {SECRET}"}) as client:
        body = {"model": told["model"], "input": "Hi", "store": False}
        reply = client.post(f"{provider['base_url']}/responses", json=body)
    assert reply.json()["status"] == "completed"


def test_the_yaml_is_yaml(pages: dict[str, Any]) -> None:
    [block] = pages[PAGE].examples("yaml")
    [model] = yaml.safe_load(block)["model_list"]
    assert model["litellm_params"]["model"] == f"openai/{model['model_name']}"
