"""A sign-in that has begun: what its browser keeps, signed by us, until the identity provider sends it back.

Only the browser that began a sign-in can end it: ``state`` must be that of its cookie, ``nonce`` stands in the
token, and the code is worth nothing without ``verifier`` (PKCE, RFC 7636). The cookie lasts ten minutes.
"""

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

import msgspec

from ledger.ids import LedgerKey
from ledger.store.sessions import SessionKind

PENDING_SECONDS = 10 * 60
LONGEST_COOKIE = 2_000

_SECRET_BYTES = 32
_LABEL = b"sign-in"
_DIGEST_BYTES = 32


class PendingSignIn(msgspec.Struct, frozen=True):
    """What has to come back from the identity provider, and where the person wanted to go."""

    state: str
    nonce: str
    verifier: str
    began_at: int
    to: str | None = None
    kind: SessionKind | None = None

    @property
    def challenge(self) -> str:
        """What the identity provider is told of the verifier (S256)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


def begin(to: str | None, kind: SessionKind | None) -> PendingSignIn:
    """Begin a sign-in with fresh secrets."""
    state, nonce, verifier = (secrets.token_urlsafe(_SECRET_BYTES) for _ in range(3))
    return PendingSignIn(state, nonce, verifier, int(time.time()), to, kind)


def write_pending(key: LedgerKey, pending: PendingSignIn) -> str:
    """The text of the cookie."""
    payload = msgspec.json.encode(pending)
    return urlsafe_b64encode(key.digest(_LABEL, payload) + payload).rstrip(b"=").decode()


def read_pending(key: LedgerKey, text: str | None) -> PendingSignIn | None:
    """Read the cookie back; None where it is missing, too old, or not from us."""
    if text is None or len(text) > LONGEST_COOKIE:
        return None
    try:
        sealed = urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
    except (NotBase64, UnicodeEncodeError):
        return None
    digest, payload = sealed[:_DIGEST_BYTES], sealed[_DIGEST_BYTES:]
    if not hmac.compare_digest(digest, key.digest(_LABEL, payload)):
        return None
    pending = msgspec.json.decode(payload, type=PendingSignIn)
    return pending if 0 <= time.time() - pending.began_at <= PENDING_SECONDS else None
