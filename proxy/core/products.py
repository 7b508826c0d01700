"""What can be asked for, what can be forbidden, and by which way it is served."""

from enum import StrEnum


class Product(StrEnum):
    """What a lock forbids. ``ALL`` forbids every new piece of work, never polling a paid job."""

    CHAT = "chat"
    IMAGE = "image"
    VIDEO = "video"
    ALL = "all"


class Credential(StrEnum):
    """The two kinds of Genspark credential: the official API key and the web cookie."""

    KEY = "key"
    COOKIE = "cookie"


class Route(StrEnum):
    """The ways to Genspark, named as in the response header ``x-genspark2api-route``."""

    KEY = "key"
    COOKIE = "cookie"
    LEGACY = "legacy"

    @property
    def credential(self) -> Credential:
        """The kind of credential this route is asked with."""
        return Credential.KEY if self is Route.KEY else Credential.COOKIE
