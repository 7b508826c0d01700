"""Attachments as the web routes take them (part shape: public clients of 2026-04)."""

import base64
import json
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.genspark_files import (
    UPLOAD_URL_PATH,
    PrivateFile,
    file_part,
    image_part,
    image_url_part,
    put_headers,
    read_upload_url,
)


def test_a_file_is_named_by_its_storage_address() -> None:
    file = PrivateFile("report.final.pdf", "application/pdf", 1234, "https://g/api/files/s/1")
    assert file_part(file) == {
        "type": "private_file",
        "private_file": {
            "name": "report.final.pdf",
            "type": "application/pdf",
            "size": 1234,
            "ext": "pdf",
            "private_storage_url": "https://g/api/files/s/1",
        },
    }


def test_a_file_without_an_extension_has_none() -> None:
    part = file_part(PrivateFile("LICENSE", "text/plain", 1, "https://g/1"))
    assert part["private_file"]["ext"] == ""


def test_an_image_goes_along_under_its_true_type() -> None:
    assert image_part("image/webp", b"\x00\xffpic") == {
        "type": "image_url",
        "image_url": {"url": "data:image/webp;base64,AP9waWM="},
    }
    assert image_url_part("data:image/png;base64,AAAA") == {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,AAAA"},
    }


@QUICK
@given(st.binary(max_size=300))
def test_any_bytes_survive_as_an_image(data: bytes) -> None:
    url = json.loads(json.dumps(image_part("image/png", data)))["image_url"]["url"]
    assert base64.b64decode(url.removeprefix("data:image/png;base64,"), validate=True) == data


@QUICK
@given(texts, texts)
def test_any_name_and_address_can_be_sent(name: str, url: str) -> None:
    part = json.loads(json.dumps(file_part(PrivateFile(name, "text/plain", 0, url))))
    assert part["private_file"]["name"] == name
    assert part["private_file"]["private_storage_url"] == url


def test_where_to_ask_for_a_place() -> None:
    assert UPLOAD_URL_PATH == "/api/get_upload_personal_image_url"


def test_an_uploads_two_addresses() -> None:
    links = {"upload_image_url": "https://blob/x?sig=1", "private_storage_url": "https://g/1"}
    assert read_upload_url({"data": links}) == ("https://blob/x?sig=1", "https://g/1")
    assert read_upload_url(links) == ("https://blob/x?sig=1", "https://g/1")


def test_the_put_carries_no_credential() -> None:
    assert put_headers("https://www.genspark.ai") == {
        "Content-Type": "application/octet-stream",
        "x-ms-blob-type": "BlockBlob",
        "Origin": "https://www.genspark.ai",
    }


@pytest.mark.parametrize(
    "answer",
    [None, [], "x", {}, {"data": None}, {"data": {"upload_image_url": "https://blob"}},
     {"data": {"upload_image_url": 7, "private_storage_url": "https://g"}},
     {"data": {"upload_image_url": "https://blob", "private_storage_url": ""}}],
)  # fmt: skip
def test_an_answer_without_both_is_none(answer: Any) -> None:
    assert read_upload_url(answer) is None
