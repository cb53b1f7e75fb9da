"""What the service's role may do, tried over its own connection: history cannot be altered by anyone who serves."""

from collections.abc import Iterator
from typing import LiteralString

import psycopg
import pytest
from psycopg import Connection, sql

from ledger.ids import LedgerKey
from ledger.store.ledger_row import create_ledger
from tests.databases import LedgerDatabase

# A column here is a projection, a state or a set-up that changes; what is not here is written once.
MAY_UPDATE = {
    "lanes": {"next_sequence", "next_lot", "recorded_at", "head"},
    "lots": {"remaining", "held", "expired", "expiries", "is_open"},
    "member_points": {"posted", "held", "shortfall", "next_lapse_at", "pending_until"},
    "shortfalls": {"remaining"},
    "party_balances": {"balance"},
    "taken_back": {"points", "spend_minor", "expired_counted"},
    "holds": {"remaining", "moved_lane", "moved_sequence"},
    "hold_lots": {"remaining"},
    "gift_months": {"given", "received"},
    "caps": {"is_swept", "alert_level"},
    "approvals": {"state", "request", "decided_by", "decided_at", "lane", "sequence"},
    "members": {"status", "into_member", "into_lane"},
    "member_names": {"lane", "member", "blocked_at"},
    "member_codes": {"lane", "member", "used_at", "used_lane", "used_sequence"},
    "member_tokens": {"lane", "member"},
    "registry": {"version"},
    "programmes": {"is_open", "gift_points_a_month", "closed_through"},
    "programme_partners": {"may_issue", "may_accept", "issuing_suspended_at", "suspension_reason"},
    "credentials": {"expires_at", "revoked_at"},
    "sandbox_clock": {"now", "running_since"},
    "sessions": {"seen_at"},
    "imports": {
        "state",
        "byte_offset",
        "lines_done",
        "posted",
        "refused",
        "failed",
        "partly_posted",
        "finished_at",
        "failure",
        "file_name",
        "mapping",
    },
    "webhooks": {
        "state",
        "pause_reason",
        "secret",
        "former_secret",
        "former_secret_ends_at",
        "positions",
        "planned_to",
        "failures",
        "failing_since",
        "next_probe_at",
    },
    "webhook_deliveries": {
        "next_attempt_at",
        "claimed_until",
        "first_attempt_at",
        "last_attempt_at",
        "ended_at",
        "attempts",
        "last_status",
        "last_failure",
        "state",
    },
    "jobs": {"next_run_at", "last_started_at", "last_finished_at", "last_outcome"},
    "consents": {"revoked_at", "revoked_by"},
    "money_balances": {"balance_minor"},
    "bank_days": {"is_business", "note", "set_by"},
    "appeals": {"state", "decided_at", "decided_by", "answer", "approval_id"},
    "cover_movements": {"is_posted", "attempt"},
    "disputes": {
        "is_held",
        "state",
        "decided_by",
        "decided_at",
        "decision_reason",
        "reversal_lane",
        "reversal_sequence",
    },
    "payment_notices": {"received_minor", "state"},
    "payments": {"state", "reason", "message_id"},
    "settlement_batch_days": {"is_freed"},
    "settlement_batches": {"state", "sequence"},
    "settlement_proposals": {"state", "decided_by", "decided_at", "decision_reason", "outcome", "decision"},
    "suspense_items": {"matched_by", "matched_to"},
}
# What people wrote, what says who a member is, and what was agreed to: erased with the member or after a time.
MAY_DELETE = {
    "appeals",
    "member_codes",
    "member_tokens",
    "member_names",
    "details",
    "personal_data",
    "consents",
    "import_lines",
    "webhooks",
    "webhook_deliveries",
    "sessions",
}
MAY_NOT_INSERT = {"ledger", "lanes", "registry", "sandbox_clock", "alembic_version"}
JOURNAL = {
    "transactions",
    "postings",
    "lots",
    "idempotency_keys",
    "particulars",
    "lot_origins",
    "money_postings",
    "contract_terms",
    "epochs",
    "epoch_starts",
}


@pytest.fixture
def service(database: LedgerDatabase) -> Iterator[Connection]:
    """The service's own connection to a ledger."""
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, LedgerKey(bytes(32)), lanes=2)
    with psycopg.connect(database.service_url, autocommit=True) as connection:
        yield connection


def columns(connection: Connection) -> dict[str, list[str]]:
    """Every table of the ledger, partitions too, with its columns."""
    rows = connection.execute(
        "select c.relname, array_agg(a.attname::text order by a.attnum)"
        " from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') group by 1"
    ).fetchall()
    return dict(rows)


def is_refused(connection: Connection, statement: sql.SQL | sql.Composed) -> bool:
    """Whether a statement fails for want of the right to it, and for no other reason."""
    try:
        connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


def test_only_projections_states_and_set_up_can_be_updated_column_by_column(service: Connection) -> None:
    update = sql.SQL("update {table} set {column} = {column} where false")
    may = {
        (table, column)
        for table, names in columns(service).items()
        for column in names
        if not is_refused(service, update.format(table=sql.Identifier(table), column=sql.Identifier(column)))
    }
    assert may == {(table, column) for table, names in MAY_UPDATE.items() for column in names}


