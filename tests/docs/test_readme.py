"""Both READMEs say the same, and their first steps work."""

import io
import json
import re
import shlex
from contextlib import redirect_stdout
from typing import Any

import pytest
from conftest import Serve
from docs.page_shell import ADDRESS, at_server
from live import LiveServer

from proxy.cli import _curl
from proxy.settings import Settings

ENGLISH, CHINESE = "README.md", "README.zh-CN.md"


def _shape(text: str) -> list[str]:
    """The order of what stands in a page: headings by level, blocks, tables by row, links."""
    kinds = {"#": r"#+ ", "|": r"\|", "`": r"```"}
    lines = text.splitlines()
    return [
        line.split(" ")[0] if mark == "#" else f"{mark}{line.count('|')}"
        for line in lines
        for mark, pattern in kinds.items()
        if re.match(pattern, line)
    ]


def test_headings_tables_and_blocks_come_in_the_same_order(pages: dict[str, Any]) -> None:
    assert _shape(pages[ENGLISH].text) == _shape(pages[CHINESE].text)


def test_code_blocks_are_the_same(pages: dict[str, Any]) -> None:
    assert pages[ENGLISH].blocks == pages[CHINESE].blocks


def test_links_and_quoted_names_are_the_same(pages: dict[str, Any]) -> None:
    def links(name: str) -> list[str]:
        found = re.findall(r"\]\(([^)]+)\)", pages[name].text)
        return sorted(link for link in found if not link.startswith("README"))

    assert links(ENGLISH) == links(CHINESE)
    assert sorted(set(pages[ENGLISH].quoted)) == sorted(set(pages[CHINESE].quoted))


def test_each_leads_to_the_other(pages: dict[str, Any]) -> None:
    assert f"]({CHINESE})" in pages[ENGLISH].text
    assert f"]({ENGLISH})" in pages[CHINESE].text


def _requests(page: Any, path: str) -> list[str]:
    lines = [line for block in page.examples("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("curl") and f"/v1/{path}" in line]


def _path_and_body(request: str) -> tuple[str, Any]:
    words = shlex.split(request)
    path = next(word for word in words if word.startswith(ADDRESS)).removeprefix(ADDRESS)
    return path, json.loads(words[words.index("-d") + 1])


def test_the_requests_are_those_that_the_server_prints_at_its_start(
    pages: dict[str, Any],
) -> None:
    first, with_key = _requests(pages[ENGLISH], "chat/completions")
    plain = Settings(_env_file=None)
    closed = Settings(_env_file=None, api_secret=["x"])
    assert first == _curl(plain, ADDRESS).strip()
    assert with_key == _curl(closed, ADDRESS).strip()


@pytest.fixture
def demo(serve: Serve) -> LiveServer:
    return serve(
        demo=True, gs_cookie="session_id=demo-1", gsk_api_key=["gsk-demo-1"], api_secret=[]
    )


def test_the_first_request_works_in_the_demo(pages: dict[str, Any], demo: LiveServer) -> None:
    path, body = _path_and_body(_requests(pages[ENGLISH], "chat/completions")[0])
    reply = demo.client.post(path, json=body)
    assert reply.status_code == 200
    assert reply.headers["x-genspark2api-demo"] == "1"
    assert reply.text.endswith("data: [DONE]\n\n")


def test_the_video_works_in_the_demo(pages: dict[str, Any], demo: LiveServer) -> None:
    [request] = _requests(pages[ENGLISH], "videos/generations")
    path, body = _path_and_body(request)
    reply = demo.client.post(path, json=body)
    assert reply.status_code == 200
    [video] = reply.json()["data"]
    assert video["url"].startswith(f"{demo.url}/media/")
    assert demo.client.get(video["url"]).headers["content-type"] == "video/mp4"


def test_the_openai_sdk_example_works(pages: dict[str, Any], key_server: LiveServer) -> None:
    [example] = pages[ENGLISH].examples("python")
    names: dict[str, Any] = {}
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(at_server(example, key_server), ENGLISH, "exec"), names)
    names["client"].close()
    assert "emulator" in printed.getvalue()
