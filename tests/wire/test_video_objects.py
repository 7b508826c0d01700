"""A job in each contract: the types that strict readers insist on, and the documented shapes."""

import base64
import json
from typing import Any

import msgspec
import pytest
from fixtures.genspark.properties import QUICK, texts
from hypothesis import given
from hypothesis import strategies as st
from openai.types import ImagesResponse, Video
from openai.types.video_delete_response import VideoDeleteResponse

from proxy.core.job_view import JobStatus, JobView
from proxy.core.products import Product
from proxy.wire.video_objects import (
    ImageItem,
    apimart_submitted,
    apimart_task,
    deleted,
    generation_done,
    images_done,
    job_id,
    newapi_submitted,
    newapi_task,
    public_id,
    video_list,
    video_object,
)

HEX = "0123456789abcdef" * 2
MP4, POSTER = "https://example.com/1.mp4", "https://example.com/1.webp"
Q, RUN, DONE, BAD = JobStatus


def _view(**changes: Any) -> JobView:
    fields: dict[str, Any] = {
        "id": HEX, "product": Product.VIDEO, "model": "gemini/veo3.1", "status": Q,
        "prompt": "a cat", "created_at": 1_800_000_000,
    }  # fmt: skip
    return JobView(**fields | changes)


def _done(**changes: Any) -> JobView:
    ended = {"status": DONE, "completed_at": 1_800_000_090, "expires_at": 1_800_086_490,
             "urls": (MP4,), "posters": (POSTER,), "progress": 100}  # fmt: skip
    return _view(**ended | changes)


def _failed(code: str = "content_policy_violation") -> JobView:
    return _view(status=BAD, error=(code, "The prompt was refused."), completed_at=1_800_000_010)


times = st.integers(0, 2**40)
seconds = st.none() | st.floats(0, 3600) | st.integers(0, 60).map(float)
views = st.builds(
    JobView,
    id=st.text("0123456789abcdef", min_size=32, max_size=32),
    product=st.sampled_from([Product.VIDEO, Product.IMAGE]),
    model=texts,
    status=st.sampled_from(JobStatus),
    prompt=texts,
    created_at=times,
    progress=st.integers(-5, 200),
    completed_at=st.none() | times,
    expires_at=st.none() | times,
    seconds=seconds,
    size=st.none() | st.sampled_from(["1280x720", "720x1280"]),
    ratio=st.none() | st.sampled_from(["16:9", "9:16", "auto", "5:3"]),
    resolution=st.none() | st.sampled_from(["720p", "2k"]),
    remixed_from=st.none() | st.just(HEX),
    error=st.none() | st.tuples(texts, texts),
    urls=st.lists(st.just(MP4), max_size=2).map(tuple),
    posters=st.lists(st.just(POSTER), max_size=2).map(tuple),
    account=texts,
    route=texts,
    attempts=st.integers(0, 9),
    ignored=st.lists(texts, max_size=2).map(tuple),
    metadata=st.dictionaries(texts, texts | st.integers() | st.none(), max_size=3),
    expected_seconds=seconds,
)

# new-api's Go struct of a video (relay/channel/task/sora, 2026): a wrong type fails its decoder.
GO_VIDEO: dict[str, tuple[type, ...]] = {
    "id": (str,), "task_id": (str,), "object": (str,), "model": (str,), "status": (str,),
    "progress": (int,), "created_at": (int,), "completed_at": (int, type(None)),
    "expires_at": (int, type(None)), "seconds": (str,), "size": (str,),
    "remixed_from_video_id": (str, type(None)), "error": (dict, type(None)), "metadata": (dict,),
    "prompt": (str,),
}  # fmt: skip


def _go_reads(video: dict[str, Any]) -> None:
    for name, types in GO_VIDEO.items():
        assert type(video[name]) in types, (name, video[name])
    if video["error"] is not None:
        assert {type(video["error"][name]) for name in ("code", "message")} == {str}


def _litellm_reads(video: dict[str, Any]) -> None:
    """Its model is strict, and it wraps the id into base64 with semicolons around."""
    assert video["object"] == "video"
    assert video["status"] in ("queued", "in_progress", "completed", "failed")
    assert type(video["seconds"]) is str
    assert type(video["progress"]) is int
    wrapped = base64.b64encode(
        f"litellm:custom_llm_provider:openai;model_id:m;video_id:{video['id']}".encode()
    )
    assert base64.b64decode(wrapped).decode().split(";")[2] == f"video_id:{video['id']}"
    assert "/" not in video["id"]


@QUICK
@given(views, st.sampled_from(["video", "task", "image"]))
def test_every_video_object_is_read_by_the_strictest(view: JobView, prefix: str) -> None:
    video = json.loads(msgspec.json.encode(video_object(view, prefix)))
    _go_reads(video)
    _litellm_reads(video)
    assert 0 <= video["progress"] <= 100
    assert (video["progress"] == 100) == (video["status"] == "completed")
    assert (video["error"] is None) == (video["status"] != "failed")
    # The SDK's type lists OpenAI's own sizes only; at run time it takes any.
    Video.model_validate(video | {"size": "1280x720"}, strict=True)


