"""Images and files in chat messages: loaded once, then made parts for the account that asks."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from proxy.core.accounts import Account
from proxy.core.ask import Attachment, InvalidRequest, Kept, Turn
from proxy.services.inputs import IMAGES
from proxy.upstreams import private_files
from proxy.upstreams.fetch import BodyTooLarge, Fetcher, FetchRefused
from proxy.upstreams.genspark import Genspark
from proxy.wire.document_types import document_type, file_name
from proxy.wire.genspark_files import PrivateFile, file_part, image_part
from proxy.wire.media_types import (
    DataTooLarge,
    extension,
    megabytes,
    read_base64,
    read_data_url,
    sniff,
)

# Genspark publishes no limits; the operator's memory needs some.
IMAGE_LIMIT: Final = 10 * 1024 * 1024
FILE_LIMIT: Final = 25 * 1024 * 1024
# Links can stand for far more than MAX_BODY_MB lets in, and images go out in one body.
TOTAL_LIMIT: Final = 64_000_000
# A long conversation repeats all of its own, so there are more than anyone sends at once.
MOST_ATTACHMENTS: Final = 50
# One request must not have us knock at many doors, or at one door many times, at once.
MOST_FETCHES: Final = 4
# Each fetch ends by itself, but many slow ones one after the other would take minutes.
FETCH_SECONDS: Final = 60.0
# A burst on one cookie is what gets it locked.
MOST_UPLOADS: Final = 2

_UNREADABLE: Final = {Kept.IMAGE: "invalid_image_url", Kept.FILE: "invalid_value"}
_UNSUPPORTED: Final = "unsupported_file_type"
_LARGE: Final = "file_too_large"

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class LoadedPart:
    """An attachment with its bytes. ``mime`` is what they are, and ``name`` ends accordingly."""

    kind: Kept
    name: str
    mime: str
    data: bytes = field(repr=False)


@dataclass(slots=True)
class _Source:
    """The attachments of one kind with one source; ``number`` counts the sources of that kind."""

    number: int
    uses: list[Attachment] = field(default_factory=list)

    @property
    def first(self) -> Attachment:
        """The use that errors name."""
        return self.uses[0]


@dataclass(slots=True)
class _Room:
    """What is left of the request's bytes."""

    limit: int
    taken: int = 0

    def take(self, source: _Source, size: int) -> None:
        """An image is sent wherever it stands, a file once."""
        self.taken += size * (len(source.uses) if source.first.kind is Kept.IMAGE else 1)
        if self.taken > self.limit:
            what = f": images and files together are larger than {megabytes(self.limit)}."
            raise _wrong(source.first, what, _LARGE)


@dataclass(slots=True)
class Attachments:
    """Loads what messages carry. Limits in bytes: of one image, one file, all of a request.

    ``seconds`` bounds all fetches of a request together.
    """

    fetcher: Fetcher
    image_limit: int = IMAGE_LIMIT
    file_limit: int = FILE_LIMIT
    total_limit: int = TOTAL_LIMIT
    seconds: float = FETCH_SECONDS

    async def load(self, turns: tuple[Turn, ...]) -> dict[Attachment, LoadedPart]:
        """Every attachment of a conversation. Raises ``InvalidRequest`` naming the part.

        What came along is read before anything is fetched.
        """
        sources = _sources([each for turn in turns for each in turn.attachments])
        room = _Room(self.total_limit)
        loaded: dict[Attachment, LoadedPart] = {}
        for source in sources:
            if not _is_link(source.first.source):
                loaded |= self._parts(source, self._decode(source.first), room)

        async def fetch(source: _Source) -> None:
            loaded.update(self._parts(source, await self._fetch(source.first), room))

        links = [source for source in sources if _is_link(source.first.source)]
        try:
            async with asyncio.timeout(self.seconds):
                await _together(fetch, links, MOST_FETCHES)
        except TimeoutError:
            late = next(source.first for source in links if source.first not in loaded)
            what = f": the links of the request took more than {self.seconds:g} s."
            raise _wrong(late, what, _UNREADABLE[late.kind]) from None
        return loaded

    def _limit(self, given: Attachment) -> int:
        return self.image_limit if given.kind is Kept.IMAGE else self.file_limit

    def _decode(self, given: Attachment) -> bytes:
        """A data URL; a file may be bare base64."""
        source, limit = given.source, self._limit(given)
        try:
            if given.kind is Kept.IMAGE or source[:5].lower() == "data:":
                return read_data_url(source, limit)[1]
            return read_base64(source, limit)
        except DataTooLarge:
            raise _too_large(given, limit) from None
        except ValueError as error:
            raise _wrong(given, f" cannot be read: {error}", _UNREADABLE[given.kind]) from None

    async def _fetch(self, given: Attachment) -> bytes:
        limit = self._limit(given)
        try:
            return await self.fetcher.fetch(given.source, limit)
        except BodyTooLarge:
            raise _too_large(given, limit) from None
        except FetchRefused as error:
            raise _wrong(given, f": {error.reason}", _UNREADABLE[given.kind]) from None

    def _parts(self, source: _Source, data: bytes, room: _Room) -> dict[Attachment, LoadedPart]:
        if not data:
            raise _wrong(source.first, " is empty.", _UNREADABLE[source.first.kind])
        room.take(source, len(data))
        return {each: _judged(each, data, source.number) for each in source.uses}


