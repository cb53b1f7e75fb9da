"""What the operator allows webhooks besides the public internet: hosts by name, networks by CIDR."""

import ipaddress
import re
from typing import Self

import msgspec

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
# IPv6 addresses under it lead to the IPv4 address in their last 32 bits (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_IPV4_BITS = (1 << 32) - 1


class AllowedTargets(msgspec.Struct, frozen=True):
    """Hosts and networks that webhooks may lead to although they are not public, also by plain HTTP."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a list with commas of host names, addresses and CIDR networks; raises ValueError that names one."""
        hosts: set[str] = set()
        networks: list[Network] = []
        for entry in filter(None, (part.strip() for part in text.split(","))):
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError:
                if "/" in entry or not _HOST.fullmatch(entry):
                    raise ValueError(entry) from None
                hosts.add(entry.lower())
        return cls(frozenset(hosts), tuple(networks))

    def allow(self, host: str, address: Address) -> bool:
        """Whether the operator allows an address of a host by name or network."""
        return host.lower() in self.hosts or any(
            address.version == network.version and address in network for network in self.networks
        )


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet: nothing private, local, reserved or of many receivers.

    An IPv6 address that stands for an IPv4 address is judged by that one.
    """
    if isinstance(address, ipaddress.IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            embedded = ipaddress.IPv4Address(int(address) & _IPV4_BITS)
        if embedded is not None:
            return is_public(embedded)
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
