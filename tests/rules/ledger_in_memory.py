"""A ledger without a database: the real rules over a state that stays in memory.

It does between two commands what reading a state anew does between two units of work: time is set, what
has lapsed or is pending by then is summed up again, and posted transactions can be named as originals.
"""

from typing import Any

from ledger.ids import Place
from ledger.rules.commands import Expire, PartnerCommand, Reverse, Submission
from ledger.rules.decide import decide
from ledger.rules.journal import CHAIN_START, JournalEntry, TransactionKind
from ledger.rules.outcomes import Decided, NeedsLanes, NeedsLots, Outcome, Posted, Refused
from ledger.rules.programmes import Programme
from ledger.rules.recording import record, record_refusal
from ledger.rules.state import LaneState, LedgerState, MemberState, OriginalState, PointsState
from tests.builders import NOON, PARTNERS, id_of, place_of_entry, registry, submission

LANES = 2
MEMBERS = (1, 2, 3)


class LedgerInMemory:
    """Three members over two lanes: m1 and m3 in lane 1, m2 in lane 0."""

    def __init__(self, *programmes: Programme, now: int = NOON) -> None:
        self.state = LedgerState(
            registry=registry(*programmes),
            lanes={lane: LaneState(lane, 1, 1, CHAIN_START, now) for lane in range(LANES)},
            members={n: MemberState(n % LANES, n, f"member-{n}", "active") for n in MEMBERS},
        )
        self._keys_made = 0
        for member in MEMBERS:
            for programme in self.state.registry.programmes.values():
                self.points(member, programme.number)
                for partner in PARTNERS:
                    self.state.earns[member, programme.number, partner] = []

    @property
    def now(self) -> int:
        """The instant that the next transaction records."""
        return self.state.lanes[0].now

    def advance_to(self, now: int) -> None:
        """Let time pass; what lapses or becomes usable by then counts so from then on."""
        for lane in self.state.lanes.values():
            lane.now = now
        for member in self.state.members.values():
            for points in member.points.values():
                _sum_up(points, now)

    def submission(self, command: PartnerCommand | Expire, *, key: str | None = None, **changes: Any) -> Submission:
        """Resolve a command as the intake does; without a key it gets one of its own."""
        if key is None:
            self._keys_made += 1
            key = f"own-{self._keys_made}"
        if isinstance(command, Reverse):
            original = self.original_of(command)
            member = self.state.members[original.member]
            resolved: dict[str, Any] = {
                "original": Place(original.lane, original.sequence),
                "programme": original.programme,
                "partner": original.partner,
            }
        else:
            member = self.state.members[int(command.member.removeprefix("m"))]
            resolved = {}
        return submission(command, key, **({"member": member.number, "lane": member.lane} | resolved | changes))

    def original_of(self, command: Reverse) -> OriginalState:
        """The transaction that a reversal names."""
        return next(
            self.state.originals[place_of_entry(entry)]
            for entry in self.state.entries
            if command.transaction == id_of(entry)
        )

    def submit(self, submitted: Submission) -> Outcome:
        """Decide and record one command."""
        decision = decide(submitted, self.state)
        assert not isinstance(decision, NeedsLanes | NeedsLots)
        if isinstance(decision, Refused):
            if not isinstance(submitted.command, Expire):
                record_refusal(self.state, submitted, decision.code.encode())
            return decision
        if not isinstance(decision, Decided):
            return decision
        posted = record(self.state, submitted, decision)
        for entry in posted.entries:
            self._offer_as_original(entry)
        return posted

    def post(self, command: PartnerCommand | Expire, **changes: Any) -> Posted:
        """Submit a command that must not be refused."""
        outcome = self.submit(self.submission(command, **changes))
        assert isinstance(outcome, Posted), outcome
        return outcome

    def entry(self, command: PartnerCommand, **changes: Any) -> JournalEntry:
        """Submit a command that becomes one transaction of its own, and return that."""
        [entry] = self.post(command, **changes).own_entries
        return entry

    def refuse(self, command: PartnerCommand | Expire, **changes: Any) -> Refused:
        """Submit a command that must be refused."""
        outcome = self.submit(self.submission(command, **changes))
        assert isinstance(outcome, Refused), outcome
        return outcome

    def points(self, member: int = 1, programme: int = 1) -> PointsState:
        """A member's points."""
        return self.state.members[member].points_in(programme)

    def lots(self, member: int = 1) -> dict[int, int]:
        """What is left of each of a member's lots, by lot number."""
        return {lot.lot: lot.remaining for lot in self.state.lots.values() if lot.member == member}

    def _offer_as_original(self, entry: JournalEntry) -> None:
        posted = entry.transaction
        place = place_of_entry(entry)
        if place in self.state.originals:
            return
        uses = [(posting.lot, posting.amount) for posting in posted.postings if posting.lot is not None]
        if posted.kind == TransactionKind.EARN:
            uses = uses[:1]
        self.state.originals[place] = OriginalState(
            lane=posted.lane,
            sequence=posted.sequence,
            kind=posted.kind,
            programme=posted.programme,
            partner=posted.partner,
            member=posted.member,
            points=posted.points,
            occurred_at=posted.occurred_at,
            spend_minor=posted.spend_minor,
            programme_version=posted.programme_version,
            uses=uses,
        )


def _sum_up(points: PointsState, now: int) -> None:
    lapsed = [lot for lot in points.lots if lot.lapses_at <= now]
    pending = [lot for lot in points.lots if lot.available_from > now and lot.lapses_at > now]
    points.lapsed = sum(lot.remaining for lot in lapsed)
    points.pending = sum(lot.remaining for lot in pending)
