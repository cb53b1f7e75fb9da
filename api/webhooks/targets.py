"""Where a webhook may lead: checked when it is made and again at each delivery, on the address connected to.

A partner chooses the address that our network connects to, so it could be one inside. The host is looked up
here, once; what is sent goes to exactly an address that was looked at, so a name that is given another
address in between gains nothing.
"""

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Literal
from urllib.parse import SplitResult, urlsplit

import msgspec

from api.webhooks.allowed_targets import Address, AllowedTargets, is_public
from ledger.errors import LedgerError

LOOK_UP_LIMIT_SECONDS = 5.0
LONGEST_URL = 2000

_PORTS = {"https": 443, "http": 80}
# Names that nobody answers for must not keep others of the process from looking theirs up.
_LOOK_UPS = ThreadPoolExecutor(8, thread_name_prefix="webhook-names")


class TargetRefused(LedgerError):
    """A webhook's address leads to where this service does not send."""

    code = "webhook-target-refused"


class Target(msgspec.Struct, frozen=True):
    """A checked target: the host by its name, and the addresses that may be connected to."""

    scheme: Literal["https", "http"]
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]

    @property
    def authority(self) -> str:
        """Host and port as a request names them: the usual port is left out."""
        host = bracketed(self.host)
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


async def find_target(url: str, allowed: AllowedTargets) -> Target:
    """Check a webhook's address and look its host up; raises TargetRefused."""
    parts = _parsed(url)
    host = parts.hostname or ""
    scheme: Literal["https", "http"] = "https" if parts.scheme == "https" else "http"
    port = parts.port or _PORTS[scheme]
    addresses = await _look_up(host, port)
    if not addresses or not all(is_public(address) or allowed.allow(host, address) for address in addresses):
        raise _refused("a host without a public address", "a host on the public internet, or one the operator allows")
    if scheme == "http" and not all(allowed.allow(host, address) for address in addresses):
        raise _refused("http", "https; plain http only to hosts that the operator allows")
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return Target(scheme, host, port, path, tuple(str(address) for address in addresses))


def bracketed(host: str) -> str:
    """A host as an address has it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def _parsed(url: str) -> SplitResult:
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or set(url) & set(' "<>\\^`{|}'):
        raise _refused("other characters, or too many", f"at most {LONGEST_URL} characters of an address")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused("what is no address", "an address such as https://example.org/hooks") from None
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise _refused("what is no address", "an address such as https://example.org/hooks")
    if "@" in parts.netloc or "%" in parts.netloc:
        raise _refused("a user or password, or a zone", "a host and a port alone")
    if parts.fragment:
        raise _refused("a fragment", "an address without #")
    return parts


async def _look_up(host: str, port: int) -> list[Address]:
    """The addresses of a host, each once, in the order to try them; none where it cannot be looked up."""
    loop = asyncio.get_running_loop()
    look_up = loop.run_in_executor(_LOOK_UPS, _addresses_of, host, port)
    try:
        found = await asyncio.wait_for(look_up, LOOK_UP_LIMIT_SECONDS)
    except (OSError, UnicodeError, TimeoutError):
        return []
    return list(dict.fromkeys(ipaddress.ip_address(text) for text in found))


def _addresses_of(host: str, port: int) -> list[str]:
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in infos]


def _refused(got: str, wanted: str) -> TargetRefused:
    return TargetRefused(f"$.url: got {got}, wanted {wanted}.", field="$.url", got=got, wanted=wanted)
