"""Consents over HTTP: given by those who may, shown to those who may see, ended at once."""

from typing import Any, get_args
from uuid import uuid4

import httpx
import msgspec
import psycopg
import pytest

from api.schemas.members import MemberRequest
from ledger.rules.consents import PURPOSES, PurposeName, may_be_under_14
from tests.api.street import PROGRAMME, Regular, Street, problem
from tests.service import make_staff_key

BALANCE = {"purpose": "balance"}
ADULT, CHILD = 1980, 2020


def give(member: Regular, body: object, *, key: str | None = None, token: str | None = None) -> httpx.Response:
    """Give a consent; as the operator without a key."""
    headers = None if token is None else {"Member-Token": token}
    return member.street.service.post(f"/v1/members/{member.id}/consents", body, key=key, headers=headers)


def revoke(member: Regular, consent: str, *, key: str | None = None, token: str | None = None) -> httpx.Response:
    headers = None if token is None else {"Member-Token": token}
    path = f"/v1/members/{member.id}/consents/{consent}/revocation"
    return member.street.service.post(path, {}, key=key, headers=headers)


def listed(member: Regular, *, key: str | None = None, token: str | None = None) -> list[dict[str, Any]]:
    headers = None if token is None else {"Member-Token": token}
    answer = member.street.service.get(f"/v1/members/{member.id}/consents", key=key, headers=headers)
    consents: list[dict[str, Any]] = answer.raise_for_status().json()["consents"]
    return consents


def balance_read(member: Regular, key: str) -> httpx.Response:
    return member.street.service.get(f"/v1/members/{member.id}/balances?programme={PROGRAMME}", key=key)


def created(street: Street, **body: object) -> Regular:
    """A member of the café's of whom more is known than a reference."""
    reference = uuid4().hex
    answer = street.service.post("/v1/members", {"reference": reference, **body}, key=street.cafe)
    document = answer.raise_for_status().json()
    return Regular(street, street.cafe, document["id"], f"ref:{reference}", f"card:{document['card']}")


def test_every_purpose_is_in_the_api_and_nothing_else_is() -> None:
    assert set(get_args(PurposeName)) == set(PURPOSES)
    assert [name for name, purpose in PURPOSES.items() if purpose.is_for_partner] == ["balance"]


@pytest.mark.parametrize(
    ("birth_year", "expected"), [(None, False), (2009, False), (2011, False), (2012, True), (2013, True), (2026, True)]
)
def test_a_member_may_be_under_14_until_the_year_after_its_14th_birthday(
    birth_year: int | None, *, expected: bool
) -> None:
    assert may_be_under_14(birth_year, 2026) is expected


def test_a_request_for_a_member_has_the_same_digest_as_before_there_was_a_vault() -> None:
    assert msgspec.json.encode(MemberRequest("m-1")) == b'{"reference":"m-1"}'
    assert msgspec.json.encode(MemberRequest("m-1", consents=())) == b'{"reference":"m-1"}'


def test_a_standing_consent_opens_the_balance_alone_and_a_revoked_one_closes_it_at_once(street: Street) -> None:
    member = street.new_member()
    member.earn(30)
    problem(balance_read(member, street.cafe), 403, "forbidden")
    given = give(member, BALANCE, key=street.cafe, token=member.token())
    assert given.status_code == 201
    assert given.json()["partner"] == "CAFE"
    for _ in range(4):
        assert balance_read(member, street.cafe).json()["available"] == 30
    for what in ("statement", "lots"):
        path = f"/v1/members/{member.id}/{what}?programme={PROGRAMME}"
        problem(street.service.get(path, key=street.cafe), 403, "forbidden")
    assert "balance" not in member.earn(1).json()
    problem(balance_read(member, street.books), 403, "forbidden")
    assert revoke(member, given.json()["id"], key=member.token()).status_code == 201
    for _ in range(4):
        problem(balance_read(member, street.cafe), 403, "forbidden")


def test_without_a_consent_a_member_that_exists_looks_like_one_that_does_not(street: Street) -> None:
    member = street.new_member()
    unknown = street.service.get(f"/v1/members/ref:nobody/balances?programme={PROGRAMME}", key=street.cafe)
    assert balance_read(member, street.cafe).content == unknown.content


