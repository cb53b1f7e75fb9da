"""What goes from one member to another: gifts, merges and moves, as pairs of legs that name each other.

Each leg is worked out from its own lane's books; that the two say the same is compared over all lanes.
"""

from collections.abc import Iterable, Sequence

from ledger.audit.books import AVAILABLE, HELD, IN_TRANSIT, SHORTFALL
from ledger.audit.case import Case
from ledger.audit.crossing import Claim, Leg, Part
from ledger.audit.holds import held_parts
from ledger.audit.membership import ACTIVE, MERGED, MOVED, Membership
from ledger.audit.repayment import Repayment
from ledger.ids import Place
from ledger.rules.business_day import civil_day
from ledger.rules.journal import LotOpening, Particulars, Posting, TransactionKind
from ledger.rules.programmes import LEDGER_ITSELF

_MERGE, _MOVE = int(TransactionKind.MERGE), int(TransactionKind.MOVE)


def check_gift(case: Case) -> None:
    """The giver's usable lots go in the order of use; the receiver gets new lots with the same terms."""
    transaction = case.transaction
    counter = other_leg(case)
    if counter is None:
        return
    gives = not transaction.lots
    case.compare("particulars", case.particulars, _naming(counter))
    case.check_frame()
    if gives:
        usable = case.points.usable(transaction.recorded_at)
        case.compare("postings", transaction.postings, case.spent(usable, IN_TRANSIT, transaction.programme))
        parts = _sent(case, AVAILABLE, has_origins=False)
    else:
        _check_arrival(case, AVAILABLE)
        parts = _received(transaction.lots, [None] * len(transaction.lots))
    month = civil_day(transaction.recorded_at, case.programme.zone).replace(day=1)
    gifts = case.books.gift_months[transaction.member, transaction.programme, month]
    gifts[0 if gives else 1] += transaction.points
    _note(case, counter, parts, is_out=gives)


def check_merge_or_move(case: Case) -> None:
    """First the heads, which say who has become whom; then everything, lot by lot, hold by hold, debt by debt."""
    counter = other_leg(case)
    if counter is None:
        return
    if case.programme.number == 0:
        _check_head(case, counter)
        return
    postings = case.transaction.postings
    kinds = (postings[0].debit_kind, postings[0].credit_kind) if postings else (0, 0)
    check = _LEGS.get(kinds)
    if check is None:
        case.differ("postings", postings, "points of a member that leave for another one, or arrive")
        return
    goes, who = (case.books.leaving, "goes") if kinds in _OUT else (case.books.arriving, "receives")
    if goes != (case.transaction.key_digest, case.transaction.member):
        case.differ("member", case.transaction.member, f"the one that {who} by the heads of this key")
    if case.particulars.hold is None and case.particulars.expires_at is None:
        case.compare("partner", case.transaction.partner, LEDGER_ITSELF)
        case.check_frame()
    check(case, counter)


def _check_head(case: Case, counter: Place) -> None:
    transaction, into = case.transaction, case.particulars.into
    found = (transaction.partner, transaction.points, len(transaction.postings), len(transaction.lots))
    case.compare("partner, points, postings and lots of a head", found, (LEDGER_ITSELF, 0, 0, 0))
    case.check_frame()
    expected = Particulars(counter_lane=counter.lane, counter_sequence=counter.number, into=into)
    case.compare("particulars", case.particulars, expected)
    merges = transaction.kind == _MERGE
    if into is not None:
        member = case.books.members[transaction.member]
        if merges and not member.must_be(ACTIVE):
            case.differ("status of the member", member.status, ACTIVE)
        status = MERGED if merges else MOVED
        member.leave(status, Place(counter.lane, into), transaction.key_digest, counter)
        case.books.leaving = (transaction.key_digest, transaction.member)
    else:
        _arrive(case, merges=merges)
    claim = _claim(case, (), member=transaction.member if into is None else into)
    case.crossing.note_leg(Leg(case.place, counter, into is not None, claim), case.findings)


