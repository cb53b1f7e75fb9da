"""A forger who makes the chains anew is found in what happens to points between earn and use, too."""

from collections.abc import Callable

import psycopg
import pytest

from tests.audit.conftest import audit_of
from tests.audit.tampering import Row, change, connect, delete, drop_checks, forge_chain, names, pick
from tests.databases import LedgerDatabase

Connection = psycopg.Connection[Row]
Forgery = Callable[[Connection], Row]

LANES = 3
TABLES = ("transactions", "postings", "lots", "particulars", "holds", "hold_lots", "members")

FORGERIES: dict[str, Forgery] = {}


def forgery(forge: Forgery) -> Forgery:
    """Keep a forgery; it returns the transaction it forged."""
    FORGERIES[forge.__name__] = forge
    return forge


def _transaction_of(connection: Connection, row: Row) -> Row:
    return pick(connection, "transactions", f"t.lane = {row['lane']} and t.sequence = {row['sequence']}")


def _posting(connection: Connection, kinds: tuple[int, ...], debit: int, credit: int, where: str = "true") -> Row:
    """A posting between two kinds of accounts, of a transaction of one of some kinds."""
    named = ", ".join(map(str, kinds))
    return pick(
        connection,
        "postings",
        f"t.debit_kind = {debit} and t.credit_kind = {credit} and {where} and exists(select from transactions x "
        f"where x.lane = t.lane and x.sequence = t.sequence and x.kind in ({named}))",
    )


def _particulars(connection: Connection, kind: int, where: str = "true") -> Row:
    return pick(
        connection,
        "particulars",
        f"{where} and exists(select from transactions x where x.lane = t.lane and x.sequence = t.sequence "
        f"and x.kind = {kind})",
    )


@forgery
def a_capture_takes_more_than_is_held(connection: Connection) -> Row:
    posting = _posting(connection, (6,), 3, 5)
    change(connection, "postings", posting, amount=posting["amount"] + 1_000)
    capture = _transaction_of(connection, posting)
    return change(connection, "transactions", capture, points=capture["points"] + 1_000)


@forgery
def a_capture_is_paid_to_another_partner(connection: Connection) -> Row:
    posting = _posting(connection, (6,), 3, 5)
    other = posting["credit_owner"] % 3 + 1
    change(connection, "postings", posting, credit_owner=other)
    return change(connection, "transactions", _transaction_of(connection, posting), partner=other)


@forgery
def a_hold_is_not_counted(connection: Connection) -> Row:
    posting = _posting(connection, (5,), 2, 3)
    delete(connection, "postings", posting)
    return _transaction_of(connection, posting)


@forgery
def a_hold_takes_another_lot_than_the_next(connection: Connection) -> Row:
    posting = _posting(
        connection,
        (5,),
        2,
        3,
        "line = 0 and exists(select from postings o where o.lane = t.lane and o.sequence = t.sequence and o.line = 1)",
    )
    place = f"t.lane = {posting['lane']} and t.sequence = {posting['sequence']}"
    other = pick(connection, "postings", f"{place} and t.line = 1")
    change(connection, "postings", posting, amount=posting["amount"] - 1)
    change(connection, "postings", other, amount=other["amount"] + 1)
    return _transaction_of(connection, posting)


@forgery
def a_hold_ends_twice(connection: Connection) -> Row:
    """A void names a hold that has ended before."""
    has_ended = (
        "h.lane = t.lane and h.sequence < t.hold and h.remaining = 0 and h.moved_lane is null and not exists "
        "(select from particulars e where e.lane = h.lane and e.hold = h.sequence and e.sequence >= t.sequence)"
    )
    void = _particulars(connection, 7, f"exists(select from holds h where {has_ended})")
    ended = connection.execute(
        f"select h.sequence from holds h, particulars t where {has_ended} and t.lane = %(lane)s "  # noqa: S608
        "and t.sequence = %(sequence)s limit 1",
        void,
    ).fetchone()
    assert ended is not None
    change(connection, "particulars", void, hold=ended["sequence"])
    return _transaction_of(connection, void)


