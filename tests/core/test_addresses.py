"""Public or not: every special range, both of its ends, and every way to hide one in another."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.core.addresses import is_public

PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
    "126.255.255.255", "128.0.0.1", "169.253.255.255", "169.255.0.0", "172.15.255.255",
    "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
    "223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e", "2001:4860:4860::8888",
    "2001:200::1", "2003::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
]  # fmt: skip

PRIVATE = [
    # IPv4, the first and last of each range
    "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
    "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255",
    "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.9", "192.0.0.10", "192.0.0.170",
    "192.0.0.255", "192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.0",
    "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255",
    # IPv6
    "::", "::1", "fc00::", "fd12:3456::1", "fdff:ffff::1", "fe80::1", "febf::1", "fe80::1%eth0",
    "fec0::1", "feff::1", "ff02::1", "ff0e::1", "100::1", "2001:db8::1", "3fff::1", "5f00::1",
    "2001:2::1", "2001:10::1", "2001:20::1", "4000::1", "64:ff9b:1::8.8.8.8", "fd00:ec2::254",
    "2606:4700:4700::1111%1",
    # an IPv4 address in an IPv6 one
    "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:169.254.169.254", "::127.0.0.1", "::8.8.8.8",
    "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "2002:c0a8:101::1", "2002:808:808::1", "2001:0:7f00:1::", "2001:0:808:808:0:0:80ff:fffe",
    "::ffff:0:127.0.0.1", "::ffff:8.8.8.8%3",
    # not the notation of an address
    "", " ", "localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "010.8.8.8", "8.8.8.8.",
    "8.8.8.8 ", "8.8.8.8/32", "[::1]", "1.1.1.1\n", "①.①.①.①", "1.1.1.1%eth0",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_not_public(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses())
def test_nothing_is_public_that_the_library_knows_to_be_special(
    address: IPv4Address | IPv6Address,
) -> None:
    special = (
        address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
        or address.is_unspecified or not address.is_global
    )  # fmt: skip
    embeds = isinstance(address, IPv6Address) and address.ipv4_mapped is not None
    if special and not embeds:
        assert not is_public(str(address))


@given(st.ip_addresses(v=4))
@example(IPv4Address("127.0.0.1"))
@example(IPv4Address("8.8.8.8"))
def test_an_embedded_address_is_never_more_public_than_itself(address: IPv4Address) -> None:
    high, low = address.packed[:2].hex(), address.packed[2:].hex()
    alone = is_public(str(address))
    for form in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert is_public(form) == alone, form
    # These networks are gone, so none of theirs is let through. Teredo carries it inverted.
    flipped = IPv4Address(int(address) ^ 0xFFFFFFFF)
    assert not is_public(f"::{address}")
    assert not is_public(f"2002:{high}:{low}::1")
    assert not is_public(f"2001:0:{high}:{low}:0:0:{flipped}")


@given(st.ip_addresses(v=6))
def test_an_address_in_a_zone_is_never_public(address: IPv6Address) -> None:
    assert not is_public(f"{address}%eth0")


@given(st.text() | st.text("0123456789abcdefx.:%[]"))
def test_text_that_is_no_address_is_never_public(text: str) -> None:
    try:
        ip_address(text)
    except ValueError:
        assert not is_public(text)
    else:
        assert isinstance(is_public(text), bool)