def _arrive(case: Case, *, merges: bool) -> None:
    books, transaction = case.books, case.transaction
    if merges:
        member = books.members[transaction.member]
        if not member.must_be(ACTIVE):
            case.differ("status of the member", member.status, ACTIVE)
    else:
        is_known = transaction.member in books.members or any(
            (transaction.member, programme) in books.points for programme in case.set_up.programmes
        )
        if is_known:
            case.differ("member that a move brings", transaction.member, "a new one")
        books.members[transaction.member] = Membership(status=None, came_from=case.place)
    books.members[transaction.member].arrivals.append(case.place)
    books.arriving = (transaction.key_digest, transaction.member)


def _check_lots_sent(case: Case, counter: Place) -> None:
    """All free points of a programme leave, pending ones too."""
    transaction = case.transaction
    lots = [lot for lot in case.points.lots.values() if lot.lapses_at > transaction.recorded_at]
    lots.sort(key=lambda lot: lot.spend_order)
    case.compare("points", transaction.points, sum(lot.remaining for lot in lots))
    case.compare("postings", transaction.postings, case.spent(lots, IN_TRANSIT, transaction.programme))
    case.compare("particulars", case.particulars, _naming(counter))
    _note(case, counter, _sent(case, AVAILABLE, has_origins=True), is_out=True)


def _check_hold_sent(case: Case, counter: Place) -> None:
    """An open hold leaves with its lots; its row says where it has gone."""
    transaction = case.transaction
    hold = case.books.hold_of(transaction)
    if hold is None or hold.remaining <= 0:
        case.differ("hold", case.particulars.hold, "an open hold of the lane")
        return
    opening = hold.opening
    found = (transaction.member, transaction.partner, transaction.programme, transaction.points)
    expected = (opening.member, opening.partner, opening.programme, hold.remaining)
    case.compare("member, partner, programme and points", found, expected)
    postings = tuple(
        Posting(HELD, transaction.member, IN_TRANSIT, transaction.programme, amount, lot.opening.lot)
        for lot, amount in held_parts(case, hold)
    )
    case.compare("postings", transaction.postings, postings)
    naming = Particulars(hold=opening.sequence, counter_lane=counter.lane, counter_sequence=counter.number)
    case.compare("particulars", case.particulars, naming)
    case.check_frame(memo=(opening.scene, opening.channel, opening.outlet))
    hold.moved = counter
    _note(case, counter, _sent(case, HELD, has_origins=True), is_out=True, expires_at=hold.expires_at)


def _check_debt_sent(case: Case, counter: Place) -> None:
    """The oldest shortfall leaves whole."""
    transaction, owed = case.transaction, case.points.owed
    if not owed:
        case.differ("shortfall that leaves", transaction.points, "none, since nothing is owed")
        return
    oldest = owed[0]
    posting = Posting(
        IN_TRANSIT, transaction.programme, SHORTFALL, transaction.member, oldest.remaining, oldest.lot, oldest.lot
    )
    case.compare("postings", transaction.postings, (posting,))
    case.compare("points", transaction.points, oldest.remaining)
    case.compare("particulars", case.particulars, _naming(counter))
    _note(case, counter, _sent(case, SHORTFALL, has_origins=True), is_out=True)


def _check_lots_received(case: Case, counter: Place) -> None:
    _check_arrival(case, AVAILABLE)
    _note_received(case, counter, None)


def _check_hold_received(case: Case, counter: Place) -> None:
    """The hold goes on in new lots; no time of its own may end it before or after the old one's."""
    _check_arrival(case, HELD)
    _note_received(case, counter, case.particulars.expires_at)


def _check_debt_received(case: Case, counter: Place) -> None:
    """One new lot names the debt; no points are ever in it."""
    transaction = case.transaction
    case.compare("lots opened", len(transaction.lots), 1)
    postings = tuple(
        Posting(SHORTFALL, transaction.member, IN_TRANSIT, transaction.programme, opening.original, opening.lot)
        for opening in transaction.lots
    )
    case.compare("postings", transaction.postings, postings)
    case.compare("points", transaction.points, sum(opening.original for opening in transaction.lots))
    _note_received(case, counter, None)


