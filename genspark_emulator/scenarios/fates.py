"""How bought tasks end, by scenario name."""

from genspark_emulator.tasks import Fate

FATES: dict[str, Fate] = {
    "task_fails": Fate("The provider could not generate the result.", "provider_error"),
    "moderation": Fate(
        "The prompt was blocked by the content moderation policy.", "content_policy_violation"
    ),
    "endless": Fate(ends=False),
    "no_url": Fate(has_files=False),
    "task_ready": Fate(instant=True),
}
"""Understood on every flow that buys tasks. The texts of failures are ours; that there is a
reason was reported in 2026-09."""

FAILING = frozenset(name for name, fate in FATES.items() if fate.failure)

USUAL = Fate()
