"""Write what the pages say of images and videos from the program; the tests compare them.

docs/architecture.md gets the life of a job from its state machine, docs/videos-and-images.md what
each model takes from ``media_catalogue.toml``.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from proxy.core.jobs import ENDED, STEPS, TRANSITIONS, JobEvent, JobState, Step
from proxy.core.media_facts import Facts, Presence, Seconds
from proxy.core.media_models import MediaCandidate, MediaCatalogue
from proxy.core.products import Product, Route

ROOT = Path(__file__).resolve().parent.parent
FACTS = Path("proxy/core/media_catalogue.toml")
JOBS_PAGE = Path("docs/architecture.md")
MODELS_PAGE = Path("docs/videos-and-images.md")
JOBS: Final = ("<!-- jobs: written by `make docs` -->", "<!-- end of jobs -->")
MODELS: Final = ("<!-- models: written by `make docs` -->", "<!-- end of models -->")

STATES: Final[dict[JobState, str]] = {
    JobState.QUEUED: "waits for an account; nothing was sent, or what was sent was clearly refused",
    JobState.SUBMITTING: "the paid request may be on its way; with an API key it stays open until"
    " the generation has ended",
    JobState.RUNNING: "Genspark took it and named its tasks",
    JobState.STORING: "the result exists at Genspark and is being copied",
    JobState.COMPLETED: "the result can be fetched",
    JobState.FAILED: "there will be no result; the row says why",
    JobState.CANCELLED: "called off by its caller or the operator",
}
EVENTS: Final[dict[JobEvent, str]] = {
    JobEvent.INTENT: "account, route and model are chosen; written before the paid request leaves",
    JobEvent.REFUSED: "Genspark clearly said no and nothing was bought: another account may try",
    JobEvent.ACCEPTED: "Genspark named the tasks; from here on nobody else is asked",
    JobEvent.DELIVERED: "the addresses of the result are known",
    JobEvent.STORED: "the result is copied (with `MEDIA=store`)",
    JobEvent.POSTPONED: "looked at, and to be looked at again later; leaves no line in the history",
    JobEvent.FAILED: "ended without a result",
    JobEvent.CANCELLED: "ended by a caller's wish",
}
WORK: Final[dict[Step, str]] = {
    Step.SUBMIT: "chooses an account and sends",
    Step.GIVE_UP: "ends it as `submission_unconfirmed`: whoever sent it is gone",
    Step.POLL: "asks about its tasks",
    Step.STORE: "copies the result",
}
UNKNOWN: Final = "–"
# The legacy wire is off by default, and reported retired.
ROUTES: Final = [Route.KEY, Route.COOKIE]


def jobs() -> str:
    """The diagram, and the tables of states and events."""
    return "\n\n".join([diagram(), _states(), _events()])


def diagram() -> str:
    """Mermaid, which code hosts draw: every way from one state to another."""
    ways = [
        f"    {state} --> {target}: {event}"
        for state in JobState
        for event, target in TRANSITIONS[state].items()
        if target is not state
    ]
    ends = [f"    {state} --> [*]" for state in JobState if state in ENDED]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> queued", *ways, *ends, "```"])


def _states() -> str:
    head = ["| State | What it means | What may happen | Whoever claims it |", "|---|---|---|---|"]
    return "\n".join([*head, *map(_state, JobState)])


def _state(state: JobState) -> str:
    ways = ", ".join(f"`{event}` → `{to}`" for event, to in TRANSITIONS[state].items())
    work = WORK[STEPS[state]] if state in STEPS else ""
    return _row(f"`{state}`", STATES[state], ways or "nothing more", work or UNKNOWN)


def _events() -> str:
    rows = [_row(f"`{event}`", EVENTS[event]) for event in JobEvent]
    return "\n".join(["| Event | What it records |", "|---|---|", *rows])


def models() -> str:
    """What each model takes, by its first route."""
    known = MediaCatalogue((ROOT / FACTS).read_text("utf-8"))
    videos = "| Video model | With | Seconds | Ratios | Resolutions | Tiers | Inputs |"
    images = "| Image model | With | Resolutions | Inputs |"
    return "\n".join(
        [
            *(videos, "|---|---|---|---|---|---|---|", *_models(known, Product.VIDEO)),
            *("", images, "|---|---|---|---|", *_models(known, Product.IMAGE)),
        ]
    )


def _models(known: MediaCatalogue, product: Product) -> list[str]:
    names = [name for name in known.names(set(ROUTES)) if known.kind(name) is product]
    return [_model(name, product, known.candidates(name, product, ROUTES)) for name in names]


def _model(name: str, product: Product, candidates: list[MediaCandidate]) -> str:
    first = candidates[0]
    facts, other = first.facts, "" if first.model == name else f" (`{first.model}`)"
    resolutions = _words(facts.resolutions)
    # Ratios and tiers of images are all the same but one: the page has them in a sentence.
    shape = [
        _seconds(facts.seconds),
        _words(facts.ratios, facts.default_ratio),
        resolutions,
        _words(facts.tiers),
    ]
    return _row(
        f"`{name}`{other}",
        ", ".join(candidate.route for candidate in candidates),
        *(shape if product is Product.VIDEO else [resolutions]),
        _inputs(facts),
    )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _words(words: Iterable[str] | None, default: str | None = None) -> str:
    if words is None:
        return UNKNOWN
    return ", ".join(f"**{word}**" if word == default else word for word in words) or "no choice"


def _seconds(known: Seconds | None) -> str:
    """What can be asked for, and in bold what is asked for when the caller says nothing."""
    if known is None:
        return UNKNOWN
    parts = [_number(length, known.default) for length in known.only]
    if known.high is not None:
        parts.append(f"up to {known.high:g}" if known.low is None else _range(known))
    if known.default is not None and not any("**" in part for part in parts):
        parts.append(f"**{known.default:g}**")
    return ", ".join(parts) or "the input's"


def _range(known: Seconds) -> str:
    return f"{known.low:g}–{known.high:g}"


def _number(length: float, default: float | None) -> str:
    return f"**{length:g}**" if length == default else f"{length:g}"


def _inputs(facts: Facts) -> str:
    """What may come with the prompt, and what is known to be refused."""
    video = f"video ({', '.join(facts.modes)})" if facts.modes else "video"
    either = facts.image_or_video is Presence.REQUIRED
    said = [
        f"image or {video} needed" if either else _presence("image", facts.image),
        "" if either else _presence(video, facts.video),
        _references(facts.references),
        {None: "", True: "last frame", False: "no last frame"}[facts.last_frame],
    ]
    return "; ".join(filter(None, said)) or UNKNOWN


def _presence(what: str, presence: Presence | None) -> str:
    words = {
        None: what if what.endswith(")") else "",
        Presence.REQUIRED: f"{what} needed",
        Presence.OPTIONAL: what,
        Presence.FORBIDDEN: f"no {what}",
    }
    return words[presence]


def _references(most: int | None) -> str:
    if most is None:
        return ""
    return f"up to {most} reference images" if most else "no reference images"


def with_jobs(page: str) -> str:
    """docs/architecture.md with the present life of a job."""
    return _between(page, JOBS, jobs())


def with_models(page: str) -> str:
    """docs/videos-and-images.md with the present models."""
    return _between(page, MODELS, models())


def _between(page: str, marks: tuple[str, str], text: str) -> str:
    begin, end = marks
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def main() -> None:
    """Write both pages."""
    os.chdir(ROOT)
    JOBS_PAGE.write_text(with_jobs(JOBS_PAGE.read_text("utf-8")), "utf-8")
    MODELS_PAGE.write_text(with_models(MODELS_PAGE.read_text("utf-8")), "utf-8")
    sys.stdout.write(f"wrote the life of a job into {JOBS_PAGE}, the models into {MODELS_PAGE}\n")


if __name__ == "__main__":
    main()
