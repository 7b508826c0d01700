"""Signed links: ours until they expire, nobody else's ever."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import assume, example, given
from hypothesis import strategies as st

from proxy.core.signed_links import LinkSigner

KEY = bytes(range(32))
SIGNER = LinkSigner(KEY)
NAME = "vid_1.mp4"

seconds = st.integers(0, 2**64 - 1)
# Requested paths may hold anything, lone surrogates included.
names = st.text()


def test_a_link_is_an_expiry_and_a_cut_mac_over_both() -> None:
    message = b"genspark2api media link 1\0" + (1_790_000_000).to_bytes(8, "big") + NAME.encode()
    mac = hmac.new(KEY, message, hashlib.sha256).digest()[:18]
    assert int("tlpwu8", 36) == 1_790_000_000
    assert SIGNER.sign(NAME, 1_790_000_000) == "tlpwu8-" + base64.urlsafe_b64encode(mac).decode()


@given(names, seconds)
@example("", 1)
def test_a_link_opens_its_file_until_the_second_it_expires(name: str, expires: int) -> None:
    segment = SIGNER.sign(name, expires)
    assert re.fullmatch(r"[0-9a-z]{1,13}-[A-Za-z0-9_-]{24}", segment)
    assert SIGNER.check(segment, name, expires - 1)
    assert not SIGNER.check(segment, name, expires)
    assert not SIGNER.check(segment, name, expires + 1)
    assert not SIGNER.check(segment, name, float("nan"))


@given(names, names, seconds, seconds)
@example("1", "", 1, 11)
@example("\ud800", "?", 1, 1)
def test_a_link_opens_no_other_file_and_no_other_time(
    name: str, other: str, expires: int, later: int
) -> None:
    assume((name, expires) != (other, later))
    assert SIGNER.sign(name, expires) != SIGNER.sign(other, later)
    if name != other:
        assert not SIGNER.check(SIGNER.sign(name, expires), other, -1)


@given(st.data(), names, seconds)
def test_one_changed_character_breaks_a_link(data: st.DataObject, name: str, expires: int) -> None:
    segment = SIGNER.sign(name, expires)
    place = data.draw(st.integers(0, len(segment) - 1))
    character = data.draw(st.characters().filter(lambda c: c != segment[place]))
    forged = segment[:place] + character + segment[place + 1 :]
    assert not SIGNER.check(forged, name, -1)


@given(st.text() | st.text("0123456789abcxyzABZ-_= +", max_size=40), names)
def test_nonsense_opens_nothing_and_never_fails(segment: str, name: str) -> None:
    assert not SIGNER.check(segment, name, -1)


@pytest.mark.parametrize(
    "change",
    [
        str.upper, lambda s: "0" + s, lambda s: "+" + s, lambda s: " " + s, lambda s: s + "=",
        lambda s: s + "\n", lambda s: s.replace("-", "_", 1), lambda s: "1_" + s,
        lambda s: s.partition("-")[2], lambda s: s.partition("-")[0] + "-", lambda _: "z" * 5000,
        lambda s: s + "A" * 100_000, lambda _: "",
    ],
)  # fmt: skip
def test_a_link_has_one_spelling(change: Callable[[str], str]) -> None:
    assert not SIGNER.check(change(SIGNER.sign(NAME, 2_000_000_000)), NAME, 0)


def test_another_key_opens_nothing() -> None:
    segment = SIGNER.sign(NAME, 100)
    assert not LinkSigner(KEY[::-1]).check(segment, NAME, 0)
    assert not LinkSigner.derived(KEY).check(segment, NAME, 0)


@given(st.binary(min_size=1, max_size=80))
def test_a_derived_key_is_hkdf_of_the_secret(secret: bytes) -> None:
    info = b"genspark2api media link 1\0"
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)
    assert LinkSigner.derived(secret).sign(NAME, 1) == LinkSigner(key).sign(NAME, 1)


def test_what_cannot_be_signed_safely_is_refused() -> None:
    with pytest.raises(ValueError, match="without a secret"):
        LinkSigner.derived(b"")
    with pytest.raises(ValueError, match="at least 16 bytes"):
        LinkSigner(b"short")
    for expires in (-1, 2**64):
        with pytest.raises(ValueError, match="epoch second"):
            SIGNER.sign(NAME, expires)


def test_a_signer_does_not_show_its_key() -> None:
    key = b"marker-key-of-a-signer"
    assert "marker" not in repr(LinkSigner(key))
