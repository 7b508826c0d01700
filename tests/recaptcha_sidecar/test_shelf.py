"""Which contexts are let go, and when a browser is worn."""

from hypothesis import given
from hypothesis import strategies as st

from recaptcha_sidecar.shelf import Use, is_worn, to_close

_uses = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=2),
    st.builds(
        Use,
        born=st.just(0.0),
        last=st.floats(0, 100),
        mints=st.integers(0, 20),
        busy=st.integers(0, 1),
    ),
    max_size=12,
)


@given(_uses, st.integers(1, 6))
def test_what_is_in_use_stays_and_the_rest_fits(uses: dict[str, Use], most: int) -> None:
    gone = to_close(uses, 100.0, most=most, idle=50.0, max_mints=15)
    kept = [key for key in uses if key not in gone]
    assert len(set(gone)) == len(gone)
    assert all(not uses[key].busy for key in gone)
    busy = sum(use.busy for use in uses.values())
    assert len(kept) <= max(most, busy)
    for key in kept:
        if not uses[key].busy:
            assert uses[key].last > 50.0
            assert uses[key].mints < 15
            closed_for_room = [uses[k].last for k in gone if _is_healthy(uses[k])]
            assert all(last <= uses[key].last for last in closed_for_room)


def _is_healthy(use: Use) -> bool:
    return use.last > 50.0 and use.mints < 15


def test_the_least_recently_used_goes_first() -> None:
    uses = {name: Use(0.0, last) for name, last in (("a", 3.0), ("b", 1.0), ("c", 2.0))}
    assert to_close(uses, 4.0, most=2, idle=100, max_mints=10) == ["b"]


def test_wear_by_age_and_by_count() -> None:
    use = Use(born=10.0, last=10.0)
    assert not is_worn(use, 19.0, max_age=10, max_mints=2)
    assert is_worn(use, 20.0, max_age=10, max_mints=2)
    use.enter(11.0)
    use.leave(12.0, minted=True)
    use.enter(12.0)
    use.leave(13.0, minted=False)
    assert (use.busy, use.mints, use.last) == (0, 1, 13.0)
    assert not is_worn(use, 14.0, max_age=10, max_mints=2)
