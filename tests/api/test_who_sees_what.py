"""Who sees what: partners their own, members themselves, staff by role; unknown and not-yours look the same."""

import time
from uuid import uuid4

import httpx
import pytest

from tests.api.street import PROGRAMME, Street, problem
from tests.service import Service, make_staff_key

UNKNOWN = "01a20c2c-a1ac-8001-8000-0000004af491"
STAFF_ROLES = ("finance-clerk", "finance-approver", "manager", "auditor", "support")
POINTS = ("balances", "statement", "lots")
REVOKED_WITHIN_SECONDS = 10.0


def same_but_for_the_id(answers: list[httpx.Response], *ids: str) -> bool:
    one, other = answers
    texts = [one.text, other.text]
    for identifier in ids:
        texts = [text.replace(identifier, "ID") for text in texts]
    return (one.status_code, texts[0]) == (other.status_code, texts[1])


def test_another_partners_transaction_looks_like_an_unknown_one_by_every_route(street: Street) -> None:
    theirs = street.new_member(street.books)
    earning = theirs.earn(10, reference="theirs", idempotency_key=(key := uuid4().hex)).json()["id"]
    before = street.rows()
    for method, path, body in (
        ("GET", "/v1/transactions/{}", None),
        ("POST", "/v1/quotes", {"operation": "reverse", "reason": "r"}),
    ):
        answers = []
        for identifier in (earning, UNKNOWN):
            whole = None if body is None else {**body, "transaction": identifier}
            answers.append(street.service.request(method, path.format(identifier), key=street.cafe, json=whole))
        assert same_but_for_the_id(answers, earning, UNKNOWN), [answer.text for answer in answers]
    problem(street.service.get(f"/v1/transactions/{earning}", key=street.cafe), 404, "transaction-not-found")
    problem(street.service.get(f"/v1/transactions?key={key}", key=street.cafe), 404, "not-found")
    assert street.service.get("/v1/transactions?reference=theirs", key=street.cafe).json()["transactions"] == []
    assert street.rows() == before


def test_another_partners_transaction_cannot_be_reversed(street: Street) -> None:
    theirs = street.new_member(street.books)
    earning = theirs.earn(10).json()["id"]
    body = {"reason": "mine now"}
    answers = [
        street.service.post(f"/v1/transactions/{identifier}/reversals", body, key=street.cafe)
        for identifier in (earning, UNKNOWN)
    ]
    problem(answers[0], 404, "transaction-not-found")
    assert same_but_for_the_id(answers, earning, UNKNOWN)
    item = {"operation": "reverse", "key": uuid4().hex, "transaction": earning, "reason": "r"}
    bulk = street.service.post("/v1/bulk", {"mode": "independent", "items": [item]}, key=street.cafe).json()
    assert bulk["results"][0]["status"] == 404
    assert theirs.balance()["available"] == 10


def test_a_reference_is_its_partners_own(street: Street) -> None:
    theirs = street.new_member(street.books)
    body = {"programme": PROGRAMME, "member": theirs.ref, "scene": "food", "points": 1}
    problem(street.service.post("/v1/earnings", body, key=street.cafe), 404, "member-not-found")
    problem(street.service.get(f"/v1/members/{theirs.ref}", key=street.cafe), 404, "member-not-found")


def test_any_partner_may_name_a_member_by_card(street: Street) -> None:
    theirs = street.new_member(street.books)
    assert theirs.earn(10, key=street.cafe, member=theirs.card).status_code == 201
    assert street.service.get(f"/v1/members/{theirs.card}", key=street.cafe).json()["id"] == theirs.id


