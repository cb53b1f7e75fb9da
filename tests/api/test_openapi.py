"""The OpenAPI document: complete, and true of what the service answers to whatever Schemathesis thinks of."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.street import PROGRAMME, Street
from tests.databases import LedgerDatabase
from tests.service import Service

METHODS = {"get", "post", "put", "patch", "delete"}
WITHOUT_KEY = {"/healthz", "/readyz", "/metrics", "/v1/seals/key"}
EXAMPLES = 12
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="session")
def document(street: Street) -> dict[str, Any]:
    document: dict[str, Any] = street.service.get("/schema/openapi.json").raise_for_status().json()
    return document


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert document["security"] == [{"key": []}]


def test_every_operation_has_an_id_a_summary_and_a_description(document: dict[str, Any]) -> None:
    described = operations(document)
    assert len(described) > 25
    for path, method, operation in described:
        assert all(operation.get(name) for name in ("operationId", "summary", "description", "tags")), (method, path)
    ids = [operation["operationId"] for _, _, operation in described]
    assert len(set(ids)) == len(ids)


def test_every_operation_declares_its_problems_as_problem_json(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        responses = operation["responses"]
        for status, response in responses.items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], (method, path, status)
        if path not in WITHOUT_KEY:
            assert responses.keys() >= {"400", "401", "403", "503"}, (method, path)


def test_every_post_that_changes_something_needs_a_key_in_its_header(document: dict[str, Any]) -> None:
    without = {"/v1/bulk", "/v1/quotes", "/v1/imports"}
    # A changed contract is a proposal, made once.
    puts_with = {"/v1/partners/{code}/terms", "/v1/bank-days"}
    for path, method, operation in operations(document):
        required = {one["name"] for one in operation.get("parameters", []) if one["required"] and one["in"] == "header"}
        is_needed = (method == "post" and path not in without) or (method == "put" and path in puts_with)
        assert ("Idempotency-Key" in required) == is_needed, (method, path)


def test_the_items_of_a_bulk_are_told_apart_by_their_operation(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for operation in ("earn", "redeem", "reverse", "hold", "capture", "void"):
        name = f"{operation.capitalize()}Item"
        assert schemas[name]["properties"]["operation"]["const"] == operation
        assert {"operation", "key"} <= set(schemas[name]["required"])


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("caller", ["operator", "partner", "member"])
def test_schemathesis_finds_no_server_error_and_no_undocumented_answer(
    database: LedgerDatabase, caller: str, mode: GenerationMode
) -> None:
    with Service.start(database, sandbox=True) as service:
        _try_everything(Street(service), caller, mode)


def _try_everything(street: Street, caller: str, mode: GenerationMode) -> None:
    member = street.new_member()
    transaction = member.earn(1_000).json()["id"]
    asked = {"programme": PROGRAMME, "member": member.card, "reason": "r", "points": 1, "partner": "CAFE"}
    staff = street.staff_key("support")
    approval = street.service.post("/v1/adjustments", {**asked, "direction": "give"}, key=staff).json()["id"]
    key = {"operator": street.service.operator_key, "partner": street.cafe, "member": member.token()}[caller]
    known = {
        "programme": PROGRAMME,
        "code": PROGRAMME,
        "partner": "CAFE",
        "member": member.id if caller == "operator" else member.ref,
        "transaction": transaction,
        "hold": member.hold(500).json()["id"],
        "approval": approval,
        "to": street.new_member().card,
        "into": street.new_member().card,
        "currency": "CNY",
        "zone": "Asia/Shanghai",
    }
    schema = schemathesis.openapi.from_dict(street.service.get("/schema/openapi.json").json())
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        _try(street, result.ok(), key, known, mode)


def _try(street: Street, operation: Any, key: str, known: dict[str, str], mode: GenerationMode) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), knows=st.booleans())
    def run(case: Case[Any], *, knows: bool) -> None:
        if knows:
            _fill_in(case, known)
        response = case.call(base_url=street.service.base_url, headers={"Authorization": f"Bearer {key}"})
        case.validate_response(response, checks=CHECKS)

    run()


def _fill_in(case: Case[Any], known: dict[str, str]) -> None:
    """Name things that exist, so that a request gets further than to be told that it names nothing."""
    parts = [case.path_parameters, case.query, case.body]
    for part in parts:
        if isinstance(part, dict):
            part.update({name: value for name, value in known.items() if name in part})
    if isinstance(case.body, dict) and "points" in case.body:
        case.body.pop("spend", None)
    case.headers.pop("Member-Token", None)
