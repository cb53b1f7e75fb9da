"""Commands: every change of state is one of these, whichever door it came through.

A command's fields are the caller's request in normal form (instants in microseconds, money in minor
units, absent fields left out), so the same request gives the same canonical bytes from a single call,
a bulk item or an import line. What the request resolves to (lane, member, original) travels beside it
in a ``Submission``.
"""

import msgspec

from ledger.ids import LedgerKey, Place

CANONICAL_REQUEST_VERSION = 1
MAXIMUM_POINTS = 1_000_000_000_000
MAXIMUM_MINOR = 1_000_000_000_000_000


class Command(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What all commands share: free text that goes to the erasable details."""

    reference: str | None = None
    evidence: str | None = None
    metadata: dict[str, str] | None = None
    reason: str | None = None


class Earn(Command, frozen=True, tag="earn", kw_only=True):
    """Give points: a stated number, or what the programme's rate gives for a spend."""

    programme: str
    member: str
    scene: str
    points: int | None = None
    spend_minor: int | None = None
    currency: str | None = None
    channel: str | None = None
    outlet: str | None = None
    occurred_at: int | None = None
    available_from: int | None = None


class Redeem(Command, frozen=True, tag="redeem", kw_only=True):
    """Take points for goods or services; ``cash_minor`` is a memo of the merchant's own sale."""

    programme: str
    member: str
    points: int
    scene: str
    cash_minor: int | None = None
    currency: str | None = None
    channel: str | None = None
    outlet: str | None = None
    occurred_at: int | None = None


class Reverse(Command, frozen=True, tag="reverse", kw_only=True):
    """Take back an earn or a redemption, by points, by spend, or all of the rest."""

    transaction: str
    points: int | None = None
    spend_minor: int | None = None
    currency: str | None = None


class TakeBack(Command, frozen=True, tag="take-back", kw_only=True):
    """A cancellation that names no original: reverse the member's latest earlier earns by spend."""

    programme: str
    member: str
    spend_minor: int
    currency: str
    occurred_at: int


class Expire(Command, frozen=True, tag="expire", kw_only=True):
    """Post what has lapsed of one member's points; submitted by the ledger itself."""

    programme: str
    member: str


PartnerCommand = Earn | Redeem | Reverse | TakeBack


class Submission(msgspec.Struct, kw_only=True, gc=False):
    """A command with who submits it and what it resolves to.

    ``member`` and ``programme`` are numbers, None when unknown to the submitter; ``original`` is the
    place of the transaction to reverse. ``salt``, ``details`` and ``reference_digest`` belong to the
    erasable details. ``shows_balance``: the answer may show the member's balance. ``needs_all_lots``: the
    first lots in the order of use were not enough.
    """

    command: Earn | Redeem | Reverse | TakeBack | Expire
    partner: int
    key_digest: bytes
    request_digest: bytes
    lane: int
    member: int | None = None
    programme: int | None = None
    original: Place | None = None
    shows_balance: bool = False
    needs_all_lots: bool = False
    salt: bytes | None = None
    details: bytes | None = None
    reference_digest: bytes | None = None


class _Details(msgspec.Struct, omit_defaults=True):
    reference: str | None = None
    evidence: str | None = None
    metadata: dict[str, str] | None = None
    reason: str | None = None


_encoder = msgspec.json.Encoder()
_VERSION_PREFIX = f"{CANONICAL_REQUEST_VERSION}:".encode()


def canonical_request(command: Command) -> bytes:
    """The bytes by which two requests are the same request."""
    return _VERSION_PREFIX + _encoder.encode(command)


def details_document(command: Command) -> bytes | None:
    """The caller's free text as JSON, or None when there is none."""
    if not (command.reference or command.evidence or command.metadata or command.reason):
        return None
    return _encoder.encode(_Details(command.reference, command.evidence, command.metadata, command.reason))


def key_digests(key: LedgerKey, owner: str, idempotency_key: str, command: Command) -> tuple[bytes, bytes]:
    """The digests of an idempotency key and of its request."""
    return key.key_digest(owner, idempotency_key), key.request_digest(canonical_request(command))
