"""The circuit breaker, by hand and by any sequence of calls."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.breaker import Breaker


def test_it_opens_after_failures_in_a_row_and_lets_one_probe() -> None:
    breaker = Breaker(limit=2, seconds=30)
    breaker.failed(0.0)
    assert breaker.allows(0.0)
    breaker.failed(1.0)
    assert not breaker.allows(30.9)
    assert breaker.allows(31.0)
    assert not breaker.allows(31.0)
    breaker.failed(32.0)
    assert not breaker.allows(61.9)
    assert breaker.allows(62.0)
    breaker.succeeded()
    assert breaker.allows(62.0)


def test_a_success_between_failures_starts_the_count_anew() -> None:
    breaker = Breaker(limit=2, seconds=30)
    breaker.failed(0.0)
    breaker.succeeded()
    breaker.failed(1.0)
    assert breaker.allows(1.0)


def test_an_abandoned_probe_leaves_room_for_the_next() -> None:
    breaker = Breaker(limit=1, seconds=10)
    breaker.failed(0.0)
    assert breaker.allows(10.0)
    breaker.abandoned()
    assert breaker.allows(10.0)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 5)), max_size=60))
def test_it_never_calls_while_open_and_never_stays_shut_for_ever(
    calls: list[tuple[bool, float]],
) -> None:
    breaker, now, row, opened = Breaker(limit=3, seconds=10), 0.0, 0, None
    for good, pause in calls:
        now += pause
        if not breaker.allows(now):
            assert opened is not None
            assert now - opened < 10.001
            continue
        assert opened is None or now - opened >= 9.999
        if good:
            breaker.succeeded()
            row, opened = 0, None
        else:
            breaker.failed(now)
            row += 1
            opened = now if row >= 3 else None
    assert breaker.allows(now + 10.001)
