import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import psycopg
import psycopg_pool
import pytest
from litestar import Litestar, Request, get, post
from litestar.exceptions import NotAuthorizedException, TooManyRequestsException
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter
from litestar.testing import TestClient
from structlog.testing import capture_logs

from api.problems import (
    EXCEPTION_HANDLERS,
    PROBLEM_MEDIA_TYPE,
    PROBLEM_TYPES,
    problem_document,
    problem_response,
    problem_responses,
)
from ledger import errors

STABLE = {
    "insufficient-points": (409, False, "Not enough points"),
    "member-not-found": (404, False, "Member not found"),
    "code-used": (409, False, "Code has been used"),
    "code-expired": (409, False, "Code is no longer good"),
    "member-frozen": (409, False, "Member is frozen"),
    "member-closed": (409, False, "Member is closed"),
    "partner-not-permitted": (403, False, "Partner may not do this in this programme"),
    "programme-closed": (409, False, "Programme is closed"),
    "programme-not-found": (404, False, "Programme not found"),
    "transaction-not-found": (404, False, "Transaction not found"),
    "reversal-exceeds-original": (409, False, "Reversal is larger than what is left of the original"),
    "already-reversed": (409, False, "Already reversed"),
    "not-reversible": (409, False, "This kind of transaction cannot be reversed"),
    "occurred-too-long-ago": (409, False, "Event is older than the programme accepts"),
    "occurred-in-future": (409, False, "Event lies in the future"),
    "zero-points": (409, False, "This spend earns no points"),
    "no-earlier-earn": (409, False, "No earlier earning to take back from"),
    "amount-out-of-range": (422, False, "Amount is out of range"),
    "currency-mismatch": (422, False, "Amount is in another currency"),
    "idempotency-key-reused": (422, False, "Idempotency-Key was used for another request"),
    "hold-not-found": (404, False, "Hold not found"),
    "hold-not-open": (409, False, "Hold is not open any more"),
    "capture-exceeds-hold": (409, False, "Capture is larger than what is held"),
    "hold-expiry-out-of-range": (422, False, "Hold ends too early or too late"),
    "limit-exceeded": (409, False, "Limit is exceeded"),
    "exchange-not-offered": (409, False, "Exchange is not offered"),
    "exchange-not-whole": (409, False, "Points are no multiple of what the rate takes"),
    "receiver-not-found": (404, False, "Receiver not found"),
    "receiver-not-active": (409, False, "Receiver cannot take gifts"),
    "same-member": (409, False, "Both are the same member"),
    "cap-exhausted": (409, False, "Cap is exhausted"),
    "cap-not-found": (404, False, "Cap not found"),
    "campaign-not-found": (404, False, "Campaign not found"),
    "issuer-suspended": (403, False, "Issuing is suspended"),
    "period-closed": (409, False, "Period is closed"),
    "issuer-cover-exhausted": (409, False, "Issuer's cover is used up"),
    "cover-in-use": (409, False, "Cover is in use"),
    "no-cover-price": (409, False, "Issuer has no price"),
    "member-not-frozen": (409, False, "Member is not frozen"),
    "member-not-empty": (409, False, "Member still has points, holds or debts"),
    "lane-not-found": (422, False, "Lane does not exist"),
    "same-lane": (409, False, "Member is in this lane already"),
    "partner-not-found": (404, False, "Partner not found"),
    "write-off-exceeds-shortfall": (409, False, "Nothing, or not so much, is owed"),
    "second-person-required": (409, False, "A second person must decide"),
    "approval-decided": (409, False, "Already decided otherwise"),
    "not-appealable": (409, False, "Nothing to appeal against"),
    "appeal-decided": (409, False, "Appeal was decided otherwise"),
    "bulk-item-refused": (409, False, "An item is refused, so nothing is posted"),
    "idempotency-key-missing": (400, False, "Idempotency-Key is missing"),
    "idempotency-key-malformed": (400, False, "Idempotency-Key is malformed"),
    "malformed-request": (400, False, "Request is malformed"),
    "malformed-cursor": (400, False, "Cursor is not one of ours"),
    "cursor-before-restore": (410, False, "Cursor is of a time before the ledger was restored"),
    "import-mapping-invalid": (422, False, "Import mapping does not fit"),
    "webhook-target-refused": (422, False, "Webhook may not lead there"),
    "unauthenticated": (401, False, "Credential is missing or not valid"),
    "forbidden": (403, False, "Credential may not do this"),
    "not-found": (404, False, "Not found"),
    "method-not-allowed": (405, False, "Method is not allowed here"),
    "not-acceptable": (406, False, "No acceptable form of answer"),
    "payload-too-large": (413, False, "Body is too large"),
    "unsupported-media-type": (415, False, "Body has the wrong media type"),
    "precondition-failed": (412, False, "It has changed since you read it"),
    "precondition-required": (428, False, "If-Match is missing"),
    "not-sealed-yet": (404, True, "Transaction is not sealed yet"),
    "already-exists": (409, False, "Already exists"),
    "conflict": (409, False, "Not possible in the present state"),
    "guardian-consent-needed": (409, False, "A guardian has to agree first"),
    "member-not-closed": (409, False, "The member is not closed"),
    "contract-missing": (409, False, "Contract is missing"),
    "quote-missing": (409, False, "No rate is in force"),
    "day-not-over": (409, False, "Day is not over"),
    "day-not-next": (409, False, "Another day comes first"),
    "nothing-to-settle": (409, False, "Nothing to settle"),
    "batch-in-the-way": (409, False, "Another batch is in the way"),
    "batch-not-in-state": (409, False, "Batch is in another state"),
    "batch-outdated": (409, False, "Batch is outdated"),
    "approval-limit-exceeded": (403, False, "Above your limit"),
    "terms-in-the-past": (409, False, "Terms would change the past"),
    "proposal-decided": (409, False, "Proposal is decided"),
    "not-disputable": (409, False, "Cannot be disputed"),
    "dispute-decided": (409, False, "Dispute is decided"),
    "account-missing": (409, False, "Our account is missing"),
    "beneficiary-missing": (409, False, "Beneficiary is missing"),
    "bank-file-invalid": (422, False, "Bank file cannot be used"),
    "sandbox-only": (409, False, "Only possible on a sandbox"),
    "clock-cannot-go-back": (409, False, "The clock cannot go back"),
    "too-many-requests": (429, True, "Too many requests"),
    "busy": (503, True, "Too busy at the moment"),
    "clock-behind": (503, True, "The clock is behind the ledger"),
    "database-unavailable": (503, True, "Database cannot be reached"),
    "shutting-down": (503, True, "Shutting down"),
    "internal-error": (500, True, "Something went wrong on our side"),
}
"""Partners' programs and replayed answers rest on these: a line may be added, none changed."""

