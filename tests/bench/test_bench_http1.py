"""Framing of the bench's own HTTP/1.1."""

import pytest

from bench.http1 import (
    MalformedHttpError,
    chunk,
    read_body,
    read_head,
    request,
    response,
    unchunk,
)


def test_a_request_is_read_back_whole() -> None:
    data = request("POST", "/x", {"a": "b"}, b"body")
    head = read_head(data)
    assert head is not None
    assert head.line == b"POST /x HTTP/1.1"
    assert read_body(data, head) == (b"body", len(data))


def test_a_body_split_anywhere_is_incomplete_until_its_last_byte() -> None:
    data = chunk(b"one") + chunk(b"x" * 300) + b"0\r\n\r\n"
    for cut in range(len(data)):
        assert unchunk(data[:cut], 0) is None
    assert unchunk(data, 0) == (b"one" + b"x" * 300, len(data))


def test_what_follows_a_chunked_body_is_left_alone() -> None:
    data = chunk(b"one") + b"0\r\n\r\n"
    assert unchunk(data + b"HTTP/1.1", 0) == (b"one", len(data))


def test_chunk_extensions_are_ignored() -> None:
    assert unchunk(b"3;name=value\r\none\r\n0\r\n\r\n", 0) == (b"one", 24)


@pytest.mark.parametrize("data", [b"zz\r\none\r\n", b"3\r\nonexx0\r\n\r\n"])
def test_a_malformed_chunk_is_an_error(data: bytes) -> None:
    with pytest.raises(MalformedHttpError):
        unchunk(data, 0)


def test_a_head_is_incomplete_without_its_empty_line() -> None:
    assert read_head(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n") is None


def test_the_status_is_the_second_word() -> None:
    head = read_head(response(b"{}", "503 Service Unavailable"))
    assert head is not None
    assert (head.status, head.length) == (503, 2)


@pytest.mark.parametrize("data", [b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_a_status_line_without_a_number_is_an_error(data: bytes) -> None:
    head = read_head(data)
    assert head is not None
    with pytest.raises(MalformedHttpError):
        _ = head.status


def test_a_content_length_that_is_no_number_is_an_error() -> None:
    with pytest.raises(MalformedHttpError):
        read_head(b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n")
