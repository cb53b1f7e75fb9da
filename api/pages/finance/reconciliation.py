"""Reconciliation: what the bank said, what does not fit, and reading in a file of the bank's."""

import hashlib
from datetime import date
from http import HTTPStatus

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from api.pages import formats
from api.pages.finance.finance_view import FinanceView, finance_page, finance_view
from api.pages.finance.suspense import today_of
from api.pages.finance.work_refusals import for_preparing, prepares
from api.pages.finance.work_texts import RECONCILIATION
from api.pages.frame import see_other
from api.pages.guards import FINANCE_READERS, for_staff, own_form_with_file
from api.requests import CityRequest
from api.signing_in.uploads import ROOM_FOR_FIELDS, FileTooLarge
from ledger.errors import BankFileInvalid, NotFound
from settlement.reconciliation import LARGEST_BYTES, BankFileOutcome, import_bank_file
from settlement.store.bank_rows import KeptFile, list_files, read_file, sum_items
from settlement.store.money_rows import Notice, Payment, list_open_notices, list_unfinished
from settlement.vocabulary import FAILED_PAYMENTS

MOST_ROWS = 50
MOST_FILES = 20
COUNTS = ("confirmed", "accepted", "rejected", "returned", "received", "suspended", "repeated")
_SHORTEST_DIGEST = 64

_UNANSWERED = ("instructed", "accepted")
_STAFF = for_staff(*FINANCE_READERS)
_decode = msgspec.json.Decoder(BankFileOutcome).decode


class PaymentLine(msgspec.Struct, frozen=True):
    """A payment as people read it."""

    id: str
    party: str
    amount: str
    batch: str
    state: str
    reason: str
    ordered_at: str


class NoticeLine(msgspec.Struct, frozen=True):
    """A notice as people read it."""

    reference: str
    party: str
    still_open: str
    due_on: str
    is_overdue: bool


class FileLine(msgspec.Struct, frozen=True):
    """A file that was read in, with what came of it where it was counted."""

    digest: str
    kind: str
    message_id: str
    imported_by: str
    imported_at: str
    counts: tuple[tuple[str, int], ...]


@get("/reconciliation", include_in_schema=False, before_request=_STAFF)
async def reconciliation_page(request: CityRequest, programme: FromQuery[str | None] = None) -> Response[str]:
    """Show what does not fit, and take a file of the bank's."""
    return await _page(request, await finance_view(request, programme))