@QUICK
@given(st.lists(views, max_size=3), st.booleans())
def test_every_other_object_is_json_of_the_documented_types(
    some: list[JobView], more: bool
) -> None:
    page = json.loads(msgspec.json.encode(video_list(some, more)))
    assert (page["object"], page["has_more"], len(page["data"])) == ("list", more, len(some))
    done = json.loads(msgspec.json.encode(generation_done(some)))
    assert type(done["created"]) is int
    assert all(type(item["url"]) is str for item in done["data"])
    for view in some:
        _go_reads(newapi_submitted(view))
        task = json.loads(msgspec.json.encode(apimart_task(view)))
        assert task["code"] == 200
        names = ("progress", "created", "estimated_time")
        assert all(type(task["data"][name]) is int for name in names)
        assert ("result" in task["data"]) == (view.status is DONE and bool(view.urls))
        record = json.loads(msgspec.json.encode(newapi_task(view)))["data"]
        assert record["progress"].endswith("%")
        assert {type(record[name]) for name in ("url", "result_url", "fail_reason")} == {str}


def test_a_finished_video_in_full() -> None:
    view = _done(
        seconds=8.0, size="1280x720", remixed_from="f" * 32, route="key", account="main",
        served_model="gemini/veo3.1", attempts=1, ignored=("seed",), metadata={"mine": 1},
    )  # fmt: skip
    assert video_object(view) == {
        "id": f"video_{HEX}",
        "task_id": f"video_{HEX}",
        "object": "video",
        "model": "gemini/veo3.1",
        "status": "completed",
        "progress": 100,
        "created_at": 1_800_000_000,
        "completed_at": 1_800_000_090,
        "expires_at": 1_800_086_490,
        "seconds": "8",
        "size": "1280x720",
        "prompt": "a cat",
        "remixed_from_video_id": "video_" + "f" * 32,
        "error": None,
        "url": MP4,
        "video_url": MP4,
        "thumbnail_url": POSTER,
        "metadata": {
            "mine": 1,
            "provider": "genspark",
            "route": "key",
            "account": "main",
            "served_model": "gemini/veo3.1",
            "attempts": 1,
            "ignored": ["seed"],
            "url": MP4,
        },
    }


def test_what_is_not_known_is_empty_and_not_of_another_type() -> None:
    video = video_object(_view())
    assert (video["seconds"], video["size"], video["progress"]) == ("", "", 0)
    assert (video["completed_at"], video["expires_at"], video["error"]) == (None, None, None)
    assert "url" not in video
    assert video["metadata"] == {"provider": "genspark"}


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        ({"size": "1792x1024", "ratio": "16:9", "resolution": "720p"}, "1792x1024"),
        ({"ratio": "16:9", "resolution": "720p"}, "1280x720"),
        ({"ratio": "9:16", "resolution": "1080p"}, "1080x1920"),
        ({"ratio": "1:1", "resolution": "480p"}, "480x480"),
        ({"ratio": "auto", "resolution": "720p"}, ""),
        ({"ratio": "16:9"}, ""),
        ({"ratio": "16:9", "resolution": "4k"}, ""),
    ],
)
def test_a_size_is_told_when_it_is_known(changes: dict[str, Any], size: str) -> None:
    assert video_object(_view(**changes))["size"] == size


@pytest.mark.parametrize(("seconds", "text"), [(8.0, "8"), (7.5, "7.5"), (None, ""), (10, "10")])
def test_seconds_are_a_text(seconds: float | None, text: str) -> None:
    assert video_object(_view(seconds=seconds))["seconds"] == text


def test_our_facts_stand_before_the_callers_metadata_of_the_same_name() -> None:
    view = _view(account="main", metadata={"account": "mine", "route": "mine"})
    assert video_object(view)["metadata"] == {
        "account": "main",
        "route": "mine",
        "provider": "genspark",
    }


def test_a_failure_says_its_code_and_reason() -> None:
    error = {"code": "content_policy_violation", "message": "The prompt was refused."}
    assert video_object(_failed())["error"] == error
    assert video_object(_view(status=BAD))["error"]["code"] == "generation_failed"


@pytest.mark.parametrize("prefix", ["video", "image", "task"])
def test_a_public_id_is_found_again(prefix: str) -> None:
    assert job_id(public_id(HEX, prefix)) == HEX
    assert public_id(_view(), prefix) == f"{prefix}_{HEX}"


@pytest.mark.parametrize(
    "public",
    ["", HEX, f"audio_{HEX}", f"video_{HEX}0", f"video_{HEX[1:]}", f"video_{HEX.upper()}",
     f"video_{HEX}\n", f" video_{HEX}", f"video_{HEX}/content", "video_" + "٣" * 32],
)  # fmt: skip
def test_no_other_text_is_an_id(public: str) -> None:
    assert job_id(public) is None


