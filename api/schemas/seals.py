"""Seals as they are listed, and the keys that signed them."""

import msgspec


class SealAnswer(msgspec.Struct, frozen=True):
    """A seal without its lanes. Digests and keys are hexadecimal.

    ``transactions`` counts what is new since the seal before, ``recorded`` all since the ledger was made.
    """

    number: int
    sealed_at: str
    transactions: int
    recorded: int
    root: str
    hash: str
    previous: str
    public_key: str


class SealPage(msgspec.Struct, frozen=True):
    """Seals, newest first."""

    seals: list[SealAnswer]
    next_cursor: str | None


class EarlierKey(msgspec.Struct, frozen=True):
    """A key that signed seals before the one in use."""

    public_key: str
    fingerprint: str
    first_seal: int
    last_seal: int


class SealKeyAnswer(msgspec.Struct, frozen=True):
    """The key that signed the newest seal, in hexadecimal and in PEM, and those before it."""

    algorithm: str
    public_key: str
    fingerprint: str
    pem: str
    first_seal: int
    last_seal: int
    earlier: list[EarlierKey]
