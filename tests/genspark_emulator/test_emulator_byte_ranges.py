"""Parts of files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genspark_emulator.byte_ranges import BLOCK_BYTES, FileBody, Unsatisfiable, asked_range

sizes = st.integers(min_value=1, max_value=1000)


@given(size=sizes, first=st.integers(0, 1000), last=st.integers(0, 1000))
def test_a_range_lies_inside_or_is_refused(size: int, first: int, last: int) -> None:
    content = bytes(i % 251 for i in range(size))
    try:
        asked = asked_range(f"bytes={first}-{last}", size)
    except Unsatisfiable:
        assert first >= size or last < first
    else:
        assert asked is not None
        assert content[slice(*asked)] == content[first : last + 1] != b""


@given(size=sizes, count=st.integers(1, 2000))
def test_open_ranges(size: int, count: int) -> None:
    assert asked_range(f"bytes=-{count}", size) == (max(0, size - count), size)
    assert asked_range(f"bytes={size - 1}-", size) == (size - 1, size)


@pytest.mark.parametrize("header", ["", "bytes=-", "bytes=0-1,3-4", "items=0-1", "bytes=a-b"])
def test_what_is_no_single_range_of_bytes_is_ignored(header: str) -> None:
    assert asked_range(header, 10) is None


@given(
    head=st.binary(max_size=300),
    zeros=st.sampled_from([0, 1, BLOCK_BYTES, BLOCK_BYTES + 7]),
    cut=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_blocks_are_the_head_and_zeros(head: bytes, zeros: int, cut: tuple[float, float]) -> None:
    whole = head + bytes(zeros)
    start, stop = sorted(int(share * len(whole)) for share in cut)
    body = FileBody(head, start, stop)
    blocks = list(body.blocks())
    assert b"".join(blocks) == whole[start:stop]
    assert all(0 < len(block) <= BLOCK_BYTES for block in blocks)
    assert body.length == stop - start
