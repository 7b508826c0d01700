"""The media folder: results and inputs as files, each whole or not there at all.

There are no rows about them: what a file is for stands in the jobs. A file grows under a name that
nobody asks for, is made durable and then renamed, so a crash leaves nothing but such a part.
"""

import asyncio
import contextlib
import hashlib
import os
import re
import threading
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from proxy.core.jobs import StoredFile
from proxy.store.failures import StoreUnavailable

# One hand-over to a thread per block: less often, and 200 downloads would hold too much memory.
BLOCK: Final = 1024 * 1024
# What is given to recognise a type by.
HEAD: Final = 512
# A part that has not grown for this long belongs to nobody any more.
LEFT_OVER: Final = 3600.0
_PART: Final = ".part-"
# No separators, nothing hidden, no way up, and short enough for every file system.
_NAME: Final = re.compile(r"(?!.{201})[A-Za-z0-9](?:\.?[A-Za-z0-9_-])*")

# From the first bytes of a file to its MIME type and its extension; may refuse by raising.
ExtensionOf = Callable[[bytes], tuple[str, str]]
T = TypeVar("T")


class TooLarge(Exception):
    """The file has more bytes than allowed; nothing of it was kept."""


class Missing(Exception):
    """There is no such file, or no longer."""


class MediaFiles:
    """The files of one folder, which is made on first use. Safe to share between replicas.

    Every method but ``path`` works in threads; all raise ``StoreUnavailable`` when the disk does
    not do as it is told.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        # A sweep must not remove a file in the moment in which it is written or used anew.
        self._lock = threading.Lock()

    async def save(
        self, stem: str, chunks: AsyncIterator[bytes], limit: int, extension_of: ExtensionOf
    ) -> StoredFile:
        """Stream a file to ``stem`` with its type's extension, in place of an older one.

        Raises ``TooLarge`` beyond ``limit`` bytes, ``ValueError`` for a name that cannot be one,
        and whatever ``chunks`` and ``extension_of`` raise.
        """
        draft = _Draft(self._root, self._lock)
        try:
            await _in_thread(draft.open)
            typed: tuple[str, str] | None = None
            async with contextlib.aclosing(_blocks(chunks, limit)) as blocks:
                async for block in blocks:
                    # With the first block: an endless error page is not read to its end.
                    typed = typed or extension_of(block[:HEAD])
                    await _in_thread(draft.write, block)
            mime, extension = typed or extension_of(b"")
            await _in_thread(draft.keep, stem + extension)
        except BaseException:
            await _in_thread(draft.drop)
            raise
        return StoredFile(stem + extension, mime, draft.size, draft.sha256)

    def path(self, name: str) -> Path | None:
        """Where a file lies, or None: not there, or not the name of a file in this folder."""
        found = self._root / name if _NAME.fullmatch(name) else None
        with _trouble_named():
            return found if found is not None and found.is_file() else None

    async def remove(self, name: str) -> None:
        """Remove a file; nothing happens when there is none."""
        found = self.path(name)
        if found is not None:
            await _in_thread(lambda: found.unlink(missing_ok=True))

    async def save_input(self, data: bytes, extension: str) -> str:
        """Keep an input, durably, under a name that its content gives; returns the name.

        One that is there already becomes as young as a new one. Raises ``ValueError`` for an
        extension that cannot be part of a name.
        """
        return await _in_thread(self._save_input, data, extension)

    def _save_input(self, data: bytes, extension: str) -> str:
        name = f"in-{hashlib.sha256(data).hexdigest()}{extension}"
        try:
            with self._lock:
                os.utime(self._root / _checked(name))
            # Whoever wrote it may not have come as far as this yet.
            _sync(self._root)
        except FileNotFoundError:
            self._write(name, data)
        return name

    async def save_note(self, name: str, data: bytes) -> str:
        """Keep something small under a name of its own, durably, in place of an older one.

        Raises ``ValueError`` for a name that cannot be one.
        """
        await _in_thread(self._write, name, data)
        return name

    def _write(self, name: str, data: bytes) -> None:
        draft = _Draft(self._root, self._lock)
        try:
            draft.open()
            draft.write(data)
            draft.keep(name)
        except BaseException:
            draft.drop()
            raise

    async def read_input(self, name: str, limit: int | None = None) -> bytes:
        """The whole file. Raises ``Missing``, and ``TooLarge`` beyond ``limit`` bytes."""
        found = self.path(name)
        if found is None:
            raise Missing
        return await _in_thread(_read, found, limit)

    async def sweep(
        self, now: float, max_age: float, max_bytes: int, keep: Callable[[str], bool]
    ) -> list[str]:
        """Remove what has aged, then the oldest until ``max_bytes`` are left; returns the names.

        Ages are in seconds since a file's last change, ``now`` is an epoch second. What ``keep``
        names is spared, and counts. Parts of files that nobody writes any more go too.
        """
        files = await _in_thread(self._list)
        doomed = _doomed(files, now, max_age, max_bytes, keep)
        return await _in_thread(self._remove_unchanged, doomed)

    def _list(self) -> list["_Listed"]:
        try:
            with os.scandir(self._root) as entries:
                return [found for entry in entries if (found := _listed(entry)) is not None]
        except FileNotFoundError:
            return []

    def _remove_unchanged(self, files: list["_Listed"]) -> list[str]:
        removed = []
        for file in files:
            path = self._root / file.name
            with contextlib.suppress(FileNotFoundError), self._lock:
                if path.stat().st_mtime_ns == file.changed_ns:
                    path.unlink()
                    removed.append(file.name)
        return removed


class _Draft:
    """A file on its way, under a name of its own. Its methods block; one runs at a time."""

    def __init__(self, folder: Path, lock: threading.Lock) -> None:
        self._folder = folder
        self._lock = lock
        self._path = folder / f"{_PART}{uuid.uuid4().hex}"
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """Of what was written so far, in hexadecimal."""
        return self._hash.hexdigest()

    def open(self) -> None:
        """Begin; the folder is made if it is missing."""
        if not self._folder.is_dir():
            self._folder.mkdir(parents=True, exist_ok=True)
            _sync(self._folder.parent)
        self._file = self._path.open("xb")

    def write(self, block: bytes) -> None:
        """Append."""
        assert self._file is not None
        self._file.write(block)
        self._hash.update(block)
        self.size += len(block)

    def keep(self, name: str) -> None:
        """Give it its name; content and name are durable when this returns."""
        assert self._file is not None
        target = self._folder / _checked(name)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        with self._lock:
            self._path.replace(target)
        _sync(self._folder)

    def drop(self) -> None:
        """Leave nothing behind. What made this necessary is the error to tell, so none is added."""
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Listed:
    """A file as a sweep found it."""

    name: str
    size: int
    changed_ns: int

    def age(self, now: float) -> float:
        """Seconds since its last change."""
        return now - self.changed_ns / 1e9


def _listed(entry: os.DirEntry[str]) -> _Listed | None:
    """None for what is not ours, or went meanwhile."""
    if not (entry.name.startswith(_PART) or _NAME.fullmatch(entry.name)):
        return None
    try:
        if not entry.is_file(follow_symlinks=False):
            return None
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return _Listed(entry.name, status.st_size, status.st_mtime_ns)


def _doomed(
    files: list[_Listed], now: float, max_age: float, max_bytes: int, keep: Callable[[str], bool]
) -> list[_Listed]:
    parts = [file for file in files if file.name.startswith(_PART)]
    doomed = [part for part in parts if part.age(now) > LEFT_OVER]
    whole = [file for file in files if not file.name.startswith(_PART)]
    total = sum(file.size for file in whole)
    for file in sorted(whole, key=lambda file: file.changed_ns):
        if (file.age(now) > max_age or total > max_bytes) and not keep(file.name):
            doomed.append(file)
            total -= file.size
    return doomed


async def _blocks(chunks: AsyncIterator[bytes], limit: int) -> AsyncGenerator[bytes, None]:
    """The same bytes in blocks of about ``BLOCK``."""
    held: list[bytes] = []
    size = total = 0
    async for chunk in chunks:
        total += len(chunk)
        if total > limit:
            raise TooLarge
        held.append(chunk)
        size += len(chunk)
        if size >= BLOCK:
            yield b"".join(held)
            held, size = [], 0
    if size:
        yield b"".join(held)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("this cannot be the name of a file")
    return name


def _read(path: Path, limit: int | None) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read() if limit is None else file.read(limit + 1)
    except FileNotFoundError:
        raise Missing from None
    if limit is not None and len(data) > limit:
        raise TooLarge
    return data


def _sync(folder: Path) -> None:
    """Make names in a folder durable: a file's own fsync is silent about its name."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _in_thread(work: Callable[..., T], *given: Any) -> T:
    """Blocking work off the event loop.

    A cancelled caller waits for the thread all the same: what it does next, such as closing the
    file, must not happen under the thread's hands.
    """
    future = asyncio.get_running_loop().run_in_executor(None, work, *given)
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        # Looked at, or asyncio complains of an error that nobody retrieved.
        future.exception()
        raise cancelled
    with _trouble_named():
        return future.result()


@contextlib.contextmanager
def _trouble_named() -> Iterator[None]:
    """A foreign error becomes ours; its own text would quote the path."""
    try:
        yield
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise StoreUnavailable(f"the media folder: {what}") from error
