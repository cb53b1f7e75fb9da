"""A ledger without a database: the real rules over a state that stays in memory.

It does between two commands what reading a state anew does between two units of work: time is set, what
has lapsed or is pending by then is summed up again, and posted transactions can be named as originals. What
a command asks for more it gets as from the poster: other members, and sweeps of caps.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from msgspec.structs import replace

from ledger.ids import REQUEST_DIGEST_BYTES, Place
from ledger.posting.widening import sweep_submission, widened
from ledger.rules.accounts import AccountKind
from ledger.rules.atomic import decide_atomic
from ledger.rules.commands import (
    AnyCommand,
    Atomic,
    Capture,
    Clear,
    Expire,
    Gift,
    GrantCap,
    GrantCover,
    Merge,
    Move,
    Notice,
    Reverse,
    StartEpoch,
    Submission,
    SweepCap,
    VoidHold,
)
from ledger.rules.decide import decide
from ledger.rules.decisions.notices import notice_key
from ledger.rules.effects import cap_uses
from ledger.rules.epochs import epoch_key
from ledger.rules.journal import CHAIN_START, JournalEntry, TransactionKind
from ledger.rules.outcomes import Decided, Needs, NeedsSweep, Outcome, Posted, Refused
from ledger.rules.programmes import Cap, Programme, Registry
from ledger.rules.recording import record, record_refusal
from ledger.rules.state import GiftMonth, LaneState, LedgerState, MemberState, OriginalState, PointsState
from tests.builders import NOON, PARTNERS, id_of, place_of_entry, registry, submission

LANES = 2
MEMBERS = (1, 2, 3)
FIRST_NEW_NUMBER = 100
MOST_ROUNDS = 64

_WITHOUT_REFUSALS = Expire | Notice | SweepCap


class LedgerInMemory:
    """Three members over two lanes: m1 and m3 in lane 1, m2 in lane 0; unless a test wants others."""

    def __init__(
        self,
        *programmes: Programme,
        now: int = NOON,
        lanes: int = LANES,
        members: Sequence[int] = MEMBERS,
        caps: tuple[Cap, ...] = (),
        set_up: Registry | None = None,
    ) -> None:
        self.state = LedgerState(
            registry=set_up or registry(*programmes, caps=caps, lanes=lanes),
            lanes={lane: LaneState(lane, 1, 1, CHAIN_START, now) for lane in range(lanes)},
            members={n: MemberState(n % lanes, n, f"member-{n}", "active") for n in members},
        )
        self._keys_made = 0
        for member in members:
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

    def submission(self, command: AnyCommand, *, key: str | None = None, **changes: Any) -> Submission:
        """Resolve a command as the intake does; without a key it gets one of its own."""
        if key is None:
            self._keys_made += 1
            key = f"own-{self._keys_made}"
        return submission(command, key, **(self._resolved(command, **changes) | changes))

    def _resolved(self, command: AnyCommand, **changes: Any) -> dict[str, Any]:
        if isinstance(command, Reverse):
            original = self.original_of(command)
            resolved: dict[str, Any] = {
                "original": Place(original.lane, original.sequence),
                "programme": original.programme,
                "partner": original.partner,
            }
            return resolved | self._named("member", "lane", original.member)
        if isinstance(command, Capture | VoidHold):
            entry = next(entry for entry in self.state.entries if id_of(entry) == command.hold)
            held = {"hold": place_of_entry(entry), "programme": entry.transaction.programme}
            return held | self._named("member", "lane", entry.transaction.member)
        if isinstance(command, GrantCap | GrantCover | SweepCap | Clear):
            return {"lane": 0, "member": None, "partner": 0}
        if isinstance(command, StartEpoch):
            lane = changes.get("lane", 0)
            key = epoch_key(command.number, command.identity, lane)
            digests = {"key_digest": key, "request_digest": key[:REQUEST_DIGEST_BYTES]}
            return {"lane": lane, "member": None, "partner": 0, **digests}
        if isinstance(command, Atomic):
            items = tuple(self.submission(item.command, key=item.key, **changes) for item in command.items)
            return {"items": items, "member": None}
        named = self._named("member", "lane", _number(command.member))
        if isinstance(command, Gift | Merge):
            other = command.receiver if isinstance(command, Gift) else command.into
            named |= self._named("receiver", "receiver_lane", _number(other))
        if isinstance(command, Notice):
            named |= self._notice_keys(command)
        if isinstance(command, Move):
            named |= {"new_number": FIRST_NEW_NUMBER + len(self.state.entries)}
        return named

    def _notice_keys(self, command: Notice) -> dict[str, Any]:
        public_id = self.state.members[_number(command.member)].public_id
        programme = self.state.registry.programmes.get(command.programme)
        number = 0 if programme is None else programme.number
        key = notice_key(public_id, number, command.expires_on, command.days_before)
        return {"key_digest": key, "request_digest": key[:REQUEST_DIGEST_BYTES]}

    def _named(self, number: str, lane: str, member: int) -> dict[str, Any]:
        return {number: member, lane: self.state.members[member].lane}

    def original_of(self, command: Reverse) -> OriginalState:
        """The transaction that a reversal names."""
        return next(
            self.state.originals[place_of_entry(entry)]
            for entry in self.state.entries
            if command.transaction == id_of(entry)
        )

    def submit(self, submitted: Submission) -> Outcome:
        """Decide and record one command, with all that it asks for on the way."""
        for _ in range(MOST_ROUNDS):
            outcome = self._submit_atomic(submitted) if submitted.items else self._submit(submitted)
            if isinstance(outcome, NeedsSweep):
                self.post_for_itself(sweep_submission(outcome.cap))
            elif isinstance(outcome, Needs):
                widened(submitted, outcome)
            else:
                return outcome
        raise AssertionError("the command is never content")

    def post_for_itself(self, submitted: Submission) -> Posted:
        """Post a command of the ledger's own, which it never refuses."""
        outcome = self._submit(submitted)
        assert isinstance(outcome, Posted), outcome
        return outcome

    def _submit(self, submitted: Submission) -> Outcome | Needs:
        decision = decide(submitted, self.state)
        if isinstance(decision, Refused):
            if not isinstance(submitted.command, _WITHOUT_REFUSALS):
                record_refusal(self.state, submitted, decision.code.encode())
            return decision
        if not isinstance(decision, Decided):
            return decision
        posted = record(self.state, submitted, decision)
        self._read_again(posted)
        return posted

    def _submit_atomic(self, submitted: Submission) -> Outcome | Needs:
        before = deepcopy(self.state)
        whole = decide_atomic(submitted, self.state, decide)
        if not isinstance(whole, Posted):
            self.state = before
            if isinstance(whole, Refused):
                record_refusal(self.state, submitted, whole.code.encode())
            return whole
        self._read_again(whole)
        return whole

    def post(self, command: AnyCommand, **changes: Any) -> Posted:
        """Submit a command that must not be refused."""
        outcome = self.submit(self.submission(command, **changes))
        assert isinstance(outcome, Posted), outcome
        return outcome

    def entry(self, command: AnyCommand, **changes: Any) -> JournalEntry:
        """Submit a command that becomes one transaction of its own, and return that."""
        [entry] = self.post(command, **changes).own_entries
        return entry

    def refuse(self, command: AnyCommand, **changes: Any) -> Refused:
        """Submit a command that must be refused."""
        outcome = self.submit(self.submission(command, **changes))
        assert isinstance(outcome, Refused), outcome
        return outcome

    def points(self, member: int = 1, programme: int = 1) -> PointsState:
        """A member's points."""
        return self.state.members[member].open_points(programme)

    def present(self, member: int = 1) -> MemberState:
        """The member that a merged or moved one has become, or itself."""
        found = self.state.members[member]
        while found.into is not None:
            found = self.state.members[found.into[1]]
        return found

    def lots(self, member: int = 1) -> dict[int, int]:
        """What is left of each of a member's lots, by lot number."""
        return {lot.lot: lot.remaining for lot in self.state.lots.values() if lot.member == member}

    def _read_again(self, posted: Posted) -> None:
        """Take in what a later unit of work would read: originals, who has become whom, swept caps."""
        for entry in posted.entries:
            self._offer_as_original(entry)
        for number in [number for number, member in self.state.members.items() if member.into is not None]:
            self._hand_earns_on(number)
        self._carry_gifts()
        swept = self.state.swept
        set_up = self.state.registry
        caps = tuple(replace(cap, is_swept=swept.get(cap.number, cap.is_swept)) for cap in set_up.caps)
        if caps != set_up.caps:
            self.state.registry = replace(set_up, caps=caps, numbered={}, caps_by_programme={}, covers={})
        swept.clear()

    def _carry_gifts(self) -> None:
        """What members gave and received in a month counts for what they have become."""
        months = self.state.gift_months
        for gifts in months.values():
            gifts.given_before = gifts.received_before = 0
        for (number, programme, month), gifts in list(months.items()):
            present = self.present(number)
            if present.number == number:
                continue
            fresh = GiftMonth(present.lane, present.number, programme, month)
            carried = months.setdefault((present.number, programme, month), fresh)
            carried.given_before += gifts.given
            carried.received_before += gifts.received

    def _hand_earns_on(self, gone: int) -> None:
        """What a take-back of a gone member may reach, one of its successor may."""
        successor = self.present(gone).number
        for member, programme, partner in [key for key in self.state.earns if key[0] == gone]:
            earns = self.state.earns.pop((member, programme, partner))
            self.state.earns.setdefault((successor, programme, partner), []).extend(earns)

    def _offer_as_original(self, entry: JournalEntry) -> None:
        posted = entry.transaction
        place = place_of_entry(entry)
        if place in self.state.originals:
            return
        uses = [
            (posting.lot, posting.amount)
            for posting in posted.postings
            if posting.lot is not None and posting.credit_kind == AccountKind.REDEEMED
        ]
        if posted.kind == TransactionKind.EARN:
            uses = [(posted.lots[0].lot, posted.points)]
        self.state.originals[place] = OriginalState(
            lane=posted.lane,
            sequence=posted.sequence,
            kind=posted.kind,
            programme=posted.programme,
            partner=posted.partner,
            member=posted.member,
            points=posted.points,
            occurred_at=posted.occurred_at,
            recorded_at=posted.recorded_at,
            spend_minor=posted.spend_minor,
            programme_version=posted.programme_version,
            uses=uses,
            cap_uses=cap_uses(posted),
        )


def _number(name: str) -> int:
    return int(name.removeprefix("m"))


def _sum_up(points: PointsState, now: int) -> None:
    lapsed = [lot for lot in points.lots if lot.lapses_at <= now]
    pending = [lot for lot in points.lots if lot.available_from > now and lot.lapses_at > now]
    points.lapsed = sum(lot.remaining for lot in lapsed)
    points.pending = sum(lot.remaining for lot in pending)
