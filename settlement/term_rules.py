"""What a contract or an account of ours must be in itself, whoever agreed to it. Fields are named as the doors do."""

from datetime import date
from typing import NoReturn

from ledger.errors import BankFileInvalid, MalformedRequest
from ledger.rules.money import minor_places
from settlement.bank_files.payment_rules import LONGEST_NAME, check_account, check_text, clearing_system
from settlement.rounding import MICROS
from settlement.terms import Beneficiary, ContractTerms

LARGEST_CHANGE_MINOR = 10**15
"""The most that one proposal moves, in minor units: far from where sums would leave 64 bits."""

_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)


def refuse_unfit_terms(terms: ContractTerms, own_currency: str) -> None:
    """Raise MalformedRequest for terms that nobody can be settled by; ``own_currency`` is the programme's."""
    if not _FIRST_DAY <= terms.starts_on <= _LAST_DAY:
        _refuse("$.starts_on", terms.starts_on.isoformat(), f"a day from {_FIRST_DAY} to {_LAST_DAY}")
    minor_places(terms.currency, "$.currency")
    if terms.reserve_micros is None and (terms.fee_micros or terms.prefunding_minor or terms.credit_limit_minor):
        _refuse("$.reserve", "nothing", "a reserve, since fee, prefunding and credit limit are an issuer's")
    if terms.reimbursement_micros is None and (terms.commission_micros or terms.attribution_micros):
        _refuse("$.reimbursement", "nothing", "a reimbursement, which commission and attribution fee are rates of")
    if (terms.attribution_partner is None) != (terms.attribution_micros == 0):
        _refuse(
            "$.attribution_partner", "one of partner and fee", "attribution_fee and attribution_partner, or neither"
        )
    if terms.attribution_partner == terms.partner:
        _refuse("$.attribution_partner", "the partner itself", "another partner")
    if terms.commission_micros + terms.attribution_micros > MICROS:
        _refuse("$.commission", "more than 1 with attribution_fee", "rates that leave something of the reimbursement")
    if terms.is_own_account and terms.currency != own_currency:
        _refuse("$.currency", terms.currency, f"{own_currency} for the operator's own account")
    if terms.beneficiary is not None:
        refuse_unfit_account(terms.currency, terms.beneficiary)


def refuse_unfit_account(currency: str, account: Beneficiary) -> None:
    """Raise MalformedRequest for an account that a payment in a currency cannot lead to.

    Said when it is agreed on, not by the bank when a whole batch is to be paid.
    """
    minor_places(currency, "$.currency")
    place = "$.beneficiary"
    try:
        check_text(account.name, f"{place}.name", LONGEST_NAME, currency)
        check_account(account.account, f"{place}.account")
        clearing_system(account.clearing_code, currency, f"{place}.clearing_code")
    except BankFileInvalid as error:
        raise MalformedRequest(error.detail, **error.facts) from error


def refuse_unfit_amount(amount_minor: int) -> None:
    """Raise MalformedRequest for an amount of nothing, and for one that no party is owed; minor units."""
    if not 0 < abs(amount_minor) <= LARGEST_CHANGE_MINOR:
        _refuse("$.amount", str(amount_minor), f"1 to {LARGEST_CHANGE_MINOR} minor units")


def _refuse(field: str, got: str, wanted: str) -> NoReturn:
    raise MalformedRequest(f"{field} is {got}; wanted is {wanted}.", field=field, got=got, wanted=wanted)
