"""What can be asked for, what can be forbidden, and by which way it is served."""

from enum import StrEnum
from typing import Final

GENSPARK: Final = "genspark"


class Product(StrEnum):
    """What a lock forbids. ``ALL`` forbids every new piece of work, never polling a paid job."""

    CHAT = "chat"
    IMAGE = "image"
    VIDEO = "video"
    ALL = "all"


class Credential(StrEnum):
    """The two kinds of Genspark credential (the official API key and the web cookie), and the keys
    of the official providers of images and videos.
    """

    KEY = "key"
    COOKIE = "cookie"
    RUNWAY = "runway"
    GEMINI = "gemini"
    VERTEX = "vertex"
    APIMART = "apimart"
    OPENAI = "openai"


class Route(StrEnum):
    """The ways to an answer, named as in the response header ``x-genspark2api-route``: three to
    Genspark, one to each official provider.
    """

    KEY = "key"
    COOKIE = "cookie"
    LEGACY = "legacy"
    RUNWAY = "runway"
    GEMINI = "gemini"
    VERTEX = "vertex"
    APIMART = "apimart"
    OPENAI = "openai"

    @property
    def credential(self) -> Credential:
        """The kind of credential this route is asked with."""
        return Credential.COOKIE if self is Route.LEGACY else Credential(self.value)

    @property
    def provider(self) -> str:
        """Who is paid: ``genspark``, or the provider's own name."""
        return GENSPARK if self in GENSPARK_ROUTES else self.value

    @property
    def prefix(self) -> str:
        """What stands before a provider's models in their public names: ``google/…``, say."""
        return "google" if self is Route.GEMINI else self.provider


GENSPARK_ROUTES: Final = (Route.KEY, Route.COOKIE, Route.LEGACY)
PROVIDER_ROUTES: Final = tuple(route for route in Route if route not in GENSPARK_ROUTES)