ROOT = Path(__file__).parents[2]

SECRET = "cpk_secret-that-must-not-travel"


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency: str
    amount: Annotated[str, msgspec.Meta(pattern=r"^\d+\.\d\d$")]


class Earning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    member: str
    points: Annotated[int, msgspec.Meta(ge=1)] | None = None
    spend: Money | None = None
    metadata: dict[str, str] = {}
    items: list[Money] = []


@post("/arguments", request_max_body_size=50_000)
async def by_arguments(data: JSONBody[Earning]) -> Earning:
    return data


@post("/strict")
async def by_strict_decoding(request: Request[Any, Any, Any]) -> Earning:
    return msgspec.json.decode(await request.body(), type=Earning)


@get("/page/{number:int}")
async def with_parameters(number: FromPath[int], limit: Annotated[int, QueryParameter(ge=1, le=100)] = 5) -> int:
    return number + limit


@post("/keyed")
async def with_key(key: Annotated[str, HeaderParameter(name="Idempotency-Key")]) -> str:
    return key


@post("/versioned")
async def with_version(version: Annotated[str, HeaderParameter(name="If-Match")]) -> str:
    return version


def _recurse(depth: int) -> int:
    return _recurse(depth + 1) + 1


@get("/fails/{how:str}")
async def failing(how: FromPath[str]) -> None:
    match how:
        case "refused":
            raise errors.MemberNotFound("No member ref:77 of yours.", available=None, programme="CITY")
        case "unauthenticated":
            raise errors.Unauthenticated("The key has expired.")
        case "litestar-unauthorised":
            raise NotAuthorizedException
        case "litestar-busy":
            raise TooManyRequestsException(headers={"Retry-After": "7"})
        case "unsafe":
            raise errors.UnsafeDatabase(f"fsync is off at {SECRET}")
        case "bug":
            raise KeyError(SECRET)
        case "endless":
            _recurse(0)
        case "unreachable":
            psycopg.connect("host=127.0.0.1 port=1 dbname=none", connect_timeout=2)
        case "no-connection":
            raise psycopg_pool.PoolTimeout(f"none after 5 s at {SECRET}")


