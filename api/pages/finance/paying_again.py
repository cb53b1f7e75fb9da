"""Paying again what a bank rejected or returned: a form that says where it goes, and the step as over HTTP."""

import secrets
from http import HTTPStatus

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from api.pages.finance.batch_texts import STATES
from api.pages.finance.batches import LONGEST_NAME, batch_view
from api.pages.finance.days import KEY_BYTES
from api.pages.finance.finance_view import FinanceView, finance_page, finance_view
from api.pages.finance.payment_texts import PAY_AGAIN
from api.pages.finance.refusal_texts import REFUSALS
from api.pages.finance.refusals import refusal, taken
from api.pages.finance.steps import SentStep
from api.pages.frame import see_other
from api.pages.guards import FINANCE_READERS, for_staff, own_form
from api.pages.texts import in_language
from api.requests import CityRequest
from api.schemas.contracts import masked
from api.schemas.proposals import DecisionSent
from api.settlement_access import sees_accounts
from api.settlement_steps import take_step
from ledger.errors import NotFound
from settlement.next_steps import may_take
from settlement.payments import paid_at, retry
from settlement.store.money_rows import Payment, read_payment, read_payments
from settlement.terms import Beneficiary
from settlement.vocabulary import FAILED_PAYMENTS


class _Case(msgspec.Struct, frozen=True, kw_only=True):
    """A payment, where its party is paid by now, and why it cannot be ordered again, if it cannot."""

    payment: Payment
    beneficiary: Beneficiary | None
    barred: str | None


@get("/payments/{payment:str}/again", include_in_schema=False, before_request=for_staff(*FINANCE_READERS))
async def ask_again_page(request: CityRequest, payment: FromPath[str]) -> Response[str]:
    """Say what came back and where it would go now, and ask; where it cannot be paid again, say why."""
    view, case = await _case(request, payment)
    return _ask(request, view, case)


@post("/payments/{payment:str}/again", include_in_schema=False, before_request=for_staff(*FINANCE_READERS))
async def pay_again_form(request: CityRequest, payment: FromPath[str]) -> Response[str] | Redirect:
    """Order the payment again under the form's key: sent twice, or by two people, it is one more attempt."""
    fields = await own_form(request)
    view, case = await _case(request, payment)
    reason, name = fields.get("reason", "").strip(), case.payment.end_to_end_id
    try:
        data = msgspec.convert({"reason": reason}, DecisionSent)
    except msgspec.ValidationError:
        return _ask(request, view, case, SentStep(reason=reason, wrong="reason_wrong"))
    refused = await taken(view, lambda: take_step(request, fields.get("key", ""), "retry", name, data, retry))
    if refused is not None:
        view, case = await _case(request, payment)
        return _ask(request, view, case, SentStep(reason=reason, status=refused.status, refused=refused.sentence))
    return see_other(f"/finance/batches/{case.payment.batch}?done=again")


async def _case(request: CityRequest, name: str) -> tuple[FinanceView, _Case]:
    """A payment by the id that the bank knows it by; raises NotFound."""
    view = await finance_view(request, None)
    async with view.wiring.engine.pool.connection() as connection:
        found = None if len(name) > LONGEST_NAME or "\0" in name else await read_payment(connection, name)
        if found is None:
            raise NotFound("No payment has this id.")
        beneficiaries = await paid_at(connection, found.programme)
        others = await read_payments(connection, found.batch)
    view, _ = await batch_view(request, found.batch)
    case = _Case(
        payment=found, beneficiary=beneficiaries.get(found.party), barred=_barred(view, found, beneficiaries, others)
    )
    return view, case


def _barred(
    view: FinanceView, payment: Payment, beneficiaries: dict[int, Beneficiary], others: list[Payment]
) -> str | None:
    """Why the payment cannot be ordered again by who looks, as far as it can be seen before."""
    texts = in_language(PAY_AGAIN, view.language)
    if payment.state not in FAILED_PAYMENTS:
        state = in_language(STATES, view.language)[f"payment_{payment.state}"]
        return texts["again_not_back"].format(state=state)
    if payment.is_superseded_by(others):
        return texts["again_ordered"]
    if not may_take(view.person, "pay-again"):
        return refusal(view, "forbidden", HTTPStatus.FORBIDDEN, {}).sentence
    if payment.party not in beneficiaries:
        partner = view.registry.partners[payment.party].code
        return refusal(view, "beneficiary-missing", HTTPStatus.CONFLICT, {"partner": partner}).sentence
    return None


def _ask(request: CityRequest, view: FinanceView, case: _Case, sent: SentStep | None = None) -> Response[str]:
    beneficiary = case.beneficiary
    account = "" if beneficiary is None else beneficiary.account
    return finance_page(
        request,
        view,
        "pay_again",
        texts={**STATES, **REFUSALS, **PAY_AGAIN},
        status_code=HTTPStatus.OK if sent is None else sent.status,
        back=f"/finance/payments/{case.payment.end_to_end_id}/again",
        payment=case.payment,
        party=view.registry.partners[case.payment.party],
        beneficiary=beneficiary,
        account=account if sees_accounts(request) else masked(account),
        barred=case.barred or (None if sent is None else sent.refused),
        may_propose=may_take(view.person, "pay-again"),
        reason=None if sent is None else sent.reason,
        wrong=None if sent is None else sent.wrong,
        key=secrets.token_urlsafe(KEY_BYTES),
    )


paying_again_pages = [ask_again_page, pay_again_form]
