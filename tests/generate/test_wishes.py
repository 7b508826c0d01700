"""Options become bodies that the server's own readers understand."""

from pathlib import Path

import pytest

from proxy.core.media import Use
from proxy.generate.server import Stop
from proxy.generate.wishes import EDITS, IMAGES, image_wish, picture, video_wish
from proxy.wire.image_requests import read_edit, read_generation
from proxy.wire.video_requests import read_videos

ASSETS = Path("genspark_emulator/assets")
NOTHING = {
    "model": None,
    "ratio": None,
    "seconds": None,
    "resolution": None,
    "pictures": [],
    "negative": None,
    "audio": None,
    "tier": None,
}


def test_every_option_of_a_video_reaches_the_servers_reader() -> None:
    wish = video_wish(
        "a cat",
        model="kling/v3",
        ratio="9:16",
        seconds=5.0,
        resolution="1080p",
        pictures=["https://h/first.png", "https://h/last.png"],
        negative="dogs",
        audio=False,
        tier="pro",
    )
    read = read_videos(wish, "other")
    terms = read.terms
    assert (terms.model, terms.prompt, terms.ratio, terms.seconds) == (
        "kling/v3",
        "a cat",
        "9:16",
        5,
    )
    assert (terms.resolution, terms.negative_prompt, terms.audio) == ("1080p", "dogs", False)
    assert terms.tier == "pro"
    assert [given.use for given in read.given] == [Use.FIRST_FRAME, Use.LAST_FRAME]


def test_what_was_not_said_is_not_sent() -> None:
    assert video_wish("a cat", **NOTHING) == {"prompt": "a cat"}


@pytest.mark.parametrize(
    ("count", "uses"),
    [(1, [Use.FIRST_FRAME]), (3, [Use.REFERENCE] * 3)],
)
def test_what_pictures_are_for(count: int, uses: list[Use]) -> None:
    links = [f"https://h/{number}.png" for number in range(count)]
    read = read_videos(video_wish("a cat", **{**NOTHING, "pictures": links}), "m")
    assert [given.use for given in read.given] == uses


def test_every_option_of_an_image_reaches_the_servers_reader() -> None:
    door, wish = image_wish(
        "a cat", model="nano-banana-pro", count=3, size="1024x1536", ratio="2:3", pictures=[]
    )
    read = read_generation(wish, "other")
    terms = read.wish.terms
    assert door == IMAGES
    assert (read.wish.count, read.answer) == (3, "url")
    assert (terms.model, terms.size, terms.ratio) == ("nano-banana-pro", "1024x1536", "2:3")


def test_with_pictures_an_image_is_an_edit() -> None:
    named = [picture(str(ASSETS / "result.png")), "https://h/b.png"]
    door, wish = image_wish("a cat", model=None, count=1, size=None, ratio=None, pictures=named)
    given = read_edit(wish, "m").wish.given
    assert door == EDITS
    assert [each.use for each in given] == [Use.REFERENCE, Use.REFERENCE]


@pytest.mark.parametrize("link", ["https://h/a.png", "http://h/a", "data:image/png;base64,AAAA"])
def test_links_stay_as_they_are(link: str) -> None:
    assert picture(link) == link


@pytest.mark.parametrize(
    ("file", "start"),
    [("result.jpg", "data:image/jpeg;base64,/9j/"), ("result.webp", "data:image/webp;base64,Ukl")],
)
def test_a_file_is_sent_as_what_it_is(file: str, start: str, tmp_path: Path) -> None:
    misnamed = tmp_path / "picture.gif"
    misnamed.write_bytes((ASSETS / file).read_bytes())
    assert picture(str(misnamed)).startswith(start)


def test_what_is_no_picture_is_refused_here(tmp_path: Path) -> None:
    text = tmp_path / "notes.png"
    text.write_text("no picture")
    for named, words in [
        (str(text), "is no picture"),
        (str(tmp_path / "absent.png"), "There is no picture at"),
        (str(tmp_path), "There is no picture at"),
        ("/dev/zero", "There is no picture at"),
        (str(ASSETS / "result.mp4"), "is no picture"),
    ]:
        with pytest.raises(Stop, match=words):
            picture(named)


def test_a_file_too_large_for_a_picture_is_not_read(tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(Stop, match="too large for a picture"):
        picture(str(large))
