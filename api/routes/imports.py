"""Imports: a partner's file is received here and worked off in the background."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from litestar import Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import PathParameter
from litestar.response import Stream

from api.access import for_partners, partner_of
from api.import_uploads import FILE, MAPPING, MULTIPART, received_upload, take_in
from api.own_imports import own_import
from api.problems import problem_responses
from api.requests import CityRequest
from api.routes.declarations import READ_PROBLEMS, also_answers, answers
from api.schemas.imports import ImportAnswer, import_answer, import_path
from api.wiring import wiring_of
from ledger.posting.import_reports import report_csv

CSV = "text/csv"

ImportPath = Annotated[str, PathParameter(description="The id of an import.")]


@dataclass
class UploadOperation(Operation):
    """The body, which no handler's argument describes, since it is streamed."""

    def __post_init__(self) -> None:
        """Describe the two parts."""
        binary = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY, description="CSV or NDJSON, of any size.")
        toml = Schema(type=OpenAPIType.STRING, description="TOML that says which column is what; see docs/imports.md.")
        schema = Schema(
            type=OpenAPIType.OBJECT,
            properties={FILE: binary, MAPPING: toml},
            required=[FILE, MAPPING],
            additional_properties=False,
        )
        self.request_body = RequestBody(content={MULTIPART: OpenAPIMediaType(schema=schema)}, required=True)


@post(
    "/v1/imports",
    before_request=for_partners,
    status_code=HTTPStatus.ACCEPTED,
    request_max_body_size=None,
    operation_class=UploadOperation,
    operation_id="postImport",
    summary="Import a file",
    tags=["Imports"],
    responses={
        **answers(
            HTTPStatus.ACCEPTED,
            ImportAnswer,
            "Received; it is worked off in the background.",
            *READ_PROBLEMS,
            "import-mapping-invalid",
            "unsupported-media-type",
            "busy",
        ),
        **also_answers(HTTPStatus.OK, ImportAnswer, "The same file and mapping were imported before: nothing changes."),
    },
)
async def post_import(request: CityRequest) -> Response[ImportAnswer]:
    """Receive a file and its mapping. The same file with the same mapping is the same import.

    Each line has the idempotency key that the mapping names, so no line is ever posted twice.
    """
    partner = partner_of(request).partner
    wiring = wiring_of(request)
    async with received_upload(request, wiring.import_directory) as upload:
        this = await take_in(wiring, partner, upload)
    if this.state == "done":
        return Response(import_answer(this), status_code=HTTPStatus.OK, headers={"Location": import_path(this)})
    return Response(import_answer(this), status_code=HTTPStatus.ACCEPTED, headers={"Location": import_path(this)})


@get(
    "/v1/imports/{import_id:str}",
    before_request=for_partners,
    operation_id="getImport",
    summary="Read how far an import has come",
    tags=["Imports"],
    responses=answers(HTTPStatus.OK, ImportAnswer, "The import.", *READ_PROBLEMS, "not-found"),
)
async def get_import(request: CityRequest, import_id: ImportPath) -> Response[ImportAnswer]:
    """Read an import of yours: `waiting`, `running`, `done`, or `failed` on a fault of the service's own."""
    return Response(import_answer(await own_import(request, import_id)), status_code=HTTPStatus.OK)


@get(
    "/v1/imports/{import_id:str}/lines",
    before_request=for_partners,
    media_type=CSV,
    operation_id="getImportLines",
    summary="Download the lines that were not posted",
    tags=["Imports"],
    responses={
        HTTPStatus.OK: ResponseSpec(
            str, generate_examples=False, media_type=CSV, description="CSV: line, outcome, code, detail, content."
        ),
        **problem_responses(*READ_PROBLEMS, "not-found"),
    },
)
async def get_import_lines(request: CityRequest, import_id: ImportPath) -> Stream:
    """Download the lines refused, failed or posted in part, with the reason and what they said."""
    this = await own_import(request, import_id)
    return Stream(
        report_csv(wiring_of(request).engine.pool, this.import_id),
        media_type=CSV,
        headers={"Content-Disposition": f'attachment; filename="import-{this.import_id}-lines.csv"'},
    )


import_routes = [post_import, get_import, get_import_lines]
