"""Bearer secrets: what a caller presents, and the little of it that is stored.

``cpk_<prefix>_<secret>`` is an API key, ``cpm_<prefix>_<secret>`` a member's token. The prefix finds
the row; of the 256-bit random secret only the SHA-256 is kept. A fast hash is right for it: nobody
guesses 256 bits, with or without a slow one.
"""

import hashlib
import hmac
import secrets

import msgspec

API_KEY = "cpk"
MEMBER_TOKEN = "cpm"  # noqa: S105 - the kind, not a token

_PREFIX_BYTES = 8
_SECRET_BYTES = 32
_PARTS = 3


class PresentedSecret(msgspec.Struct, frozen=True):
    """A secret as a caller sent it, taken apart."""

    kind: str
    prefix: str
    digest: bytes

    def matches(self, stored_digest: bytes) -> bool:
        """Compare in constant time with what is stored."""
        return hmac.compare_digest(self.digest, stored_digest)


def make_secret(kind: str) -> tuple[str, PresentedSecret]:
    """Make a new secret: the text to show once, and its parts to store."""
    prefix, secret = secrets.token_hex(_PREFIX_BYTES), secrets.token_hex(_SECRET_BYTES)
    return f"{kind}_{prefix}_{secret}", PresentedSecret(kind, prefix, _digest(secret))


def parse_secret(text: str) -> PresentedSecret | None:
    """Take a presented text apart; None when it cannot be one of ours."""
    parts = text.split("_")
    if len(parts) != _PARTS or not text.isascii():
        return None
    kind, prefix, secret = parts
    if kind not in {API_KEY, MEMBER_TOKEN} or len(prefix) != 2 * _PREFIX_BYTES or len(secret) != 2 * _SECRET_BYTES:
        return None
    return PresentedSecret(kind, prefix, _digest(secret))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