@pytest.mark.parametrize("what", POINTS)
def test_a_partner_reads_points_only_beside_the_members_token(street: Street, what: str) -> None:
    member, other = street.new_member(), street.new_member()
    member.earn(10)
    path = f"/v1/members/{member.ref}/{what}?programme={PROGRAMME}"
    problem(street.service.get(path, key=street.cafe), 403, "forbidden")
    unknown = f"/v1/members/ref:unknown/{what}?programme={PROGRAMME}"
    assert street.service.get(unknown, key=street.cafe).content == street.service.get(path, key=street.cafe).content
    assert street.service.get(path, key=street.cafe, headers={"Member-Token": member.token()}).status_code == 200
    answer = street.service.get(path, key=street.cafe, headers={"Member-Token": other.token()})
    problem(answer, 404, "member-not-found")
    problem(street.service.get(path, key=street.cafe, headers={"Member-Token": "cpm_x"}), 401, "unauthenticated")


@pytest.mark.parametrize("what", POINTS)
def test_a_members_token_reads_that_member_alone(street: Street, what: str) -> None:
    member, other = street.new_member(), street.new_member()
    token = member.token()
    assert street.service.get(f"/v1/members/{member.id}/{what}?programme={PROGRAMME}", key=token).status_code == 200
    answers = [
        street.service.get(f"/v1/members/{name}/{what}?programme={PROGRAMME}", key=token)
        for name in (other.id, UNKNOWN)
    ]
    problem(answers[0], 404, "member-not-found")
    assert answers[0].content == answers[1].content


def test_a_member_reads_transactions_on_its_points_alone(street: Street) -> None:
    member, other = street.new_member(), street.new_member()
    mine, others = member.earn(1).json()["id"], other.earn(1).json()["id"]
    token = member.token()
    assert street.service.get(f"/v1/transactions/{mine}", key=token).status_code == 200
    problem(street.service.get(f"/v1/transactions/{others}", key=token), 404, "transaction-not-found")


def test_a_members_token_changes_nothing_and_sees_no_set_up(street: Street) -> None:
    member = street.new_member()
    token = member.token()
    before = street.rows()
    problem(member.earn(1, key=token), 403, "forbidden")
    problem(member.redeem(1, key=token), 403, "forbidden")
    for path in ("/v1/members", f"/v1/members/{member.id}/links", f"/v1/members/{member.id}/tokens", "/v1/keys"):
        problem(street.service.post(path, {"reference": "x"}, key=token), 403, "forbidden")
    for path in ("/v1/partners", "/v1/keys", "/v1/transactions?reference=x"):
        problem(street.service.get(path, key=token), 403, "forbidden")
    assert street.service.get(f"/v1/programmes/{PROGRAMME}", key=token).json()["partners"] == []
    assert street.rows() == before


def test_partners_see_of_the_set_up_only_themselves(street: Street) -> None:
    partners = street.service.get("/v1/partners", key=street.cafe).json()
    assert [partner["code"] for partner in partners["items"]] == ["CAFE"]
    problem(street.service.get("/v1/partners/BOOKS", key=street.cafe), 404, "not-found")
    programme = street.service.get(f"/v1/programmes/{PROGRAMME}", key=street.cafe).json()
    assert [permission["partner"] for permission in programme["partners"]] == ["CAFE"]


