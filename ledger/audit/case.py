"""One transaction before its checks: with the books as they stand before it and the set-up of its programme."""

from collections.abc import Iterable

import msgspec

from ledger.audit.books import AVAILABLE, EXPIRED, ISSUANCE, Books, particulars_of
from ledger.audit.crossing import Crossing
from ledger.audit.named import Named, Original
from ledger.audit.points import Lot, Points
from ledger.audit.report import Findings
from ledger.audit.set_up import SetUp
from ledger.ids import Place
from ledger.rules.accounts import CHART
from ledger.rules.journal import LotOpening, Particulars, Posting, Transaction, TransactionKind
from ledger.rules.programmes import Programme, ProgrammeVersion

_OWNER_OF_KIND: dict[int, str] = {int(kind): rule.owner for kind, rule in CHART.items()}


class Case(msgspec.Struct):
    """What the checks of one transaction look at, and where they note what differs.

    ``points`` are the member's, in the transaction's programme, before it.
    """

    transaction: Transaction
    programme: Programme
    points: Points
    books: Books
    set_up: SetUp
    findings: Findings
    named: Named
    crossing: Crossing

    def differ(self, what: str, found: object, expected: object) -> None:
        """Note a difference."""
        place = f"transaction {self.transaction.sequence}"
        self.findings.differ(self.transaction.lane, place, what, found, expected)

    def compare(self, what: str, found: object, expected: object) -> None:
        """Note a difference where there is one."""
        if found != expected:
            self.differ(what, found, expected)

    @property
    def place(self) -> Place:
        """The transaction's lane and sequence."""
        return Place(self.transaction.lane, self.transaction.sequence)

    @property
    def particulars(self) -> Particulars:
        """The transaction's particulars; of a kind that has none, empty ones."""
        return particulars_of(self.transaction)

    @property
    def original(self) -> Original | None:
        """The transaction that a reversal names."""
        lane, sequence = self.transaction.reverses_lane, self.transaction.reverses_sequence
        return None if lane is None or sequence is None else self.named.originals.get(Place(lane, sequence))

    def version(self, number: int | None) -> ProgrammeVersion | None:
        """A version of the programme's rules."""
        return self.set_up.versions.get((self.programme.number, number or 0))

    def uses(self, lots: Iterable[Lot], amount_points: int) -> list[tuple[Lot, int]]:
        """How an amount is taken from lots in their order; too few points in them are a difference."""
        uses: list[tuple[Lot, int]] = []
        rest = amount_points
        for lot in lots:
            if rest == 0:
                break
            taken = min(lot.remaining, rest)
            rest -= taken
            uses.append((lot, taken))
        if rest:
            self.differ("points", amount_points, f"at most {amount_points - rest}, which the lots have")
        return uses

    def spent(self, lots: Iterable[Lot], credit_kind: int, credit_owner: int) -> tuple[Posting, ...]:
        """The postings that take the transaction's points from a member's lots."""
        transaction = self.transaction
        return tuple(
            Posting(AVAILABLE, transaction.member, credit_kind, credit_owner, taken, lot.opening.lot)
            for lot, taken in self.uses(lots, transaction.points)
        )

    def check_frame(
        self,
        *,
        occurred_at: int | None = None,
        memo: tuple[str | None, str | None, str | None] = (None, None, None),
        version: int | None = None,
    ) -> None:
        """What a kind leaves no choice in: when it occurred (None: as recorded), where, and by which version."""
        transaction = self.transaction
        self.compare(
            "occurred_at", transaction.occurred_at, transaction.recorded_at if occurred_at is None else occurred_at
        )
        self.compare("scene, channel and outlet", (transaction.scene, transaction.channel, transaction.outlet), memo)
        found = (transaction.spend_minor, transaction.programme_version)
        self.compare("spend and programme version", found, (None, version))

    def expiry_of(self, opening: LotOpening, amount_points: int) -> tuple[Posting, ...]:
        """The two legs of an expiry: from the member, and back to whoever issued."""
        transaction, programme = self.transaction, self.programme.number
        return (
            Posting(AVAILABLE, transaction.member, EXPIRED, programme, amount_points, opening.lot),
            Posting(EXPIRED, programme, ISSUANCE, opening.funding, amount_points, opening.lot),
        )

    def check_postings(self) -> None:
        """Amounts are above zero, and every account is of the chart and belongs to who takes part."""
        for posting in self.transaction.postings:
            if posting.amount <= 0:
                self.differ("amount of a posting", posting.amount, "more than 0")
            if not self._may_move(posting.debit_kind, posting.debit_owner):
                self.differ("debit account", f"kind {posting.debit_kind} of {posting.debit_owner}", "its own account")
            if not self._may_move(posting.credit_kind, posting.credit_owner):
                found = f"kind {posting.credit_kind} of {posting.credit_owner}"
                self.differ("credit account", found, "its own account")

    def _may_move(self, kind: int, owner: int) -> bool:
        whose = _OWNER_OF_KIND.get(kind)
        if whose == "member":
            return owner == self.transaction.member
        if whose == "funding":
            return owner in self.set_up.registry.fundings
        if whose == "partner":
            return owner == self.transaction.partner or (
                self.transaction.kind == TransactionKind.SETTLE and owner in self.set_up.registry.partners
            )
        if whose == "cap":
            cap = self.set_up.caps.get(owner)
            return cap is not None and cap.programme == self.programme.number
        return whose == "programme" and owner == self.programme.number
