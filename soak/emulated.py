"""The emulator as a soak sees it."""

from dataclasses import dataclass
from typing import Any

import httpx2


@dataclass
class Emulator:
    """The emulator's address, and its script."""

    url: str

    def script(self, *rules: dict[str, Any]) -> None:
        """Queue rules; see genspark_emulator/README.md."""
        httpx2.post(f"{self.url}/__emulator__/script", json={"rules": list(rules)})
