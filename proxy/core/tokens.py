"""Token counts, offline: the vocabulary (o200k) ships inside a package and is loaded on first use.

Genspark's own tokenizers are unknown, so these are estimates of the usual kind.
"""

from collections.abc import Callable
from functools import cache

from proxy.core.ask import Turn

# OpenAI's own accounting adds about this much per message for role and separators.
PER_MESSAGE = 4


# Counting a megabyte takes about 15 ms on the event loop; the rest of a longer text is estimated.
COUNTED = 1_000_000


def count(text: str) -> int:
    """The number of tokens of a text; beyond ``COUNTED`` characters in proportion to its start."""
    start = text[:COUNTED]
    try:
        counted = _counter()(start) if text else 0
    except UnicodeEncodeError:
        # A lone surrogate is no text, but no reason to fail an answer either.
        counted = _counter()(start.encode("utf-8", "replace").decode())
    return counted if len(text) <= COUNTED else round(counted * len(text) / COUNTED)


def count_prompt(turns: tuple[Turn, ...]) -> int:
    """A prompt's tokens: all turns and the calls inside them. Attachments are not counted."""
    joined = "\n".join(
        part
        for turn in turns
        for part in (turn.text, *(call.name + call.arguments for call in turn.calls))
    )
    return count(joined) + PER_MESSAGE * len(turns)


@cache
def _counter() -> Callable[[str], int]:
    try:
        from rs_bpe.bpe import openai
    except ImportError:
        # rs-bpe has no wheels for the newest Pythons; this one is larger and slower to load.
        from bpe_openai import get_encoding

        encoding = get_encoding("o200k_base")
        return lambda text: len(encoding.encode_ordinary(text))
    counter: Callable[[str], int] = openai.o200k_base().count
    return counter