@pytest.fixture
def client() -> Iterator[TestClient[Litestar]]:
    app = Litestar(
        [by_arguments, by_strict_decoding, with_parameters, with_key, with_version, failing],
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=None,
        logging_config=None,
    )
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def _problem(response: Any, code: str) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    assert body["code"] == code, body
    assert response.status_code == body["status"] == PROBLEM_TYPES[code].status
    assert response.headers["content-type"].split(";")[0] == PROBLEM_MEDIA_TYPE
    assert body["type"] == f"/problems/{code}"
    assert body["title"] == PROBLEM_TYPES[code].title
    assert body["retryable"] is PROBLEM_TYPES[code].retryable
    return body


def _subclasses(parent: type[errors.LedgerError]) -> Iterator[type[errors.LedgerError]]:
    for child in parent.__subclasses__():
        yield child
        yield from _subclasses(child)


def test_status_title_and_retryability_of_every_code_are_as_published() -> None:
    published = {problem.code: (problem.status, problem.retryable, problem.title) for problem in PROBLEM_TYPES.values()}
    assert published == STABLE


def test_every_problem_type_is_explained_in_sentences() -> None:
    for code, problem in PROBLEM_TYPES.items():
        assert code == problem.code
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert problem.meaning.endswith(".")
        assert problem.what_to_do.endswith(".")
        assert not problem.title.endswith(".")
        assert all(problem.facts.values())


def test_only_what_recorded_nothing_and_passes_by_itself_is_retryable() -> None:
    by_status = {p.code for p in PROBLEM_TYPES.values() if p.status == 429 or p.status >= 500}
    assert {p.code for p in PROBLEM_TYPES.values() if p.retryable} == by_status | {"not-sealed-yet"}


def test_every_error_of_the_ledger_is_in_the_table() -> None:
    codes = {error.__name__: error.code for error in _subclasses(errors.LedgerError)}
    assert {name: code for name, code in codes.items() if code not in PROBLEM_TYPES} == {}


def _facts_in_source() -> Iterator[tuple[str, str, str]]:
    """Every place where a problem is made, as (place, code, name of a fact or "")."""
    codes = {error.__name__: error.code for error in _subclasses(errors.LedgerError)}
    for file in [*ROOT.glob("ledger/**/*.py"), *ROOT.glob("api/**/*.py")]:
        for call in (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)):
            name = ast.unparse(call.func).rpartition(".")[2]
            place = f"{file.relative_to(ROOT)}:{call.lineno}"
            match name, call.args:
                case "Refused", [ast.Constant(value=str(code)), _, *facts]:
                    yield place, code, ""
                    for mapping in facts:
                        if isinstance(mapping, ast.Dict):
                            keys = [key.value for key in mapping.keys if isinstance(key, ast.Constant)]
                            yield from ((place, code, str(key)) for key in keys)
                case _ if name in codes:
                    yield place, codes[name], ""
                    yield from ((place, codes[name], word.arg) for word in call.keywords if word.arg)


def test_every_refusal_and_error_in_the_source_is_explained_with_all_its_facts() -> None:
    made = list(_facts_in_source())
    assert {"insufficient-points", "already-reversed"} <= {code for _, code, _ in made}
    assert [
        (place, code, fact)
        for place, code, fact in made
        if code not in PROBLEM_TYPES or (fact and fact not in PROBLEM_TYPES[code].facts)
    ] == []