@post(
    "/reconciliation",
    include_in_schema=False,
    before_request=for_preparing,
    request_max_body_size=LARGEST_BYTES + ROOM_FOR_FIELDS,
)
async def read_in(request: CityRequest) -> Response[str] | Redirect:
    """Read in a bank's file; the same one again changes nothing. A bad one is told of, and nothing of it is used."""
    try:
        sent = await own_form_with_file(request, "file", LARGEST_BYTES)
    except FileTooLarge:
        view = await finance_view(request, None)
        return await _page(request, view, wrong="upload_large", status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    view = await finance_view(request, sent.fields.get("programme"))
    if not sent.content:
        return await _page(request, view, wrong="upload_missing", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
    digest = hashlib.sha256(sent.content).digest()
    async with view.wiring.engine.pool.connection() as connection:
        is_known = await read_file(connection, digest) is not None
    try:
        await import_bank_file(view.wiring.engine, view.person, sent.content)
    except BankFileInvalid as error:
        return _bad_file(request, view, error, sent.name)
    again = "&again=1" if is_known else ""
    return see_other(f"/finance/reconciliation/files/{digest.hex()}?programme={view.programme.code}{again}")


@get("/reconciliation/files/{digest:str}", include_in_schema=False, before_request=_STAFF)
async def file_page(
    request: CityRequest,
    digest: FromPath[str],
    programme: FromQuery[str | None] = None,
    again: FromQuery[str | None] = None,
) -> Response[str]:
    """Say what came of a file that was read in; raises NotFound."""
    view = await finance_view(request, programme)
    found = None
    if len(digest) == _SHORTEST_DIGEST and digest.isascii() and digest.isalnum():
        try:
            name = bytes.fromhex(digest)
        except ValueError as error:
            raise NotFound("No bank file has this name.") from error
        async with view.wiring.engine.pool.connection() as connection:
            found = await read_file(connection, name)
    if found is None:
        raise NotFound("No bank file has this name.")
    return finance_page(
        request, view, "bank_file", texts=RECONCILIATION, file=_file(found, view), is_again=again is not None
    )


async def _page(
    request: CityRequest, view: FinanceView, *, wrong: str | None = None, status_code: int = HTTPStatus.OK
) -> Response[str]:
    number = view.programme.number
    async with view.wiring.engine.pool.connection() as connection:
        today = await today_of(connection, view)
        unanswered = await list_unfinished(connection, number, _UNANSWERED, MOST_ROWS + 1)
        came_back = await list_unfinished(connection, number, sorted(FAILED_PAYMENTS), MOST_ROWS + 1)
        notices = await list_open_notices(connection, number, MOST_ROWS + 1)
        suspended = await sum_items(connection, number)
        files = await list_files(connection, MOST_FILES)
    overdue = sum(notice.due_on < today for notice in notices)
    return finance_page(
        request,
        view,
        "reconciliation",
        texts=RECONCILIATION,
        status_code=status_code,
        back=f"/finance/reconciliation?programme={view.programme.code}",
        unanswered=[_payment(one, at, view) for one, at in unanswered[:MOST_ROWS]],
        came_back=[_payment(one, at, view) for one, at in came_back[:MOST_ROWS]],
        notices=[_notice(one, view, today) for one in notices[:MOST_ROWS]],
        is_cut=max(len(unanswered), len(came_back), len(notices)) > MOST_ROWS,
        differences=[
            ("in_suspense", sum(count for _, count, _ in suspended)),
            ("came_back", len(came_back)),
            ("unanswered", len(unanswered)),
            ("overdue", overdue),
        ],
        files=[_file(one, view) for one in files],
        may_upload=prepares(view.person),
        wrong=wrong,
    )


def _bad_file(request: CityRequest, view: FinanceView, error: BankFileInvalid, name: str) -> Response[str]:
    return finance_page(
        request,
        view,
        "bank_file_bad",
        texts=RECONCILIATION,
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY,
        back=f"/finance/reconciliation?programme={view.programme.code}",
        name=name,
        facts={key: str(error.facts.get(key, ""))[:500] for key in ("field", "got", "wanted")},
    )


def _payment(payment: Payment, at: int, view: FinanceView) -> PaymentLine:
    return PaymentLine(
        id=payment.end_to_end_id,
        party=view.registry.partners[payment.party].name,
        amount=formats.money(payment.amount_minor, payment.currency, view.language),
        batch=payment.batch,
        state=payment.state,
        reason=payment.reason or "",
        ordered_at=formats.moment(at, view.programme.zone, view.language),
    )


def _notice(notice: Notice, view: FinanceView, today: date) -> NoticeLine:
    return NoticeLine(
        reference=notice.reference,
        party=view.registry.partners[notice.party].name,
        still_open=formats.money(notice.open_minor, notice.currency, view.language),
        due_on=formats.day(notice.due_on, view.language),
        is_overdue=notice.due_on < today,
    )


def _file(file: KeptFile, view: FinanceView) -> FileLine:
    outcome = _decode(file.outcome)
    counted = ((name, int(getattr(outcome, name))) for name in COUNTS)
    return FileLine(
        digest=file.digest.hex(),
        kind=file.kind,
        message_id=file.message_id,
        imported_by=file.imported_by,
        imported_at=formats.moment(file.imported_at, view.programme.zone, view.language),
        counts=tuple((name, count) for name, count in counted if count),
    )


reconciliation_pages = [reconciliation_page, read_in, file_page]
