"""The official media tools: what is sent, and what any answer of theirs comes to."""

import json
from typing import Any

import pytest
from fixtures.genspark.hearing import bytewise
from fixtures.genspark.media.recordings import TOOL, Tool, described, unlisted
from fixtures.genspark.properties import QUICK, cut, texts
from fixtures.genspark.reading import NOW
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failures import Failure, Kind
from proxy.core.media import MediaAsk, TaskReport, Terms, Use
from proxy.core.products import Product
from proxy.wire import genspark_tool
from proxy.wire.genspark_failures import Reply
from proxy.wire.genspark_tool import LineTooLong, ToolReader, media_models, outcome

Urls = list[tuple[Use, str]]


def _sent(urls: Urls | None = None, **terms: Any) -> dict[str, Any]:
    given = {"product": Product.VIDEO, "model": "veo", "prompt": "a cat"} | terms
    body = genspark_tool.body(MediaAsk(terms=Terms(**given)), "gemini/veo3.1", urls or [])
    sent: dict[str, Any] = json.loads(body)
    return sent


# What is sent.


def test_a_bare_ask_names_the_prompt_and_the_model_alone() -> None:
    assert _sent() == {"query": "a cat", "model": "gemini/veo3.1"}
    assert _sent(product=Product.IMAGE) == {"query": "a cat", "model": "gemini/veo3.1"}


def test_a_video_ask_carries_every_term_under_the_tools_names() -> None:
    sent = _sent(ratio="16:9", seconds=8.0, resolution="1080p", audio=False, tier="fast")
    assert sent == {
        "query": "a cat",
        "model": "gemini/veo3.1",
        "aspect_ratio": "16:9",
        "duration": 8,
        "video_size": "1080p",
        "audio_enable": False,
        "tier": "fast",
    }
    assert isinstance(sent["duration"], int)


@pytest.mark.parametrize(
    ("product", "resolution", "field", "spelt"),
    [
        (Product.VIDEO, "2k", "video_size", "2K"),
        (Product.VIDEO, "4k", "video_size", "4k"),
        (Product.VIDEO, "720p", "video_size", "720p"),
        (Product.IMAGE, "2k", "image_size", "2k"),
        (Product.IMAGE, "0.5k", "image_size", "0.5k"),
    ],
)
def test_a_resolution_is_spelt_as_the_tool_spells_it(
    product: Product, resolution: str, field: str, spelt: str
) -> None:
    assert _sent(product=product, resolution=resolution)[field] == spelt


def test_half_a_second_stays() -> None:
    assert _sent(seconds=2.5)["duration"] == 2.5


def test_what_is_not_wanted_is_said_in_one_sentence_behind_the_prompt() -> None:
    assert _sent(negative_prompt=" rain, blur. ")["query"] == (
        "a cat\n\nAvoid the following: rain, blur."
    )
    assert _sent(negative_prompt="  ")["query"] == "a cat"


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        ([(Use.FIRST_FRAME, "f")], {"image_urls": ["f"]}),
        ([(Use.LAST_FRAME, "l"), (Use.FIRST_FRAME, "f")], {"image_urls": ["f", "l"]}),
        ([(Use.REFERENCE, "a"), (Use.REFERENCE, "b")],
         {"image_urls": ["a", "b"], "reference_mode": True}),
        ([(Use.REFERENCE, "a"), (Use.FIRST_FRAME, "f")], {"image_urls": ["f", "a"]}),
        ([(Use.VIDEO, "v")], {"video_url": "v"}),
        ([(Use.VIDEO, "v"), (Use.VIDEO, "w")], {"video_urls": ["v", "w"]}),
        ([(Use.VIDEO, "v"), (Use.REFERENCE, "a")],
         {"video_url": "v", "image_urls": ["a"], "reference_mode": True}),
        ([(Use.MASK, "m")], {}),
    ],
)  # fmt: skip
def test_inputs_go_where_the_tool_looks_for_them(urls: Urls, expected: dict[str, Any]) -> None:
    sent = _sent(urls)
    assert {k: v for k, v in sent.items() if k not in ("query", "model")} == expected


def test_an_image_has_references_and_no_mode() -> None:
    sent = _sent([(Use.REFERENCE, "a")], product=Product.IMAGE)
    assert sent == {"query": "a cat", "model": "gemini/veo3.1", "image_urls": ["a"]}


def test_the_tools_own_fields_win_and_no_others_pass() -> None:
    vendor = {
        "video_size": "768p", "tier": "pro", "keep_audio": True, "video_mode": "edit",
        "audio_url": "https://a", "reference_mode": False, "image_urls": ["b"],
        "query": "another prompt", "model": "another model", "X-Api-Key": "k", "file_name": None,
    }  # fmt: skip
    sent = _sent([(Use.REFERENCE, "a")], resolution="720p", tier="fast", vendor=vendor)
    assert sent == {
        "query": "a cat", "model": "gemini/veo3.1", "video_size": "768p", "tier": "pro",
        "keep_audio": True, "video_mode": "edit", "audio_url": "https://a",
        "reference_mode": False, "image_urls": ["a", "b"],
    }  # fmt: skip


