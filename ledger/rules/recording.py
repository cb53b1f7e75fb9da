"""Recording: drafts become journal entries, and the state moves along.

``append`` is the only code that changes a ``LedgerState``. It interprets postings, whatever command
made them, so a balance can only change by a posting. Nothing here refuses: decisions did.
"""

from collections.abc import Sequence

from ledger.ids import Place
from ledger.rules.accounts import MEMBER_KINDS, NORMAL_CREDIT, AccountKind
from ledger.rules.business_day import end_of_day
from ledger.rules.commands import Submission
from ledger.rules.effects import count_reversal, note_event, offer_to_take_backs
from ledger.rules.journal import (
    FORMAT,
    FORMAT_WITH_PARTICULARS,
    JournalEntry,
    LotOpening,
    Particulars,
    Posting,
    Transaction,
    TransactionKind,
    chain_hash,
    details_commitment,
    with_particulars,
)
from ledger.rules.outcomes import Decided, Draft, Posted, Refused
from ledger.rules.state import (
    NEVER,
    HoldState,
    KeyRecord,
    LaneState,
    LedgerState,
    LotState,
    PointsState,
    ShortfallState,
)

ANSWER_FORMAT = 2
"""Version of the rendered answer, times two; plus one where the balance is shown."""


def record(state: LedgerState, submission: Submission, decided: Decided) -> Posted:
    """Append a decision's drafts, in order, and keep the keys that lead to them."""
    entries = tuple([append(state, draft, submission) for draft in decided.drafts])
    first_own = len(entries) - decided.own
    if first_own == 0 and decided.own == 1:
        own = entries
    else:
        keyed = [entry if draft.keeps_key else None for draft, entry in zip(decided.drafts, entries, strict=True)]
        for entry in keyed[:first_own]:
            if entry is not None:
                _keep_key(state, entry, 1)
        own = tuple([entry for entry in keyed[first_own:] if entry is not None])
    if own:
        _keep_key(state, own[0], len(own))
    if submission.code is not None and own:
        _spend_code(state, submission.code, own[0].transaction)
    if decided.sweeps:
        state.swept.update(decided.sweeps)
    member = own[0].transaction.member if own else 0
    return Posted(
        entries,
        own,
        state.members[member].public_id if member else "",
        {place: _opening_of(state, place) for place in lots_named(own)},
        decided.unmatched_minor,
    )


def _spend_code(state: LedgerState, digest: bytes, transaction: Transaction) -> None:
    """A member's code is good for one posting: what comes after it finds it used."""
    code = state.codes[digest]
    code.used = Place(transaction.lane, transaction.sequence)
    code.is_changed = True


def record_refusal(state: LedgerState, submission: Submission, answer: bytes) -> None:
    """Keep a refusal under its key: it is the request's answer for ever."""
    key = KeyRecord(submission.key_digest, submission.request_digest, None, None, 0, answer)
    state.keys[key.digest] = key
    state.new_keys.append(key)


def lots_named(entries: Sequence[JournalEntry]) -> list[tuple[int, int]]:
    """Places of the lots that entries' postings name, in order of first appearance."""
    places = {
        (entry.transaction.lane, posting.lot): None
        for entry in entries
        for posting in entry.transaction.postings
        if posting.lot is not None
    }
    return list(places)


def append(state: LedgerState, draft: Draft, submission: Submission) -> JournalEntry:
    """Give a draft its sequence number, balances after and hash, and apply its postings."""
    lane = state.lanes[draft.lane]
    if draft.member == 0:
        points = PointsState(draft.lane, 0, draft.programme)
    else:
        points = state.members[draft.member].open_points(draft.programme)
    hold = None if draft.particulars is None else _hold_of(state, lane, points, draft, draft.particulars)
    for opening in draft.lots:
        _open_lot(state, lane, points, opening)
    for posting in draft.postings:
        _apply(state, points, posting, lane, hold)
    transaction = _transaction(draft, lane, points, submission)
    entry = JournalEntry(transaction, chain_hash(lane.head, transaction))
    if draft.particulars is not None or draft.programme == 0:
        note_event(state, draft, lane, hold)
    lane.head = entry.hash
    lane.next_sequence += 1
    state.entries.append(entry)
    if draft.reversal is not None:
        count_reversal(state.originals[draft.reversal.original], draft.reversal, draft.postings)
    if draft.kind == TransactionKind.EARN:
        offer_to_take_backs(state, transaction)
    if draft.has_details and submission.salt and submission.details:
        state.details.append(
            (
                lane.lane,
                transaction.sequence,
                submission.salt,
                submission.details,
                submission.reference_digest,
            )
        )
    return entry


