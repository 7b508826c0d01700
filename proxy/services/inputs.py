"""Inputs of a generation: fetched or decoded, looked at, and kept before a job relies on them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from proxy.core.ask import InvalidRequest
from proxy.core.media import Given, Input, Use
from proxy.store.media_files import MediaFiles, Missing, TooLarge
from proxy.upstreams.fetch import Fetcher, FetchRefused
from proxy.wire.media_types import extension, read_base64, read_data_url, sniff

IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
VIDEOS: Final = frozenset({"video/mp4", "video/quicktime", "video/webm"})

# The file of a caller's own finished video, by its public id; None when there is none.
OwnVideo = Callable[[str, str], Awaitable[str | None]]


@dataclass(slots=True)
class Inputs:
    """``limit`` is the most bytes of one input."""

    files: MediaFiles
    fetcher: Fetcher
    own_video: OwnVideo
    limit: int

    async def keep(self, given: tuple[Given, ...], caller: str) -> tuple[Input, ...]:
        """Every input in the media folder. Raises ``InvalidRequest`` naming the field."""
        return tuple([await self._keep_one(each, caller) for each in given])

    async def _keep_one(self, given: Given, caller: str) -> Input:
        data = await self._bytes(given, caller)
        if len(data) > self.limit:
            raise self._too_large(given)
        mime = sniff(data)
        wanted = VIDEOS if given.use is Use.VIDEO else IMAGES
        if mime not in wanted:
            names = ", ".join(sorted(name.partition("/")[2] for name in wanted))
            raise _wrong(given, f"must be one of these: {names}")
        file = await self.files.save_input(data, extension(mime))
        return Input(given.use, file, mime)

    async def _bytes(self, given: Given, caller: str) -> bytes:
        source = given.source
        if isinstance(source, bytes):
            return source
        scheme = source[:8].lower()
        try:
            if scheme.startswith(("http://", "https://")):
                return await self.fetcher.fetch(source, self.limit)
            if scheme.startswith("data:"):
                return read_data_url(source, self.limit)[1]
            if given.use is Use.VIDEO:
                return await self._own(given, source, caller)
            return read_base64(source, self.limit)
        except FetchRefused as error:
            raise InvalidRequest(
                f"'{given.param}': {error.reason}", param=given.param, code="invalid_image_url"
            ) from None
        except ValueError as error:
            raise _wrong(given, f"cannot be read: {str(error).rstrip('.')}") from None

    async def _own(self, given: Given, public: str, caller: str) -> bytes:
        name = await self.own_video(public, caller)
        try:
            if name is not None:
                return await self.files.read_input(name, self.limit)
        except Missing:
            pass
        except TooLarge:
            raise self._too_large(given) from None
        raise _wrong(given, "names no finished video of yours")

    def _too_large(self, given: Given) -> InvalidRequest:
        return _wrong(given, f"is larger than {self.limit // 1_000_000} MB")


def _wrong(given: Given, what: str) -> InvalidRequest:
    return InvalidRequest(f"'{given.param}' {what}.", param=given.param)
