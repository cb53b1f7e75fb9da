"""What a decision can be, and the drafts that a positive one is made of."""

import msgspec

from ledger.ids import Place
from ledger.rules.journal import JournalEntry, LotOpening, Particulars, Posting
from ledger.rules.money_postings import MoneyPosting
from ledger.rules.state import KeyRecord


class Reversal(msgspec.Struct, frozen=True, gc=False):
    """What a draft takes back of its original."""

    original: Place
    points: int
    spend_minor: int
    expired_counted: int


class Draft(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A transaction before it has a sequence number.

    ``member`` is 0 for what concerns a cap or parties alone, ``programme`` 0 for what concerns a member as a whole. The
    other leg of a command over two members or lanes has ``keeps_key`` false: the key leads to the first.
    """

    kind: int
    lane: int
    programme: int
    partner: int
    member: int
    points: int
    occurred_at: int
    key_digest: bytes
    request_digest: bytes
    postings: list[Posting]
    lots: tuple[LotOpening, ...] = ()
    scene: str | None = None
    channel: str | None = None
    outlet: str | None = None
    spend_minor: int | None = None
    cash_minor: int | None = None
    programme_version: int | None = None
    reversal: Reversal | None = None
    particulars: Particulars | None = None
    has_details: bool = False
    keeps_key: bool = True
    money: tuple[MoneyPosting, ...] = ()


class Decided(msgspec.Struct, frozen=True, gc=False):
    """The command can be posted: its drafts in order, those of a lapse first.

    ``own`` counts the drafts, at the end, that are the command's own. ``unmatched_minor`` is the spend
    of a take-back that found no earlier earn.
    """

    drafts: list[Draft]
    own: int = 1
    unmatched_minor: int = 0
    sweeps: tuple[tuple[int, bool], ...] = ()
    """Caps whose allotments come home, or may go out again."""


class Refused(msgspec.Struct, frozen=True):
    """A rule says no. The facts are for programs, the detail for people."""

    code: str
    detail: str
    facts: dict[str, object] = {}


class Replayed(msgspec.Struct, frozen=True):
    """The same request was answered before."""

    record: KeyRecord


class KeyReused(msgspec.Struct, frozen=True):
    """The key belongs to another request."""


class NeedsLanes(msgspec.Struct, frozen=True):
    """The command must run alone, with these lanes locked as well, and these members of them read."""

    lanes: frozenset[int]
    members: frozenset[tuple[int, int]] = frozenset()


class NeedsSweep(msgspec.Struct, frozen=True):
    """The allotments of a cap must come home before the command can be decided."""

    cap: str


class NeedsLots(msgspec.Struct, frozen=True):
    """The command must be decided again, with all open lots of its member read."""


class Posted(msgspec.Struct, frozen=True, gc=False):
    """The command is in the journal.

    ``entries`` are all that its unit of work wrote for it, lapses and other legs too; ``own_entries``
    those that its key leads to. ``lots`` are the openings of all lots that these name. ``items`` is what
    became of each item of an atomic command.
    """

    entries: tuple[JournalEntry, ...]
    own_entries: tuple[JournalEntry, ...]
    member_id: str
    lots: dict[tuple[int, int], LotOpening]
    unmatched_minor: int = 0
    items: "tuple[Posted | Replayed, ...]" = ()


Needs = NeedsLanes | NeedsLots | NeedsSweep
Decision = Decided | Refused | Replayed | KeyReused | Needs
Outcome = Posted | Refused | Replayed | KeyReused