def test_a_balance_is_open_by_consent_as_of_a_time_too(street: Street) -> None:
    member = created(street, consents=[BALANCE])
    recorded_at = member.earn(30).json()["recorded_at"]
    path = f"/v1/members/{member.ref}/balances?programme={PROGRAMME}&as_of={recorded_at}"
    assert street.service.get(path, key=street.cafe).json()["available"] == 30


def test_a_consent_is_given_by_the_member_by_staff_and_by_a_partner_with_the_token(street: Street) -> None:
    member = street.new_member()
    by_member = give(member, {"purpose": "balance", "partner": "BOOKS"}, key=member.token())
    by_staff = give(member, {"purpose": "offers"})
    by_support = give(member, {"purpose": "health"}, key=make_staff_key(street.service.database, "support"))
    by_partner = give(member, {"purpose": "cross-border"}, key=street.cafe, token=member.token())
    answers = [by_member, by_staff, by_support, by_partner]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert [answer.json()["given_by"] for answer in answers] == ["member", "staff", "staff", "partner"]
    assert [one["purpose"] for one in listed(member)] == ["balance", "offers", "health", "cross-border"]
    assert balance_read(member, street.books).status_code == 200


def test_a_consent_that_stands_is_found_and_a_revoked_one_stays_in_the_history(street: Street) -> None:
    member = street.new_member()
    first = give(member, {"purpose": "offers"})
    again = give(member, {"purpose": "offers"})
    assert (again.status_code, again.json()) == (200, first.json())
    ended = revoke(member, first.json()["id"], key=member.token())
    assert ended.json()["revoked_by"] == "member"
    repeated = revoke(member, first.json()["id"])
    assert repeated.json() == ended.json()
    anew = give(member, {"purpose": "offers"})
    assert anew.status_code == 201
    assert [one["revoked_at"] is None for one in listed(member)] == [False, True]
    assert listed(member)[0]["given_at"] == first.json()["given_at"]


def test_a_repeated_key_gives_the_same_answer_and_one_consent(street: Street) -> None:
    member, key = street.new_member(), uuid4().hex
    token = member.token()
    path = f"/v1/members/{member.id}/consents"
    first = street.service.post(path, {"purpose": "offers"}, key=token, idempotency_key=key)
    revoke(member, first.json()["id"])
    again = street.service.post(path, {"purpose": "offers"}, key=token, idempotency_key=key)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert len(listed(member)) == 1
    other = street.service.post(path, {"purpose": "health"}, key=token, idempotency_key=key)
    problem(other, 422, "idempotency-key-reused")
    # A member's keys are its own: another's of the same name is another key.
    stranger = street.new_member()
    theirs = f"/v1/members/{stranger.id}/consents"
    assert street.service.post(theirs, {"purpose": "health"}, key=stranger.token(), idempotency_key=key).is_success


def test_a_partner_sees_its_own_consents_and_those_of_the_whole_ledger_only(street: Street) -> None:
    member = street.new_member()
    give(member, {"purpose": "balance", "partner": "CAFE"})
    theirs = give(member, {"purpose": "balance", "partner": "BOOKS"}).json()["id"]
    give(member, {"purpose": "offers"})
    token = member.token()
    seen = [(one["purpose"], one["partner"]) for one in listed(member, key=street.cafe, token=token)]
    assert seen == [("balance", "CAFE"), ("offers", None)]
    refused = revoke(member, theirs, key=street.cafe, token=token)
    problem(refused, 404, "not-found")
    unknown = revoke(member, str(uuid4()), key=street.cafe, token=token)
    assert unknown.content == refused.content


def test_consents_are_listed_in_pages(street: Street) -> None:
    member = street.new_member()
    given = [give(member, {"purpose": purpose}).json()["id"] for purpose in ("offers", "health", "cross-border")]
    path: str | None = f"/v1/members/{member.id}/consents?limit=2"
    found = []
    while path is not None:
        answer = street.service.get(path)
        found += [one["id"] for one in answer.json()["consents"]]
        path = answer.links["next"]["url"] if "next" in answer.links else None
    assert found == given
    cursor = street.service.get(f"/v1/members/{member.id}/consents?limit=2").json()["next_cursor"]
    other = street.new_member()
    problem(street.service.get(f"/v1/members/{other.id}/consents?cursor={cursor}"), 400, "malformed-cursor")


