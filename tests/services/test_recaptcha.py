"""When tokens are fetched, and what their absence means for each product."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from proxy.core.breaker import Breaker
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.products import Product
from proxy.core.recaptcha import Policy
from proxy.services.recaptcha import REMEMBERED, Tokens
from proxy.telemetry import Metrics

T = TypeVar("T")


@dataclass
class FakeSidecar:
    """Gives numbered tokens, or fails."""

    fails: bool = False
    asked: list[tuple[str, Product]] = field(default_factory=list)

    async def token(self, cookie: str, product: Product) -> str:
        """The next token."""
        self.asked.append((cookie, product))
        if self.fails:
            raise UpstreamError(Failure(Kind.NO_TOKEN, "down"))
        return f"token-{len(self.asked)}"


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def _tokens(policy: Policy, sidecar: FakeSidecar | None, clock: Clock | None = None) -> Tokens:
    policies = dict.fromkeys((Product.CHAT, Product.IMAGE, Product.VIDEO), policy)
    given: Any = sidecar
    return Tokens(given, policies, Breaker(2, 30), clock or Clock(), Metrics())


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def test_never_asks_nobody() -> None:
    sidecar = FakeSidecar()
    tokens = _tokens(Policy.NEVER, sidecar)
    assert _run(tokens.before_ask("c", Product.CHAT)) == ""
    assert _run(tokens.after_refusal("c", Product.CHAT)) == ""
    assert sidecar.asked == []


def test_always_gets_a_fresh_token_for_each_ask_and_account() -> None:
    sidecar = FakeSidecar()
    tokens = _tokens(Policy.ALWAYS, sidecar)
    assert _run(tokens.before_ask("alice", Product.CHAT)) == "token-1"
    assert _run(tokens.before_ask("bob", Product.VIDEO)) == "token-2"
    assert sidecar.asked == [("alice", Product.CHAT), ("bob", Product.VIDEO)]


def test_auto_waits_for_a_refusal_and_remembers_it_per_product_for_a_while() -> None:
    sidecar, clock = FakeSidecar(), Clock()
    tokens = _tokens(Policy.AUTO, sidecar, clock)
    assert _run(tokens.before_ask("c", Product.CHAT)) == ""
    assert _run(tokens.after_refusal("c", Product.CHAT)) == "token-1"
    assert _run(tokens.before_ask("c", Product.CHAT)) == "token-2"
    assert _run(tokens.before_ask("c", Product.IMAGE)) == ""
    clock.now = REMEMBERED
    assert _run(tokens.before_ask("c", Product.CHAT)) == ""


def test_a_chat_goes_on_without_a_token_and_media_do_not() -> None:
    tokens = _tokens(Policy.ALWAYS, FakeSidecar(fails=True))
    assert _run(tokens.before_ask("c", Product.CHAT)) == ""
    with pytest.raises(UpstreamError) as caught:
        _run(tokens.before_ask("c", Product.IMAGE))
    assert caught.value.failure.kind is Kind.NO_TOKEN


def test_without_a_sidecar_always_is_a_clear_failure_for_media_only() -> None:
    tokens = _tokens(Policy.ALWAYS, None)
    assert _run(tokens.before_ask("c", Product.CHAT)) == ""
    with pytest.raises(UpstreamError, match="RECAPTCHA_PROXY_URL is not set"):
        _run(tokens.before_ask("c", Product.VIDEO))
    assert _run(_tokens(Policy.AUTO, None).after_refusal("c", Product.CHAT)) == ""


def test_a_failing_sidecar_is_left_alone_for_a_while() -> None:
    sidecar, clock = FakeSidecar(fails=True), Clock()
    tokens = _tokens(Policy.ALWAYS, sidecar, clock)
    for _ in range(5):
        assert _run(tokens.before_ask("c", Product.CHAT)) == ""
    assert len(sidecar.asked) == 2
    clock.now, sidecar.fails = 30.0, False
    assert _run(tokens.before_ask("c", Product.CHAT)) == "token-3"
    assert _run(tokens.before_ask("c", Product.CHAT)) == "token-4"
