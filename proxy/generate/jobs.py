"""The commands ``jobs list|show|cancel|watch``."""

import json
import time
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from proxy.generate.commands import Force, Output, carried_out, tell
from proxy.generate.job_news import read_job
from proxy.generate.saving import Saving, check_output, save_all
from proxy.generate.server import reach
from proxy.generate.showing import showing
from proxy.generate.watching import Watch
from proxy.generate.words import age
from proxy.terminal import err, load_settings, out
from proxy.wire.json_values import child, list_at, number_at, object_at, text_at

jobs_app = typer.Typer(no_args_is_help=True, help="Look at jobs of images and videos.")

JobId = Annotated[str, typer.Argument(help="The job's id, as `jobs list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
# A public id, which a person copies, is never cut.
LONGEST_ID = 38
WIDE = 200
_COLOURS = {"completed": "green", "failed": "red", "cancelled": "red"}
# Shown first and in this order; what the server adds later follows.
_SHOWN = (
    "id", "kind", "model", "prompt", "state", "progress", "provider", "route", "account",
    "attempts", "task_ids", "cost_estimate_usd",
)  # fmt: skip


@jobs_app.command("list")
def jobs_list(
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the newest jobs (the operator's key: of all callers)."""

    async def story() -> None:
        async with reach(load_settings()) as server:
            body = (await server.ask("GET", f"/v1/jobs?limit={limit}")).body
        if as_json:
            out.print(json.dumps(body, indent=2), markup=False)
        else:
            drawn = _table([object_at(job) for job in list_at(body, "data")])
            # A script gets whole lines; a terminal has its own width.
            (out if out.is_terminal else Console(width=WIDE)).print(drawn)

    carried_out(story(), [], None)


def _table(jobs: list[dict[str, Any]]) -> Table:
    drawn = Table(box=None, pad_edge=False)
    drawn.add_column("id", no_wrap=True, min_width=LONGEST_ID)
    for heading in ("model", "state", "done", "age", "account", "error"):
        drawn.add_column(heading, overflow="fold")
    for job in jobs:
        news, state = read_job(job), text_at(job, "state")
        old = time.time() - (number_at(job, "created_at") or 0.0)
        colour = _COLOURS.get(state, "yellow")
        drawn.add_row(
            news.id, escape(news.model), f"[{colour}]{state}[/]", f"{news.progress}%",
            age(old), escape(news.account), text_at(job, "error", "code"),
        )  # fmt: skip
    return drawn


@jobs_app.command("show")
def jobs_show(job_id: JobId, as_json: AsJson = False) -> None:
    """Show a job with its history and its links."""

    async def story() -> None:
        async with reach(load_settings()) as server:
            job = await server.job(job_id)
        if as_json:
            out.print(json.dumps(job, indent=2), markup=False)
        else:
            _describe(job)

    carried_out(story(), [], None)


def _describe(job: dict[str, Any]) -> None:
    for name in _SHOWN:
        value = job.get(name)
        if value not in (None, "", []):
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            out.print(f"{name + ':':<18} {shown}", markup=False)
    if message := text_at(job, "error", "message"):
        out.print(f"{'error:':<18} {message} ({child(job, 'error', 'code')})", markup=False)
    for url in list_at(job, "urls"):
        out.print(f"{'result:':<18} {url}", markup=False)
    out.print("history:")
    for line in list_at(job, "history"):
        moment = datetime.fromtimestamp(number_at(line, "at") or 0.0).astimezone()
        words = [text_at(line, name) for name in ("event", "route", "account", "note")]
        out.print(f"  {moment:%H:%M:%S}  {'  '.join(filter(None, words))}", markup=False)


@jobs_app.command("cancel")
def jobs_cancel(job_id: JobId) -> None:
    """End a job that is not finished; what it has bought may still be charged."""

    async def story() -> None:
        async with reach(load_settings()) as server:
            body = (await server.ask("POST", f"/v1/jobs/{quote(job_id, safe='')}/cancel")).body
        out.print(f"{job_id} is {text_at(body, 'state')}.", markup=False)

    carried_out(story(), [], None)


@jobs_app.command("watch")
def jobs_watch(job_id: JobId, output: Output = None, force: Force = False) -> None:
    """Wait for a job, and save its result."""

    async def story() -> None:
        check_output(output, 1, force=force)
        async with reach(load_settings()) as server:
            with showing(err) as show:
                jobs = await Watch(server, show).until_ended([job_id])
                saved = await save_all(Saving(server, show, force), jobs, output)
        tell(jobs, saved)

    carried_out(story(), [job_id], output)
