"""Which page mints for which flow, and the defaults where the page itself does not tell.

Site keys and actions as observed 2026-02 … 2026-09; the page's own key wins.
"""

from dataclasses import dataclass
from typing import Final

SITE_KEY_CHAT: Final = "6Leq7KYqAAAAAGdd1NaUBJF9dHTPAKP7DcnaRc66"
SITE_KEY_AGENTS: Final = "6LfYyWcsAAAAAK8DUr6Oo1wHl2CJ5kKbO0AK3LIM"


@dataclass(frozen=True, slots=True)
class Flow:
    """A page of Genspark with the key and the action that are usual on it."""

    name: str
    path: str
    site_key: str
    action: str


FLOWS: Final = {
    flow.name: flow
    for flow in (
        Flow("chat", "/agents?type=ai_chat", SITE_KEY_CHAT, "copilot"),
        Flow("legacy", "/agents?type=moa_chat", SITE_KEY_CHAT, "copilot"),
        Flow("image", "/ai_image", SITE_KEY_AGENTS, "submit"),
        Flow("video", "/ai_video", SITE_KEY_AGENTS, "submit"),
    )
}
