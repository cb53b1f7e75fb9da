"""Rows of contracts and quotes."""

from datetime import date
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from ledger.rules.business_day import to_datetime
from settlement.terms import ContractTerms, TermsBook

_READ_BOOK = "select document from contract_terms where programme = %s order by partner, version"
_READ_HISTORY = """
select t.document, p.proposed_by, p.proposed_at, p.decided_by, p.decided_at, p.reason
from contract_terms t join settlement_proposals p on p.proposal = t.proposal
where t.programme = %s and t.partner = %s order by t.version
"""
_ADD_TERMS = """
insert into contract_terms (programme, partner, version, starts_on, document, proposal)
values (%s, %s, %s, %s, %s, %s)
"""
_READ_QUOTE = """
select quote from fx_quotes
where programme = %s and currency = %s and valid_from <= %s and expires_at > %s
order by valid_from desc, quoted_at desc limit 1
"""
_ADD_QUOTE = """
insert into fx_quotes (programme, currency, quote, valid_from, expires_at, quoted_at, source, quoted_by)
values (%s, %s, %s, %s, %s, clock_timestamp(), %s, %s)
"""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ContractTerms).decode


class DatedTerms(msgspec.Struct, frozen=True):
    """A version of a contract with who proposed and approved it, when (microseconds since 1970 UTC) and why."""

    terms: ContractTerms
    proposed_by: str
    proposed_at: int
    approved_by: str
    approved_at: int
    reason: str


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A rate: hundred-millionths of the foreign currency for one of the programme's; instants in microseconds."""

    programme: int
    currency: str
    quote: int
    valid_from: int
    expires_at: int
    source: str


async def read_book(connection: AsyncConnection, programme: int) -> TermsBook:
    """All versions of all contracts of a programme."""
    cursor = await connection.execute(_READ_BOOK, [programme])
    return TermsBook([_decode(document) for (document,) in await cursor.fetchall()])


async def read_history(connection: AsyncConnection, programme: int, partner: int) -> list[DatedTerms]:
    """A partner's versions, the oldest first, with who decided them."""
    cursor = await connection.execute(_READ_HISTORY, [programme, partner])
    return [DatedTerms(_decode(document), *decided) for document, *decided in await cursor.fetchall()]


async def add_terms(connection: AsyncConnection, terms: ContractTerms, proposal: UUID) -> None:
    """Add a version; the one before stays. Inside a unit of work that holds the clearing lane."""
    values: list[int | date | bytes | UUID] = [terms.programme, terms.partner, terms.version, terms.starts_on]
    await connection.execute(_ADD_TERMS, [*values, _encode(terms), proposal])


async def read_quote(connection: AsyncConnection, programme: int, currency: str, at: int) -> int | None:
    """The quote in force at an instant; None where there is none."""
    moment = to_datetime(at)
    row = await (await connection.execute(_READ_QUOTE, [programme, currency, moment, moment])).fetchone()
    return None if row is None else int(row[0])


async def add_quote(connection: AsyncConnection, quote: Quote, person: str) -> None:
    """Keep a quote; quotes are never changed."""
    moments = [to_datetime(quote.valid_from), to_datetime(quote.expires_at)]
    await connection.execute(_ADD_QUOTE, [quote.programme, quote.currency, quote.quote, *moments, quote.source, person])
