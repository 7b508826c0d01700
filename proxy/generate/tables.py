"""Jobs as a person reads them: a table of many, a page of one."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from proxy.generate import words
from proxy.generate.job_news import JobNews, read_job
from proxy.wire.json_values import list_at, number_at, object_at, text_at

# With this many columns all of a row fits on a line; below it, details go under the id.
WIDE: Final = 132
# Columns for a file or a pipe: more than a job's facts and the longest error take.
ENDLESS: Final = 4000
_COLOURS: Final = {"completed": "green", "failed": "red", "cancelled": "yellow"}


def print_table(jobs: Iterable[Any], now: float, out: Console) -> None:
    """Decoded jobs of ``GET /v1/jobs``; ``now`` in epoch seconds. A pipe gets a line for each."""
    if out.is_terminal:
        drawn = _wide(jobs, now) if out.width >= WIDE else _narrow(jobs, now)
        out.print(drawn, soft_wrap=False)
        return
    endless = Console(width=ENDLESS, highlight=False)
    with endless.capture() as captured:
        endless.print(_wide(jobs, now))
    for line in captured.get().splitlines():
        out.print(Text(line.rstrip()), soft_wrap=True)


# What the server says is wrapped in ``Text``: a plain ``str`` would be read as markup.


def _wide(jobs: Iterable[Any], now: float) -> Table:
    shown = _empty("id", "kind", "model", "state", "progress", "age", "account", "error")
    for job in jobs:
        news = read_job(job)
        about = (Text(news.model), _state(news), _progress(news), _age(job, now))
        error = Text(news.error, overflow="fold")
        shown.add_row(Text(news.id), Text(news.kind), *about, Text(news.account), error)
    return shown


def _narrow(jobs: Iterable[Any], now: float) -> Table:
    shown = _empty("id", "kind", "state", "progress", "age")
    for job in jobs:
        news = read_job(job)
        about = ", ".join(part for part in (news.model, news.account, news.error) if part)
        name = Group(Text(news.id), Padding(Text(about, "dim"), (0, 0, 0, 2)))
        shown.add_row(name, Text(news.kind), _state(news), _progress(news), _age(job, now))
    return shown


def _empty(*names: str) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        right = name in ("progress", "age")
        long = name in ("id", "error")
        shown.add_column(name, justify="right" if right else "left", no_wrap=not long)
    return shown


def _state(news: JobNews) -> Text:
    return Text(news.state, _COLOURS.get(news.state, "cyan"))


def _progress(news: JobNews) -> str:
    return f"{news.progress}%"


def _age(job: Any, now: float) -> str:
    return words.age(now - (number_at(job, "created_at") or now))


def page(job: Any, now: float) -> Iterator[str]:
    """Lines about a decoded job of ``GET /v1/jobs/{id}``: facts, history, links."""
    news = read_job(job)
    yield news.id
    for name, value in _facts(job, news, now):
        if value:
            yield f"  {name:<9}{value}"
    yield from _links(job)
    history = [object_at(line) for line in list_at(job, "history")]
    if history:
        yield "history"
    yield from (_line(line) for line in history)


def _facts(job: Any, news: JobNews, now: float) -> Iterator[tuple[str, str]]:
    yield "state", f"{news.state}, {news.progress}%"
    yield "error", news.error
    yield "kind", news.kind
    yield "model", news.model
    yield "prompt", text_at(job, "prompt")
    created = number_at(job, "created_at")
    if created is not None:
        yield "created", f"{_moment(created)}, {words.age(now - created)} ago"
    usual = None if news.ended else news.expected
    yield ("took" if news.ended else "running"), words.took(news.elapsed, usual)
    yield "account", f"{news.account} ({text_at(job, 'route')})" if news.account else ""
    yield "attempts", f"{number_at(job, 'attempts') or 0:g}"
    yield "tasks", ", ".join(task for task in list_at(job, "task_ids") if isinstance(task, str))


def _links(job: Any) -> Iterator[str]:
    files = {text_at(file, "name"): number_at(file, "bytes") for file in list_at(job, "files")}
    expires = number_at(job, "expires_at")
    urls = [url for url in list_at(job, "urls") if isinstance(url, str)]
    for url in urls:
        size = files.get(url.rpartition("/")[2])
        yield f"  {'result':<9}{url}" + (f" ({words.size(size)})" if size else "")
    if urls and expires is not None:
        yield f"  {'kept':<9}until {_moment(expires)}"


def _line(line: Any) -> str:
    when = number_at(line, "at")
    where = " ".join(part for part in (text_at(line, "account"), text_at(line, "route")) if part)
    parts = (
        "" if when is None else _moment(when),
        f"{text_at(line, 'event'):<10}",
        f"{text_at(line, 'state'):<10}",
        where,
        text_at(line, "note"),
    )
    return f"  {'  '.join(part for part in parts if part)}".rstrip()


def _moment(seconds: float) -> str:
    """The caller's own local time."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC).astimezone()
    except (ValueError, OverflowError, OSError):
        return "?"
    return f"{moment:%Y-%m-%d %H:%M:%S}"