def test_a_partner_without_the_members_token_has_no_part_in_consents(street: Street) -> None:
    member, other = street.new_member(), street.new_member()
    consent = give(member, {"purpose": "offers"}).json()["id"]
    for answer in (
        give(member, BALANCE, key=street.cafe),
        revoke(member, consent, key=street.cafe),
        street.service.get(f"/v1/members/{member.id}/consents", key=street.cafe),
    ):
        problem(answer, 403, "forbidden")
    token = other.token()
    for answer in (
        give(member, BALANCE, key=street.cafe, token=token),
        revoke(member, consent, key=street.cafe, token=token),
        street.service.get(f"/v1/members/{member.id}/consents", key=street.cafe, headers={"Member-Token": token}),
    ):
        problem(answer, 404, "member-not-found")
    assert [one["revoked_at"] for one in listed(member)] == [None]


def test_another_members_token_reaches_nothing(street: Street) -> None:
    member, other = street.new_member(), street.new_member()
    consent = give(member, {"purpose": "offers"}).json()["id"]
    token = other.token()
    problem(give(member, {"purpose": "offers"}, key=token), 404, "member-not-found")
    problem(revoke(member, consent, key=token), 404, "member-not-found")
    problem(street.service.get(f"/v1/members/{member.id}/consents", key=token), 404, "member-not-found")
    own = f"/v1/members/{other.id}/consents/{consent}/revocation"
    problem(street.service.post(own, {}, key=token), 404, "not-found")


@pytest.mark.parametrize("role", ["finance-clerk", "manager", "auditor"])
def test_staff_with_other_tasks_have_no_part_in_consents(street: Street, role: Any) -> None:
    member, key = street.new_member(), make_staff_key(street.service.database, role)
    problem(give(member, {"purpose": "offers"}, key=key), 403, "forbidden")
    problem(street.service.get(f"/v1/members/{member.id}/consents", key=key), 403, "forbidden")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"purpose": "credit-scoring"}, 400, "malformed-request"),
        ({"purpose": "balance"}, 400, "malformed-request"),
        ({"purpose": "offers", "partner": "CAFE"}, 400, "malformed-request"),
        ({"purpose": "offers", "note": "x"}, 400, "malformed-request"),
        ({"purpose": "balance", "partner": "NOPE"}, 404, "not-found"),
        ({}, 400, "malformed-request"),
    ],
)
def test_a_consent_that_is_not_clear_is_refused(street: Street, body: object, status: int, code: str) -> None:
    member = street.new_member()
    problem(give(member, body), status, code)
    assert listed(member) == []


@pytest.mark.parametrize("partner", ["BOOKS", "NOPE"])
def test_a_partner_takes_no_consent_for_another(street: Street, partner: str) -> None:
    member = street.new_member()
    answer = give(member, {"purpose": "balance", "partner": partner}, key=street.cafe, token=member.token())
    problem(answer, 403, "forbidden")
    new = {"reference": uuid4().hex, "consents": [{"purpose": "balance", "partner": partner}]}
    problem(street.service.post("/v1/members", new, key=street.cafe), 403, "forbidden")
    problem(street.service.get(f"/v1/members/ref:{new['reference']}", key=street.cafe), 404, "member-not-found")


def test_a_member_is_created_with_consents_and_the_answer_tells_nothing_of_them(street: Street) -> None:
    reference = uuid4().hex
    body = {
        "reference": reference,
        "region": "310101",
        "birth_year": ADULT,
        "consents": [BALANCE, {"purpose": "offers"}],
    }
    answer = street.service.post("/v1/members", body, key=street.cafe)
    assert answer.json().keys() == {"id", "status", "created_at", "card"}
    member = Regular(street, street.cafe, answer.json()["id"], f"ref:{reference}", "")
    assert [(one["purpose"], one["given_by"]) for one in listed(member)] == [
        ("balance", "partner"),
        ("offers", "partner"),
    ]
    assert balance_read(member, street.cafe).status_code == 200