_OUT = {
    (AVAILABLE, IN_TRANSIT): _check_lots_sent,
    (HELD, IN_TRANSIT): _check_hold_sent,
    (IN_TRANSIT, SHORTFALL): _check_debt_sent,
}
_LEGS = _OUT | {
    (IN_TRANSIT, AVAILABLE): _check_lots_received,
    (IN_TRANSIT, HELD): _check_hold_received,
    (SHORTFALL, IN_TRANSIT): _check_debt_received,
}


def _check_arrival(case: Case, kind: int) -> None:
    """Each new lot is credited whole; what becomes available repays what its member owes."""
    transaction = case.transaction
    repayment = Repayment(case.points, transaction.member)
    postings: list[Posting] = []
    for opening in transaction.lots:
        postings.append(
            Posting(IN_TRANSIT, transaction.programme, kind, transaction.member, opening.original, opening.lot)
        )
        if kind == AVAILABLE:
            postings += repayment.of(opening, opening.original)[0]
        case.compare(f"lot {opening.lot} restored from", opening.restored_from, None)
    case.compare("postings", transaction.postings, tuple(postings))
    case.compare("points", transaction.points, sum(opening.original for opening in transaction.lots))


def other_leg(case: Case) -> Place | None:
    """The place of the other leg that a transaction names; a difference where it names none."""
    particulars = case.particulars
    if particulars.counter_lane is None or particulars.counter_sequence is None:
        case.differ("other leg", "none", "the place of the other leg")
        return None
    return Place(particulars.counter_lane, particulars.counter_sequence)


def _naming(counter: Place) -> Particulars:
    return Particulars(counter_lane=counter.lane, counter_sequence=counter.number)


def _sent(case: Case, kind: int, *, has_origins: bool) -> tuple[Part, ...]:
    """What leaves, lot by lot."""
    parts = []
    for posting in case.transaction.postings:
        lot = case.books.lots.get(posting.lot or 0)
        if lot is not None and kind in (posting.debit_kind, posting.credit_kind):
            origin = Place(case.transaction.lane, lot.opening.lot) if has_origins else None
            parts.append(_part(origin, lot.opening, posting.amount))
    return tuple(parts)


def _received(lots: Sequence[LotOpening], origins: Iterable[Place | None]) -> tuple[Part, ...]:
    """What arrives, lot by lot."""
    return tuple(_part(origin, opening, opening.original) for opening, origin in zip(lots, origins, strict=False))


def _note_received(case: Case, counter: Place, expires_at: int | None) -> None:
    """Note an in-leg of a merge or move: each of its lots says where it comes from."""
    transaction, particulars = case.transaction, case.particulars
    case.compare(
        "lots with an origin, and their lanes",
        [(origin.lot, origin.origin_lane) for origin in particulars.origins],
        [(opening.lot, counter.lane) for opening in transaction.lots],
    )
    expected = Particulars(
        expires_at=expires_at,
        counter_lane=counter.lane,
        counter_sequence=counter.number,
        origins=particulars.origins,
    )
    case.compare("particulars", particulars, expected)
    origins = [Place(origin.origin_lane, origin.origin_lot) for origin in particulars.origins]
    _note(case, counter, _received(transaction.lots, origins), is_out=False, expires_at=expires_at)


def _part(origin: Place | None, opening: LotOpening, amount_points: int) -> Part:
    return Part(
        origin=origin,
        funding=opening.funding,
        terms_version=opening.terms_version,
        earned_at=opening.earned_at,
        available_from=opening.available_from,
        expires_on=opening.expires_on,
        amount=amount_points,
    )


def _note(case: Case, counter: Place, parts: tuple[Part, ...], *, is_out: bool, expires_at: int | None = None) -> None:
    claim = _claim(case, parts, expires_at=expires_at)
    case.crossing.note_leg(Leg(case.place, counter, is_out, claim), case.findings)


def _claim(case: Case, parts: tuple[Part, ...], *, expires_at: int | None = None, member: int | None = None) -> Claim:
    transaction = case.transaction
    return Claim(
        kind=transaction.kind,
        programme=transaction.programme,
        partner=transaction.partner,
        points=transaction.points,
        recorded_at=transaction.recorded_at,
        key_digest=transaction.key_digest,
        request_digest=transaction.request_digest,
        memo=(transaction.scene, transaction.channel, transaction.outlet),
        parts=parts,
        expires_at=expires_at,
        member=member,
    )