@forgery
def a_hold_outlives_its_time(connection: Connection) -> Row:
    """It expires later than it says, so that something came in between."""
    expiry = _particulars(connection, 8)
    opening = pick(connection, "particulars", f"t.lane = {expiry['lane']} and t.sequence = {expiry['hold']}")
    connection.execute(
        "update particulars set expires_at = expires_at - interval '1 day' where lane = %(lane)s "
        "and sequence = %(sequence)s",
        opening,
    )
    return _transaction_of(connection, expiry)


@forgery
def a_hold_expires_before_its_time(connection: Connection) -> Row:
    expiry = pick(connection, "transactions", "kind = 8")
    connection.execute(
        "update transactions set recorded_at = recorded_at - interval '40 days' where lane = %(lane)s "
        "and sequence = %(sequence)s",
        expiry,
    )
    return expiry


@forgery
def a_hold_expires_under_another_key(connection: Connection) -> Row:
    expiry = pick(connection, "transactions", "kind = 8")
    key = pick(connection, "idempotency_keys", f"digest = '\\x{expiry['key_digest'].hex()}'")
    change(connection, "idempotency_keys", key, digest=bytes(range(32)))
    return change(connection, "transactions", expiry, key_digest=bytes(range(32)))


@forgery
def a_lot_released_after_its_day_stays(connection: Connection) -> Row:
    posting = _posting(connection, (6, 7, 8), 2, 6)
    connection.execute(
        "delete from postings where lane = %(lane)s and sequence = %(sequence)s and lot = %(lot)s "
        "and (debit_kind = 6 or credit_kind = 6)",
        posting,
    )
    return _transaction_of(connection, posting)


@forgery
def a_gift_loses_its_expiry(connection: Connection) -> Row:
    lot = pick(
        connection,
        "lots",
        "expires_on is not null and exists(select from transactions x where x.lane = t.lane "
        "and x.sequence = t.sequence and x.kind = 9)",
    )
    change(connection, "lots", lot, expires_on=None)
    return _transaction_of(connection, lot)


@forgery
def a_gift_names_another_funding(connection: Connection) -> Row:
    lot = pick(
        connection,
        "lots",
        "exists(select from transactions x where x.lane = t.lane and x.sequence = t.sequence and x.kind = 9)",
    )
    change(connection, "lots", lot, funding=lot["funding"] % 3 + 1)
    return _transaction_of(connection, lot)


@forgery
def a_gift_arrives_with_more_than_was_given(connection: Connection) -> Row:
    posting = _posting(connection, (9,), 8, 2)
    change(connection, "postings", posting, amount=posting["amount"] + 1)
    lot = pick(connection, "lots", f"t.lane = {posting['lane']} and t.lot = {posting['lot']}")
    change(connection, "lots", lot, original=lot["original"] + 1)
    gift = _transaction_of(connection, posting)
    return change(connection, "transactions", gift, points=gift["points"] + 1)


@forgery
def a_leg_names_another_leg(connection: Connection) -> Row:
    leg = _particulars(connection, 9, "counter_sequence > 5")
    change(connection, "particulars", leg, counter_sequence=leg["counter_sequence"] - 1)
    return _transaction_of(connection, leg)


@forgery
def a_merge_leads_to_another_member(connection: Connection) -> Row:
    head = _particulars(connection, 10, "into_member is not null")
    change(connection, "particulars", head, into_member=head["into_member"] + 1)
    return _transaction_of(connection, head)


@forgery
def a_moved_lot_gets_a_new_expiry(connection: Connection) -> Row:
    lot = pick(
        connection,
        "lots",
        "expires_on is not null and exists(select from transactions x where x.lane = t.lane "
        "and x.sequence = t.sequence and x.kind = 11)",
    )
    connection.execute("update lots set expires_on = expires_on + 1 where lane = %(lane)s and lot = %(lot)s", lot)
    return _transaction_of(connection, lot)


