"""Writing what few batches change: particulars, holds, gifts, codes, members' places and statuses, sweeps of caps."""

from collections import Counter

from psycopg import AsyncConnection

from ledger.ids import Place
from ledger.rules.journal import ParticularTransaction
from ledger.rules.money_postings import MoneyPosting
from ledger.rules.state import GiftMonth, HoldState, LedgerState, MemberState
from ledger.store import rarer_queries as queries
from ledger.store.arrays import Bigints, Booleans, Bytes, Days, Integers, Moments, Smallints, Texts
from ledger.store.epochs import INSERT_STARTS


async def write_rarer_state(connection: AsyncConnection, state: LedgerState) -> None:
    """Write what decisions changed of it; nothing where nothing has."""
    particular = [e.transaction for e in state.entries if isinstance(e.transaction, ParticularTransaction)]
    if particular:
        await _insert_particulars(connection, particular)
    if state.money:
        await _write_money(connection, state)
    if state.origins:
        await _insert_origins(connection, state)
    if state.changed_holds:
        await _write_holds(connection, list(state.changed_holds.values()))
    if state.changed_gift_months:
        await _write_gift_months(connection, list(state.changed_gift_months.values()))
    spent = [(digest, code.used) for digest, code in state.codes.items() if code.is_changed and code.used is not None]
    if spent:
        await _spend_codes(connection, spent)
    members = [member for member in state.members.values() if member.is_changed]
    if members:
        await _write_members(connection, state, members)
    if state.swept:
        caps = sorted(state.swept.items())
        arrays = [Integers.of([cap for cap, _ in caps]), Booleans.of([is_swept for _, is_swept in caps])]
        await connection.execute(queries.SWEEP_CAPS, arrays)
    if state.sets_up:
        await connection.execute(queries.RAISE_REGISTRY_VERSION)


async def _insert_particulars(connection: AsyncConnection, transactions: list[ParticularTransaction]) -> None:
    particulars = [t.particulars for t in transactions]
    await connection.execute(
        queries.INSERT_PARTICULARS,
        [
            Bigints.of([t.sequence for t in transactions]),
            Bigints.of([p.hold for p in particulars]),
            Moments.of([p.expires_at for p in particulars]),
            Bigints.of([p.counter_sequence for p in particulars]),
            Bigints.of([p.into for p in particulars]),
            Days.of([p.expires_on for p in particulars]),
            Smallints.of([t.lane for t in transactions]),
            Smallints.of([p.counter_lane for p in particulars]),
            Smallints.of([p.days_before for p in particulars]),
            Texts.of([p.approval for p in particulars]),
            Texts.of([p.about for p in particulars]),
            Texts.of([p.money for p in particulars]),
            Integers.of([p.exchange_rate for p in particulars]),
            Integers.of([p.epoch for p in particulars]),
            Texts.of([p.epoch_identity for p in particulars]),
            Texts.of([p.superseded_seals for p in particulars]),
        ],
    )
    starts = [t for t in transactions if t.particulars.epoch is not None]
    if starts:
        await _insert_epoch_starts(connection, starts)


async def _insert_epoch_starts(connection: AsyncConnection, starts: list[ParticularTransaction]) -> None:
    await connection.execute(
        INSERT_STARTS,
        [
            Bigints.of([t.sequence for t in starts]),
            Integers.of([t.particulars.epoch for t in starts]),
            Smallints.of([t.lane for t in starts]),
        ],
    )


async def _write_money(connection: AsyncConnection, state: LedgerState) -> None:
    lines = Counter[Place]()
    rows: list[tuple[Place, int, int, MoneyPosting]] = []
    changes: Counter[tuple[int, str, int, int]] = Counter()
    for place, programme, posting in state.money:
        lines[place] += 1
        rows.append((place, lines[place], programme, posting))
        changes[programme, posting.currency, posting.debit, posting.debit_party] += posting.amount_minor
        changes[programme, posting.currency, posting.credit, posting.credit_party] -= posting.amount_minor
    await connection.execute(
        queries.INSERT_MONEY_POSTINGS,
        [
            Bigints.of([place.number for place, *_ in rows]),
            Bigints.of([posting.amount_minor for *_, posting in rows]),
            Integers.of([programme for _, _, programme, _ in rows]),
            Integers.of([posting.debit_party for *_, posting in rows]),
            Integers.of([posting.credit_party for *_, posting in rows]),
            Smallints.of([place.lane for place, *_ in rows]),
            Smallints.of([line for _, line, *_ in rows]),
            Smallints.of([posting.debit for *_, posting in rows]),
            Smallints.of([posting.credit for *_, posting in rows]),
            Texts.of([posting.currency for *_, posting in rows]),
        ],
    )
    places = sorted(changes)
    await connection.execute(
        queries.WRITE_MONEY_BALANCES,
        [
            Bigints.of([changes[place] for place in places]),
            Integers.of([programme for programme, *_ in places]),
            Integers.of([party for *_, party in places]),
            Smallints.of([account for _, _, account, _ in places]),
            Texts.of([currency for _, currency, *_ in places]),
        ],
    )


async def _insert_origins(connection: AsyncConnection, state: LedgerState) -> None:
    await connection.execute(
        queries.INSERT_LOT_ORIGINS,
        [
            Bigints.of([origin.lot for _, _, origin in state.origins]),
            Bigints.of([sequence for _, sequence, _ in state.origins]),
            Bigints.of([origin.origin_lot for _, _, origin in state.origins]),
            Smallints.of([lane for lane, _, _ in state.origins]),
            Smallints.of([origin.origin_lane for _, _, origin in state.origins]),
        ],
    )