def test_partners_change_no_set_up(street: Street) -> None:
    before = street.rows()
    for method, path in (
        ("POST", "/v1/programmes"),
        ("POST", "/v1/partners"),
        ("POST", "/v1/keys"),
        ("GET", "/v1/keys"),
        ("POST", "/v1/keys/abc/rotate"),
        ("DELETE", "/v1/keys/abc"),
        ("PATCH", f"/v1/programmes/{PROGRAMME}"),
        ("POST", f"/v1/programmes/{PROGRAMME}/rules"),
        ("PUT", f"/v1/programmes/{PROGRAMME}/partners/CAFE"),
        ("PUT", "/v1/sandbox/clock"),
        ("POST", "/v1/members/x/cards"),
    ):
        problem(street.service.request(method, path, key=street.cafe, json={}), 403, "forbidden")
    assert street.rows() == before


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_staff_other_than_operators_change_nothing(street: Street, role: str) -> None:
    key = make_staff_key(street.service.database, role)  # type: ignore[arg-type]
    before = street.rows()
    for path in ("/v1/programmes", "/v1/partners", "/v1/keys", "/v1/members", "/v1/earnings", "/v1/bulk"):
        problem(street.service.post(path, {}, key=key), 403, "forbidden")
    assert street.service.get("/v1/partners", key=key).status_code == 200
    assert street.rows() == before


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_operators_auditors_and_support_read_points_other_staff_do_not(street: Street, role: str) -> None:
    member = street.new_member()
    earning = member.earn(1).json()["id"]
    key = make_staff_key(street.service.database, role)  # type: ignore[arg-type]
    expected = 200 if role in {"auditor", "support"} else 403
    for path in (f"/v1/members/{member.id}/balances?programme={PROGRAMME}", f"/v1/transactions/{earning}"):
        assert street.service.get(path, key=key).status_code == expected
        assert street.service.get(path).status_code == 200


def test_an_operator_posts_no_points(street: Street) -> None:
    member = street.new_member()
    problem(member.earn(1, key=street.service.operator_key), 403, "forbidden")


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic dXNlcjpwYXNz",
        "Bearer",
        "Bearer cpk_short_secret",
        f"Bearer cpk_{'0' * 16}_{'0' * 64}",
        f"Bearer cpm_{'0' * 16}_{'0' * 64}",
        f"Bearer cpx_{'0' * 16}_{'0' * 64}",
        "Bearer " + "x" * 5_000,
    ],
)
def test_without_a_good_credential_nothing_is_told(street: Street, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for method, path in (("GET", "/v1/programmes"), ("POST", "/v1/earnings"), ("GET", "/v1/members/x/balances")):
        answer = httpx.request(method, street.service.base_url + path, headers=headers)
        problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_with_one_digit_changed_is_no_key(street: Street) -> None:
    key = street.cafe
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    problem(street.service.get("/v1/programmes", key=wrong), 401, "unauthenticated")


def gives_up(service: Service, key: str) -> bool:
    """Whether a key stops on every process within the bound: several answers in a row say so."""
    deadline = time.monotonic() + REVOKED_WITHIN_SECONDS
    refused = 0
    while time.monotonic() < deadline and refused < 12:
        refused = refused + 1 if service.get("/v1/programmes", key=key).status_code == 401 else 0
        time.sleep(0.05)
    return refused == 12


def test_a_revoked_key_stops_in_every_process(street: Street) -> None:
    service = street.service
    made = service.post("/v1/keys", {"partner": "CAFE"}).json()
    for _ in range(8):
        assert service.get("/v1/programmes", key=made["key"]).status_code == 200
    revoked = service.request("DELETE", f"/v1/keys/{made['prefix']}")
    assert revoked.json()["revoked_at"] is not None
    assert gives_up(service, made["key"])
    again = service.request("DELETE", f"/v1/keys/{made['prefix']}")
    assert again.json() == revoked.json()


def test_a_rotated_key_works_on_through_its_overlap_and_then_stops(street: Street) -> None:
    service = street.service
    old = service.post("/v1/keys", {"partner": "CAFE"}).json()
    new = service.post(f"/v1/keys/{old['prefix']}/rotate", {"overlap_seconds": 3_600}).json()
    assert new["partner"] == "CAFE"
    for key in (old["key"], new["key"]):
        assert service.get("/v1/programmes", key=key).status_code == 200
    newest = service.post(f"/v1/keys/{new['prefix']}/rotate", {}).json()
    assert gives_up(service, new["key"])
    assert service.get("/v1/programmes", key=newest["key"]).status_code == 200


def test_a_members_token_ends_by_itself(street: Street) -> None:
    member = street.new_member()
    made = street.service.post(f"/v1/members/{member.id}/tokens", {"lifetime_seconds": 1}).json()
    assert gives_up(street.service, made["token"])
