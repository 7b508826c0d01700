"""Reasoning between ``<think>`` tags, in front of the answer's own text.

NextChat takes a chunk that starts with the opening tag for the beginning of the reasoning and one
that ends with the closing tag for its end; it cuts white space there, and shows whatever else the
latter holds as answer. So each tag is a chunk of its own, and the blank line that Markdown needs
behind them belongs to the answer.
"""

from typing import Final

OPENING: Final = "<think>\n"
CLOSING: Final = "\n</think>"
GAP: Final = "\n\n"


def with_thought(reasoning: str, text: str) -> str:
    """A whole answer's content."""
    if not reasoning:
        return text
    return OPENING + reasoning + CLOSING + (GAP + text if text else "")
