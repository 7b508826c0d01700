"""docs/videos-and-images.md: its examples run, its numbers and rules are the program's."""

import json
import re
import runpy
import shlex
import shutil
import subprocess
import time
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conformance.node_client import FOLDER, install
from conftest import Serve
from live import SECRET, LiveServer

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
ADDRESS = "http://127.0.0.1:7055"
STAND_IN = "choose-a-long-random-value"
PICTURE = Path(__file__).parents[2] / "genspark_emulator/assets/result.png"
ENDED = {"completed", "failed", "cancelled"}


@dataclass
class Shell:
    """As much of a shell and of curl as the page uses. ``folder`` is where it runs."""

    client: httpx2.Client
    folder: Path
    names: dict[str, str] = field(default_factory=dict)

    def curl(self, line: str) -> httpx2.Response:
        """Run one line; ids in its answer get the names that later lines use."""
        options, address = _read(shlex.split(self._filled(line))[1:])
        method = "".join(options.get("-X", ())) or ("POST" if options.keys() & {"-d", "-F"} else "")
        reply = self.client.request(
            method or "GET",
            address.removeprefix(ADDRESS),
            headers=dict(header.split(": ", 1) for header in options.get("-H", ())),
            **self._body(options),
        )
        for name in options.get("-o", ()):
            (self.folder / name).write_bytes(reply.content)
        self._note(reply)
        return reply

    def _filled(self, line: str) -> str:
        known = {"API_SECRET": SECRET, **self.names}
        return re.sub(r"\$([A-Z_]+)", lambda match: known[match[1]], line)

    def _body(self, options: dict[str, list[str]]) -> dict[str, Any]:
        if "-d" in options:
            return {"content": options["-d"][0].encode()}
        pairs = [pair.split("=", 1) for pair in options.get("-F", ())]
        files = [
            (name, (value[1:], (self.folder / value[1:]).read_bytes(), "application/octet-stream"))
            for name, value in pairs
            if value.startswith("@")
        ]
        texts = {name: value for name, value in pairs if not value.startswith("@")}
        return {"data": texts, "files": files} if pairs else {}

    def _note(self, reply: httpx2.Response) -> None:
        job = reply.headers.get("x-genspark2api-job", "").partition(",")[0]
        if job.startswith("video_"):
            self.names |= {"VIDEO": job, "TASK": job.replace("video_", "task_")}
            self.wait(job)

    def wait(self, job: str) -> None:
        """Until the job has ended, as a person would."""
        deadline = time.monotonic() + 20
        while self.client.get(f"/v1/jobs/{job}").json().get("state", "completed") not in ENDED:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def _read(words: list[str]) -> tuple[dict[str, list[str]], str]:
    """curl's options, and the address."""
    options: dict[str, list[str]] = {}
    [address] = [word for word in words if word.startswith(ADDRESS)]
    rest = iter(word for word in words if word != address)
    for word in rest:
        options.setdefault(word, []).append("" if word == "-N" else next(rest))
    return options, address


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


def _lines(page: Any, word: str) -> list[str]:
    return [
        line for block in page.examples("sh") for line in block.splitlines() if word in line[:20]
    ]


def test_every_curl_line_works(pages: dict[str, Any], server: LiveServer, tmp_path: Path) -> None:
    shutil.copy(PICTURE, tmp_path / "cat.png")
    shell = Shell(server.client, tmp_path)
    lines = _lines(pages[PAGE], "curl")
    assert len(lines) >= 15
    replies = [(line, shell.curl(line)) for line in lines]
    assert [(line, reply.text) for line, reply in replies if reply.status_code != 200] == []
    assert (tmp_path / "cat.mp4").read_bytes()[4:8] == b"ftyp"


def test_a_waiting_door_answers_as_shown(
    pages: dict[str, Any], server: LiveServer, tmp_path: Path
) -> None:
    [line] = [line for line in _lines(pages[PAGE], "curl") if '"auto_prompt"' in line]
    [shown] = pages[PAGE].examples("json")
    reply = Shell(server.client, tmp_path).curl(line).json()
    example = json.loads(shown)
    assert reply.keys() == example.keys()
    assert reply["data"][0].keys() == example["data"][0].keys()
    assert reply["data"][0]["revised_prompt"] == example["data"][0]["revised_prompt"]
    assert re.fullmatch(rf"{server.url}/media/[^/]+/[^/]+\.mp4", reply["data"][0]["url"])


def _here(code: str, server: LiveServer) -> str:
    found = code.replace(ADDRESS, server.url).replace(STAND_IN, SECRET)
    assert found != code
    # The waits are for real videos.
    return re.sub(r"\b5000\b", "50", found)


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
        exec(compile(_here(code, server), PAGE, "exec"), names)
    names["client"].close()
    assert (in_folder / "cat.mp4").read_bytes()[4:8] == b"ftyp"
    assert f"{server.url}/media/" in printed.getvalue()


def test_what_clients_md_adds_for_python_works(
    pages: dict[str, Any], server: LiveServer, in_folder: Path
) -> None:
    first, more = [
        code for code in pages["docs/clients.md"].examples("python") if "litellm" not in code
    ]
    names: dict[str, Any] = {}
    with warnings.catch_warnings(), redirect_stdout(StringIO()) as printed:
        warnings.simplefilter("ignore", DeprecationWarning)
        exec(compile(_here(first, server) + more, "docs/clients.md", "exec"), names)
    names["client"].close()
    assert printed.getvalue().rstrip().endswith("completed")


@pytest.mark.parametrize("name", [PAGE, "docs/clients.md"])
def test_the_node_examples_work(
    pages: dict[str, Any], server: LiveServer, in_folder: Path, name: str
) -> None:
    install()
    script = in_folder / "example.mjs"
    script.write_text(_here("".join(pages[name].examples("js")), server), "utf-8")
    # Packages are looked for beside the script.
    (in_folder / "node_modules").symlink_to(FOLDER / "node_modules")
    done = subprocess.run(
        ["node", script.name], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stderr
    if name == PAGE:
        assert (in_folder / "cat.mp4").read_bytes()[4:8] == b"ftyp"
    else:
        assert re.search(r"^video_\S+ queued$", done.stdout, re.MULTILINE)


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
