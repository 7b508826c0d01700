"""docs/videos-and-images.md: its examples run, its numbers and rules are the program's."""

import json
import re
import runpy
import shutil
import time
import warnings
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from conftest import Serve
from docs.page_shell import Shell, at_server, run_node, shell_lines
from live import LiveServer

from genspark_emulator.state import EmulatorState
from proxy.core.ask import InvalidRequest
from proxy.core.media import Terms
from proxy.core.media_models import MediaCatalogue
from proxy.core.media_rules import serveable
from proxy.core.products import Product, Route
from proxy.services.jobs import RETRY_WINDOW
from proxy.services.storing import UPSTREAM_KEEPS
from proxy.settings import Settings
from proxy.wire.media_form import MAX_METADATA_BYTES, MAX_METADATA_ENTRIES
from proxy.wire.media_inputs import video_inputs
from proxy.wire.media_terms import MAX_PROMPT, VENDOR_FIELDS, form_of

PAGE = "docs/videos-and-images.md"
PICTURE = Path(__file__).parents[2] / "genspark_emulator/assets/result.png"


@pytest.fixture
def server(serve: Serve, emulator_state: EmulatorState) -> LiveServer:
    """The demo's accounts, and tasks that take no time."""
    emulator_state.tasks.seconds.update(video=0.05, image=0.02)
    return serve(
        demo=True,
        gs_cookie="session_id=demo-1",
        gsk_api_key=["gsk-demo-1"],
        image_model="nano-banana-pro",
    )


@pytest.fixture
def text(pages: dict[str, Any]) -> str:
    """The page."""
    found: str = pages[PAGE].text
    return found


def test_every_curl_line_works(pages: dict[str, Any], server: LiveServer, tmp_path: Path) -> None:
    shutil.copy(PICTURE, tmp_path / "cat.png")
    shell = Shell(server.client, tmp_path)
    lines = shell_lines(pages[PAGE], "curl")
    assert len(lines) >= 15
    replies = [(line, shell.curl(line)) for line in lines]
    assert [(line, reply.text) for line, reply in replies if reply.status_code != 200] == []
    assert (tmp_path / "cat.mp4").read_bytes()[4:8] == b"ftyp"


def test_a_waiting_door_answers_as_shown(
    pages: dict[str, Any], server: LiveServer, tmp_path: Path
) -> None:
    [line] = [line for line in shell_lines(pages[PAGE], "curl") if '"auto_prompt"' in line]
    [shown] = pages[PAGE].examples("json")
    reply = Shell(server.client, tmp_path).curl(line).json()
    example = json.loads(shown)
    assert reply.keys() == example.keys()
    assert reply["data"][0].keys() == example["data"][0].keys()
    assert reply["data"][0]["revised_prompt"] == example["data"][0]["revised_prompt"]
    assert re.fullmatch(rf"{server.url}/media/[^/]+/[^/]+\.mp4", reply["data"][0]["url"])


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The examples write into their directory; the SDK's pauses are for real videos."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("openai._resource.SyncAPIResource._sleep", lambda *_: time.sleep(0.05))
    return tmp_path


def test_the_python_example_works(
    pages: dict[str, Any], server: LiveServer, in_folder: Path
) -> None:
    [code] = pages[PAGE].examples("python")
    names: dict[str, Any] = {}
    with warnings.catch_warnings(), redirect_stdout(StringIO()) as printed:
        # openai-python 3 says on every call that OpenAI's own Sora has ended.
        warnings.simplefilter("ignore", DeprecationWarning)
        exec(compile(at_server(code, server), PAGE, "exec"), names)
    names["client"].close()
    assert (in_folder / "cat.mp4").read_bytes()[4:8] == b"ftyp"
    assert f"{server.url}/media/" in printed.getvalue()


def test_the_node_example_works(pages: dict[str, Any], server: LiveServer, tmp_path: Path) -> None:
    run_node(at_server("".join(pages[PAGE].examples("js")), server), tmp_path)
    assert (tmp_path / "cat.mp4").read_bytes()[4:8] == b"ftyp"


def test_numbers_in_brackets_are_the_defaults(text: str) -> None:
    told = re.findall(r"`([A-Z_]+)` \((\d+)(?: s)?\)", text)
    fields = Settings.model_fields
    assert {name for name, _ in told} >= {"VIDEO_SYNC_TIMEOUT", "JOB_TIMEOUT", "MAX_QUEUED_JOBS"}
    assert [(name, n) for name, n in told if fields[name.lower()].default != float(n)] == []
    assert UPSTREAM_KEEPS == fields["signed_url_ttl"].default == 86_400
    assert RETRY_WINDOW == 3600


def test_other_numbers_are_the_program_s(text: str) -> None:
    assert f"up to {MAX_PROMPT:,} characters" in text
    limits = f"{MAX_METADATA_ENTRIES} entries and {MAX_METADATA_BYTES // 1024} KiB"
    assert f"`metadata` may have {limits}." in text


def test_every_setting_of_images_and_videos_is_explained(root: Path, text: str) -> None:
    script = runpy.run_path(str(root / "scripts/configuration_docs.py"))
    names = script["groups"]()["Images and videos"]
    assert "media" in names
    # How often it looks is a matter for those who read the list.
    assert [n for n in names if f"`{n.upper()}" not in text] == ["video_poll_interval"]


def test_every_field_of_single_models_is_named(text: str) -> None:
    names = {name for fields in VENDOR_FIELDS.values() for name in fields}
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


def test_the_refusal_that_is_shown_is_the_program_s(root: Path, text: str) -> None:
    facts = (root / "proxy/core/media_catalogue.toml").read_text("utf-8")
    terms = Terms(product=Product.VIDEO, model="kling/v3", prompt="a cat", seconds=20)
    candidates = MediaCatalogue(facts).candidates("kling/v3", Product.VIDEO, [Route.KEY])
    with pytest.raises(InvalidRequest) as refusal:
        serveable(terms, [], candidates)
    assert f"```\n{refusal.value.message}\n```" in text


def test_image_models_have_the_ratios_of_the_sentence(root: Path, text: str) -> None:
    known = MediaCatalogue((root / "proxy/core/media_catalogue.toml").read_text("utf-8"))
    routes = [Route.KEY, Route.COOKIE]
    images = [name for name in known.names(set(routes)) if known.kind(name) is Product.IMAGE]
    [ratios] = {known.candidates(n, Product.IMAGE, routes)[0].facts.ratios for n in images}
    assert ratios is not None
    *most, last = (f"`{ratio}`" for ratio in ratios)
    assert f"Images take the ratios {', '.join(most)} and {last}." in text


@pytest.mark.parametrize(
    ("fields", "uses"),
    [
        ({"image": "https://example.com/1.png"}, ["first_frame"]),
        (
            {"image_urls": ["https://example.com/1.png", "https://example.com/2.png"]},
            ["first_frame", "last_frame"],
        ),
        (
            {"image_urls": [f"https://example.com/{n}.png" for n in range(3)]},
            ["reference"] * 3,
        ),
        ({"image": "https://example.com/1.png", "reference_mode": True}, ["reference"]),
    ],
)
def test_pictures_count_as_the_table_says(fields: dict[str, Any], uses: list[str]) -> None:
    given = video_inputs(form_of(fields, Product.VIDEO))
    assert [each.use for each in given] == uses
