"""One transaction before its checks: with the books as they stand before it and the set-up of its programme."""

import msgspec

from ledger.audit.books import AVAILABLE, EXPIRED, ISSUANCE, Books, Points
from ledger.audit.pages import Original
from ledger.audit.report import Findings
from ledger.audit.set_up import SetUp
from ledger.rules.accounts import CHART
from ledger.rules.journal import LotOpening, Posting, Transaction
from ledger.rules.programmes import Programme, ProgrammeVersion

_OWNER_OF_KIND: dict[int, str] = {int(kind): rule.owner for kind, rule in CHART.items()}


class Case(msgspec.Struct):
    """What the checks of one transaction look at, and where they note what differs."""

    transaction: Transaction
    programme: Programme
    books: Books
    set_up: SetUp
    findings: Findings
    original: Original | None = None

    def differ(self, what: str, found: object, expected: object) -> None:
        """Note a difference."""
        place = f"transaction {self.transaction.sequence}"
        self.findings.differ(self.transaction.lane, place, what, found, expected)

    def compare(self, what: str, found: object, expected: object) -> None:
        """Note a difference where there is one."""
        if found != expected:
            self.differ(what, found, expected)

    @property
    def points(self) -> Points:
        """The member's points before the transaction."""
        return self.books.points[self.transaction.member, self.transaction.programme]

    def version(self, number: int | None) -> ProgrammeVersion | None:
        """A version of the programme's rules."""
        return self.set_up.versions.get((self.programme.number, number or 0))

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
            return owner == self.transaction.partner
        return whose == "programme" and owner == self.programme.number
