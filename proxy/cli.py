"""The command line: serve, demo, emulator, video, image, jobs, accounts, doctor, version."""

import json
import os
import socket
import sys
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.panel import Panel

from proxy import __version__
from proxy.generate import commands
from proxy.generate.jobs import jobs_app
from proxy.settings import Settings
from proxy.terminal import err, fail, load_settings, out

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="An OpenAI-compatible server in front of Genspark.",
)
accounts_app = typer.Typer(no_args_is_help=True, help="Look at accounts, rest them, wake them.")
app.add_typer(accounts_app, name="accounts")
app.add_typer(jobs_app, name="jobs")
app.command("video")(commands.video)
app.command("image")(commands.image)

# The demo must not buy anything: no real provider stands behind it.
NO_PROVIDERS: Final[dict[str, Any]] = {
    "runway_api_key": [],
    "runwayml_api_secret": [],
    "gemini_api_key": [],
    "google_application_credentials": None,
    "apimart_api_key": [],
    "openai_video_api_key": [],
    "routes_file": None,
}

NO_CREDENTIALS = """[red]No Genspark credential is configured.[/red]
Set one of these in the environment or in a .env file:
  GSK_API_KEY    an official API key (gsk-…), the recommended way
  GS_COOKIE      a Genspark web cookie (session_id=…)
  ACCOUNTS_FILE  a TOML file with several accounts
or, for images and videos alone, a provider's own key (RUNWAY_API_KEY, GEMINI_API_KEY, …).
To look around without an account: [bold]genspark2api demo[/bold]"""


@app.command()
def serve(
    demo_without_credentials: Annotated[
        bool, typer.Option(help="Serve the embedded emulator when no credential is configured.")
    ] = False,
) -> None:
    """Serve Genspark to OpenAI clients."""
    settings = load_settings()
    if _has_credentials(settings):
        _serve(settings)
    elif demo_without_credentials:
        demo()
    else:
        fail(NO_CREDENTIALS)


@app.command()
def demo() -> None:
    """Serve the embedded emulator: everything works, nothing is real, no account is needed."""
    from genspark_emulator.serving import running

    with running() as emulator:
        real = load_settings()
        settings = load_settings(
            genspark_base_url=emulator.url,
            gs_cookie="session_id=demo-1\nsession_id=demo-2",
            gsk_api_key=["gsk-demo-1"],
            genspark_api_key=[],
            accounts_file=None,
            **NO_PROVIDERS,
            proxy_url=None,
            database_url=None,
            data_dir=real.data_dir / "demo",
        )
        _serve(settings, is_demo=True)


def _has_credentials(settings: Settings) -> bool:
    return bool(
        settings.gs_cookie
        or settings.gsk_api_key
        or settings.genspark_api_key
        or settings.accounts_file
        or settings.google_application_credentials
        or any(settings.provider_keys().values())
    )


def _serve(settings: Settings, *, is_demo: bool = False) -> None:
    from proxy import serving
    from proxy.credentials import AccountsFileError
    from proxy.operator import database_error
    from proxy.store.failures import StoreUnavailable
    from proxy.telemetry import configure_logs

    configure_logs(settings.log_format, debug=settings.debug, tz=settings.tz)
    sock = _bound(settings)
    try:
        serving.run(
            settings, demo=is_demo, started=lambda url: _banner(settings, url, is_demo), sock=sock
        )
    except AccountsFileError as error:
        fail(f"[red]{escape(str(error))}[/red]")
    except StoreUnavailable as error:
        fail(f"[red]{escape(database_error(error))}[/red]")


def _bound(settings: Settings) -> socket.socket:
    from proxy.serving import bind

    try:
        return bind(settings.host, settings.port)
    except OSError as error:
        fail(
            f"[red]Cannot listen on {settings.host}:{settings.port}: {error.strerror}.[/red]\n"
            "Set another PORT or HOST, or stop what is listening there."
        )


