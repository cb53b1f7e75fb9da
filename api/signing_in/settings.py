"""What the operator says about signing in: the identity provider, and the address that browsers know us by."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import msgspec

DEMO_PATH = "/demo-sign-in"
DEMO_CLIENT = "demo"

_ISSUER, _CLIENT, _PUBLIC = "CITYPOINTS_OIDC_ISSUER", "CITYPOINTS_OIDC_CLIENT_ID", "CITYPOINTS_PUBLIC_URL"
_SECRET, _SECRET_FILE = "CITYPOINTS_OIDC_CLIENT_SECRET", "CITYPOINTS_OIDC_CLIENT_SECRET_FILE"
_DEMO = "CITYPOINTS_DEMO_SIGN_IN"
_DEMO_SECRET_BYTES = 32


class ClientSecret:
    """A secret that no log shows."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "ClientSecret(…)"


class SignInSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The one identity provider whose word counts, and our own address.

    ``demo_secret`` is there where the provider is the demo's own, which the service brings itself.
    """

    issuer: str
    client_id: str
    public_url: str
    client_secret: ClientSecret | None = None
    client_secret_file: Path | None = None
    demo_secret: bytes | None = None

    def read_client_secret(self) -> str | None:
        """The client's secret, None for a public client; raises ValueError where its file cannot be read."""
        if self.client_secret_file is None:
            return None if self.client_secret is None else self.client_secret.text
        try:
            text = self.client_secret_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{_SECRET_FILE}: {self.client_secret_file} cannot be read: {error}") from error
        if not text:
            raise ValueError(f"{_SECRET_FILE}: {self.client_secret_file} is empty, wanted the client's secret")
        return text

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach us by https."""
        return self.public_url.startswith("https://")


def sign_in_settings(given: Mapping[str, str], host: str, port: int) -> SignInSettings | None:
    """Read the settings of signing in, None where nobody can; raises ValueError with a line for the operator."""
    if _DEMO in given:
        return _demo_settings(given, host, port)
    names = [name for name in (_ISSUER, _CLIENT) if name in given]
    if not names:
        if unused := [name for name in (_SECRET, _SECRET_FILE) if name in given]:
            raise ValueError(f"{unused[0]}: got a secret without {_ISSUER}, wanted both or none")
        if _PUBLIC in given:
            _own_address(given[_PUBLIC])
        return None
    for name in (_ISSUER, _CLIENT, _PUBLIC):
        if name not in given:
            raise ValueError(f"{name}: got nothing beside {names[0]}; signing in needs {_ISSUER}, {_CLIENT}, {_PUBLIC}")
    if _SECRET in given and _SECRET_FILE in given:
        raise ValueError(f"{_SECRET_FILE}: got a file beside {_SECRET}, wanted one of them")
    return SignInSettings(
        issuer=_issuer(given[_ISSUER]),
        client_id=given[_CLIENT],
        public_url=_own_address(given[_PUBLIC]),
        client_secret=ClientSecret(given[_SECRET]) if _SECRET in given else None,
        client_secret_file=Path(given[_SECRET_FILE]) if _SECRET_FILE in given else None,
    )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _demo_settings(given: Mapping[str, str], host: str, port: int) -> SignInSettings:
    if _ISSUER in given:
        raise ValueError(f"{_ISSUER}: got an identity provider beside the demo's own sign-in; wanted one of them")
    if not is_loopback(host):
        raise ValueError(f"CITYPOINTS_HOST: got {host!r}; the demo's sign-in is for this machine alone: 127.0.0.1")
    try:
        secret = bytes.fromhex(given[_DEMO])
    except ValueError:
        secret = b""
    if len(secret) < _DEMO_SECRET_BYTES:
        raise ValueError(f"{_DEMO}: wanted {2 * _DEMO_SECRET_BYTES} hexadecimal digits, as `serve --demo` sets them")
    public_url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return SignInSettings(
        issuer=public_url + DEMO_PATH, client_id=DEMO_CLIENT, public_url=public_url, demo_secret=secret
    )


def _issuer(text: str) -> str:
    """Check the issuer's address, which its tokens repeat letter by letter."""
    parts = _address(_ISSUER, text)
    if parts.query or parts.fragment:
        raise ValueError(f"{_ISSUER}: got an address with a query or fragment, wanted https://host/path")
    return text


def _own_address(text: str) -> str:
    parts = _address(_PUBLIC, text)
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError(
            f"{_PUBLIC}: got {text!r}, wanted an address without a path, such as https://points.city.example"
        )
    return text.rstrip("/").lower()


def _address(name: str, text: str) -> SplitResult:
    wanted = "wanted https://…, or http:// on this machine"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{name}: got {text!r}, {wanted}") from None
    if not host or parts.username is not None or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"{name}: got an address that is none or holds a user, {wanted}")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ValueError(f"{name}: got {text!r}, {wanted}")
    return parts
