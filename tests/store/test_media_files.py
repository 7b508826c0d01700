"""The media folder: whole files or none, whatever happens on the way."""

import asyncio
import hashlib
import os
import stat
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.jobs import StoredFile
from proxy.store.failures import StoreUnavailable
from proxy.store.media_files import BLOCK, HEAD, LEFT_OVER, MediaFiles, Missing, TooLarge

T = TypeVar("T")
LIMIT = 10_000_000
NOW = 1_790_000_000.0


def _mp4(_: bytes) -> tuple[str, str]:
    return "video/mp4", ".mp4"


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def _run(root: Path, work: Callable[[MediaFiles], Awaitable[T]]) -> T:
    async def run() -> T:
        return await work(MediaFiles(root))

    return asyncio.run(run())


def _held(root: Path) -> set[str]:
    return {path.name for path in root.iterdir()} if root.exists() else set()


def _aged(root: Path, name: str, size: int, age: float) -> None:
    (root / name).write_bytes(bytes(size))
    os.utime(root / name, (NOW - age, NOW - age))


def test_a_stream_becomes_a_file_with_its_facts(tmp_path: Path) -> None:
    root = tmp_path / "data" / "media"
    seen: list[bytes] = []

    def typed(head: bytes) -> tuple[str, str]:
        seen.append(head)
        return "image/png", ".png"

    chunks = [b"\x89PNG", b"", b"x" * 600, b"end"]
    stored = _run(root, lambda files: files.save("job-0", _chunks(*chunks), LIMIT, typed))
    whole = b"".join(chunks)
    assert stored == StoredFile(
        "job-0.png", "image/png", len(whole), hashlib.sha256(whole).hexdigest()
    )
    assert seen == [whole[:HEAD]]
    assert _held(root) == {"job-0.png"}
    found = MediaFiles(root).path("job-0.png")
    assert found is not None
    assert found.read_bytes() == whole


def test_an_empty_stream_is_an_empty_file_if_its_type_is_accepted(tmp_path: Path) -> None:
    stored = _run(tmp_path, lambda files: files.save("e", _chunks(), LIMIT, _mp4))
    assert stored.size == 0
    assert _held(tmp_path) == {"e.mp4"}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 2 * BLOCK) | st.integers(0, 9), max_size=6),
    st.integers(-1, 1),
)
def test_the_limit_is_exact_however_the_bytes_arrive(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], room: int
) -> None:
    root = tmp_path_factory.mktemp("media")
    chunks = [os.urandom(size) for size in sizes]
    limit = sum(sizes) + room

    def save(files: MediaFiles) -> Awaitable[StoredFile]:
        return files.save("a", _chunks(*chunks), limit, _mp4)

    if room < 0 and sum(sizes):
        with pytest.raises(TooLarge):
            _run(root, save)
        assert _held(root) == set()
    elif room >= 0:
        stored = _run(root, save)
        whole = b"".join(chunks)
        assert (root / "a.mp4").read_bytes() == whole
        assert (stored.size, stored.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())


def test_a_large_file_needs_little_memory(tmp_path: Path) -> None:
    chunk = os.urandom(64 * 1024)
    count = 50 * 2**20 // len(chunk)

    async def fifty_megabytes() -> AsyncIterator[bytes]:
        for _ in range(count):
            # A copy, as from the network: holding on to it would show.
            yield bytes(bytearray(chunk))

    tracemalloc.start()
    try:
        stored = _run(tmp_path, lambda files: files.save("big", fifty_megabytes(), 2**30, _mp4))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert stored.size == count * len(chunk) == (tmp_path / "big.mp4").stat().st_size
    assert peak < 8 * 2**20


