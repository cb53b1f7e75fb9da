"""A forger who makes the chain anew is still found: what postings mean and must look like is worked out again."""

from collections.abc import Callable

import psycopg
import pytest

from tests.audit.conftest import audit_of
from tests.audit.tampering import Row, change, connect, delete, drop_checks, forge_chain, names, pick
from tests.databases import LedgerDatabase

Connection = psycopg.Connection[Row]
Forgery = Callable[[Connection], Row]

FORGERIES: dict[str, Forgery] = {}


def forgery(forge: Forgery) -> Forgery:
    """Keep a forgery; it returns the transaction it forged."""
    FORGERIES[forge.__name__] = forge
    return forge


def _transaction_of(connection: Connection, row: Row) -> Row:
    return pick(connection, "transactions", f"t.lane = {row['lane']} and t.sequence = {row['sequence']}")


@forgery
def a_posting_is_dropped(connection: Connection) -> Row:
    posting = pick(connection, "postings", "debit_kind = 2 and credit_kind = 5 and line = 1")
    delete(connection, "postings", posting)
    return _transaction_of(connection, posting)


@forgery
def a_redemption_is_paid_to_another_partner(connection: Connection) -> Row:
    posting = pick(connection, "postings", "debit_kind = 2 and credit_kind = 5")
    change(connection, "postings", posting, credit_owner=posting["credit_owner"] % 3 + 1)
    return _transaction_of(connection, posting)


@forgery
def a_redemption_takes_another_lot_than_the_next(connection: Connection) -> Row:
    posting = pick(
        connection,
        "postings",
        "debit_kind = 2 and credit_kind = 5 and line = 0 and exists(select from postings o where o.lane = t.lane "
        "and o.sequence = t.sequence and o.line = 1 and o.amount <> t.amount)",
    )
    other = pick(
        connection, "postings", f"t.lane = {posting['lane']} and t.sequence = {posting['sequence']} and t.line = 1"
    )
    change(connection, "postings", posting, amount=posting["amount"] - 1)
    change(connection, "postings", other, amount=other["amount"] + 1)
    return _transaction_of(connection, posting)


@forgery
def an_earn_is_worth_more_than_it_says(connection: Connection) -> Row:
    posting = pick(connection, "postings", "debit_kind = 1 and credit_kind = 2")
    change(connection, "postings", posting, amount=posting["amount"] + 1)
    return _transaction_of(connection, posting)


@forgery
def an_earn_is_charged_to_another_funding(connection: Connection) -> Row:
    posting = pick(connection, "postings", "debit_kind = 1 and credit_kind = 2")
    change(connection, "postings", posting, debit_owner=posting["debit_owner"] % 3 + 1)
    return _transaction_of(connection, posting)


@forgery
def a_lot_lives_longer_than_its_rules(connection: Connection) -> Row:
    lot = pick(connection, "lots", "restored_from is null and expires_on is not null")
    connection.execute("update lots set expires_on = expires_on + 1 where lane = %(lane)s and lot = %(lot)s", lot)
    return _transaction_of(connection, lot)


@forgery
def a_restored_lot_gets_a_new_expiry(connection: Connection) -> Row:
    lot = pick(connection, "lots", "restored_from is not null")
    connection.execute("update lots set expires_on = expires_on + 1 where lane = %(lane)s and lot = %(lot)s", lot)
    return _transaction_of(connection, lot)


@forgery
def a_restored_lot_names_another_funding(connection: Connection) -> Row:
    lot = pick(connection, "lots", "restored_from is not null")
    change(connection, "lots", lot, funding=lot["funding"] % 3 + 1)
    return _transaction_of(connection, lot)


@forgery
def a_lot_is_given_to_another_member(connection: Connection) -> Row:
    lot = pick(connection, "lots", "t.lane = 1 and t.remaining > 0")
    other = pick(connection, "members", f"t.lane = 1 and t.member <> {lot['member']}")
    change(connection, "lots", lot, member=other["member"])
    return _transaction_of(connection, lot)