def _hold_of(
    state: LedgerState, lane: LaneState, points: PointsState, draft: Draft, particulars: Particulars
) -> HoldState | None:
    """The hold that a draft opens or changes."""
    if particulars.hold is not None:
        return state.holds[Place(lane.lane, particulars.hold)]
    if particulars.expires_at is None:
        return None
    hold = HoldState(
        lane=lane.lane,
        sequence=lane.next_sequence,
        member=points.member,
        programme=points.programme,
        partner=draft.partner,
        points=draft.points,
        remaining=0,
        expires_at=particulars.expires_at,
        scene=draft.scene,
        channel=draft.channel,
        outlet=draft.outlet,
        is_new=True,
    )
    state.holds[hold.place] = hold
    points.holds.append(hold)
    points.next_lapse_at = min(points.next_lapse_at, hold.expires_at)
    return hold


def _transaction(draft: Draft, lane: LaneState, points: PointsState, submission: Submission) -> Transaction:
    commitment = None
    if draft.has_details and submission.salt and submission.details:
        commitment = details_commitment(submission.salt, submission.details)
    reverses = draft.reversal.original if draft.reversal is not None else None
    # By position, in the order of the form that is hashed: naming so many fields takes longer than hashing them.
    transaction = Transaction(
        FORMAT if draft.particulars is None else FORMAT_WITH_PARTICULARS,
        lane.lane,
        lane.next_sequence,
        draft.kind,
        draft.programme,
        draft.partner,
        draft.member,
        draft.points,
        lane.now,
        draft.occurred_at,
        draft.scene,
        draft.channel,
        draft.outlet,
        draft.spend_minor,
        draft.cash_minor,
        draft.programme_version,
        None if reverses is None else reverses.lane,
        None if reverses is None else reverses.number,
        draft.key_digest,
        draft.request_digest,
        points.available,
        points.held,
        points.pending,
        ANSWER_FORMAT + _shows_balance(draft, submission),
        commitment,
        tuple(draft.postings),
        draft.lots,
    )
    return transaction if draft.particulars is None else with_particulars(transaction, draft.particulars)


def _shows_balance(draft: Draft, submission: Submission) -> bool:
    """Whether the balance after a draft may be shown: only of the command's own, to whoever has the member's leave.

    Not of the receiver's leg of a gift, nor of what of other partners' lapses on the way.
    """
    return submission.shows_balance and draft.keeps_key and draft.key_digest == submission.key_digest


def _keep_key(state: LedgerState, entry: JournalEntry, transactions: int) -> None:
    transaction = entry.transaction
    key = KeyRecord(
        transaction.key_digest,
        transaction.request_digest,
        transaction.lane,
        transaction.sequence,
        transactions,
        None,
    )
    state.keys[key.digest] = key
    state.new_keys.append(key)


def _open_lot(state: LedgerState, lane: LaneState, points: PointsState, opening: LotOpening) -> None:
    programme = state.registry.programme_numbered(points.programme)
    lapses_at = NEVER
    if opening.expires_on is not None:
        lapses_at = end_of_day(opening.expires_on, programme.zone)
    lot = LotState(
        lane.lane,
        opening.lot,
        lane.next_sequence,
        points.member,
        points.programme,
        opening.funding,
        opening.terms_version,
        opening.earned_at,
        opening.available_from,
        opening.expires_on,
        opening.original,
        opening.restored_from,
        remaining=0,
        lapses_at=lapses_at,
        is_new=True,
    )
    lane.next_lot = opening.lot + 1
    state.lots[lane.lane, lot.lot] = lot
    state.changed_lots[lane.lane, lot.lot] = lot
    points.lots.append(lot)
    if opening.restored_from is not None:
        state.children.setdefault((lane.lane, opening.restored_from), []).append(lot)


def _apply(state: LedgerState, points: PointsState, posting: Posting, lane: LaneState, hold: HoldState | None) -> None:
    amount = posting.amount
    points.is_changed = True
    if posting.debit_kind in MEMBER_KINDS:
        _move_member(state, points, posting, posting.debit_kind, -amount, lane, hold)
    else:
        _move_party(state, lane.lane, points.programme, posting.debit_kind, posting.debit_owner, -amount)
    if posting.credit_kind in MEMBER_KINDS:
        _move_member(state, points, posting, posting.credit_kind, amount, lane, hold)
    else:
        _move_party(state, lane.lane, points.programme, posting.credit_kind, posting.credit_owner, amount)
    if posting.credit_kind == AccountKind.EXPIRED and posting.lot is not None:
        lot = state.lots[lane.lane, posting.lot]
        lot.expired += amount
        lot.expiries += 1