async def _write_holds(connection: AsyncConnection, holds: list[HoldState]) -> None:
    new = [hold for hold in holds if hold.is_new]
    if new:
        await connection.execute(
            queries.INSERT_HOLDS,
            [
                Bigints.of([hold.sequence for hold in new]),
                Bigints.of([hold.member for hold in new]),
                Bigints.of([hold.points for hold in new]),
                Bigints.of([hold.remaining for hold in new]),
                Moments.of([hold.expires_at for hold in new]),
                Bigints.of([None if hold.moved_to is None else hold.moved_to.number for hold in new]),
                Integers.of([hold.programme for hold in new]),
                Integers.of([hold.partner for hold in new]),
                Smallints.of([hold.lane for hold in new]),
                Smallints.of([None if hold.moved_to is None else hold.moved_to.lane for hold in new]),
            ],
        )
    old = [hold for hold in holds if not hold.is_new]
    if old:
        await connection.execute(
            queries.UPDATE_HOLDS,
            [
                Smallints.of([hold.lane for hold in old]),
                Bigints.of([hold.sequence for hold in old]),
                Bigints.of([hold.remaining for hold in old]),
                Smallints.of([None if hold.moved_to is None else hold.moved_to.lane for hold in old]),
                Bigints.of([None if hold.moved_to is None else hold.moved_to.number for hold in old]),
            ],
        )
    await _write_hold_lots(connection, new, old)


async def _write_hold_lots(connection: AsyncConnection, new: list[HoldState], old: list[HoldState]) -> None:
    opened = [(hold, lot, amount) for hold in new for lot, amount in hold.lots.items()]
    if opened:
        await connection.execute(
            queries.INSERT_HOLD_LOTS,
            [
                Bigints.of([hold.sequence for hold, _, _ in opened]),
                Bigints.of([lot for _, lot, _ in opened]),
                Bigints.of([hold.opened[lot] for hold, lot, _ in opened]),
                Bigints.of([amount for _, _, amount in opened]),
                Smallints.of([hold.lane for hold, _, _ in opened]),
            ],
        )
    left = [(hold, lot, amount) for hold in old for lot, amount in hold.lots.items()]
    if left:
        await connection.execute(
            queries.UPDATE_HOLD_LOTS,
            [
                Smallints.of([hold.lane for hold, _, _ in left]),
                Bigints.of([hold.sequence for hold, _, _ in left]),
                Bigints.of([lot for _, lot, _ in left]),
                Bigints.of([amount for _, _, amount in left]),
            ],
        )


async def _write_gift_months(connection: AsyncConnection, months: list[GiftMonth]) -> None:
    await connection.execute(
        queries.WRITE_GIFT_MONTHS,
        [
            Bigints.of([month.member for month in months]),
            Bigints.of([month.given for month in months]),
            Bigints.of([month.received for month in months]),
            Days.of([month.month for month in months]),
            Integers.of([month.programme for month in months]),
            Smallints.of([month.lane for month in months]),
        ],
    )


async def _spend_codes(connection: AsyncConnection, spent: list[tuple[bytes, Place]]) -> None:
    await connection.execute(
        queries.SPEND_CODES,
        [
            Bytes.of([digest for digest, _ in spent]),
            Smallints.of([place.lane for _, place in spent]),
            Bigints.of([place.number for _, place in spent]),
        ],
    )


async def _write_members(connection: AsyncConnection, state: LedgerState, members: list[MemberState]) -> None:
    gone = [(member, member.into) for member in members if member.into is not None]
    new = [(member, state.members[into[1]]) for member, into in gone if state.members[into[1]].is_new]
    if new:
        await connection.execute(
            queries.INSERT_MEMBERS,
            [
                Bigints.of([member.number for _, member in new]),
                Smallints.of([member.lane for _, member in new]),
                Texts.of([member.status for _, member in new]),
                Smallints.of([old.lane for old, _ in new]),
                Bigints.of([old.number for old, _ in new]),
            ],
        )
    await connection.execute(
        queries.UPDATE_MEMBERS,
        [
            Smallints.of([member.lane for member in members]),
            Bigints.of([member.number for member in members]),
            Texts.of([member.status for member in members]),
            Smallints.of([None if member.into is None else member.into[0] for member in members]),
            Bigints.of([None if member.into is None else member.into[1] for member in members]),
        ],
    )
    if gone:
        await _lead_on(connection, state, gone)
    closed = [member for member in members if member.status == "closed"]
    if closed:
        await _end_codes(connection, closed)


async def _lead_on(
    connection: AsyncConnection, state: LedgerState, gone: list[tuple[MemberState, tuple[int, int]]]
) -> None:
    arrays = [
        Smallints.of([member.lane for member, _ in gone]),
        Bigints.of([member.number for member, _ in gone]),
        Smallints.of([state.present(into)[0] for _, into in gone]),
        Bigints.of([state.present(into)[1] for _, into in gone]),
    ]
    await connection.execute(queries.LEAD_NAMES, arrays)
    await connection.execute(queries.LEAD_TOKENS, arrays)
    await connection.execute(queries.LEAD_CODES, arrays)


async def _end_codes(connection: AsyncConnection, closed: list[MemberState]) -> None:
    arrays = [
        Smallints.of([member.lane for member in closed]),
        Bigints.of([member.number for member in closed]),
    ]
    await connection.execute(queries.END_CODES, arrays)
