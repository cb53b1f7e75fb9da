"""Imports: a partner's file received by a form, how far it has come, and the lines that were not posted."""

from collections.abc import Mapping
from http import HTTPStatus
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Stream

from api.import_uploads import take_in
from api.own_imports import own_import
from api.pages.frame import see_other
from api.pages.guards import for_merchants, own_upload
from api.pages.merchant.import_texts import IMPORTS
from api.pages.merchant.merchant_view import MerchantView, merchant_page, merchant_view
from api.pages_of_lists import cut, position_after
from api.requests import CityRequest
from ledger.errors import ImportMappingInvalid, MalformedRequest
from ledger.posting.import_reports import report_csv
from ledger.store.imports import Import, list_imports

ADDRESS = "/merchant/imports"
IMPORTS_PER_PAGE = 20
WHOLE = 1000
"""Progress is shown in thousandths."""

TONES = {"waiting": "plain", "running": "warn", "done": "good", "failed": "bad"}

_EXAMPLE = """\
format = "csv"
programme = "{programme}"
scene = "food"
channel = "file"
zone = "{zone}"

[key]
column = "invoice"

[member]
column = "customer"
by = "reference"

[spend]
column = "amount"
unit = "decimal"
currency = "{currency}"

[occurred_at]
column = "time"
format = "iso"
"""


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """An import as the list shows it."""

    id: str
    name: str
    state: str
    received: str
    lines: int
    posted: int
    not_posted: int


class _Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with an upload: ``name`` is the key of the sentence."""

    name: str
    entry: str
    got: str
    wanted: str


@get("/imports", include_in_schema=False, before_request=for_merchants)
async def imports_page(request: CityRequest, cursor: FromQuery[str | None] = None) -> Response[str]:
    """Offer the form, and list the imports so far."""
    return await _page(request, await merchant_view(request), cursor=cursor)


@post("/imports", include_in_schema=False, before_request=for_merchants, request_max_body_size=None)
async def upload_import(request: CityRequest) -> Response[str] | Redirect:
    """Receive a file with its mapping; the same again leads to the import that it is."""
    view = await merchant_view(request)
    async with own_upload(request, view.wiring.import_directory) as upload:
        mapping = upload.mapping.decode("utf-8", "replace")
        try:
            this = await take_in(view.wiring, view.partner.number, upload)
        except ImportMappingInvalid as error:
            return await _page(request, view, mapping=mapping, fault=_fault("mapping_invalid", error.facts))
        except MalformedRequest as error:
            return await _page(request, view, mapping=mapping, fault=_fault("file_invalid", error.facts))
    return see_other(f"{ADDRESS}/{this.import_id}")


@get("/imports/{import_id:str}", include_in_schema=False, before_request=for_merchants)
async def import_page(request: CityRequest, import_id: FromPath[str]) -> Response[str]:
    """Show how far an import has come."""
    view = await merchant_view(request)
    this = await own_import(request, import_id)
    return merchant_page(
        request,
        view,
        "import",
        texts=IMPORTS,
        this=this,
        tone=TONES[this.state],
        is_open=this.state in {"waiting", "running"},
        done=_thousandths(this),
        whole=WHOLE,
        not_posted=this.refused + this.failed + this.partly_posted,
        received=view.moment(this.created_at),
        finished=None if this.finished_at is None else view.moment(this.finished_at),
    )


@get("/imports/{import_id:str}/lines", include_in_schema=False, before_request=for_merchants)
async def download_import_lines(request: CityRequest, import_id: FromPath[str]) -> Stream:
    """The lines that were not posted, or not whole, with the reasons, as CSV."""
    view = await merchant_view(request)
    this = await own_import(request, import_id)
    return Stream(
        report_csv(view.wiring.engine.pool, this.import_id),
        media_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="import-{this.import_id}-lines.csv"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


async def _page(
    request: CityRequest,
    view: MerchantView,
    *,
    cursor: str | None = None,
    mapping: str | None = None,
    fault: _Fault | None = None,
) -> Response[str]:
    key, name = view.wiring.engine.key, f"own-imports:{view.partner.number}"
    position = position_after(key, name, cursor, IMPORTS_PER_PAGE)
    async with view.wiring.engine.pool.connection() as connection:
        found = await list_imports(
            connection,
            view.partner.number,
            before=None if position is None else UUID(position),
            limit=IMPORTS_PER_PAGE + 1,
        )
    page, following = cut(key, name, found, lambda one: str(one.import_id), IMPORTS_PER_PAGE)
    last_used = next((one.mapping for one in page if one.mapping), None)
    return merchant_page(
        request,
        view,
        "imports",
        texts=IMPORTS,
        status_code=HTTPStatus.OK if fault is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        back=ADDRESS,
        fault=fault,
        mapping=mapping or last_used or _example(view),
        rows=[_row(view, one) for one in page],
        tones=TONES,
        newest=None if cursor is None else ADDRESS,
        following=None if following is None else f"cursor={following}",
    )


def _row(view: MerchantView, this: Import) -> _Row:
    return _Row(
        id=str(this.import_id),
        name=this.file_name,
        state=this.state,
        received=view.moment(this.created_at),
        lines=this.lines_done,
        posted=this.posted,
        not_posted=this.refused + this.failed,
    )


def _fault(name: str, facts: Mapping[str, object]) -> _Fault:
    return _Fault(
        name=name,
        entry=str(facts.get("field", "")),
        got=str(facts.get("got", "")),
        wanted=str(facts.get("wanted", "")),
    )


def _thousandths(this: Import) -> int:
    if this.state == "done":
        return WHOLE
    return this.byte_offset * WHOLE // this.file_bytes if this.file_bytes else 0


def _example(view: MerchantView) -> str:
    """A mapping to begin with, in the partner's first programme."""
    programme = next(iter(view.programmes), None)
    return _EXAMPLE.format(
        programme="" if programme is None else programme.code,
        zone=view.zone,
        currency="CNY" if programme is None else programme.currency,
    )
