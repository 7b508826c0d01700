"""The commands ``video`` and ``image``: make, wait, save."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from proxy.generate.job_news import JobNews
from proxy.generate.making import Making
from proxy.generate.saving import Saving, check_output, save_all
from proxy.generate.server import Stop, reach
from proxy.generate.showing import showing
from proxy.generate.watching import Watch
from proxy.generate.wishes import VIDEOS, image_wish, picture, video_wish
from proxy.generate.words import size
from proxy.terminal import err, load_settings, out

INTERRUPTED = 130

Model = Annotated[str | None, typer.Option("--model", "-m", help="The model; else the server's.")]
Output = Annotated[
    str | None, typer.Option("--output", "-o", help="File or folder; else a name by the job's id.")
]
Ratio = Annotated[str | None, typer.Option(help="Such as 16:9.")]
Pictures = Annotated[
    list[str] | None,
    typer.Option("--image", help="A file or URL; twice: first and last frame, or references."),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Print the job's id and leave.")]


def video(
    prompt: Annotated[str, typer.Argument(help="What the video shows.")],
    model: Model = None,
    output: Output = None,
    ratio: Ratio = None,
    seconds: Annotated[float | None, typer.Option(help="Length of the clip.")] = None,
    resolution: Annotated[str | None, typer.Option(help="Such as 720p.")] = None,
    image: Pictures = None,
    negative: Annotated[str | None, typer.Option(help="What must not be in it.")] = None,
    audio: Annotated[bool | None, typer.Option(help="With or without sound.")] = None,
    tier: Annotated[str | None, typer.Option(help="Such as standard or fast.")] = None,
    no_wait: NoWait = False,
    force: Force = False,
) -> None:
    """Make a video with a running server, and save it."""
    ended(lambda: _video_wish(
        prompt, image or [], model=model, ratio=ratio, seconds=seconds, resolution=resolution,
        negative=negative, audio=audio, tier=tier,
    ), 1, output, no_wait=no_wait, force=force)  # fmt: skip


def _video_wish(prompt: str, images: list[str], **options: Any) -> tuple[str, dict[str, Any]]:
    pictures = [picture(named) for named in images]
    return VIDEOS, video_wish(prompt, pictures=pictures, **options)


def image(
    prompt: Annotated[str, typer.Argument(help="What the image shows.")],
    model: Model = None,
    output: Output = None,
    count: Annotated[int, typer.Option("-n", min=1, max=10, help="How many.")] = 1,
    dimensions: Annotated[str | None, typer.Option("--size", help="Such as 1024x1024.")] = None,
    ratio: Ratio = None,
    image: Pictures = None,
    no_wait: NoWait = False,
    force: Force = False,
) -> None:
    """Make images with a running server (with --image: edit that one), and save them."""
    ended(lambda: image_wish(
        prompt, model=model, count=count, size=dimensions, ratio=ratio,
        pictures=[picture(named) for named in image or []],
    ), count, output, no_wait=no_wait, force=force)  # fmt: skip


def ended(
    wish: Callable[[], tuple[str, dict[str, Any]]],
    count: int,
    output: str | None,
    *,
    no_wait: bool,
    force: bool,
) -> None:
    """Carry out a request from its options to its files."""
    made: list[str] = []

    async def story() -> None:
        check_output(output, count, force=force)
        door, body = wish()
        async with reach(load_settings()) as server:
            with showing(err) as show:
                made.extend(await Making(server, show).make(door, body))
            if no_wait:
                for job_id in made:
                    out.print(job_id)
                return
            with showing(err) as show:
                jobs = await Watch(server, show, met=True).until_ended(made)
                saved = await save_all(Saving(server, show, force), jobs, output)
        tell(jobs, saved)

    carried_out(story(), made, output)


def carried_out(story: Coroutine[Any, Any, None], made: list[str], output: str | None) -> None:
    """Run a command to its end; Ctrl-C says how to go on."""
    try:
        asyncio.run(story)
    except Stop as error:
        err.print(str(error), markup=False, style="red")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        where = f" -o {output}" if output else ""
        for job_id in made:
            err.print(
                f"\nThe job goes on. To fetch its result:\n"
                f"  genspark2api jobs watch {job_id}{where}",
                markup=False,
            )
        raise typer.Exit(INTERRUPTED) from None


def tell(jobs: list[JobNews], saved: list[tuple[JobNews, Any, int]]) -> None:
    """What was saved, and what failed; status 1 when anything did."""
    for _, path, length in saved:
        out.print(f"{path} ({size(length)})", markup=False)
    failed = [job for job in jobs if not job.good]
    for job in failed:
        why = job.error or "it has no result"
        err.print(f"{job.id} {job.state}: {why}", markup=False, style="red")
    if failed:
        raise typer.Exit(1)
