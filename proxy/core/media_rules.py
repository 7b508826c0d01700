"""Whether a model can do what is asked, before anything is paid; and what the caller left open.

Nothing is ever bent to fit: upstreams shorten a video or change its ratio without a word, and the
caller pays for what was not asked for. A refusal names what the model allows.
"""

from collections.abc import Callable, Iterable, Sequence
from math import gcd
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from proxy.core.ask import InvalidRequest
from proxy.core.media import Terms, Use
from proxy.core.media_facts import Facts, Presence, Seconds
from proxy.core.media_models import MediaCandidate
from proxy.core.sizes import AUTO, COMMON_RATIOS, near_resolution, nearest_ratio, read_size

PICTURES: Final = frozenset({Use.FIRST_FRAME, Use.LAST_FRAME, Use.REFERENCE})

# A caller's word is quoted in the refusal, but not a page of it.
_QUOTED: Final = 40


class _Case(Struct, frozen=True):
    """One wish at one model. ``name`` is the model in the words of an error text."""

    terms: Terms
    given: Sequence[Use]
    facts: Facts
    name: str

    @property
    def pictured(self) -> bool:
        return not PICTURES.isdisjoint(self.given)


def serveable(
    terms: Terms, given: Sequence[Use], candidates: Iterable[MediaCandidate]
) -> list[tuple[MediaCandidate, Terms]]:
    """The candidates that fit, in their order, each with its completed terms.

    Raises the first candidate's ``InvalidRequest`` when none fits.
    """
    fitting: list[tuple[MediaCandidate, Terms]] = []
    refusals: list[InvalidRequest] = []
    for candidate in candidates:
        try:
            fitting.append((candidate, fit(terms, given, candidate)))
        except InvalidRequest as refusal:
            refusals.append(refusal)
    if refusals and not fitting:
        raise refusals[0]
    return fitting


def fit(terms: Terms, given: Sequence[Use], candidate: MediaCandidate) -> Terms:
    """The terms as this candidate is asked: ``size`` read, defaults filled in, spelling plain.

    ``given`` are the uses of the inputs. An explicit ratio or resolution goes before ``size``.
    Raises ``InvalidRequest`` (400 ``invalid_value``) for what the model is known not to do.
    """
    tier, resolution = _plain(terms.tier), _plain(terms.resolution)
    resolution = None if resolution == AUTO else resolution
    plain = replace(terms, ratio=_plain(terms.ratio), tier=tier, resolution=resolution)
    given, facts = _with_links(terms, given), candidate.facts
    words = [words for words, _ in facts.circumstances(tier, given)]
    case = _Case(plain, given, facts.under(tier, given), " ".join([candidate.model, *words]))
    for check in _CHECKS:
        check(case)
    return replace(plain, ratio=_ratio(case), resolution=_resolution(case), seconds=_seconds(case))


def _with_links(terms: Terms, given: Sequence[Use]) -> list[Use]:
    """``video_urls`` go to the upstream as they are, but they are given videos all the same."""
    links = terms.vendor.get("video_urls")
    return [*given, *[Use.VIDEO] * (len(links) if isinstance(links, list) else 0)]


def _plain(word: str | None) -> str | None:
    return word.strip().lower() or None if word else None


def _check_tier(case: _Case) -> None:
    _check_choice(case, "tier", case.terms.tier, case.facts.tiers)


def _check_mode(case: _Case) -> None:
    mode = case.terms.vendor.get("video_mode")
    if isinstance(mode, str):
        _check_choice(case, "video_mode", mode, case.facts.modes)


def _check_sound(case: _Case) -> None:
    wanted, by_itself = case.terms.audio, case.facts.audio
    if case.facts.audio_choice is not False or None in (wanted, by_itself) or wanted == by_itself:
        return
    state = "always has sound" if by_itself else "is always silent"
    raise InvalidRequest(f"{case.name} {state} here.", param="generate_audio")


def _check_presence(case: _Case) -> None:
    film = Use.VIDEO in case.given
    _check_present(case, "image", "an image", case.facts.image, case.pictured)
    _check_present(case, "video_url", "a video", case.facts.video, film)
    either = case.facts.image_or_video
    _check_present(case, "image", "an image or a video", either, case.pictured or film)


def _check_present(
    case: _Case, param: str, what: str, presence: Presence | None, present: bool
) -> None:
    if presence is Presence.REQUIRED and not present:
        raise InvalidRequest(f"{case.name} needs {what}.", param=param)
    if presence is Presence.FORBIDDEN and present:
        raise InvalidRequest(f"{case.name} does not take {what}.", param=param)


