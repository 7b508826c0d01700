"""Which network addresses a URL given by a caller may lead to: public unicast, nothing else.

Our own table instead of ``is_global``: its answers differ between Python releases, and it lets the
old site-local fec0::/10 pass. Source: the IANA special-purpose address registries, as of 2026-09.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

_CLOSED_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a carrier's NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local; clouds serve an instance's secrets at 169.254.169.254
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # the former 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)

# Global unicast so far is given out of 2000::/3 alone. Loopback, unique local, link-local,
# site-local, multicast and the addresses with an embedded IPv4 address in front all lie outside.
_OPEN_V6: Final = IPv6Network("2000::/3")
_CLOSED_V6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments; Teredo, benchmarking and ORCHID among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside, behind relays that are gone (RFC 7526)
        "3fff::/20",  # documentation
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address, in its usual notation, is public unicast; False for other text.

    An IPv6 address that stands for an IPv4 one (mapped, NAT64) is as public as that one. An address
    with a zone (``fe80::1%eth0``) is a link's and never public.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return _v4_is_public(found) if isinstance(found, IPv4Address) else _v6_is_public(found)


def _v4_is_public(address: IPv4Address) -> bool:
    return not any(address in network for network in _CLOSED_V4)


def _v6_is_public(address: IPv6Address) -> bool:
    if address.scope_id is not None:
        return False
    embedded = _embedded(address)
    if embedded is not None:
        return _v4_is_public(embedded)
    return address in _OPEN_V6 and not any(address in network for network in _CLOSED_V6)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to this one are turned into on their way."""
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped
