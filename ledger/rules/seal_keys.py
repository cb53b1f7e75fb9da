"""Keys of seals: Ed25519 (RFC 8032). Signing is a function of key and message; making a key is not done here."""

import hashlib
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

SEED_BYTES = 32
PUBLIC_KEY_BYTES = 32
_FINGERPRINT_BYTES = 20
_GROUP_DIGITS = 4


class SealKeys:
    """The key that signs new seals, and the public keys, in hexadecimal, that earlier seals may carry.

    Raises ValueError for a seed that has not 32 bytes.
    """

    __slots__ = ("_private", "public_key", "trusted")

    def __init__(self, seed: bytes, earlier: Iterable[str] = ()) -> None:
        if len(seed) != SEED_BYTES:
            msg = f"the seed of the seal key has {len(seed)} bytes; {SEED_BYTES} are wanted"
            raise ValueError(msg)
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._private.public_key().public_bytes_raw().hex()
        self.trusted = frozenset({self.public_key, *earlier})

    def __repr__(self) -> str:
        return f"SealKeys({self.public_key})"

    def sign(self, message: bytes) -> str:
        """The signature of a message, in hexadecimal."""
        return self._private.sign(message).hex()


def is_signed(public_key: str, message: bytes, signature: str) -> bool:
    """Whether a signature of a message was made by the key; both are in hexadecimal."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(public_key: str) -> str:
    """The first 20 bytes of the key's SHA-256, in groups of four digits: short enough to read out."""
    digits = hashlib.sha256(bytes.fromhex(public_key)).digest()[:_FINGERPRINT_BYTES].hex()
    return " ".join(digits[start : start + _GROUP_DIGITS] for start in range(0, len(digits), _GROUP_DIGITS))


def public_key_as_pem(public_key: str) -> str:
    """The key as other tools read it; raises ValueError for what is no key."""
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def parse_public_key(text: str) -> str:
    """Read a public key of 64 hexadecimal digits or in PEM; raises ValueError for anything else."""
    text = text.strip()
    if text.startswith("-----BEGIN"):
        return _parse_pem(text)
    key = bytes.fromhex(text)
    if len(key) != PUBLIC_KEY_BYTES:
        msg = f"got {len(key)} bytes, wanted {PUBLIC_KEY_BYTES}"
        raise ValueError(msg)
    return key.hex()


def _parse_pem(text: str) -> str:
    key = load_pem_public_key(text.encode())
    if not isinstance(key, Ed25519PublicKey):
        msg = "got a key of another kind, wanted Ed25519"
        raise ValueError(msg)  # noqa: TRY004 - it is the text that is wrong
    return key.public_bytes_raw().hex()
