"""Which addresses a message may be sent to: those of the internet, and none inside of somebody's own network."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator

EMBEDDED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))
"""Networks whose addresses end with an IPv4 address: those of NAT64, and the old compatible ones."""


INTERNET = ipaddress.ip_network("2000::/3")
"""The part of IPv6 that has the addresses of the internet."""

RESERVED = (ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("3fff::/20"))
"""Networks that some versions of Python take for a part of the internet."""


class PrivateAddress(OSError):
    """A name leads to an address inside of a network."""


def connected(host: str, port: int, timeout: float, *, private: bool) -> socket.socket:
    """A connection to a host, within so many seconds. The address that was checked is the one that is connected to.

    Raises `PrivateAddress` if any address of the host is inside of a network, unless `private`, and `OSError`.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if not private:
        for *_, address in found:
            if not is_public(str(address[0])):
                raise PrivateAddress(
                    f"{host} is {address[0]}, an address inside of a network; say private=True to allow that"
                )
    error: OSError | None = None
    until = time.monotonic() + timeout
    for family, kind, protocol, _, address in found:
        left = until - time.monotonic()
        if left <= 0:
            break
        try:
            return _connected(family, kind, protocol, address, left)
        except OSError as failed:
            error = failed
    raise error or OSError(f"{host} has no address")


def _connected(
    family: int, kind: int, protocol: int, address: tuple[object, ...], timeout: float
) -> socket.socket:
    made = socket.socket(family, kind, protocol)
    made.settimeout(timeout)
    try:
        made.connect(address)
    except BaseException:
        made.close()
        raise
    return made


def is_public(text: str) -> bool:
    """Whether an address is one of the internet, and so are those that it has inside of it."""
    return all(map(_is_public, _inside(ipaddress.ip_address(text.partition("%")[0]))))


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return (
        address.is_global
        and not address.is_multicast
        and (address.version == 4 or address in INTERNET)
        and not any(address in network for network in RESERVED)
    )


def _inside(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> Iterator[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """An address, or the IPv4 addresses that it stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        yield address
    elif address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif address.sixtofour is not None:
        yield address.sixtofour
    elif address.teredo is not None:
        yield from address.teredo
    elif any(address in network for network in EMBEDDED):
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    else:
        yield address
