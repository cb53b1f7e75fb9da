"""What is agreed in the demo city: a contract with every partner, our bank account, and a day on which banks rest.

Proposed by the demo's clerk and approved by its approver, like any other. Ids come from the seed, so agreeing again
changes nothing.
"""

from datetime import date
from uuid import NAMESPACE_OID, uuid5

from api.demo.city import PARTNERS, DemoPartner
from api.demo.month import CURRENCY, SEED
from ledger.posting.engine import Engine
from ledger.rules.programmes import Programme
from ledger.store.unit_of_work import unit_of_work
from settlement.people import Person
from settlement.proposals import AnyRequest, TermsRequest, approve_proposal, propose
from settlement.set_up import AccountRequest, read_accounts
from settlement.store.day_rows import set_bank_days
from settlement.store.term_rows import read_book
from settlement.terms import Beneficiary
from settlement.vocabulary import APPROVER, CLERK

DEMO_CLERK = Person("finance-clerk", frozenset({CLERK}))
DEMO_APPROVER = Person("finance-approver", frozenset({APPROVER}))
"""The people of the demo by their names at its identity provider: whoever signs in as one of them is this person."""

HOUSE = AccountRequest(CURRENCY, "城市积分清算有限公司", "CN0900000000000HOUSE", "102100000012")
"""Our account; the demo's bank knows it by this IBAN."""

RESERVE_MICROS, FEE_MICROS = 9_500, 2_500
REIMBURSEMENT_MICROS, COMMISSION_MICROS = 9_500, 20_000
PUBLIC_FEE_MICROS = 1_000
WEEKLY = frozenset({"BRIGHT-EYES", "EVENING-SCHOOL"})
_FIRST_ACCOUNT = 6_222_020_200_100_000_000
_STARTS_ON = date(2026, 1, 1)


async def agree(engine: Engine, programme: Programme, until: date) -> None:
    """Have every contract approved that is missing, and our account; ``until`` is the city's last day so far."""
    async with engine.pool.connection() as connection:
        known = set((await read_book(connection, programme.number)).partners)
        accounts = await read_accounts(connection, programme.number)
        async with unit_of_work(connection):
            new_year = date(until.year + 1, 1, 1)
            await set_bank_days(connection, [new_year], "元旦 New Year", DEMO_CLERK.name, is_business=False)
    if HOUSE.currency not in accounts:
        await _agree(engine, programme, "account", HOUSE)
    for number, partner in enumerate(PARTNERS, start=1):
        found = engine.registry.current.partner_coded(partner.code)
        if found is not None and found.number not in known:
            await _agree(engine, programme, partner.code, terms_of(partner, number))


def terms_of(partner: DemoPartner, number: int) -> TermsRequest:
    """A partner's contract: what it gives costs it, what it takes is paid to its own account."""
    is_public = partner.kind in {"government", "charity"}
    return TermsRequest(
        partner=partner.code,
        starts_on=_STARTS_ON,
        reserve_micros=RESERVE_MICROS if partner.may_issue else None,
        fee_micros=0 if not partner.may_issue else PUBLIC_FEE_MICROS if is_public else FEE_MICROS,
        reimbursement_micros=REIMBURSEMENT_MICROS if partner.may_accept else None,
        commission_micros=0 if is_public or not partner.may_accept else COMMISSION_MICROS,
        cycle="weekly" if partner.code in WEEKLY else "daily",
        beneficiary=Beneficiary(partner.name, str(_FIRST_ACCOUNT + number * 7_919), "102290000010"),
    )


async def _agree(engine: Engine, programme: Programme, name: str, request: AnyRequest) -> None:
    proposal = uuid5(NAMESPACE_OID, f"citypoints-demo-{SEED}-{name}")
    await propose(engine, DEMO_CLERK, programme, request, "合同已签署 contract signed", proposal)
    await approve_proposal(engine, DEMO_APPROVER, proposal, "与合同一致 agrees with the contract")
