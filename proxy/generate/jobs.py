"""The commands ``jobs list|show|cancel|watch``."""

import json
import time
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer
from rich.text import Text

from proxy.generate.commands import Force, Output
from proxy.terminal import err, out
from proxy.wire.json_values import child, list_at, text_at

if TYPE_CHECKING:
    from proxy.generate.server import Server

jobs_app = typer.Typer(no_args_is_help=True, help="Look at jobs of images and videos.")

JobId = Annotated[str, typer.Argument(help="The job's id, as `jobs list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@jobs_app.command("list")
def jobs_list(
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the newest jobs; with the operator's key, those of all callers."""
    from proxy.generate.errand import Errand

    async def work(server: "Server") -> bool:
        body = (await server.ask("GET", f"/v1/jobs?limit={limit}")).body
        if as_json:
            _print_json(body)
        else:
            _print_table(body)
        return True

    Errand().run(work)


def _print_json(body: Any) -> None:
    out.print(json.dumps(body, indent=2), markup=False)


def _print_table(body: Any) -> None:
    from proxy.generate.tables import print_table

    jobs = list_at(body, "data")
    if not jobs:
        out.print("There are no jobs.")
        return
    print_table(jobs, time.time(), out)
    if child(body, "has_more") is True:
        err.print(Text("There are more: --limit", "dim"))


@jobs_app.command("show")
def jobs_show(job_id: JobId, as_json: AsJson = False) -> None:
    """Show a job with its history and its links."""
    from proxy.generate.errand import Errand
    from proxy.generate.tables import page

    async def work(server: "Server") -> bool:
        job = await server.job(job_id)
        if as_json:
            _print_json(job)
        else:
            for line in page(job, time.time()):
                out.print(line, markup=False)
        return True

    Errand().run(work)


@jobs_app.command("cancel")
def jobs_cancel(job_id: JobId) -> None:
    """End a job that is not finished; what it has bought may still be charged."""
    from proxy.generate.errand import Errand

    async def work(server: "Server") -> bool:
        path = f"/v1/jobs/{quote(job_id, safe='')}/cancel"
        state = text_at((await server.ask("POST", path)).body, "state")
        if state == "cancelled":
            out.print(f"{job_id} is cancelled.", markup=False)
            return True
        err.print(Text(f"{job_id} had ended before: it is {state}.", "red"))
        return False

    Errand().run(work)


@jobs_app.command("watch")
def jobs_watch(
    job_ids: Annotated[list[str], typer.Argument(help="The jobs' ids, as `jobs list` shows them.")],
    output: Output = None,
    force: Force = False,
) -> None:
    """Wait for jobs, also finished ones, and save their results."""
    from proxy.generate.errand import Errand

    errand = Errand(output, force, job_ids)
    errand.run(errand.watch)
