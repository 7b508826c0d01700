"""Pictures and videos in a chat: the last user turn as a request, the result as Markdown."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from proxy.core.ask import ChatAsk, InvalidRequest, Role, Turn
from proxy.core.media import Given, MediaWish
from proxy.core.products import Product
from proxy.wire.media_checks import whole
from proxy.wire.media_form import Form
from proxy.wire.media_inputs import image_inputs, video_inputs
from proxy.wire.media_terms import MAX_INPUTS, MAX_PROMPT, form_of, terms_for

MAX_ALT: Final = 80
MAX_RESULTS: Final = 4

# Fields with a meaning of their own in a chat; the rest count as at the doors for media.
_CHATS_OWN: Final = frozenset({"audio", "user", "style", "quality", "mode", "response_format"})
_PICTURES: Final = "messages"
_UNSAFE_IN_ALT: Final = re.compile(r"[\s\[\]()<>!\\`*_#|~&\x00-\x1f\x7f]+")
_UNSAFE_IN_LINK: Final = str.maketrans(
    {"(": "%28", ")": "%29", "<": "%3C", ">": "%3E", " ": "%20", "\n": "", "\r": "", "\\": "%5C"}
)


def read_chat_media(ask: ChatAsk, product: Product) -> MediaWish:
    """The last user turn as a wish: its text is the prompt, its pictures are the inputs.

    Earlier turns do not count. Raises ``InvalidRequest``.
    """
    turn = next((turn for turn in reversed(ask.turns) if turn.role is Role.USER), None)
    fields = {name: value for name, value in ask.native.items() if name not in _CHATS_OWN}
    pictures = list(turn.images) if turn else []
    if len(pictures) > MAX_INPUTS:
        raise _unusable(f"The last user message can hold at most {MAX_INPUTS} pictures.")
    form = form_of(fields | {_PICTURES: pictures}, product)
    return MediaWish(
        terms=terms_for(form, product, ask.model, _prompt(turn)),
        given=_inputs(form, product),
        count=form.read(whole(1, MAX_RESULTS), "n") or 1,
        metadata=form.metadata,
    )


def _prompt(turn: Turn | None) -> str:
    prompt = turn.text if turn else ""
    if not prompt.strip():
        raise _unusable("The last user message must say in text what to generate.")
    if len(prompt) > MAX_PROMPT:
        raise _unusable(f"The last user message is longer than {MAX_PROMPT} characters.")
    return prompt


def _unusable(message: str) -> InvalidRequest:
    return InvalidRequest(message, param="messages")


def _inputs(form: Form, product: Product) -> tuple[Given, ...]:
    read = video_inputs if product is Product.VIDEO else image_inputs
    return tuple(
        msgspec.structs.replace(given, param=_PICTURES) if _from_turn(given) else given
        for given in read(form, (_PICTURES, "image_urls"))
    )


def _from_turn(given: Given) -> bool:
    return given.param.partition(".")[0] == _PICTURES


def markdown(product: Product, links: Sequence[tuple[str, str | None]], prompt: str) -> str:
    """The results as one line of Markdown each; a link is a URL and maybe a poster's.

    NextChat puts a player in place of a link whose address ends in ``.mp4`` (commit 706a18b9). A
    poster is a line of its own before its video.
    """
    alt = _alt(prompt)
    lines = []
    for number, (url, poster) in enumerate(links, 1):
        if product is Product.VIDEO:
            name = "video.mp4" if len(links) == 1 else f"video-{number}.mp4"
            lines += [f"![{alt}]({_href(poster)})"] if poster else []
            lines.append(f"[{name}]({_video_href(url)})")
        else:
            lines.append(f"![{alt}]({_href(url)})")
    return "\n".join(lines)


def _alt(prompt: str) -> str:
    return _UNSAFE_IN_ALT.sub(" ", prompt[: 4 * MAX_ALT]).strip()[:MAX_ALT].strip() or "result"


def _href(url: str) -> str:
    return url.translate(_UNSAFE_IN_LINK)


def _video_href(url: str) -> str:
    """The address, with a fragment where its path says too little; servers never see those."""
    href = _href(url)
    return href if href.lower().endswith(".mp4") else f"{href.partition('#')[0]}#video.mp4"


def progress_text(
    kind: Product, percent: int | None, elapsed: float, expected: float | None
) -> str:
    """One line on a generation under way, for a reasoning delta; times are in seconds."""
    done = "" if percent is None else f" {percent} %,"
    usual = "" if not expected else f" of usually {max(1, round(expected))} s"
    return f"Generating the {kind.value}:{done} {max(0, round(elapsed))} s{usual}.\n"
