"""What the checks look at: the record, the journal, and what follows from the two about order."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

import msgspec

from ledger.ids import place_of
from loadtests.load.journal import Place, Row
from loadtests.load.lives import NOTHING, Balance, Life
from loadtests.load.order import NEVER, Order, Span, Window
from loadtests.load.records import Attempt
from loadtests.load.settled import Settled

POSTINGS = frozenset({"earn", "redeem", "reverse", "hold", "capture", "void", "gift"})
ATOMIC, ITEM_REFUSED = "atomic", "bulk-item-refused"
"""An atomic bulk as a whole, and how it is refused."""

IMPORT_LINE = "import-line"
"""A line of a file whose import said that it has posted all lines; its answer names no transaction."""

OF_THE_SERVICE = frozenset({"expire", "hold-expire", "cap", "settle", "money", "notice", "cover-low"})
"""Kinds that the service, its worker or the finance people of the run post; a cap's refill under its earn's key."""


class ShownAfter(msgspec.Struct, frozen=True, gc=False):
    """What an answer says that the member has after its transaction."""

    available: int
    held: int
    pending: int


class Told(msgspec.Struct, frozen=True, gc=False):
    """What an answer says of the transaction that it made."""

    id: str
    kind: str
    points: int
    lane: int
    sequence: int
    member: str | None = None
    partner: str | None = None
    balance: ShownAfter | None = None


class Asked(msgspec.Struct, frozen=True, gc=False):
    """What the checks need of a request's body."""

    points: int | None = None
    member: str | None = None
    receiver: str | None = msgspec.field(name="to", default=None)
    expires_at: str | None = None
    hold: str | None = None
    transaction: str | None = None


class Problem(msgspec.Struct, frozen=True, gc=False):
    """What a refusal says; that of an atomic bulk names the key of the item that was refused, and its own refusal."""

    code: str = ""
    key: str = ""
    refusal: "Problem | None" = None


class Cap(NamedTuple):
    """A cap on what a partner may give, with all that it was authorised for before the load began."""

    partner: str
    authorised: int


class Hook(msgspec.Struct, frozen=True):
    """A partner that is told of its transactions, and the ids of the events it has got, each with a good signature."""

    partner: str
    arrived: frozenset[str]
    unverified: int = 0


class ClockSet(NamedTuple):
    """The sandbox's clock was set to an instant (microseconds since 1970 UTC), where it stands until the next time."""

    at: int
    span: Span


class AuditRun(NamedTuple):
    """How ``citypoints audit`` ended, and what it said."""

    code: int
    output: str


CLEAN = AuditRun(0, "")

Caller = tuple[str, str]
"""Who sent it, and the idempotency key."""


@dataclass
class Evidence:
    """All that is known of a run. ``digest`` makes the journal's key of a caller and its idempotency key.

    ``unsettled`` is why the finance people could not go on, where that was so.
    """

    attempts: list[Attempt]
    rows: list[Row]
    digest: Callable[[str, str], str]
    gift_limit: int
    clock: list[ClockSet] = field(default_factory=list)
    caps: list[Cap] = field(default_factory=list)
    hooks: list[Hook] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    unsettled: str = ""
    audit: AuditRun = CLEAN

    @cached_property
    def by_key(self) -> dict[Caller, list[Attempt]]:
        """The attempts of each key, in the order in which they were sent."""
        found: defaultdict[Caller, list[Attempt]] = defaultdict(list)
        for attempt in sorted(self.attempts, key=lambda one: one.sent):
            if attempt.key is not None:
                found[attempt.by, attempt.key].append(attempt)
        return dict(found)

    @cached_property
    def postings_by_key(self) -> dict[Caller, list[Attempt]]:
        """The same of postings and lines of files alone."""
        posting = POSTINGS | {IMPORT_LINE}
        return {caller: found for caller, found in self.by_key.items() if found[0].kind in posting}

    @cached_property
    def row_at(self) -> dict[Place, Row]:
        """The journal by place."""
        return {row.place: row for row in self.rows}

    @cached_property
    def rows_of_key(self) -> dict[str, list[Row]]:
        """The transactions of each key of the journal, but for those that the service posts beside."""
        found: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            if row.kind not in OF_THE_SERVICE:
                found[row.key].append(row)
        return dict(found)

    @cached_property
    def asked_keys(self) -> dict[str, Caller]:
        """The keys of the journal that stand for what a client sent."""
        return {self.digest(*caller): caller for caller in self.postings_by_key}

    @cached_property
    def lives(self) -> dict[str, Life]:
        """Each member's transactions in their order."""
        rows: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            if row.member is not None:
                rows[row.member].append(row)
        return {member: Life(found) for member, found in rows.items()}

    @cached_property
    def spans(self) -> dict[Place, Span]:
        """When each transaction that a client asked for was sent first, and answered first."""
        return {
            row.place: span_of(self.postings_by_key[caller])
            for key, caller in self.asked_keys.items()
            for row in self.rows_of_key.get(key, ())
        }

    @cached_property
    def order(self) -> Order:
        """The order of each lane, as far as the clients know it."""
        return Order(self.rows, self.spans)

    def window(self, lane: int, span: Span) -> Window:
        """What a request of this span can have seen of a lane."""
        return self.order.window(lane, span.sent, span.answered)

    def instants(self, span: Span) -> list[int]:
        """What the ledger's clock can have said to a request of this span."""
        begun = [one.at for one in self.clock if one.span.sent <= span.answered]
        over = max((one.at for one in self.clock if one.span.answered < span.sent), default=0)
        return [over, *(at for at in begun if at > over)]

    def states(self, member: str, span: Span) -> Iterator[Balance]:
        """Every balance of a member that a request of this span can have seen."""
        life = self.lives.get(member)
        if life is None:
            yield NOTHING
            return
        indices = life.indices(self.window(life.lane, span))
        for at in self.instants(span):
            yield from (life.balance(index, at) for index in indices)


_told = msgspec.json.Decoder(Told).decode
_asked = msgspec.json.Decoder(Asked | None).decode
_problem = msgspec.json.Decoder(Problem | None).decode


def told(attempt: Attempt) -> Told | None:
    """The transaction that a good answer names; None where it names none."""
    try:
        return _told(attempt.answer)
    except msgspec.ValidationError:
        return None


def asked(attempt: Attempt) -> Asked:
    """What a request asked for."""
    return _asked(attempt.body) or Asked()


def refusal(attempt: Attempt) -> Problem:
    """What a refusal says; an empty code where the answer is no problem document."""
    try:
        return _problem(attempt.answer) or Problem()
    except msgspec.ValidationError:
        return Problem()


def refusal_code(attempt: Attempt) -> str:
    """The stable code of a refusal; empty where the answer is no problem document."""
    return refusal(attempt).code


def target_of(attempt: Attempt) -> Place | None:
    """The hold or the transaction that a request is about, by its body or its address."""
    wanted = asked(attempt)
    named = wanted.hold or wanted.transaction or attempt.path.split("/")[-2]
    try:
        found = place_of(UUID(named))
    except ValueError:
        return None
    return None if found is None else (found.lane, found.number)


def span_of(attempts: list[Attempt]) -> Span:
    """From the first time that something was sent until it was answered for good; NEVER where it was not."""
    answered = [one.answered for one in attempts if one.answered is not None and one.is_done]
    return Span(min(one.sent for one in attempts), min(answered, default=NEVER))


def named(attempt: Attempt) -> str:
    """A request as a contradiction names it."""
    return f"{attempt.kind} of {attempt.by} under {attempt.key}"
