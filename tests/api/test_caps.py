"""Caps over HTTP: added, granted, drawn upon, read by whoever may."""

from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.api.street import PROGRAMME, Street, problem
from tests.databases import LedgerDatabase
from tests.service import Service


@pytest.fixture
def programme(street: Street) -> str:
    """A programme of the test's own, so that its caps limit nobody else."""
    code = f"C{uuid4().hex[:8]}"
    street.service.add_programme(code)
    for partner in ("CAFE", "BOOKS"):
        street.service.permit(code, partner, may_issue=True, may_accept=True)
    return code


def add(street: Street, programme: str, points: int, code: str | None = None, **body: object) -> httpx.Response:
    idempotency_key = body.pop("idempotency_key", None)
    whole = {"code": code or f"K{uuid4().hex[:8]}", "programme": programme, "points": points, **body}
    return street.service.post(
        "/v1/caps", whole, idempotency_key=None if idempotency_key is None else str(idempotency_key)
    )


def test_a_cap_is_never_exceeded_and_its_last_point_can_be_given(street: Street, programme: str) -> None:
    added = add(street, programme, 100)
    assert added.status_code == 201, added.text
    cap = added.json()["cap"]
    members = [street.new_member() for _ in range(4)]
    given = [member.earn(30, programme=programme).status_code for member in members]
    assert given == [201, 201, 201, 409]
    refusal = problem(members[3].earn(11, programme=programme), 409, "cap-exhausted")
    assert refusal["cap"] == cap
    assert members[3].earn(10, programme=programme).status_code == 201
    standing = street.service.get(f"/v1/caps/{cap}").json()
    assert (standing["authorised"], standing["used"], standing["left"]) == (100, 100, 0)
    assert members[0].earn(10).status_code == 201


def test_a_reversed_earning_and_a_grant_give_points_back(street: Street, programme: str) -> None:
    cap = add(street, programme, 10).json()["cap"]
    member = street.new_member()
    earning = member.earn(10, programme=programme).json()["id"]
    problem(member.earn(1, programme=programme), 409, "cap-exhausted")
    member.reverse(earning, points=4).raise_for_status()
    assert member.earn(4, programme=programme).status_code == 201
    granted = street.service.post(f"/v1/caps/{cap}/grants", {"points": 5, "reason": "budget voted"})
    assert (granted.status_code, granted.json()["points"], granted.json()["cap"]) == (201, 5, cap)
    assert member.earn(5, programme=programme).status_code == 201
    standing = street.service.get(f"/v1/caps/{cap}").json()
    assert (standing["authorised"], standing["used"], standing["left"]) == (15, 15, 0)


def test_a_cap_limits_its_partner_and_scene_alone(street: Street, programme: str) -> None:
    add(street, programme, 5, partner="CAFE", scene="food")
    cafe, books = street.new_member(), street.new_member(street.books)
    problem(cafe.earn(6, programme=programme), 409, "cap-exhausted")
    assert cafe.earn(6, programme=programme, scene="leisure").status_code == 201
    assert books.earn(6, programme=programme).status_code == 201
    assert cafe.earn(5, programme=programme).status_code == 201


def test_adding_again_is_answered_alike_and_grants_once(street: Street, programme: str) -> None:
    code, key = f"K{uuid4().hex[:8]}", uuid4().hex
    first = add(street, programme, 7, code, idempotency_key=key)
    again = add(street, programme, 7, code, idempotency_key=key)
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    problem(add(street, programme, 8, code, idempotency_key=key), 422, "idempotency-key-reused")
    problem(add(street, programme, 7, code), 409, "already-exists")
    assert street.service.get(f"/v1/caps/{code}").json()["authorised"] == 7