@forgery
def a_moved_lot_comes_from_another_lot(connection: Connection) -> Row:
    origin = pick(
        connection,
        "lot_origins",
        "exists(select from transactions x where x.lane = t.lane and x.sequence = t.sequence and x.kind = 11)",
    )
    change(connection, "lot_origins", origin, origin_lot=origin["origin_lot"] + 1)
    return _transaction_of(connection, origin)


@forgery
def a_moved_hold_gets_more_time(connection: Connection) -> Row:
    hold = pick(
        connection,
        "particulars",
        "expires_at is not null and counter_lane is not null",
    )
    connection.execute(
        "update particulars set expires_at = expires_at + interval '1 day' where lane = %(lane)s "
        "and sequence = %(sequence)s",
        hold,
    )
    return _transaction_of(connection, hold)


@forgery
def a_moved_debt_is_smaller(connection: Connection) -> Row:
    posting = _posting(connection, (10, 11), 4, 8)
    change(connection, "postings", posting, amount=posting["amount"] + 1)
    return _transaction_of(connection, posting)


@forgery
def a_later_return_goes_to_another_member(connection: Connection) -> Row:
    later = pick(
        connection,
        "transactions",
        "kind = 3 and exists(select from transactions o where o.lane = t.reverses_lane "
        "and o.sequence = t.reverses_sequence and (o.lane, o.member) <> (t.lane, t.member))",
    )
    other = pick(connection, "members", f"t.lane = {later['lane']} and t.member <> {later['member']}")
    return change(connection, "transactions", later, member=other["member"])


@forgery
def a_later_return_loses_its_origin(connection: Connection) -> Row:
    origin = pick(
        connection,
        "lot_origins",
        "exists(select from transactions x where x.lane = t.lane and x.sequence = t.sequence and x.kind = 3)",
    )
    delete(connection, "lot_origins", origin)
    return _transaction_of(connection, origin)


@forgery
def a_later_return_takes_more_than_its_original(connection: Connection) -> Row:
    later = pick(
        connection,
        "transactions",
        "kind = 3 and exists(select from transactions o where o.lane = t.reverses_lane "
        "and o.sequence = t.reverses_sequence and (o.lane, o.member) <> (t.lane, t.member))",
    )
    return change(connection, "transactions", later, points=later["points"] + 1_000)


@forgery
def an_adjustment_gives_more_than_it_says(connection: Connection) -> Row:
    posting = _posting(connection, (12,), 1, 2)
    change(connection, "postings", posting, amount=posting["amount"] + 1)
    return _transaction_of(connection, posting)


@forgery
def an_adjustment_is_borne_by_another_partner(connection: Connection) -> Row:
    adjustment = pick(connection, "transactions", "kind = 12")
    return change(connection, "transactions", adjustment, partner=adjustment["partner"] % 3 + 1)


@forgery
def an_adjustment_names_the_approval_of_another(connection: Connection) -> Row:
    first = _particulars(connection, 12)
    second = _particulars(connection, 12, f"(t.lane, t.sequence) <> ({first['lane']}, {first['sequence']})")
    change(connection, "particulars", first, approval=second["approval"])
    return _transaction_of(connection, first)


@forgery
def a_write_off_forgives_more_than_it_says(connection: Connection) -> Row:
    posting = _posting(connection, (13,), 1, 4)
    change(connection, "postings", posting, amount=posting["amount"] + 1)
    return _transaction_of(connection, posting)


@forgery
def a_member_is_unfrozen_who_was_not_frozen(connection: Connection) -> Row:
    freeze = pick(connection, "transactions", "kind = 14")
    return change(connection, "transactions", freeze, kind=15)


@forgery
def a_frozen_member_goes_on(connection: Connection) -> Row:
    """It was frozen before, as the freeze of another says now."""
    freeze = pick(connection, "transactions", "kind = 14")
    later = pick(
        connection,
        "transactions",
        f"t.kind in (1, 2, 5, 9) and t.lane = {freeze['lane']} and t.sequence > {freeze['sequence']}",
    )
    change(connection, "transactions", freeze, member=later["member"])
    return later