def test_a_broken_stream_leaves_nothing_and_its_error_is_its_own(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(3 * BLOCK)
        raise ConnectionResetError("upstream went away")

    with pytest.raises(ConnectionResetError):
        _run(tmp_path, lambda files: files.save("a", broken(), LIMIT, _mp4))
    assert _held(tmp_path) == set()


def test_a_type_may_be_refused_before_the_rest_is_read(tmp_path: Path) -> None:
    class Refused(Exception):
        pass

    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += BLOCK
            yield b"<html>" + bytes(BLOCK)

    def no_page(head: bytes) -> tuple[str, str]:
        assert head.startswith(b"<html>")
        raise Refused

    with pytest.raises(Refused):
        _run(tmp_path, lambda files: files.save("a", endless(), 2**40, no_page))
    assert _held(tmp_path) == set()
    assert read == BLOCK


@pytest.mark.parametrize("again", [False, True])
def test_a_cancelled_save_leaves_nothing(tmp_path: Path, again: bool) -> None:
    async def run() -> None:
        written = asyncio.Event()

        async def stalled() -> AsyncIterator[bytes]:
            yield bytes(2 * BLOCK)
            written.set()
            await asyncio.Event().wait()

        files = MediaFiles(tmp_path)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(files.save("a", stalled(), LIMIT, _mp4))
            await written.wait()
            (part,) = _held(tmp_path)
            assert files.path(part) is None
            task.cancel()
            if again:
                await asyncio.sleep(0)
                task.cancel()
        assert task.cancelled()

    asyncio.run(run())
    assert _held(tmp_path) == set()


@pytest.mark.parametrize(
    ("owner", "function", "held"),
    [(Path, "open", set()), (os, "fsync", {"a.mp4"}), (Path, "replace", {"a.mp4"})],
)
def test_a_cancelled_save_waits_for_its_thread_and_leaves_a_whole_file_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, function: str, held: set[str]
) -> None:
    """The cancellation comes while the thread is inside ``function``."""
    original = getattr(owner, function)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        cancelled = threading.Event()

        def cancel() -> None:
            task.cancel()
            # The task has met its cancellation when this runs.
            loop.call_soon(loop.call_soon, cancelled.set)

        def in_the_midst(*given: object) -> object:
            monkeypatch.undo()
            loop.call_soon_threadsafe(cancel)
            assert cancelled.wait(10)
            return original(*given)

        files = MediaFiles(tmp_path)
        async with asyncio.TaskGroup() as tasks:
            monkeypatch.setattr(owner, function, in_the_midst)
            task = tasks.create_task(files.save("a", _chunks(bytes(BLOCK), b"x"), LIMIT, _mp4))
        assert task.cancelled()

    asyncio.run(run())
    assert _held(tmp_path) == held
    assert all((tmp_path / name).stat().st_size == BLOCK + 1 for name in held)


ENDLESS = """
import asyncio, sys
from pathlib import Path
from proxy.store.media_files import MediaFiles

async def endless():
    for n in range(10**6):
        yield bytes(2**20)
        if n == 3:
            print("written", flush=True)

asyncio.run(MediaFiles(Path(sys.argv[1])).save("a", endless(), 2**60, lambda _: ("", ".mp4")))
"""


