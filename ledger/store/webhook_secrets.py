"""Secrets of webhooks: made, shown once, and stored only sealed.

The service has to sign with them, so unlike an API key a digest would not do. They are sealed with
AES-256-GCM under a key derived from the ledger key and bound to their webhook: whoever reads the database
alone can neither sign nor exchange one webhook's secret for another's.
"""

import secrets
from base64 import b64encode
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.ids import LedgerKey

PREFIX = "whsec_"

_SECRET_BYTES = 32
_NONCE_BYTES = 12


def make_webhook_secret() -> str:
    """Make a new secret in the form of Standard Webhooks: ``whsec_`` and 32 random bytes in base64."""
    return PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def seal_secret(key: LedgerKey, webhook: UUID, secret: str) -> bytes:
    """Seal a webhook's secret for storing: a random nonce, then the sealed text."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, secret.encode(), webhook.bytes)


def open_secret(key: LedgerKey, webhook: UUID, sealed: bytes) -> str:
    """Open a stored secret; raises cryptography's InvalidTag under another key or for another webhook."""
    return _cipher(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], webhook.bytes).decode()


def _cipher(key: LedgerKey) -> AESGCM:
    return AESGCM(key.digest(b"webhook-secrets"))
