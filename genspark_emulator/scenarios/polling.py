"""How questions about tasks are answered, by scenario name."""

from genspark_emulator.reply import Reply

POLL_SILENT = Reply(frames=(), ends=False)

POLL_DOCUMENTS: dict[str, Reply] = {"poll_silent": POLL_SILENT, "no_frames": Reply(frames=())}

POLL_SCENARIOS = POLL_DOCUMENTS.keys() | {"answered", "poll_details", "poll_no_complete"}
"""``poll_details`` tells everything of a task that became final before the others, which
otherwise only the closing frame does; ``poll_no_complete`` ends after one frame."""