def _check_counts(case: _Case) -> None:
    references, videos = case.given.count(Use.REFERENCE), case.given.count(Use.VIDEO)
    _check_count(case, "image_urls", "reference image", references, case.facts.references)
    _check_count(case, "video_urls", "video", videos, case.facts.videos)


def _check_count(case: _Case, param: str, what: str, count: int, most: int | None) -> None:
    if most is None or count <= most:
        return
    allowed = f"at most {most} {what}{'' if most == 1 else 's'}" if most else f"no {what}s"
    verb = "was" if count == 1 else "were"
    raise InvalidRequest(f"{case.name} takes {allowed}; {count} {verb} given.", param=param)


def _check_frames(case: _Case) -> None:
    if Use.LAST_FRAME not in case.given:
        return
    if case.facts.last_frame is False:
        raise InvalidRequest(f"{case.name} does not take a last frame.", param="last_frame")
    # Frames are told apart by their order alone: a last one without a first would become it.
    if Use.FIRST_FRAME not in case.given:
        raise InvalidRequest("A last frame needs a first frame.", param="last_frame")


_CHECKS: Final[tuple[Callable[[_Case], None], ...]] = (
    *(_check_presence, _check_counts, _check_frames),
    *(_check_tier, _check_mode, _check_sound),
)


def _ratio(case: _Case) -> str | None:
    ratios, asked = case.facts.ratios, case.terms.ratio
    if asked is None:
        return _ratio_of_size(case) or _usual_ratio(case)
    if not (asked == AUTO and case.pictured):
        _check_choice(case, "aspect_ratio", asked, ratios)
    return asked


def _ratio_of_size(case: _Case) -> str | None:
    size, ratios = case.terms.size, case.facts.ratios
    pixels = read_size(size) if size is not None else None
    if pixels is None:
        return None
    found = nearest_ratio(*pixels, COMMON_RATIOS if ratios is None else ratios)
    if found is None and ratios is not None:
        raise _refusal(case, "size", "ratio", f"{size}", ratios)
    # Nobody knows what this model takes: the upstream reads the shape as it was asked for.
    part = gcd(*pixels)
    return found or f"{pixels[0] // part}:{pixels[1] // part}"


def _usual_ratio(case: _Case) -> str | None:
    if not (case.pictured or Use.VIDEO in case.given):
        return case.facts.default_ratio
    # The input has a shape of its own; any other default would crop it.
    return AUTO if AUTO in (case.facts.ratios or ()) else None


def _resolution(case: _Case) -> str | None:
    asked, listed, size = case.terms.resolution, case.facts.resolutions, case.terms.size
    if asked is not None:
        _check_choice(case, "resolution", asked, listed)
        return asked
    pixels = read_size(size) if size is not None else None
    if pixels is None or not listed:
        return None
    found = near_resolution(min(pixels), listed, case.terms.product)
    if found is None:
        raise _refusal(case, "size", "resolution", f"{size}", listed)
    return found


def _seconds(case: _Case) -> float | None:
    asked, known = case.terms.seconds, case.facts.seconds
    if known is None or asked is None:
        return asked if known is None else known.default
    if not known.allow(asked):
        allowed = _lengths(known, asked)
        raise InvalidRequest(
            f"{case.name} takes {allowed}; {asked:g} was asked for.", param="seconds"
        )
    return asked


def _lengths(known: Seconds, asked: float) -> str:
    parts = [f"{value:g}" for value in known.only]
    if known.high is not None:
        low = "up" if known.low is None else f"{known.low:g}"
        parts.append(f"{low} to {known.high:g}")
    whole = "" if float(asked).is_integer() else "whole "
    plural = "" if parts == ["1"] else "s"
    return f"{_listed(parts, 'or')} {whole}second{plural}"


def _check_choice(
    case: _Case, param: str, asked: str | None, listed: tuple[str, ...] | None
) -> None:
    if asked is not None and listed is not None and asked not in listed:
        noun = {"aspect_ratio": "ratio", "video_mode": "video mode"}.get(param, param)
        raise _refusal(case, param, noun, asked, listed)


def _refusal(
    case: _Case, param: str, noun: str, asked: str, listed: tuple[str, ...]
) -> InvalidRequest:
    plural = "" if len(listed) == 1 else "s"
    allowed = f"takes the {noun}{plural} {_listed(listed, 'and')}"
    allowed = allowed if listed else f"has no choice of {noun}"
    text = f"{case.name} {allowed}; {asked[:_QUOTED]} was asked for."
    return InvalidRequest(text, param=param)


def _listed(words: Sequence[str], last: str) -> str:
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
