"""Secrets have no voice; a lock says what it forbids, and is a trial when its time has come."""

import pickle

import pytest

from proxy.core.accounts import Account, Lock, Secret
from proxy.core.products import Credential, Product

SECRET = Secret("session_id=very-secret")


def test_a_secret_is_shown_by_no_ordinary_means() -> None:
    account = Account("id", "label", Credential.COOKIE, SECRET, proxy="http://u:very-secret@p")
    shown = f"{SECRET} {SECRET!r} {SECRET!s} {account} {[SECRET]}"
    assert "very-secret" not in shown
    assert SECRET.reveal() == "session_id=very-secret"


def test_secrets_are_compared_by_value_and_with_secrets_only() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


@pytest.mark.parametrize(
    ("until", "now", "forbids", "on_trial"),
    [(10.0, 9.0, True, False), (10.0, 10.0, False, True), (10.0, 11.0, False, True),
     (None, 1e12, True, False)],
)  # fmt: skip
def test_a_lock_over_time(until: float | None, now: float, forbids: bool, on_trial: bool) -> None:
    lock = Lock("a", Product.CHAT, "funds", 0.0, until)
    assert lock.forbids(Product.CHAT, now) is forbids
    assert lock.on_trial(Product.CHAT, now) is on_trial
    assert not lock.forbids(Product.IMAGE, now)
    assert not lock.on_trial(Product.IMAGE, now)


def test_a_lock_travels_as_a_value() -> None:
    lock = Lock("a", Product.ALL, "funds", 1.0, 2.0)
    assert pickle.loads(pickle.dumps(lock)) == lock
