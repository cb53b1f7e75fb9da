"""What a report is drawn from, and the facts and names that all reports share."""

from collections.abc import Iterable
from datetime import date

from msgspec import Struct
from psycopg import AsyncConnection

from ledger.rules.business_day import first_instant
from ledger.rules.programmes import Programme, Registry
from ledger.store.ledger_row import read_clock
from settlement.batches import Batch
from settlement.reports.document import DATE, Fact, Report, Table
from settlement.reports.texts import Language, text
from settlement.store.term_rows import read_book
from settlement.terms import ContractTerms, TermsBook


class Drawing(Struct, frozen=True, kw_only=True):
    """A batch with its programme and contracts, to be reported on in a language.

    ``made_at`` is the ledger's time now, in microseconds since 1970 UTC. ``since`` is the business day from which a
    report over a span of days begins; without one it is the batch alone, or what the report says.
    """

    connection: AsyncConnection
    registry: Registry
    programme: Programme
    book: TermsBook
    batch: Batch
    language: Language
    made_at: int
    since: date | None = None

    def text(self, key: str, **values: str | int) -> str:
        """A label in the report's language."""
        return text(key, self.language, **values)

    def party(self, number: int) -> str:
        """A partner as it is named on paper, with its code."""
        partner = self.registry.partners[number]
        return partner.code if partner.name == partner.code else f"{partner.name} ({partner.code})"

    def issuer(self, funding: int) -> str:
        """Who pays for a funding's points; several where they share."""
        shares = self.registry.fundings[funding]
        if len(shares) == 1:
            return self.party(shares[0][0])
        return " + ".join(f"{self.party(partner)} × {parts}" for partner, parts in shares)

    def lead(self, funding: int) -> int:
        """The partner whose contract prices a funding's points."""
        campaign = self.registry.campaign_funded(funding)
        own = self.registry.fundings[funding][0][0] if campaign is None else campaign.lead
        return self.batch.inputs.leads.get(funding, own)

    def price_days(self) -> list[date]:
        """The business days at whose beginning any price changes, in order."""
        later = {terms.starts_on for partner in self.book.partners for terms in self.book.versions(partner)[1:]}
        return sorted(later)

    def price_bounds(self) -> list[int]:
        """The instants at which any price changes: they divide time into segments, numbered from 0."""
        zone, cut_off = self.programme.zone, self.programme.cut_off_minutes
        return [first_instant(day, zone, cut_off) for day in self.price_days()]

    def terms_in(self, partner: int, segment: int) -> ContractTerms | None:
        """A partner's contract in a segment of time; None where it has none."""
        if segment == 0:
            return next(iter(self.book.versions(partner)), None)
        return self.book.on(partner, self.price_days()[segment - 1])

    def report(
        self,
        name: str,
        tables: Iterable[Table],
        facts: Iterable[Fact] = (),
        notes: Iterable[str] = (),
        first_day: date | None = None,
    ) -> Report:
        """A report on the batch, whose facts begin with what it is about."""
        batch = self.batch
        about = [
            Fact("programme", self.text("programme"), self.programme.code),
            Fact("batch", self.text("batch"), batch.id),
            Fact("state", self.text("state"), self.text(f"state_{batch.state}")),
            Fact("first_day", self.text("first_day"), first_day or batch.first_day, DATE),
            Fact("last_day", self.text("last_day"), batch.last_day, DATE),
        ]
        remarks = list(notes)
        if batch.sequence is None:
            remarks.insert(0, self.text("note_not_posted"))
        return Report(
            name=name,
            language=self.language,
            title=self.text(f"title_{name}"),
            time_zone=self.programme.zone,
            made_at=self.made_at,
            facts=(*about, *facts),
            tables=tuple(tables),
            notes=tuple(remarks),
        )


async def draw(
    connection: AsyncConnection, registry: Registry, batch: Batch, language: Language, since: date | None = None
) -> Drawing:
    """Make ready to report on a batch."""
    return Drawing(
        connection=connection,
        registry=registry,
        programme=registry.programme_numbered(batch.programme),
        book=await read_book(connection, batch.programme),
        batch=batch,
        language=language,
        made_at=await read_clock(connection),
        since=since,
    )