def test_a_killed_process_leaves_a_part_that_a_sweep_removes(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(tmp_path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.kill()
    (part,) = _held(tmp_path)
    assert MediaFiles(tmp_path).path("a.mp4") is None
    changed = (tmp_path / part).stat().st_mtime

    def sweep(now: float) -> list[str]:
        return _run(tmp_path, lambda files: files.sweep(now, 10**9, 10**12, lambda _: False))

    assert sweep(changed + LEFT_OVER - 1) == []
    assert sweep(changed + LEFT_OVER + 1) == [part]
    assert _held(tmp_path) == set()


def test_concurrent_saves_of_one_name_end_in_one_whole_file(tmp_path: Path) -> None:
    contents = [bytes([n]) * (BLOCK + n) for n in range(8)]

    async def slowly(content: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(content), 100_000):
            yield content[start : start + 100_000]
            await asyncio.sleep(0)

    async def work(files: MediaFiles) -> list[StoredFile]:
        saves = (files.save("same", slowly(content), LIMIT, _mp4) for content in contents)
        return await asyncio.gather(*saves)

    stored = _run(tmp_path, work)
    assert [file.size for file in stored] == [len(content) for content in contents]
    assert _held(tmp_path) == {"same.mp4"}
    assert (tmp_path / "same.mp4").read_bytes() in contents


@pytest.mark.parametrize("newer", [b"2", b"much longer than the first"])
def test_a_new_result_takes_the_place_of_an_older_one(tmp_path: Path, newer: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(b"first")
    _run(tmp_path, lambda files: files.save("a", _chunks(newer), LIMIT, _mp4))
    assert (tmp_path / "a.mp4").read_bytes() == newer
    assert _held(tmp_path) == {"a.mp4"}


BAD_NAMES = [
    "", ".", "..", "../x.mp4", "a/b.mp4", "/etc/passwd", "a\\b.mp4", "a\x00.mp4", "a..b.mp4",
    ".part-0", ".hidden", "a.", "-rf", "a b.mp4", "a\n.mp4", "a.mp4\n", "ä.mp4", "~", "a:b",
    "a" * 201, "a" * 5000, "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_only_plain_names_are_looked_for_or_written(tmp_path: Path, name: str) -> None:
    root = tmp_path / "media"
    root.mkdir()
    (tmp_path / "x.mp4").write_bytes(b"outside")
    files = MediaFiles(root)
    assert files.path(name) is None
    with pytest.raises(ValueError, match="name of a file"):
        _run(root, lambda files: files.save_note(name, b"x"))
    with pytest.raises(ValueError, match="name of a file"):
        _run(root, lambda files: files.save_input(b"x", f"/{name}"))
    with pytest.raises(Missing):
        _run(root, lambda files: files.read_input(name))
    _run(root, lambda files: files.remove(name))
    assert _held(root) == set()
    assert _held(tmp_path) == {"media", "x.mp4"}


@given(st.text() | st.text("ab./\\.-_~\x00", max_size=12))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    found = MediaFiles(Path(__file__).parent).path(name)
    assert found is None or found.parent == Path(__file__).parent


def test_a_bad_stem_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name of a file"):
        _run(tmp_path, lambda files: files.save("../a", _chunks(b"x"), LIMIT, _mp4))
    assert _held(tmp_path) == set()


def test_path_finds_files_only(tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "a-1_poster.v2.jpg").write_bytes(b"x")
    files = MediaFiles(tmp_path)
    assert files.path("folder.mp4") is None
    assert files.path("absent.mp4") is None
    assert files.path("a-1_poster.v2.jpg") == tmp_path / "a-1_poster.v2.jpg"
    assert MediaFiles(tmp_path / "never made").path("a.mp4") is None


def test_a_file_is_removed_once(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    (tmp_path / "b.mp4").write_bytes(b"x")
    for _ in range(2):
        _run(tmp_path, lambda files: files.remove("a.mp4"))
        assert _held(tmp_path) == {"b.mp4"}


def test_equal_inputs_are_kept_once_and_become_young_again(tmp_path: Path) -> None:
    name = _run(tmp_path, lambda files: files.save_input(b"picture", ".png"))
    assert name == f"in-{hashlib.sha256(b'picture').hexdigest()}.png"
    os.utime(tmp_path / name, (NOW, NOW))
    inode = (tmp_path / name).stat().st_ino
    assert _run(tmp_path, lambda files: files.save_input(b"picture", ".png")) == name
    status = (tmp_path / name).stat()
    assert status.st_ino == inode
    assert status.st_mtime != NOW
    other = _run(tmp_path, lambda files: files.save_input(b"another", ".png"))
    assert _held(tmp_path) == {name, other}
    assert _run(tmp_path, lambda files: files.read_input(name)) == b"picture"


def test_the_same_input_may_be_kept_by_many_at_once(tmp_path: Path) -> None:
    async def work(files: MediaFiles) -> list[str]:
        return await asyncio.gather(*(files.save_input(bytes(BLOCK), ".png") for _ in range(20)))

    names = set(_run(tmp_path, work))
    assert _held(tmp_path) == names
    assert len(names) == 1


def test_reading_is_bounded_where_the_reader_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"12345")
    assert _run(tmp_path, lambda files: files.read_input("a.mp4", 5)) == b"12345"
    with pytest.raises(TooLarge):
        _run(tmp_path, lambda files: files.read_input("a.mp4", 4))
    with pytest.raises(Missing):
        _run(tmp_path, lambda files: files.read_input("b.mp4", 4))


def test_a_note_is_written_and_written_over(tmp_path: Path) -> None:
    async def work(files: MediaFiles) -> list[str]:
        return [await files.save_note("unread-7.txt", text) for text in (b"first, long", b"2nd")]

    assert _run(tmp_path, work) == ["unread-7.txt"] * 2
    assert (tmp_path / "unread-7.txt").read_bytes() == b"2nd"
    assert _held(tmp_path) == {"unread-7.txt"}


def test_files_are_durable_before_anybody_hears_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order that survives a power cut: content, name, folder."""
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def recorded_fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("folder" if is_folder else "file")
        fsync(descriptor)

    def recorded_replace(path: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(Path, "replace", recorded_replace)
    _run(tmp_path, lambda files: files.save("a", _chunks(b"x"), LIMIT, _mp4))
    assert steps == ["file", "rename", "folder"]
    steps.clear()
    _run(tmp_path, lambda files: files.save_input(b"x", ".png"))
    assert steps == ["file", "rename", "folder"]
    steps.clear()
    _run(tmp_path, lambda files: files.save_input(b"x", ".png"))
    assert steps == ["folder"]


def test_a_sweep_removes_the_aged_and_then_the_oldest(tmp_path: Path) -> None:
    for name, size, age in (
        ("ancient.mp4", 10, 500), ("kept-ancient.mp4", 10, 600), ("old.mp4", 40, 90),
        ("middle.mp4", 30, 50), ("kept.mp4", 20, 80), ("young.mp4", 20, 1),
        (".part-young", 1000, 30), (".part-old", 1000, LEFT_OVER + 1), (".foreign", 1000, 10**6),
        ("not ours", 1000, 10**6),
    ):  # fmt: skip
        _aged(tmp_path, name, size, age)
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "folder").mkdir()

    def sweep(max_bytes: int) -> list[str]:
        kept = ("kept.mp4", "kept-ancient.mp4")
        return _run(tmp_path, lambda files: files.sweep(NOW, 100, max_bytes, kept.__contains__))

    assert sweep(1000) == [".part-old", "ancient.mp4"]
    # 120 bytes are left; the kept ones count and stay.
    assert sweep(120) == []
    assert sweep(119) == ["old.mp4"]
    assert sweep(0) == ["middle.mp4", "young.mp4"]
    assert _held(tmp_path) == {
        "kept.mp4", "kept-ancient.mp4", ".part-young", ".foreign", "not ours", "lost+found",
        "folder",
    }  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,6}\.mp4", fullmatch=True),
        st.tuples(st.integers(0, 100), st.integers(0, 200), st.booleans()),
        max_size=8,
    ),
    st.integers(0, 300),
    st.integers(0, 200),
)
def test_after_a_sweep_all_promises_hold(
    tmp_path_factory: pytest.TempPathFactory,
    files: dict[str, tuple[int, int, bool]],
    max_bytes: int,
    max_age: int,
) -> None:
    root = tmp_path_factory.mktemp("media")
    for name, (size, age, _) in files.items():
        _aged(root, name, size, age)
    removed = _run(
        root, lambda folder: folder.sweep(NOW, max_age, max_bytes, lambda name: files[name][2])
    )
    left = files.keys() - set(removed)
    assert _held(root) == left
    assert not any(files[name][2] for name in removed)
    free = [name for name in left if not files[name][2]]
    assert all(files[name][1] <= max_age for name in free)
    assert not free or sum(files[name][0] for name in left) <= max_bytes
    for name in removed:
        # Never younger than a spared one, unless that is named by ``keep``.
        assert all(files[name][1] >= files[other][1] for other in free)


def test_a_file_used_anew_between_look_and_removal_stays(tmp_path: Path) -> None:
    name = _run(tmp_path, lambda files: files.save_input(b"picture", ".png"))
    os.utime(tmp_path / name, (NOW - 1000, NOW - 1000))
    _aged(tmp_path, "gone.mp4", 1, 1000)

    def meanwhile(asked: str) -> bool:
        if asked == name:
            os.utime(tmp_path / name)
        else:
            (tmp_path / asked).unlink()
        return False

    assert _run(tmp_path, lambda files: files.sweep(NOW, 10, 10**9, meanwhile)) == []
    assert _held(tmp_path) == {name}


def test_a_sweep_of_nothing(tmp_path: Path) -> None:
    nowhere = tmp_path / "never made"
    assert _run(nowhere, lambda files: files.sweep(NOW, 0, 0, lambda _: False)) == []
    assert not nowhere.exists()


OPERATIONS: dict[str, Callable[[MediaFiles], Awaitable[object]]] = {
    "save": lambda files: files.save("a", _chunks(b"x"), LIMIT, _mp4),
    "save_input": lambda files: files.save_input(b"x", ".png"),
    "save_note": lambda files: files.save_note("a.txt", b"x"),
    "sweep": lambda files: files.sweep(NOW, 0, 0, lambda _: False),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_trouble_with_the_disk_has_one_name_and_tells_no_path(
    tmp_path: Path, operation: str
) -> None:
    (tmp_path / "marker").write_bytes(b"a file where the folder should be")
    with pytest.raises(StoreUnavailable) as caught:
        _run(tmp_path / "marker", OPERATIONS[operation])
    assert "marker" not in str(caught.value)
    assert str(caught.value).startswith("the media folder: ")


def test_a_full_disk_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device", str(tmp_path))

    tmp_path.joinpath("a.mp4").write_bytes(b"older")
    monkeypatch.setattr(os, "fsync", full)
    for operation in ("save", "save_input", "save_note"):
        with pytest.raises(StoreUnavailable) as caught:
            _run(tmp_path, OPERATIONS[operation])
        assert str(caught.value) == "the media folder: No space left on device"
    monkeypatch.undo()
    assert _held(tmp_path) == {"a.mp4"}
    assert (tmp_path / "a.mp4").read_bytes() == b"older"
