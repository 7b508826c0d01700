"""``genspark2api video`` and ``image``: have a running server make something, and save it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from proxy.terminal import err, load_settings, out

Prompt = Annotated[str, typer.Argument(help="What shall be made.")]
Model = Annotated[
    str | None, typer.Option("-m", "--model", help="The model; without it the server's default.")
]
Output = Annotated[
    str | None,
    typer.Option(
        "-o", "--output", help="The file, or a folder; without it a file named by the job's id."
    ),
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
            help="A picture, as a file or URL: the first frame. Given twice: first and last frame."
            " More often: references.",
        ),
    ] = None,
    negative: Annotated[str | None, typer.Option(help="What shall not be seen.")] = None,
    audio: Annotated[
        bool | None, typer.Option("--audio/--no-audio", help="With sound, or without.")
    ] = None,
    tier: Annotated[str | None, typer.Option(help="The model's tier, such as pro.")] = None,
    no_wait: NoWait = False,
    force: Force = False,
) -> None:
    """Make a video: a running server does the work, this shows its progress and saves the file."""
    from proxy.generate.wishes import VIDEOS, video_wish

    def wish(pictures: list[str]) -> tuple[str, dict[str, Any]]:
        return VIDEOS, video_wish(
            prompt,
            model=model,
            ratio=ratio,
            seconds=seconds,
            resolution=resolution,
            pictures=pictures,
            negative=negative,
            audio=audio,
            tier=tier,
        )

    _make(wish, image, output, count=1, wait=not no_wait, force=force)


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
        list[str] | None,
        typer.Option(help="A picture to edit or to follow, as a file or URL; may be repeated."),
    ] = None,
    no_wait: NoWait = False,
    force: Force = False,
) -> None:
    """Make images: a running server does the work, this shows its progress and saves the files."""
    from proxy.generate.wishes import image_wish

    def wish(pictures: list[str]) -> tuple[str, dict[str, Any]]:
        return image_wish(
            prompt, model=model, count=count, size=size, ratio=ratio, pictures=pictures
        )

    _make(wish, image, output, count=count, wait=not no_wait, force=force)