@QUICK
@given(st.text(max_size=50))
def test_any_text_is_an_id_or_none(public: str) -> None:
    found = job_id(public)
    assert found is None or public.endswith(found)


def test_a_list_page_says_where_the_next_begins() -> None:
    page = video_list([_view(), _view(id="f" * 32)], has_more=True)
    assert (page["first_id"], page["last_id"]) == (f"video_{HEX}", "video_" + "f" * 32)
    assert video_list([], has_more=False) == {
        "object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False,
    }  # fmt: skip


def test_a_deletion_is_what_the_sdk_expects() -> None:
    VideoDeleteResponse.model_validate(deleted(f"video_{HEX}"), strict=True)


def test_a_waiting_caller_gets_links() -> None:
    assert generation_done([_done(), _done(urls=(MP4, MP4)), _failed()]) == {
        "created": 1_800_000_000,
        "data": [{"url": MP4, "revised_prompt": "a cat"}] * 3,
    }


def test_images_are_links_or_bytes() -> None:
    items = [ImageItem(url=MP4), ImageItem(b64_json="iVBORw0KGgo=", revised_prompt="a cat")]
    reply = images_done(1_800_000_000, items)
    assert reply == {
        "created": 1_800_000_000,
        "data": [{"url": MP4}, {"b64_json": "iVBORw0KGgo=", "revised_prompt": "a cat"}],
    }
    ImagesResponse.model_validate(reply, strict=True)


def test_apimarts_submission_is_readable_in_three_ways() -> None:
    reply = apimart_submitted([_view(), _view(id="f" * 32)])
    own = f"task_{HEX}"
    assert reply["code"] == 200
    assert reply["data"] == [
        {"status": "submitted", "task_id": own},
        {"status": "submitted", "task_id": "task_" + "f" * 32},
    ]
    assert (reply["id"], reply["task_id"], reply["object"], reply["status"]) == (
        own, own, "video", "queued",
    )  # fmt: skip
    assert reply["created"] == reply["created_at"] == 1_800_000_000


@pytest.mark.parametrize(
    ("view", "status"),
    [
        (_view(), "submitted"),
        (_view(status=RUN), "processing"),
        (_done(), "completed"),
        (_failed(), "failed"),
        (_failed("cancelled"), "cancelled"),
    ],
)
def test_apimarts_states(view: JobView, status: str) -> None:
    assert apimart_task(view)["data"]["status"] == status


def test_apimarts_finished_task() -> None:
    task = apimart_task(_done(expected_seconds=179.6))
    data = task["data"]
    assert data["result"] == {
        "videos": [{"url": [MP4], "expires_at": 1_800_086_490}],
        "thumbnail_url": POSTER,
    }
    assert (data["progress"], data["created"], data["completed"]) == (
        100, 1_800_000_000, 1_800_000_090,
    )  # fmt: skip
    assert (data["estimated_time"], data["actual_time"]) == (180, 90)
    assert "error" not in data
    picture = apimart_task(_done(product=Product.IMAGE, expires_at=None, posters=()))
    assert picture["data"]["result"] == {"images": [{"url": [MP4]}]}


def test_apimarts_failed_task_says_why() -> None:
    data = apimart_task(_failed())["data"]
    assert data["error"] == {
        "code": "content_policy_violation",
        "message": "The prompt was refused.",
    }
    assert data["fail_reason"] == "The prompt was refused."


def test_new_apis_submission_has_one_id_under_two_names() -> None:
    reply = newapi_submitted(_view())
    assert reply["id"] == reply["task_id"] == f"task_{HEX}"
    assert (reply["object"], reply["status"]) == ("video", "queued")


@pytest.mark.parametrize(
    ("view", "record", "simple"),
    [
        (_view(), "QUEUED", "queued"),
        (_view(status=RUN), "IN_PROGRESS", "processing"),
        (_done(), "SUCCESS", "succeeded"),
        (_failed(), "FAILURE", "failed"),
    ],
)
def test_new_apis_states_in_both_of_its_forms(view: JobView, record: str, simple: str) -> None:
    reply = newapi_task(view)
    assert (reply["code"], reply["message"]) == ("success", "")
    assert reply["data"]["status"] == record
    assert reply["data"]["data"]["status"] == reply["status"] == simple


def test_new_apis_finished_and_failed_tasks() -> None:
    done = newapi_task(_done())
    assert done["data"]["result_url"] == done["data"]["url"] == done["url"] == MP4
    assert (done["data"]["progress"], done["data"]["finish_time"]) == ("100%", 1_800_000_090)
    assert (done["data"]["fail_reason"], done["format"]) == ("", "mp4")
    failed = newapi_task(_failed())
    assert failed["data"]["fail_reason"] == "The prompt was refused."
    assert failed["data"]["error"]["type"] == "content_policy_violation"
    assert failed["url"] == ""