def _banner(settings: Settings, url: str, is_demo: bool) -> None:
    """To standard error when logs are JSON, so that a log shipper sees JSON only."""
    console = err if settings.log_format == "json" else out
    if is_demo:
        console.print(
            Panel(
                "[bold]DEMO[/bold]: no Genspark credential is set; the emulator answers.\n"
                "Nothing here is real. Set GSK_API_KEY or GS_COOKIE to serve Genspark.",
                border_style="yellow",
                expand=False,
            )
        )
    console.print(f"genspark2api {__version__} serves {url}{settings.route_prefix}/v1\nTry it:")
    console.print(_curl(settings, url), markup=False)


def _curl(settings: Settings, url: str) -> str:
    # The secret itself is not printed; with several, each is a key of its own.
    key = ' -H "Authorization: Bearer ${API_SECRET%%,*}"' if settings.api_secret else ""
    body = '{"model":"gpt-5.4","messages":[{"role":"user","content":"Hello"}],"stream":true}'
    path = f"{url}{settings.route_prefix}/v1/chat/completions"
    return f"  curl -N {path}{key} -H 'Content-Type: application/json' -d '{body}'"


@app.command()
def emulator(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 7066,
) -> None:
    """Serve the Genspark emulator by itself; its README tells how to script it."""
    from genspark_emulator.serving import serve as serve_emulator

    out.print(f"Genspark emulator on http://{host}:{port} (control: /__emulator__/)")
    serve_emulator(host, port)


@accounts_app.command("list")
def accounts_list(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show accounts with their locks."""
    from proxy.operator import Operator, table

    accounts = Operator(load_settings()).accounts()
    if as_json:
        out.print(json.dumps({"accounts": accounts}, indent=2), markup=False)
    else:
        out.print(table(accounts))


@accounts_app.command("check")
def accounts_check() -> None:
    """Ask Genspark whether each credential is good (free), and lift locks of dead ones that are."""
    from proxy.operator import Operator

    results = Operator(load_settings()).check()
    for label, verdict, good in results:
        out.print(
            f"[{'green' if good else 'red'}]{'ok  ' if good else 'FAIL'}[/] {label}: {verdict}"
        )
    if not all(good for *_, good in results):
        raise typer.Exit(1)


@accounts_app.command("lock")
def accounts_lock(
    label: Annotated[str, typer.Argument(help="The account's label, as `accounts list` shows it.")],
    seconds: Annotated[
        float | None, typer.Option(help="How long; without it until `accounts unlock`.")
    ] = None,
    product: Annotated[str, typer.Option(help="chat, image, video or all.")] = "all",
) -> None:
    """Give an account a rest; a running server follows within 10 s."""
    from proxy.operator import Operator

    Operator(load_settings()).lock(label, seconds, product)
    out.print(f"{label} is locked for {product}.")


@accounts_app.command("unlock")
def accounts_unlock(label: Annotated[str, typer.Argument(help="The account's label.")]) -> None:
    """Lift all locks of an account."""
    from proxy.operator import Operator

    Operator(load_settings()).unlock(label)
    out.print(f"{label} is free.")


@app.command()
def routes(
    everything: Annotated[
        bool, typer.Option("--all", help="Also names that Genspark alone serves.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show who serves which image and video model, in order, with prices where known."""
    from proxy import routes_cli
    from proxy.credentials import AccountsFileError

    try:
        found = routes_cli.lines(load_settings())
    except AccountsFileError as error:
        fail(f"[red]{escape(str(error))}[/red]")
    if as_json:
        out.print(json.dumps({"routes": routes_cli.as_json(found)}, indent=2), markup=False)
    else:
        out.print(routes_cli.table(found, everything=everything))


@app.command()
def doctor() -> None:
    """Check credentials, sidecar, database and clock; nothing billable is called."""
    from proxy.doctor import examine

    findings = examine(load_settings())
    for finding in findings:
        colour = {"ok": "green", "warn": "yellow", "FAIL": "red"}[finding.mark]
        out.print(f"[{colour}]{finding.mark:4}[/] {finding.subject}: {finding.text}")
        if finding.fix:
            out.print(f"     fix: {finding.fix}")
    if any(finding.mark == "FAIL" for finding in findings):
        raise typer.Exit(1)


@app.command()
def version() -> None:
    """Print the version."""
    out.print(f"genspark2api {__version__} (Python {sys.version.split()[0]}, {os.name})")