@forgery
def a_reversal_takes_more_than_its_original(connection: Connection) -> Row:
    reversal = pick(connection, "transactions", "kind = 3")
    return change(connection, "transactions", reversal, points=reversal["points"] + 1_000)


@forgery
def a_reversal_names_another_original(connection: Connection) -> Row:
    reversal = pick(connection, "transactions", "kind = 3 and reverses_sequence > 3")
    return change(connection, "transactions", reversal, reverses_sequence=reversal["reverses_sequence"] - 1)


@forgery
def a_reversal_names_a_later_transaction(connection: Connection) -> Row:
    reversal = pick(connection, "transactions", "kind = 3")
    return change(connection, "transactions", reversal, reverses_sequence=reversal["sequence"] + 1)


@forgery
def a_reversal_takes_back_more_spend(connection: Connection) -> Row:
    reversal = pick(connection, "transactions", "kind = 3 and spend_minor > 0")
    return change(connection, "transactions", reversal, spend_minor=reversal["spend_minor"] + 1_000_000)


@forgery
def a_shortfall_is_forgotten(connection: Connection) -> Row:
    posting = pick(connection, "postings", "debit_kind = 4 and credit_kind = 1")
    delete(connection, "postings", posting)
    return _transaction_of(connection, posting)


@forgery
def a_shortfall_is_not_repaid(connection: Connection) -> Row:
    posting = pick(connection, "postings", "debit_kind = 2 and credit_kind = 4")
    connection.execute(
        "delete from postings where lane = %(lane)s and sequence = %(sequence)s and line >= %(line)s", posting
    )
    return _transaction_of(connection, posting)


@forgery
def an_expiry_keeps_the_issuers_points(connection: Connection) -> Row:
    posting = pick(connection, "postings", "debit_kind = 6 and credit_kind = 1")
    delete(connection, "postings", posting)
    return _transaction_of(connection, posting)


@forgery
def an_expiry_comes_before_the_lapse(connection: Connection) -> Row:
    expiry = pick(connection, "transactions", "kind = 4")
    connection.execute(
        "update transactions set recorded_at = recorded_at - interval '1 year', occurred_at = occurred_at - "
        "interval '1 year' where lane = %(lane)s and sequence = %(sequence)s",
        expiry,
    )
    return expiry


@forgery
def an_answer_showed_another_balance(connection: Connection) -> Row:
    earn = pick(connection, "transactions", "kind = 1")
    return change(connection, "transactions", earn, available_after=earn["available_after"] + 1)


@forgery
def a_pending_balance_was_shown_as_available(connection: Connection) -> Row:
    earn = pick(connection, "transactions", "pending_after > 0")
    both = earn["available_after"] + earn["pending_after"]
    return change(connection, "transactions", earn, available_after=both, pending_after=0)


@forgery
def an_expiry_hides_under_another_key(connection: Connection) -> Row:
    expiry = pick(connection, "transactions", "kind = 4")
    key = pick(connection, "idempotency_keys", f"digest = '\\x{expiry['key_digest'].hex()}'")
    change(connection, "idempotency_keys", key, digest=bytes(range(32)))
    return change(connection, "transactions", expiry, key_digest=bytes(range(32)))


@pytest.mark.parametrize("name", FORGERIES)
async def test_a_forged_chain_does_not_hide_that(lively: LedgerDatabase, name: str) -> None:
    with connect(lively) as connection:
        for table in ("transactions", "postings", "lots"):
            drop_checks(connection, table)
        forged = FORGERIES[name](connection)
    await forge_chain(lively, forged["lane"])
    report = await audit_of(lively)
    assert not any(difference.what in {"hash", "head"} for difference in report.differences)
    assert names(report, "transactions", forged), report.differences[:10]


async def test_a_forged_chain_of_unchanged_rows_is_the_same_chain(lively: LedgerDatabase) -> None:
    for lane in range(3):
        await forge_chain(lively, lane)
    assert (await audit_of(lively)).is_clean