def test_a_crash_between_adding_and_granting_is_finished_by_the_same_request(database: LedgerDatabase) -> None:
    body, key = {"code": "BUDGET", "programme": PROGRAMME, "points": 7}, {"Idempotency-Key": "add-budget"}
    with Service.start(database) as service, psycopg.connect(database.superuser_url) as connection:
        service.add_programme(PROGRAMME)
        connection.execute("select from lanes for update")
        bearer = {"Authorization": f"Bearer {service.operator_key}"}
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{service.base_url}/v1/caps", json=body, headers={**key, **bearer}, timeout=3)
        service.kill()
    with Service.start(database) as service:
        service.operator_key = bearer["Authorization"].removeprefix("Bearer ")
        assert service.get("/v1/caps/BUDGET").json()["authorised"] == 0
        again = service.post("/v1/caps", body, idempotency_key=key["Idempotency-Key"])
        assert (again.status_code, again.json()["points"]) == (201, 7)
        assert service.get("/v1/caps/BUDGET").json()["authorised"] == 7


def test_a_repeated_grant_is_posted_once(street: Street, programme: str) -> None:
    cap, key = add(street, programme, 1).json()["cap"], uuid4().hex
    first, again = (
        street.service.post(f"/v1/caps/{cap}/grants", {"points": 5, "reason": "r"}, idempotency_key=key)
        for _ in range(2)
    )
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    assert street.service.get(f"/v1/caps/{cap}").json()["authorised"] == 6


def test_a_partner_sees_its_own_caps_alone(street: Street, programme: str) -> None:
    mine = add(street, programme, 1, partner="CAFE").json()["cap"]
    theirs = add(street, programme, 1, partner="BOOKS").json()["cap"]
    everybodys = add(street, programme, 1).json()["cap"]
    read = street.service.get(f"/v1/caps/{mine}", key=street.cafe).json()
    assert (read["partner"], read["programme"], read["scene"]) == ("CAFE", programme, None)
    for code in (theirs, everybodys, "NOPE"):
        problem(street.service.get(f"/v1/caps/{code}", key=street.cafe), 404, "cap-not-found")
    listed = {one["code"] for one in street.service.get("/v1/caps?limit=200", key=street.cafe).json()["items"]}
    assert mine in listed
    assert listed.isdisjoint({theirs, everybodys})
    for role in ("auditor", "support"):
        assert street.service.get(f"/v1/caps/{everybodys}", key=street.staff_key(role)).status_code == 200


def test_only_operators_add_and_grant(street: Street, programme: str) -> None:
    cap = add(street, programme, 1, partner="CAFE").json()["cap"]
    token = street.new_member().token()
    for key in (street.cafe, street.staff_key("manager"), token):
        body = {"code": "X", "programme": programme, "points": 1}
        problem(street.service.post("/v1/caps", body, key=key), 403, "forbidden")
        grant = {"points": 1, "reason": "r"}
        problem(street.service.post(f"/v1/caps/{cap}/grants", grant, key=key), 403, "forbidden")
    for key in (street.staff_key("manager"), token):
        problem(street.service.get("/v1/caps", key=key), 403, "forbidden")
        problem(street.service.get(f"/v1/caps/{cap}", key=key), 403, "forbidden")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"programme": "NOPE"}, 404, "programme-not-found"),
        ({"partner": "NOPE"}, 404, "partner-not-found"),
        ({"points": 10**12 + 1}, 422, "amount-out-of-range"),
        ({"points": 0}, 400, "malformed-request"),
        ({"scene": "war"}, 400, "malformed-request"),
        ({"code": "a b"}, 400, "malformed-request"),
    ],
)
def test_a_cap_that_cannot_be_is_not_added(
    street: Street, programme: str, change: dict[str, object], status: int, code: str
) -> None:
    before = street.rows()["caps"]
    whole = {"code": f"K{uuid4().hex[:8]}", "programme": programme, "points": 1, **change}
    problem(street.service.post("/v1/caps", whole), status, code)
    assert street.rows()["caps"] == before


def test_an_unknown_cap_takes_no_grant(street: Street) -> None:
    problem(street.service.post("/v1/caps/NOPE/grants", {"points": 1, "reason": "r"}), 404, "cap-not-found")