def test_document_has_the_same_bytes_however_its_facts_were_stored() -> None:
    one = problem_document("insufficient-points", "Only 5.", {"requested": 9, "available": 5})
    other = problem_document("insufficient-points", "Only 5.", {"available": 5, "requested": 9})
    assert msgspec.json.encode(one) == msgspec.json.encode(other)
    assert msgspec.json.encode(one) == (
        b'{"type":"/problems/insufficient-points","title":"Not enough points","status":409,"detail":"Only 5.",'
        b'"code":"insufficient-points","retryable":false,"available":5,"requested":9}'
    )


def test_fact_that_is_none_is_left_out() -> None:
    document = problem_document("insufficient-points", "Too few.", {"available": None, "requested": 9}, "/v1/x")
    assert "available" not in document
    assert document["requested"] == 9
    assert document["instance"] == "/v1/x"


@pytest.mark.parametrize("name", ["type", "title", "status", "detail", "code", "retryable", "instance"])
def test_fact_that_would_hide_a_member_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        problem_document("busy", "Full.", {name: 1})


def test_unknown_code_is_refused() -> None:
    with pytest.raises(KeyError):
        problem_document("no-such-problem", "", {})


def test_waiting_time_is_announced_where_waiting_helps_and_can_be_stated() -> None:
    for code, problem in PROBLEM_TYPES.items():
        answered = problem_response(code, "").headers.get("Retry-After")
        assert (answered is not None) == (problem.status in {429, 503})
    assert problem_response("busy", "", headers={"Retry-After": "9"}).headers["Retry-After"] == "9"
    assert problem_response("busy", "", {"retry_after_seconds": 4}).headers["Retry-After"] == "4"


def test_missing_credential_is_told_the_scheme() -> None:
    assert problem_response("unauthenticated", "").headers["WWW-Authenticate"] == "Bearer"
    assert "WWW-Authenticate" not in problem_response("forbidden", "").headers


@pytest.mark.parametrize("path", ["/arguments", "/strict"])
@pytest.mark.parametrize(
    ("body", "field", "got", "wanted"),
    [
        (b"[]", "$", "array", "object"),
        (b"null", "$", "null", "object"),
        (b'{"member":1}', "$.member", "integer", "string"),
        (b'{"member":"a","points":1.5}', "$.points", "number", "integer or null"),
        (b'{"member":"a","points":true}', "$.points", "boolean", "integer or null"),
        (b'{"member":"a","points":0}', "$.points", None, "integer >= 1"),
        (b'{"points":1}', "$.member", "nothing", "a value"),
        (b'{"member":"a","poinst":1}', "$.poinst", "an unknown field", "no such field"),
        (b'{"member":"a","spend":{"currency":"CNY","amount":1.5}}', "$.spend.amount", "number", "string"),
        (b'{"member":"a","metadata":{"data.x":1}}', "$.metadata[...]", "integer", "string"),
        (b'{"member":"a","items":[{"currency":"CNY","amount":"1.00"},7]}', "$.items[1]", "integer", "object"),
        (b'{"member":"\xff"}', "$", "bytes that are not UTF-8", "JSON in UTF-8"),
    ],
)
def test_malformed_body_is_told_field_got_and_wanted(
    client: TestClient[Litestar], path: str, body: bytes, field: str, got: str | None, wanted: str
) -> None:
    problem = _problem(client.post(path, content=body), "malformed-request")
    assert (problem["field"], problem["where"], problem.get("got"), problem["wanted"]) == (field, "body", got, wanted)
    assert wanted in problem["detail"]


@pytest.mark.parametrize("path", ["/arguments", "/strict"])
@pytest.mark.parametrize("body", [b"{", b"{'a':1}", b'{"member":NaN}', b'{"member":"a"}}', b"\x00"])
def test_body_that_is_no_json_is_malformed_as_a_whole(client: TestClient[Litestar], path: str, body: bytes) -> None:
    problem = _problem(client.post(path, content=body), "malformed-request")
    assert problem["field"] == "$"


@pytest.mark.parametrize("path", ["/arguments", "/strict"])
def test_empty_body_is_malformed(client: TestClient[Litestar], path: str) -> None:
    assert _problem(client.post(path), "malformed-request")["field"] == "$"


def test_body_nested_too_deeply_is_malformed(client: TestClient[Litestar]) -> None:
    body = b'{"member":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    problem = _problem(client.post("/arguments", content=body), "malformed-request")
    assert problem["got"] == "a value nested too deeply"