def test_an_images_own_fields() -> None:
    vendor = {"bbox": [1, 2, 3, 4], "image_size": "3k", "video_size": "720p", "image_urls": "b"}
    sent = _sent(product=Product.IMAGE, ratio="auto", vendor=vendor)
    assert sent == {
        "query": "a cat", "model": "gemini/veo3.1", "aspect_ratio": "auto", "image_size": "3k",
        "bbox": [1, 2, 3, 4], "image_urls": ["b"],
    }  # fmt: skip


def test_the_key_travels_in_its_own_header_only() -> None:
    headers = genspark_tool.headers("gsk-secret")
    assert [name for name, value in headers.items() if "gsk-secret" in value] == ["X-Api-Key"]
    assert headers["Accept-Encoding"] == "identity"
    assert headers["User-Agent"] == headers["X-Agent-Type"] == "genspark2api"


def test_the_tools_have_paths() -> None:
    assert genspark_tool.PATHS == {
        Product.IMAGE: "/api/tool_cli/image_generation",
        Product.VIDEO: "/api/tool_cli/video_generation",
    }


# What comes back.


def _answer(recording: Tool, pieces: list[bytes]) -> tuple[int, list[TaskReport] | Failure]:
    """As the HTTP shell reads it."""
    reader = ToolReader()
    progress = sum(reader.feed(piece) for piece in pieces)
    reader.close(clean=recording.clean)
    headers = {"retry-after": recording.header} if recording.header else {}
    reply = Reply(recording.status, headers, recording.body[: genspark_tool.KEPT], NOW)
    return progress, outcome(reply, reader.final, recording.product, clean=reader.clean)


def _says(recording: Tool, pieces: list[bytes]) -> dict[str, Any]:
    progress, verdict = _answer(recording, pieces)
    if isinstance(verdict, Failure):
        said = (verdict.kind.value, verdict.told, verdict.retry_after)
        return {"progress": progress, "failure": said}
    return {"progress": progress, "reports": tuple(map(described, verdict))}


def _expected(recording: Tool) -> dict[str, Any]:
    if recording.kind is None:
        return {"progress": recording.progress, "reports": recording.reports}
    failure = (recording.kind, recording.told, recording.retry_after)
    return {"progress": recording.progress, "failure": failure}


def test_every_recording_is_in_the_manifest() -> None:
    assert unlisted("tool", TOOL) == set()


@pytest.mark.parametrize("recording", TOOL, ids=lambda r: f"{r.file}-{r.status}")
def test_an_answer_in_one_read_and_in_many(recording: Tool) -> None:
    expected = _expected(recording)
    assert _says(recording, [recording.body]) == expected
    assert _says(recording, bytewise(recording.body)) == expected


@pytest.mark.parametrize("recording", TOOL, ids=lambda r: f"{r.file}-{r.status}")
def test_the_log_hears_nothing_of_the_upstreams_words(recording: Tool) -> None:
    _, verdict = _answer(recording, [recording.body])
    if isinstance(verdict, Failure):
        assert not [word for word in ("://", "gsk-", "prompt", "veo9") if word in verdict.detail]
        assert "gsk-" not in verdict.told


def test_a_huge_final_line_is_read_whole() -> None:
    item = {"task_id": "v-1", "status": "SUCCESS", "video_urls": ["/v"], "prompt": "x" * 2_000_000}
    line = json.dumps({"version": 1, "status": "ok", "data": {"generated_videos": [item]}})
    body = f"{line}\n".encode()
    pieces = [body[n : n + 10_000] for n in range(0, len(body), 10_000)]
    progress, verdict = _answer(TOOL[0], pieces)
    assert progress == 0
    assert isinstance(verdict, list)
    assert [described(report) for report in verdict] == ["v-1 done /v"]


@pytest.mark.parametrize(
    ("before", "last"),
    [
        (b"", b"x" * 11),
        (b"", b"x" * 11 + b"\n"),
        (b"x" * 6, b"x" * 6),
        (b"x" * 6, b"x" * 6 + b"\n"),
    ],
)
def test_a_line_without_end_is_refused(before: bytes, last: bytes) -> None:
    reader = ToolReader(limit=10)
    reader.feed(before)
    with pytest.raises(LineTooLong):
        reader.feed(last)


def test_lines_that_fit_may_add_up_to_more() -> None:
    reader = ToolReader(limit=10)
    for _ in range(10):
        reader.feed(b'{"a":1}\n')
    assert reader.final == {"a": 1}