def _move_party(state: LedgerState, lane: int, programme: int, kind: int, owner: int, credit: int) -> None:
    change = credit if kind in NORMAL_CREDIT else -credit
    place = (lane, kind, owner, programme)
    state.party_changes[place] = state.party_changes.get(place, 0) + change
    if kind in (AccountKind.POOL, AccountKind.ALLOTMENT):
        of_cap = (lane, kind, owner)
        state.cap_balances[of_cap] = state.cap_balances.get(of_cap, 0) + change


def _move_member(
    state: LedgerState,
    points: PointsState,
    posting: Posting,
    kind: int,
    credit: int,
    lane: LaneState,
    hold: HoldState | None,
) -> None:
    if kind == AccountKind.AVAILABLE:
        _move_available(state, points, posting, credit, lane.now)
    elif kind == AccountKind.SHORTFALL:
        points.shortfall -= credit
        if credit < 0:
            _owe(state, points, posting, lane)
        else:
            _repay(state, points, posting)
    else:
        _move_held(state, points, posting, credit, hold)


def _move_held(state: LedgerState, points: PointsState, posting: Posting, credit: int, hold: HoldState | None) -> None:
    if posting.lot is None or hold is None:
        msg = "a posting on held points names no lot or no hold"
        raise ValueError(msg)
    lot = state.lots[points.lane, posting.lot]
    state.changed_lots[points.lane, posting.lot] = lot
    state.changed_holds[hold.place] = hold
    lot.held += credit
    points.held += credit
    hold.remaining += credit
    hold.lots[posting.lot] = hold.lots.get(posting.lot, 0) + credit
    if credit > 0:
        hold.opened[posting.lot] = credit


def _move_available(state: LedgerState, points: PointsState, posting: Posting, credit: int, now: int) -> None:
    if posting.lot is None:
        msg = "a posting on a member's points names no lot"
        raise ValueError(msg)
    lot = state.lots[points.lane, posting.lot]
    state.changed_lots[points.lane, posting.lot] = lot
    lot.remaining += credit
    points.posted += credit
    if lot.lapses_at <= now:
        points.lapsed += credit
    elif lot.available_from > now:
        points.pending += credit
        points.pending_until = max(points.pending_until, lot.available_from)
    if credit > 0 and lot.lapses_at < points.next_lapse_at:
        points.next_lapse_at = lot.lapses_at


def _owe(state: LedgerState, points: PointsState, posting: Posting, lane: LaneState) -> None:
    root = state.lots[points.lane, posting.lot or 0]
    shortfall = ShortfallState(
        lane=points.lane,
        sequence=lane.next_sequence,
        member=points.member,
        programme=points.programme,
        lot=root.lot,
        funding=root.funding,
        terms_version=root.terms_version,
        original=posting.amount,
        remaining=posting.amount,
        is_new=True,
    )
    points.shortfalls.append(shortfall)
    state.changed_shortfalls[Place(shortfall.lane, shortfall.sequence)] = shortfall


def _repay(state: LedgerState, points: PointsState, posting: Posting) -> None:
    rest = posting.amount
    for shortfall in points.shortfalls:
        if shortfall.lot == posting.counter_lot and shortfall.remaining:
            taken = min(rest, shortfall.remaining)
            shortfall.remaining -= taken
            rest -= taken
            state.changed_shortfalls[Place(shortfall.lane, shortfall.sequence)] = shortfall
            if rest == 0:
                break


def _opening_of(state: LedgerState, place: tuple[int, int]) -> LotOpening:
    lot = state.lots[place]
    return LotOpening(
        lot.lot,
        lot.funding,
        lot.terms_version,
        lot.earned_at,
        lot.available_from,
        lot.expires_on,
        lot.original,
        lot.restored_from,
    )


def refusal_facts(refused: Refused, *, shows_balance: bool) -> dict[str, object]:
    """The facts of a refusal that the caller may see: a balance only with the member's leave."""
    if shows_balance:
        return refused.facts
    return {name: fact for name, fact in refused.facts.items() if name != "available"}