def test_long_nonsense_is_not_echoed_at_length(client: TestClient[Litestar]) -> None:
    body = msgspec.json.encode({"member": "a", "x" * 40_000: 1})
    assert len(client.post("/arguments", content=body).content) < 2_000


def test_body_above_the_limit_is_too_large(client: TestClient[Litestar]) -> None:
    _problem(client.post("/arguments", content=b" " * 60_000), "payload-too-large")


def test_wrong_query_parameter_is_named(client: TestClient[Litestar]) -> None:
    problem = _problem(client.get("/page/1?limit=many"), "malformed-request")
    assert (problem["field"], problem["where"], problem["wanted"]) == ("limit", "query", "integer")
    problem = _problem(client.get("/page/1?limit=0"), "malformed-request")
    assert (problem["field"], problem["wanted"]) == ("limit", "integer >= 1")


def test_missing_header_is_named_and_the_idempotency_key_has_its_own_code(client: TestClient[Litestar]) -> None:
    problem = _problem(client.post("/versioned"), "malformed-request")
    assert (problem["field"], problem["where"], problem["got"]) == ("If-Match", "header", "nothing")
    _problem(client.post("/keyed"), "idempotency-key-missing")


@pytest.mark.parametrize("path", ["/nowhere", "/page/x", "/page/" + "9" * 5_000])
def test_unknown_address_is_not_found(client: TestClient[Litestar], path: str) -> None:
    _problem(client.get(path), "not-found")


def test_wrong_method_is_told_the_right_ones(client: TestClient[Litestar]) -> None:
    response = client.delete("/keyed")
    _problem(response, "method-not-allowed")
    assert "POST" in response.headers["allow"]


def test_error_of_the_ledger_travels_with_its_detail_and_facts(client: TestClient[Litestar]) -> None:
    problem = _problem(client.get("/fails/refused"), "member-not-found")
    assert problem["detail"] == "No member ref:77 of yours."
    assert problem["programme"] == "CITY"
    assert "available" not in problem


@pytest.mark.parametrize("how", ["unauthenticated", "litestar-unauthorised"])
def test_missing_credential_is_unauthenticated_whoever_says_so(client: TestClient[Litestar], how: str) -> None:
    response = client.get(f"/fails/{how}")
    assert _problem(response, "unauthenticated")["detail"].endswith(".")
    assert response.headers["www-authenticate"] == "Bearer"


def test_rate_limit_keeps_its_own_waiting_time(client: TestClient[Litestar]) -> None:
    response = client.get("/fails/litestar-busy")
    _problem(response, "too-many-requests")
    assert response.headers["retry-after"] == "7"


@pytest.mark.parametrize("how", ["bug", "unsafe", "endless"])
def test_unexpected_fault_is_logged_by_request_id_and_tells_nothing_internal(
    client: TestClient[Litestar], how: str
) -> None:
    with capture_logs() as logs:
        response = client.get(f"/fails/{how}")
    problem = _problem(response, "internal-error")
    (entry,) = logs
    assert entry["request_id"] == problem["request_id"]
    assert "in failing" in entry["traceback"] or "in _recurse" in entry["traceback"]
    assert SECRET not in response.text
    assert SECRET not in str(entry)


@pytest.mark.parametrize("how", ["unreachable", "no-connection"])
def test_database_out_of_reach_is_unavailable_and_says_nothing_of_it(client: TestClient[Litestar], how: str) -> None:
    with capture_logs() as logs:
        response = client.get(f"/fails/{how}")
    _problem(response, "database-unavailable")
    assert response.headers["retry-after"] == "5"
    assert "127.0.0.1" not in response.text
    assert [entry["event"] for entry in logs] == ["database_unavailable"]
    assert SECRET not in str(logs)


def test_routes_declare_their_problems_by_status() -> None:
    declared = problem_responses("insufficient-points", "member-frozen", "member-not-found")
    assert {status: spec.description for status, spec in declared.items()} == {
        409: "insufficient-points, member-frozen",
        404: "member-not-found",
    }
    assert {spec.media_type for spec in declared.values()} == {PROBLEM_MEDIA_TYPE}
