"""Commands: every change of state is one of these, whichever door it came through.

A command's fields are the caller's request in normal form (instants in microseconds, money in minor
units, absent fields left out), so the same request gives the same canonical bytes from a single call,
a bulk item or an import line. What the request resolves to (lane, member, original) travels beside it
in a ``Submission``.
"""

from datetime import date

import msgspec

from ledger.ids import LedgerKey, Place
from ledger.rules.journal import Posting
from ledger.rules.money_postings import MoneyPosting

CANONICAL_REQUEST_VERSION = 1
MAXIMUM_POINTS = 1_000_000_000_000
MAXIMUM_MINOR = 1_000_000_000_000_000
MAXIMUM_COVER = 100_000_000_000_000_000
"""In 1/10,000 of a currency."""


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
    campaign: str | None = None


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


class PlaceHold(Command, frozen=True, tag="hold", kw_only=True):
    """Reserve points until ``expires_at``; without it for seven days."""

    programme: str
    member: str
    points: int
    scene: str
    expires_at: int | None = None
    cash_minor: int | None = None
    currency: str | None = None
    channel: str | None = None
    outlet: str | None = None
    occurred_at: int | None = None


class Capture(Command, frozen=True, tag="capture", kw_only=True):
    """Take held points, all of the rest where none are named; ``final`` releases what is left."""

    hold: str
    points: int | None = None
    final: bool = False
    cash_minor: int | None = None
    currency: str | None = None


class VoidHold(Command, frozen=True, tag="void", kw_only=True):
    """Release what is left of a hold."""

    hold: str


class Gift(Command, frozen=True, tag="gift", kw_only=True):
    """Points of one member for another; their lots keep funding and expiry."""

    programme: str
    member: str
    receiver: str
    points: int


class Exchange(Command, frozen=True, tag="exchange", kw_only=True):
    """A member's points of one programme for points of another, ``target_programme``, at the rate of the day."""

    programme: str
    target_programme: str
    member: str
    points: int


class Merge(Command, frozen=True, tag="merge", kw_only=True):
    """Two members turn out to be one person: everything of ``member`` goes to ``into``."""

    member: str
    into: str


class Move(Command, frozen=True, tag="move", kw_only=True):
    """Take a member, with everything it has, to another lane."""

    member: str
    to_lane: int


class Freeze(Command, frozen=True, tag="freeze", kw_only=True):
    """Stop a member's earns, redemptions, holds, gifts and exchanges until it is unfrozen."""

    member: str


class Unfreeze(Command, frozen=True, tag="unfreeze", kw_only=True):
    """Let a frozen member's points be used again."""

    member: str


class Close(Command, frozen=True, tag="close", kw_only=True):
    """End a membership; ``gives_up_points`` lets points that are left go back to their issuers."""

    member: str
    gives_up_points: bool = False


class Adjust(Command, frozen=True, tag="adjust", kw_only=True):
    """Give or take points by decision of two persons, at the cost of the partner named."""

    programme: str
    member: str
    partner: str
    points: int
    takes: bool = False
    approval: str


class WriteOff(Command, frozen=True, tag="write-off", kw_only=True):
    """Forgive what a member owes, oldest first, by decision of two persons; all of it without points."""

    programme: str
    member: str
    points: int | None = None
    approval: str


class GrantCap(Command, frozen=True, tag="grant-cap", kw_only=True):
    """Authorise a cap for more points."""

    cap: str
    points: int


class GrantCover(Command, frozen=True, tag="grant-cover", kw_only=True):
    """Add to a prefunding cover, or take from it what is not used; in 1/10,000 of the programme's currency."""

    cap: str
    amount: int
    takes: bool = False


class SweepCap(Command, frozen=True, tag="sweep-cap", kw_only=True):
    """Bring all allotments of a cap home when it is nearly exhausted; submitted by the ledger itself."""

    cap: str


class Notice(Command, frozen=True, tag="notice", kw_only=True):
    """Record that a member is told of points about to expire; submitted by the ledger itself."""

    programme: str
    member: str
    expires_on: date
    days_before: int


class Expire(Command, frozen=True, tag="expire", kw_only=True):
    """Post what has lapsed of one member's points; submitted by the ledger itself."""

    programme: str
    member: str


class StartEpoch(Command, frozen=True, tag="start-epoch", kw_only=True):
    """Begin an epoch in one lane; submitted by the ledger itself, for each lane. Fields as of ``Particulars``."""

    number: int
    identity: str
    superseded_seals: str | None = None


class Clear(Command, frozen=True, tag="clear", kw_only=True):
    """What a step of settlement posts: points between acceptors and fundings, and money between parties."""

    programme: str
    about: str
    points: tuple[Posting, ...] = ()
    money: tuple[MoneyPosting, ...] = ()


class AtomicItem(msgspec.Struct, frozen=True):
    """One command of an atomic bulk, with its own idempotency key."""

    key: str
    command: "SingleCommand"


class Atomic(Command, frozen=True, tag="atomic", kw_only=True):
    """Many commands that post together or not at all."""

    items: tuple[AtomicItem, ...]


SingleCommand = Earn | Redeem | Reverse | PlaceHold | Capture | VoidHold
"""What a partner may send alone, in a bulk and as a quote."""

PartnerCommand = SingleCommand | TakeBack | Gift | Exchange | Atomic

StaffCommand = Merge | Move | Freeze | Unfreeze | Close | Adjust | WriteOff | GrantCap | GrantCover

AnyCommand = PartnerCommand | StaffCommand | Expire | Notice | SweepCap | StartEpoch | Clear


class Submission(msgspec.Struct, kw_only=True, gc=False):
    """A command with who submits it and what it resolves to.

    ``member``, ``receiver`` and ``programme`` are numbers, None when unknown to the submitter; ``receiver``
    is the second member of a gift or merge, in ``receiver_lane``. ``original`` is the place of the
    transaction to reverse, ``hold`` of the hold to capture or void. ``salt``, ``details`` and
    ``reference_digest`` belong to the erasable details. ``shows_balance``: the answer may show the
    member's balance. ``needs_all_lots``: the first lots in the order of use were not enough.
    ``code`` is the digest of the member's code by which it is named, which posting spends.
    ``more_members`` are members, as (lane, number), that the decision asked for. ``new_public_id`` is a
    moved member's own, ``new_number`` the number it gets. ``items`` are those of an atomic command.
    """

    command: AnyCommand
    partner: int
    key_digest: bytes
    request_digest: bytes
    lane: int
    member: int | None = None
    receiver: int | None = None
    receiver_lane: int | None = None
    programme: int | None = None
    original: Place | None = None
    hold: Place | None = None
    shows_balance: bool = False
    needs_all_lots: bool = False
    code: bytes | None = None
    more_members: frozenset[tuple[int, int]] = frozenset()
    new_number: int | None = None
    items: tuple["Submission", ...] = ()
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
