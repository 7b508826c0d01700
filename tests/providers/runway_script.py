"""What the emulated Runway can be told to answer: refusals of every row, and lives of tasks."""

from dataclasses import dataclass, field
from typing import Any

DOCS = "https://docs.dev.runwayml.com/errors"


@dataclass(frozen=True)
class Answer:
    """A scripted reply. ``buys``: the request is carried out all the same, and then answered so.
    ``cut``: fewer bytes come than were announced.
    """

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    buys: bool = False
    cut: bool = False


REFUSALS = {
    "bad_input": Answer(400, {"error": "Invalid asset dimensions.", "docUrl": DOCS}),
    "no_asset": Answer(
        400,
        {
            "error": "Failed to fetch asset. The URL may be incorrect or the server hosting the"
            " asset may be down.",
            "issues": [{"path": ["promptImage"], "message": "https://cdn.example/cat.png?sig=s3"}],
        },
    ),
    "moderated": Answer(400, {"error": "The prompt did not pass content moderation."}),
    "no_funds": Answer(400, {"error": "You do not have enough credits to run this task."}),
    "bad_key": Answer(401, {"error": "Unauthorized"}),
    "forbidden": Answer(403, {"error": "Forbidden"}),
    "not_found": Answer(404, {"error": "Not found"}),
    "wrong_method": Answer(405, {"error": "Method not allowed"}),
    "rate": Answer(429, {"error": "Too many requests."}, {"Retry-After": "7"}),
    "daily": Answer(429, {"error": "Your daily task limit has been reached."}),
    "internal": Answer(500, {"error": "Internal server error"}),
    "bad_gateway": Answer(502, "<html><title>502 Bad Gateway</title></html>"),
    "overloaded": Answer(503, {"error": "Service unavailable"}),
    "gateway_timeout": Answer(504, "<html><title>504 Gateway Time-out</title></html>"),
    "unreadable": Answer(200, "it works", buys=True),
    "no_id": Answer(200, {"estimatedCost": {"credits": 60}}, buys=True),
    "cut": Answer(200, {"id": "lost"}, buys=True, cut=True),
    "broke_after": Answer(502, "<html>Bad Gateway</html>", buys=True),
}
"""By name: every row of the vendor's table of HTTP errors, and some that no table has."""

FAILURE_CODES = {
    "SAFETY.INPUT.TEXT": "The prompt was rejected by our safety system.",
    "SAFETY.INPUT.IMAGE": "The image was rejected by our safety system.",
    "SAFETY.OUTPUT.VIDEO": "The output was rejected by our safety system.",
    "INPUT_PREPROCESSING.SAFETY.TEXT": "The input was rejected.",
    "INPUT_PREPROCESSING.INTERNAL": "The input could not be prepared.",
    "INTERNAL.BAD_OUTPUT.CODE01": "The output did not meet our quality bar.",
    "INTERNAL": 'Generation failed: {"code":13,"message":"Internal error."}',
    "ASSET.INVALID": "The asset could not be decoded.",
}
"""Codes of failed tasks, each with a text."""


@dataclass(frozen=True)
class Life:
    """What becomes of a task: one stage per look (or per ``step`` seconds); the last one stays."""

    stages: tuple[str, ...] = ("PENDING", "RUNNING", "SUCCEEDED")
    failure: str = "An unexpected error occurred."
    code: str | None = None
    outputs: int = 1
    step: float = 1.0


def failing(code: str | None, text: str | None = None) -> Life:
    """A task that runs and then fails."""
    said = text or FAILURE_CODES.get(code or "", Life.failure)
    return Life(stages=("PENDING", "RUNNING", "FAILED"), failure=said, code=code)


THROTTLED = Life(stages=("THROTTLED", "THROTTLED", "PENDING", "RUNNING", "SUCCEEDED"))
ENDLESS = Life(stages=("PENDING", "RUNNING"))
CANCELLED = Life(stages=("RUNNING", "CANCELLED"))
