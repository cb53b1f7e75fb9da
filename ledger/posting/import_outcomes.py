"""What became of the lines of an import, for people to read.

A line's result depends on what its key's record says, never on whether this run or an earlier one made
the record: so an import that was interrupted reports exactly what it would have reported anyway.
"""

from collections.abc import Sequence

import msgspec
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ledger.ids import Place
from ledger.posting.import_lines import LineFault, Record, shown_content
from ledger.rules.commands import Earn, TakeBack
from ledger.rules.money import MINOR_PLACES, from_minor
from ledger.rules.outcomes import KeyReused, Outcome, Posted, Refused, Replayed
from ledger.store.imports import LineReport, read_matched_spend

MALFORMED_LINE = "malformed-line"
PARTLY_POSTED = "partly-posted"
KEY_REUSED = "idempotency-key-reused"

_decode_refusal = msgspec.json.Decoder(Refused).decode


class Answered(msgspec.Struct, frozen=True):
    """A line's record with its command and what the ledger answered."""

    record: Record
    command: Earn | TakeBack
    outcome: Outcome


def report_fault(record: Record, fault: LineFault) -> LineReport:
    """Report a line that could not be read."""
    return LineReport(record.line, "failed", MALFORMED_LINE, str(fault), shown_content(record.content))


async def report_answers(pool: AsyncConnectionPool[AsyncConnection], answers: Sequence[Answered]) -> list[LineReport]:
    """Report the lines that were refused or posted in part, in the order of the answers."""
    matched = await _matched_again(pool, answers)
    reports = []
    for answer in answers:
        report = _report(answer, matched)
        if report is not None:
            reports.append(report)
    return reports


async def _matched_again(pool: AsyncConnectionPool[AsyncConnection], answers: Sequence[Answered]) -> dict[Place, int]:
    """What take-backs of an earlier run have found, from the journal."""
    take_backs = []
    for answer in answers:
        if isinstance(answer.command, TakeBack) and isinstance(answer.outcome, Replayed):
            place = _place(answer.outcome)
            if place is not None:
                take_backs.append((place, answer.outcome.record.transactions))
    if not take_backs:
        return {}
    async with pool.connection() as connection:
        return await read_matched_spend(connection, take_backs)


def _report(answer: Answered, matched: dict[Place, int]) -> LineReport | None:
    outcome, command = answer.outcome, answer.command
    if isinstance(outcome, KeyReused):
        detail = "The key of this line belongs to another request: a line before it, another file or a call."
        return _refused(answer.record, KEY_REUSED, detail)
    if isinstance(outcome, Replayed) and outcome.record.answer is not None:
        outcome = _decode_refusal(outcome.record.answer)
    if isinstance(outcome, Refused):
        return _refused(answer.record, outcome.code, outcome.detail)
    if not isinstance(command, TakeBack):
        return None
    if isinstance(outcome, Posted):
        unmatched_minor = outcome.unmatched_minor
    else:
        place = _place(outcome)
        unmatched_minor = 0 if place is None else command.spend_minor - matched[place]
    return _partly_posted(answer.record, command, unmatched_minor) if unmatched_minor else None


def _refused(record: Record, code: str, detail: str) -> LineReport:
    return LineReport(record.line, "refused", code, detail, shown_content(record.content))


def _partly_posted(record: Record, command: TakeBack, unmatched_minor: int) -> LineReport:
    detail = (
        f"Of {_money(command.spend_minor, command.currency)}, {_money(unmatched_minor, command.currency)} "
        "found no earlier earn that is not taken back yet."
    )
    return LineReport(record.line, "partly-posted", PARTLY_POSTED, detail, shown_content(record.content))


def _place(outcome: Replayed) -> Place | None:
    record = outcome.record
    if record.lane is None or record.sequence is None:
        return None
    return Place(record.lane, record.sequence)


def _money(minor: int, currency: str) -> str:
    return f"{from_minor(minor, currency) if currency in MINOR_PLACES else minor} {currency}"
