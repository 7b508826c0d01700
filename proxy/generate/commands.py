"""The commands ``video`` and ``image``: have a running server make something, and save it."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

Prompt = Annotated[str, typer.Argument(help="What shall be seen.", show_default=False)]
Model = Annotated[
    str | None, typer.Option("-m", "--model", help="The model; without it the server's own choice.")
]
Output = Annotated[
    str | None,
    typer.Option("-o", "--output", help="File or folder; without it a file named by the job."),
]
Ratio = Annotated[str | None, typer.Option(help="Width to height, such as 16:9.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Print the job's id and leave it to the server.")
]


def video(
    prompt: Prompt,
    model: Model = None,
    output: Output = None,
    ratio: Ratio = None,
    seconds: Annotated[float | None, typer.Option(help="Length of the video.")] = None,
    resolution: Annotated[str | None, typer.Option(help="Such as 720p or 1080p.")] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(
            help="A file or URL: the first frame. Twice: first and last. More often: references."
        ),
    ] = None,
    negative: Annotated[str | None, typer.Option(help="What shall not be seen.")] = None,
    audio: Annotated[
        bool | None, typer.Option("--audio/--no-audio", help="With sound, or without.")
    ] = None,
    tier: Annotated[str | None, typer.Option(help="The model's quality class.")] = None,
    no_wait: NoWait = False,
    force: Force = False,
) -> None:
    """Make a video with a running server, and save it."""
    # What speaks HTTP loads slowly, and other commands do without.
    from proxy.generate.wishes import VIDEOS, picture, video_wish

    def wish() -> tuple[str, dict[str, Any]]:
        return VIDEOS, video_wish(
            prompt,
            model=model,
            ratio=ratio,
            seconds=seconds,
            resolution=resolution,
            pictures=[picture(named) for named in image or []],
            negative=negative,
            audio=audio,
            tier=tier,
        )

    _make(wish, 1, output, wait=not no_wait, force=force)


def image(
    prompt: Prompt,
    model: Model = None,
    output: Output = None,
    count: Annotated[
        int, typer.Option("-n", "--count", min=1, max=10, help="How many: name-1.png and so on.")
    ] = 1,
    size: Annotated[str | None, typer.Option(help="In pixels, such as 1024x1024.")] = None,
    ratio: Ratio = None,
    image: Annotated[
        list[str] | None, typer.Option(help="A file or URL to edit or to follow; repeatable.")
    ] = None,
    no_wait: NoWait = False,
    force: Force = False,
) -> None:
    """Make images with a running server, and save them."""
    from proxy.generate.wishes import image_wish, picture

    def wish() -> tuple[str, dict[str, Any]]:
        pictures = [picture(named) for named in image or []]
        return image_wish(
            prompt, model=model, count=count, size=size, ratio=ratio, pictures=pictures
        )

    _make(wish, count, output, wait=not no_wait, force=force)


def _make(
    wish: Callable[[], tuple[str, dict[str, Any]]],
    count: int,
    output: str | None,
    *,
    wait: bool,
    force: bool,
) -> None:
    from proxy.generate.errand import Errand

    errand = Errand(output, force)
    errand.run(lambda server: errand.make(server, wish, count, wait=wait))