@forgery
def a_member_closes_with_points_left(connection: Connection) -> Row:
    close = pick(connection, "transactions", "kind = 16")
    holder = pick(
        connection,
        "transactions",
        f"t.lane = {close['lane']} and t.sequence < {close['sequence']} and t.available_after > 0 and not exists "
        "(select from transactions o where o.lane = t.lane and o.member = t.member and o.programme = t.programme "
        f"and o.sequence > t.sequence and o.sequence < {close['sequence']})",
    )
    return change(connection, "transactions", close, member=holder["member"])


@forgery
def a_notice_tells_of_more_points(connection: Connection) -> Row:
    notice = pick(connection, "transactions", "kind = 17")
    return change(connection, "transactions", notice, points=notice["points"] + 1)


@forgery
def a_notice_is_given_twice(connection: Connection) -> Row:
    """A second one with the key, and so with the row, of the first."""
    first = pick(connection, "transactions", "kind = 17")
    second = pick(
        connection, "transactions", f"kind = 17 and lane = {first['lane']} and sequence > {first['sequence']}"
    )
    return change(
        connection,
        "transactions",
        second,
        key_digest=first["key_digest"],
        request_digest=first["request_digest"],
        member=first["member"],
    )


@forgery
def an_allotment_is_given_twice(connection: Connection) -> Row:
    posting = _posting(connection, (18,), 12, 10)
    change(connection, "postings", posting, amount=2 * posting["amount"])
    refill = _transaction_of(connection, posting)
    return change(connection, "transactions", refill, points=2 * refill["points"])


@forgery
def an_earn_draws_less_from_its_cap(connection: Connection) -> Row:
    posting = _posting(connection, (1,), 10, 11, "amount > 1")
    change(connection, "postings", posting, amount=posting["amount"] - 1)
    return _transaction_of(connection, posting)


@forgery
def an_earn_draws_from_no_cap(connection: Connection) -> Row:
    posting = _posting(
        connection,
        (1,),
        10,
        11,
        "exists(select from postings o join transactions e using (lane, sequence) where e.kind = 1 "
        "and o.lane = t.lane and o.sequence < t.sequence and o.credit_kind = 11 and o.credit_owner = t.credit_owner)",
    )
    connection.execute(
        "delete from postings where lane = %(lane)s and sequence = %(sequence)s and credit_kind = 11", posting
    )
    return _transaction_of(connection, posting)


@forgery
def a_cap_is_exceeded(connection: Connection) -> Row:
    """An earn, and what it draws, are worth more than the cap ever had."""
    posting = _posting(connection, (1,), 10, 11)
    connection.execute(
        "update postings set amount = amount + 1000000 where lane = %(lane)s and sequence = %(sequence)s", posting
    )
    earn = _transaction_of(connection, posting)
    lot = pick(connection, "lots", f"t.lane = {earn['lane']} and t.sequence = {earn['sequence']}")
    change(connection, "lots", lot, original=lot["original"] + 1_000_000)
    return change(connection, "transactions", earn, points=earn["points"] + 1_000_000)


@forgery
def a_reversed_earn_gives_its_cap_nothing_back(connection: Connection) -> Row:
    posting = _posting(connection, (3,), 11, 10)
    delete(connection, "postings", posting)
    return _transaction_of(connection, posting)


@pytest.mark.parametrize("name", FORGERIES)
async def test_forged_chains_do_not_hide_that(lively: LedgerDatabase, name: str) -> None:
    with connect(lively) as connection:
        for table in TABLES:
            drop_checks(connection, table)
        forged = FORGERIES[name](connection)
    for lane in range(LANES):
        await forge_chain(lively, lane)
    report = await audit_of(lively)
    assert not any(difference.what in {"hash", "head"} for difference in report.differences)
    assert names(report, "transactions", forged), report.differences[:10]