def test_nothing_can_be_deleted_but_what_erasing_tokens_and_webhooks_need(service: Connection) -> None:
    delete = sql.SQL("delete from {table} where false")
    may = {table for table in columns(service) if not is_refused(service, delete.format(table=sql.Identifier(table)))}
    assert may == MAY_DELETE


def test_nothing_can_be_truncated(service: Connection) -> None:
    for table in columns(service):
        assert is_refused(service, sql.SQL("truncate {table}").format(table=sql.Identifier(table))), table


def test_no_table_can_be_dropped_or_altered(service: Connection) -> None:
    for table in columns(service):
        for statement in (sql.SQL("drop table {table}"), sql.SQL("alter table {table} add column more int")):
            assert is_refused(service, statement.format(table=sql.Identifier(table))), table


def test_the_ledgers_own_rows_and_partitions_cannot_be_inserted_directly(service: Connection) -> None:
    insert = sql.SQL("insert into {table} select * from {table} where false")
    refused = {table for table in columns(service) if is_refused(service, insert.format(table=sql.Identifier(table)))}
    partitions = {table for table in columns(service) if "_part_" in table}
    assert partitions
    assert refused == MAY_NOT_INSERT | partitions


def test_the_journal_is_among_the_tables_that_were_tried(service: Connection) -> None:
    tried = columns(service)
    assert tried.keys() >= JOURNAL
    assert not MAY_DELETE & JOURNAL
    for table in JOURNAL - {"lots"}:
        assert table not in MAY_UPDATE
    assert not MAY_UPDATE["lots"] & {"original", "funding", "expires_on", "earned_at", "member", "restored_from"}


def test_a_row_that_is_there_cannot_be_changed_or_removed(service: Connection) -> None:
    service.execute(
        "insert into postings (sequence, amount, debit_owner, credit_owner, lot, lane, line, debit_kind, credit_kind)"
        " values (1, 5, 1, 1, 1, 0, 0, 1, 2)"
    )
    for statement in (
        "update postings set amount = 6",
        "update postings_part_0 set amount = 6",
        "delete from postings",
        "insert into postings (sequence, amount, debit_owner, credit_owner, lot, lane, line, debit_kind, credit_kind)"
        " values (1, 6, 1, 1, 1, 0, 0, 1, 2) on conflict (lane, sequence, line) do update set amount = 6",
        "merge into postings using (select 1) as one on true when matched then delete",
        "with changed as (update postings set amount = 6 returning 1) select 1",
    ):
        assert is_refused(service, sql.SQL(statement)), statement
    assert service.execute("select amount from postings").fetchall() == [(5,)]


def test_a_members_id_stays_when_its_other_names_are_deleted(service: Connection) -> None:
    service.execute(
        "insert into member_names (digest, member, lane, partner, kind) values"
        " ('a', 1, 0, null, 'id'), ('b', 1, 0, 7, 'reference'), ('c', 1, 0, null, 'card')"
    )
    assert service.execute("delete from member_names returning kind").fetchall() == [("reference",), ("card",)]
    assert service.execute("select kind from member_names").fetchall() == [("id",)]
    assert service.execute("update member_names set blocked_at = now() returning kind").fetchall() == [("id",)]


@pytest.mark.parametrize(
    "statement",
    [
        "create table public.mine (id int)",
        "create function public.mine() returns int language sql as 'select 1'",
        "create or replace function ledger_now() returns timestamptz language sql as 'select now()'",
        "drop table postings",
        "alter table postings disable trigger all",
        "alter table postings add column note text",
        "alter table postings drop constraint postings_amount_above_zero",
        "alter table postings detach partition postings_part_0",
        "create trigger mine before insert on postings execute function suppress_redundant_updates_trigger()",
        "create rule mine as on insert to postings do instead nothing",
        "create index mine on postings (amount)",
        "alter default privileges for role citypoints_owner grant update on tables to citypoints_app",
        "create role mine",
        "alter role citypoints_app superuser",
        "create schema mine",
        "set role citypoints_owner",
        "set session_replication_role = replica",
        "alter system set fsync = off",
        "copy postings to program 'true'",
        "select setval('member_numbers', 1)",
        "do $$ begin lock table postings in access exclusive mode; end $$",
    ],
)
def test_what_only_the_owner_may_do_is_refused(service: Connection, statement: LiteralString) -> None:
    assert is_refused(service, sql.SQL(statement))


def test_the_service_cannot_grant_itself_anything(service: Connection) -> None:
    # PostgreSQL answers with a warning where the role may grant none of what it names.
    service.execute("grant update, delete on postings to citypoints_app")
    assert service.execute(
        "select has_table_privilege('postings', 'update'), has_table_privilege('postings', 'delete')"
    ).fetchone() == (False, False)


def test_a_ledger_cannot_be_made_by_the_service(database: LedgerDatabase) -> None:
    with (
        psycopg.connect(database.service_url) as service,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        create_ledger(service, LedgerKey(bytes(32)))


def test_the_service_may_do_all_that_posting_needs(service: Connection) -> None:
    assert service.execute("select lane from lanes order by lane for update").fetchall() == [(0,), (1,)]
    assert service.execute("select nextval('member_numbers')").fetchone() == (1,)
    with service.transaction():
        service.execute("select ledger_now()")
