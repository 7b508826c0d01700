"""An account of the operator's own, and a lock that says what it forbids."""

from dataclasses import dataclass, field
from typing import Final

from proxy.core.products import Credential, Product

# Measured on free accounts, 2026-09-23: a third concurrent request is answered 429.
COOKIE_CONCURRENCY: Final = 2
KEY_CONCURRENCY: Final = 8


class Secret:
    """A credential with no voice: ``repr``, ``str`` and format show a placeholder."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The credential itself; call it only where a request header is built."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True, slots=True)
class Account:
    """One credential in the pool.

    ``id`` is a keyed hash of the credential (stable, safe to store); ``label`` is the operator's
    name for it (safe to show). ``limit`` is how many requests may run at once.
    """

    id: str
    label: str
    credential: Credential
    secret: Secret = field(repr=False)
    limit: int = COOKIE_CONCURRENCY
    weight: float = 1.0
    proxy: str | None = field(default=None, repr=False)
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Lock:
    """Account ``account_id`` must not start ``product`` before ``until`` (epoch; None: no end).

    A lock whose time has come stays in place as a trial: one request at a time until one succeeds.
    """

    account_id: str
    product: Product
    reason: str
    since: float
    until: float | None

    def forbids(self, product: Product, now: float) -> bool:
        """Whether new work of this product is forbidden now."""
        return self.concerns(product) and (self.until is None or self.until > now)

    def on_trial(self, product: Product, now: float) -> bool:
        """Whether the rest is over but no request has succeeded since."""
        return self.concerns(product) and self.until is not None and self.until <= now

    def concerns(self, product: Product) -> bool:
        """Whether this lock is about this product at all."""
        return self.product in (product, Product.ALL)
