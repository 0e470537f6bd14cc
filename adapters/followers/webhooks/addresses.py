"""Where a webhook may go: public addresses, and others only where the settings name their network.

Invariants: judged is the address that is connected to, at the moment of connecting, so that a name which answers differently the second time gains
nothing; every address that is not global (private, loopback, link-local, reserved, multicast, and IPv4 within IPv6) is refused unless a network of
the settings holds it; in clear it goes to those networks only.
"""

import asyncio
import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

import httpcore

from adapters.errors import AdapterError

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_NAT64: Final = IPv6Network("64:ff9b::/96")
_V4_BITS: Final = 0xFFFFFFFF


class ForbiddenAddressError(AdapterError):
    """The webhook's name leads to an address where it has no business."""

    def __init__(self) -> None:
        super().__init__(
            "The webhook leads to an address that is not public, or in clear to one that is",
            advice="Take https, or name the network in webhook_networks if it is meant.",
        )


def permitted(address: Address, *, networks: Sequence[Network], clear: bool) -> bool:
    """Whether a webhook may connect there; `clear`: without TLS."""
    inner = _within(address)
    if any(one.version == each.version and each in one for one in networks for each in {address, inner}):
        return True
    return not clear and _public(address) and _public(inner)


def _public(address: Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _within(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for; else the address."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & _V4_BITS)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo is not None else address)


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to permitted addresses only. Raises `ForbiddenAddressError` where a name has no other."""

    def __init__(self, networks: Sequence[Network], *, clear: bool) -> None:
        self._networks = networks
        self._clear = clear
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve once, judge, and connect to what was judged."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError("the name does not resolve") from error
        addresses = [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
        open_ones = [one for one in addresses if permitted(one, networks=self._networks, clear=self._clear)]
        if not open_ones:
            raise ForbiddenAddressError
        return await self._inner.connect_tcp(
            str(open_ones[0]), port, timeout=timeout, local_address=local_address, socket_options=socket_options
        )
