"""Links to results: on our own host, signed, expiring, ending in the file's extension."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from proxy.core.jobs import Job, Result
from proxy.core.products import Product
from proxy.core.signed_links import LinkSigner

# NextChat shows a player for links that end like this; what is not copied has its usual type.
_USUAL: Final = {Product.IMAGE: ".png", Product.VIDEO: ".mp4"}


@dataclass(frozen=True, slots=True)
class Links:
    """``ttl`` in seconds; ``public`` is ``PUBLIC_BASE_URL``, ``prefix`` is ``ROUTE_PREFIX``."""

    signer: LinkSigner
    ttl: int
    public: str | None
    prefix: str
    clock: Callable[[], float]

    def link(self, name: str, base: str) -> str:
        """The absolute address of a file; ``base`` is the origin that the caller used."""
        expires = int(self.clock()) + self.ttl
        origin = self.public if self.public is not None else base + self.prefix
        return f"{origin}/media/{self.signer.sign(name, expires)}/{name}"

    def admits(self, segment: str, name: str) -> bool:
        """Whether a link is ours and has not expired."""
        return self.signer.check(segment, name, self.clock())

    def of(self, job: Job, base: str) -> list[tuple[str, str | None]]:
        """Each result's link, with its poster's."""
        return [
            (
                self.link(file_name(job, number), base),
                self.link(result.poster.name, base) if result.poster else None,
            )
            for number, result in enumerate(job.results)
        ]


def file_name(job: Job, number: int) -> str:
    """The name under which a result is served: its copy's, or what it would be."""
    result: Result = job.results[number]
    return result.file.name if result.file else f"{job.id}-{number}{_USUAL[job.product]}"


def read_file_name(name: str) -> tuple[str, int] | None:
    """The job's id and the result's number in a name, or None."""
    stem, _, _ = name.partition(".")
    job_id, sign, number = stem.partition("-")
    if len(job_id) != 32 or not sign or not number.isdecimal() or len(number) > 3:
        return None
    return job_id, int(number)