def _sources(given: list[Attachment]) -> list[_Source]:
    if len(given) > MOST_ATTACHMENTS:
        what = f": at most {MOST_ATTACHMENTS} images and files can be sent."
        raise _wrong(given[MOST_ATTACHMENTS], what, "invalid_value")
    found: dict[Kept, dict[str, _Source]] = {kind: {} for kind in Kept}
    for each in given:
        known = found[each.kind]
        known.setdefault(each.source, _Source(len(known) + 1)).uses.append(each)
    return [source for known in found.values() for source in known.values()]


def _is_link(source: str) -> bool:
    return source[:8].lower().startswith(("http://", "https://"))


def _judged(given: Attachment, data: bytes, number: int) -> LoadedPart:
    """What it really is, under a name that says so."""
    mime, ending = (_image if given.kind is Kept.IMAGE else _file)(given, data)
    name = file_name(given.name, ending, f"{given.kind.value}-{number}")
    return LoadedPart(given.kind, name, mime, data)


def _image(given: Attachment, data: bytes) -> tuple[str, str]:
    mime = sniff(data)
    if mime not in IMAGES:
        names = ", ".join(sorted(name.partition("/")[2] for name in IMAGES))
        raise _wrong(given, f" must be one of these: {names}.", _UNSUPPORTED)
    return mime, extension(mime)


def _file(given: Attachment, data: bytes) -> tuple[str, str]:
    found = document_type(data, given.name)
    if found is None:
        raise _wrong(given, " must be a PDF, an office document, text or an image.", _UNSUPPORTED)
    return found


def _too_large(given: Attachment, limit: int) -> InvalidRequest:
    return _wrong(given, f" is larger than {megabytes(limit)}.", _LARGE)


def _wrong(given: Attachment, what: str, code: str) -> InvalidRequest:
    return InvalidRequest(f"'{given.param}'{what}", param=given.param, code=code)


# What an account's storage holds, by content.
Stored = dict[bytes, PrivateFile]


async def parts_for(
    genspark: Genspark,
    account: Account,
    loaded: Mapping[Attachment, LoadedPart],
    stored: Stored | None = None,
) -> dict[Attachment, dict[str, Any]]:
    """Content parts for an ask of this account: images inline, files from its own storage.

    Another account cannot use them. What is uploaded is added to ``stored``. Raises
    ``UpstreamError``.
    """
    stored = {} if stored is None else stored

    async def upload(part: LoadedPart) -> PrivateFile:
        return await private_files.upload(genspark, account, part)

    files = {part.data: part for part in loaded.values() if part.kind is Kept.FILE}
    missing = [part for data, part in files.items() if data not in stored]
    uploaded = await _together(upload, missing, MOST_UPLOADS)
    stored.update((part.data, done) for part, done in zip(missing, uploaded, strict=True))
    return {each: _content(part, stored) for each, part in loaded.items()}


def _content(part: LoadedPart, stored: Stored) -> dict[str, Any]:
    if part.kind is Kept.IMAGE:
        return image_part(part.mime, part.data)
    # The same bytes under two names are one upload.
    file = stored[part.data]
    return file_part(PrivateFile(part.name, part.mime, file.size, file.storage_url))


async def _together(work: Callable[[K], Awaitable[V]], given: Iterable[K], most: int) -> list[V]:
    """The results in order; ``most`` work at once. The first exception ends all and is raised."""
    slots = asyncio.Semaphore(most)

    async def one(each: K) -> V:
        async with slots:
            return await work(each)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(each), name="attachment") for each in given]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]