def test_the_tool_is_over_when_there_is_an_address_whatever_its_word_for_it() -> None:
    item = {"task_id": "v-1", "status": "FINALIZED", "video_urls": ["/v"]}
    final = {"version": 1, "status": "ok", "data": {"generated_videos": [item]}}
    verdict = outcome(Reply(200, {}, b"", NOW), final, Product.VIDEO)
    assert isinstance(verdict, list)
    assert described(verdict[0]) == "v-1 done /v"


@pytest.mark.parametrize("data", [{"task_id": "v-1"}, {"task_id": "v-1", "generated_videos": []}])
def test_a_task_that_is_named_without_a_list_is_not_lost(data: dict[str, Any]) -> None:
    verdict = outcome(Reply(200, {}, b"", NOW), {"status": "ok", "data": data}, Product.VIDEO)
    assert isinstance(verdict, list)
    assert [described(report) for report in verdict] == ["v-1 pending"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 300) | st.floats(allow_nan=False) | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["version", "status", "data", "message", "detail", "code", "error_code",
                 "generated_videos", "generated_images", "images", "task_id", "video_urls", "url"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@QUICK
@given(st.data(), st.lists(json_values | texts, max_size=5), st.sampled_from([200, 400, 500]))
def test_any_answer_comes_to_reports_or_a_failure_however_it_is_cut(
    data: st.DataObject, lines: list[Any], status: int
) -> None:
    body = b"".join(
        (line if isinstance(line, str) else json.dumps(line)).encode() + b"\r\n" for line in lines
    )
    product = data.draw(st.sampled_from([Product.IMAGE, Product.VIDEO]))
    recording = Tool(file="", status=status, product=product)
    recording.__dict__["body"] = body
    whole = _answer(recording, [body])
    assert _answer(recording, data.draw(cut(body))) == whole
    assert whole[1], "never an empty list"


@QUICK
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything(body: bytes) -> None:
    recording = Tool(file="")
    recording.__dict__["body"] = body
    assert isinstance(_answer(recording, [body])[1], Failure)


# Files and models.


def test_an_upload_is_announced_and_its_two_addresses_are_read() -> None:
    assert json.loads(genspark_tool.upload_body("cat.png", "image/png")) == {
        "content_type": "image/png",
        "name": "cat.png",
    }
    links = {"upload_url": "https://blob/x?sig=1", "file_wrapper_url": "https://g/api/files/s/1"}
    pair = ("https://blob/x?sig=1", "https://g/api/files/s/1")
    assert genspark_tool.read_upload({"status": "ok", "data": links}) == pair
    assert genspark_tool.read_upload(links) == pair
    headers = genspark_tool.upload_headers("image/png")
    assert headers == {"Content-Type": "image/png", "x-ms-blob-type": "BlockBlob"}


def test_a_download_address_is_asked_for_and_read() -> None:
    body = json.loads(genspark_tool.download_body("https://g/api/files/s/1"))
    assert body == {"file_wrapper_url": "https://g/api/files/s/1"}
    answer = {"status": "ok", "data": {"download_url": "https://blob/1", "file_name": "a.mp4"}}
    assert genspark_tool.read_download(answer) == "https://blob/1"
    assert genspark_tool.read_download(answer["data"]) == "https://blob/1"


@QUICK
@given(json_values)
def test_any_other_answer_is_no_address(answer: Any) -> None:
    assert genspark_tool.read_upload(answer) is None
    assert genspark_tool.read_download(answer) is None
    assert media_models(answer, Product.VIDEO) == []


def _tool(name: str, enum: Any) -> dict[str, Any]:
    return {
        "name": name,
        "requires_project": False,
        "parameters": {"type": "object", "properties": {"model": {"type": "string", "enum": enum}}},
    }


def test_the_live_models_are_the_enum_of_each_tool() -> None:
    tools = [
        _tool("web_search", ["no"]),
        _tool("image_generation", ["nano-banana-2", "", 7]),
        _tool("video_generation", ["kling/v3", "gemini/veo3.1"]),
    ]
    assert media_models({"tools": tools}, Product.IMAGE) == ["nano-banana-2"]
    assert media_models({"data": {"tools": tools}}, Product.VIDEO) == ["kling/v3", "gemini/veo3.1"]
    assert media_models({"tools": [_tool("video_generation", None)]}, Product.VIDEO) == []


def test_an_ambiguous_end_says_whether_the_transfer_was_whole() -> None:
    for clean, kind in ((True, Kind.EMPTY), (False, Kind.BROKEN_STREAM)):
        verdict = outcome(Reply(200, {}, b"", NOW), None, Product.VIDEO, clean=clean)
        assert isinstance(verdict, Failure)
        assert verdict.kind is kind