def test_the_same_reference_again_leaves_the_vault_as_it_is(street: Street) -> None:
    member = created(street, region="310101")
    body = {"reference": member.ref.removeprefix("ref:"), "region": "110000", "consents": [{"purpose": "offers"}]}
    again = street.service.post("/v1/members", body, key=street.cafe)
    assert (again.status_code, again.json()["id"]) == (200, member.id)
    assert listed(member) == []
    with psycopg.connect(street.service.database.superuser_url) as connection:
        rows = connection.execute("select region from personal_data where public_id = %s", [member.id]).fetchall()
    assert rows == [("310101",)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"birth_year": 1899},
        {"birth_year": 2999},
        {"birth_year": "1980"},
        {"region": ""},
        {"region": "Huangpu District, No. 7"},
        {"region": "x" * 33},
        {"consents": [{"purpose": "offers"}] * 17},
        {"consents": ["offers"]},
    ],
)
def test_what_is_wrong_about_a_new_member_is_named_and_creates_nobody(street: Street, wrong: dict[str, object]) -> None:
    reference, key = uuid4().hex, uuid4().hex
    answer = street.service.post("/v1/members", {"reference": reference, **wrong}, key=street.cafe, idempotency_key=key)
    document = problem(answer, 400, "malformed-request")
    assert document["field"].startswith(f"$.{next(iter(wrong))}")
    right = street.service.post("/v1/members", {"reference": reference}, key=street.cafe, idempotency_key=key)
    assert right.status_code == 201


def test_a_child_needs_a_guardian_before_any_other_consent(street: Street) -> None:
    reference, key = uuid4().hex, uuid4().hex
    body = {"reference": reference, "birth_year": CHILD, "consents": [{"purpose": "offers"}]}
    refused = street.service.post("/v1/members", body, key=street.cafe, idempotency_key=key)
    assert problem(refused, 409, "guardian-consent-needed")["needed"] == "guardian"
    problem(street.service.get(f"/v1/members/ref:{reference}", key=street.cafe), 404, "member-not-found")
    again = street.service.post("/v1/members", body, key=street.cafe, idempotency_key=key)
    assert again.content == refused.content
    child = created(street, birth_year=CHILD, consents=[{"purpose": "offers"}, {"purpose": "guardian"}])
    assert {one["purpose"] for one in listed(child)} == {"guardian", "offers"}


def test_a_child_cannot_be_its_own_guardian(street: Street) -> None:
    child = created(street, birth_year=CHILD)
    token = child.token()
    problem(give(child, {"purpose": "guardian"}, key=token), 403, "forbidden")
    problem(give(child, {"purpose": "offers"}, key=token), 409, "guardian-consent-needed")
    assert give(child, {"purpose": "guardian"}, key=street.cafe, token=token).status_code == 201
    assert give(child, {"purpose": "offers"}, key=token).status_code == 201


def test_a_guardian_who_revokes_takes_everything_back_for_a_child_but_not_for_an_adult(street: Street) -> None:
    both = [{"purpose": "guardian"}, {"purpose": "offers"}, BALANCE]
    child, adult = created(street, birth_year=CHILD, consents=both), created(street, birth_year=ADULT, consents=both)
    for member in (child, adult):
        [guardian] = [one["id"] for one in listed(member) if one["purpose"] == "guardian"]
        assert revoke(member, guardian).status_code == 201
    assert all(one["revoked_at"] for one in listed(child))
    problem(balance_read(child, street.cafe), 403, "forbidden")
    assert [one["purpose"] for one in listed(adult) if not one["revoked_at"]] == ["offers", "balance"]
    problem(give(child, {"purpose": "offers"}), 409, "guardian-consent-needed")


def test_a_closed_member_gives_no_more_consents_but_can_end_them(street: Street) -> None:
    member = street.new_member()
    consent = give(member, {"purpose": "offers"}).json()["id"]
    street.set_status(member.id, "closed")
    problem(give(member, {"purpose": "health"}), 409, "member-closed")
    assert revoke(member, consent).json()["revoked_at"] is not None
