"""Contract terms: dated, never overwritten; which version holds on a business day.

The source of every price and rate here is the contract between the operator and a partner, for a programme.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from typing import Literal

import msgspec

from ledger.errors import ContractMissing

Cycle = Literal["daily", "weekly", "monthly"]
DebitRest = Literal["collect", "carry"]
Breakage = Literal["issuer", "operator"]


class Beneficiary(msgspec.Struct, frozen=True):
    """Where a party is paid: ``clearing_code`` is the bank's in its clearing system, of CNAPS 12 digits."""

    name: str
    account: str
    clearing_code: str


class ContractTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of a partner's contract for a programme, from the business day ``starts_on`` on.

    Prices (``reserve_micros``, ``fee_micros``, ``reimbursement_micros``) are millionths of the programme's currency
    per point; rates (``commission_micros`` of the reimbursement, ``tax_micros`` of fee and commission,
    ``attribution_micros`` of the reimbursement) millionths. Without a reserve the partner does not issue, without
    a reimbursement it does not accept.

    ``nets``: what it owes and what it is owed become one sum. ``debit_rest``: what is left owed of returns is
    collected, or carried to the next batch. ``fee_is_deferred``: the fee is earned when the points are used or
    expire. ``is_own_account``: the operator's own goodwill. ``due_days`` are business days to pay a notice.
    """

    partner: int
    programme: int
    version: int
    starts_on: date
    reserve_micros: int | None = None
    fee_micros: int = 0
    reimbursement_micros: int | None = None
    commission_micros: int = 0
    currency: str
    cycle: Cycle = "daily"
    nets: bool = True
    debit_rest: DebitRest = "collect"
    credit_limit_minor: int | None = None
    prefunding_minor: int = 0
    tax_micros: int = 0
    attribution_micros: int = 0
    attribution_partner: int | None = None
    fee_is_deferred: bool = False
    breakage: Breakage = "issuer"
    is_own_account: bool = False
    due_days: int = 5
    beneficiary: Beneficiary | None = None


class TermsBook:
    """All versions of all contracts of a programme. The first version of a contract also holds before its day."""

    def __init__(self, versions: Iterable[ContractTerms]) -> None:
        self._versions: dict[int, list[ContractTerms]] = {}
        self._numbered: dict[tuple[int, int], ContractTerms] = {}
        for terms in sorted(versions, key=lambda one: one.version):
            self._versions.setdefault(terms.partner, []).append(terms)
            self._numbered[terms.partner, terms.version] = terms

    @property
    def partners(self) -> list[int]:
        """The partners that have a contract."""
        return sorted(self._versions)

    def versions(self, partner: int) -> list[ContractTerms]:
        """A partner's versions, the oldest first."""
        return self._versions.get(partner, [])

    def attributed(self, acceptors: Iterable[int]) -> set[int]:
        """The partners to whom any of the acceptors pays an attribution fee by any version of its contract."""
        found = (terms.attribution_partner for partner in acceptors for terms in self.versions(partner))
        return {partner for partner in found if partner is not None}

    def numbered(self, partner: int, version: int) -> ContractTerms:
        """One version; KeyError for one that is not there."""
        return self._numbered[partner, version]

    def on(self, partner: int, day: date) -> ContractTerms | None:
        """The version in force on a business day; None where the partner has no contract."""
        versions = self._versions.get(partner)
        if not versions:
            return None
        index = bisect_right(versions, day, key=lambda terms: terms.starts_on)
        return versions[max(index - 1, 0)]

    def issuer(self, partner: int, version: int) -> ContractTerms:
        """A version by which points are charged to their issuer; raises ContractMissing where it has no reserve."""
        terms = self._numbered.get((partner, version))
        if terms is None or terms.reserve_micros is None:
            raise missing(partner, "issuer", terms)
        return terms

    def acceptor(self, partner: int, version: int) -> ContractTerms:
        """A version by which an acceptor is paid; raises ContractMissing where it has no reimbursement."""
        terms = self._numbered.get((partner, version))
        if terms is None or terms.reimbursement_micros is None:
            raise missing(partner, "acceptor", terms)
        return terms


def missing(partner: int, side: str, terms: ContractTerms | None) -> ContractMissing:
    """The error that names what a contract lacks; the partner by number, until a step names it by its code."""
    lack = "has no contract" if terms is None else f"has no {side}'s price in version {terms.version} of its contract"
    return ContractMissing(
        f"Partner {partner} {lack}, so its {side}'s side cannot be settled.", partner=partner, side=side
    )
