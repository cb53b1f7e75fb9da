"""The export of a member's data over HTTP: whole, to the member and to those who help it, and to nobody else."""

from typing import Any
from uuid import uuid4

import psycopg

from tests.api.street import PROGRAMME, Regular, Street, problem
from tests.service import make_staff_key

SECTIONS = ("profiles", "names", "tokens", "consents", "appeals", "accounts", "texts")
BULK, MANY = 1_000, 10_000


def exported(member: Regular, key: str | None = None) -> dict[str, Any]:
    """The export of a member; to the operator without a key."""
    answer = member.street.service.get(f"/v1/members/{member.id}/export", key=key).raise_for_status()
    assert answer.headers["content-type"].startswith("application/json")
    document: dict[str, Any] = answer.json()
    return document


def test_an_export_holds_everything_that_the_ledger_knows(street: Street) -> None:
    reference = uuid4().hex
    body = {"reference": reference, "region": "310101", "birth_year": 1980, "consents": [{"purpose": "balance"}]}
    answer = street.service.post("/v1/members", body, key=street.cafe).raise_for_status().json()
    member = Regular(street, street.cafe, answer["id"], f"ref:{reference}", f"card:{answer['card']}")
    first = member.earn(30, reference="till 7", evidence="photo", metadata={"shelf": "b"}).json()
    second = member.redeem(10).json()
    third = member.reverse(first["id"], points=5).json()
    token = member.token()
    document = exported(member, token)
    assert list(document) == ["format", "id", "status", "created_at", "exported_at", *SECTIONS]
    assert (document["format"], document["id"], document["status"]) == (2, member.id, "active")
    [profile] = document["profiles"]
    assert (profile["region"], profile["birth_year"]) == ("310101", 1980)
    assert {(name["kind"], name["partner"]) for name in document["names"]} == {
        ("id", None),
        ("reference", "CAFE"),
        ("card", None),
    }
    assert [list(one) for one in document["tokens"]] == [["expires_at"]]
    assert token not in str(document)
    [consent] = document["consents"]
    assert (consent["purpose"], consent["partner"], consent["given_by"]) == ("balance", "CAFE", "partner")
    [account] = document["accounts"]
    assert (account["balance"]["programme"], account["balance"]["available"]) == (PROGRAMME, 15)
    assert [lot["original"] for lot in account["lots"]] == [30]
    assert [line["transaction_id"] for line in account["statement"]] == [third["id"], second["id"], first["id"]]
    assert document["texts"] == [
        {
            "transaction_id": first["id"],
            "text": {"reference": "till 7", "evidence": "photo", "metadata": {"shelf": "b"}},
        },
        {"transaction_id": third["id"], "text": {"reason": "returned"}},
    ]
    for role in ("operator", "support"):
        assert exported(member, make_staff_key(street.service.database, role))["accounts"] == document["accounts"]


def test_an_export_of_a_member_of_whom_nothing_more_is_known_is_empty_but_whole(street: Street) -> None:
    document = exported(street.new_member())
    assert [document[name] for name in SECTIONS if name != "names"] == [[]] * 6


def test_an_export_spans_every_programme(street: Street) -> None:
    programme = f"P{uuid4().hex[:8]}"
    street.service.add_programme(programme)
    street.service.permit(programme, "CAFE", may_issue=True, may_accept=True)
    member = street.new_member()
    member.earn(5)
    member.earn(7, programme=programme)
    balances = [account["balance"] for account in exported(member)["accounts"]]
    assert {(one["programme"], one["available"]) for one in balances} == {(PROGRAMME, 5), (programme, 7)}


def test_an_export_of_ten_thousand_transactions_has_each_of_them_once(street: Street) -> None:
    member = street.new_member()
    for first in range(0, MANY, BULK):
        items = [
            {
                "operation": "earn",
                "key": f"{member.id}/{number}",
                "programme": PROGRAMME,
                "member": member.ref,
                "scene": "food",
                "points": 1,
                "reference": f"n{number}",
            }
            for number in range(first, first + BULK)
        ]
        answer = street.service.post("/v1/bulk", {"mode": "independent", "items": items}, key=street.cafe)
        assert {result["status"] for result in answer.json()["results"]} == {201}
    document = exported(member)
    [account] = document["accounts"]
    assert account["balance"]["available"] == MANY
    assert len({line["transaction_id"] for line in account["statement"]}) == len(account["statement"]) == MANY
    assert len({lot["id"] for lot in account["lots"]}) == len(account["lots"]) == MANY
    assert [text["text"]["reference"] for text in document["texts"]] == [f"n{number}" for number in range(MANY)]


def test_an_export_includes_what_was_recorded_before_the_member_was_merged(street: Street) -> None:
    member, former = street.new_member(), street.new_member()
    member.earn(5, reference="mine")
    former.earn(7, reference="formerly")
    merge_in_sql(street, former, member)
    document = exported(member)
    assert [account["balance"]["member"] for account in document["accounts"]] == [member.id, former.id]
    assert [text["text"]["reference"] for text in document["texts"]] == ["mine", "formerly"]
    assert len(document["names"]) == 6


def test_an_export_is_for_the_member_and_those_who_help_it_alone(street: Street) -> None:
    member, other = street.new_member(), street.new_member()
    path = f"/v1/members/{member.id}/export"
    problem(street.service.get(path, key=other.token()), 404, "member-not-found")
    problem(street.service.get(path, key=street.cafe), 403, "forbidden")
    problem(street.service.get(path, key=street.cafe, headers={"Member-Token": member.token()}), 403, "forbidden")
    problem(street.service.get("/v1/members/nobody/export"), 404, "member-not-found")
    for role in ("finance-clerk", "finance-approver", "manager", "auditor"):
        problem(street.service.get(path, key=make_staff_key(street.service.database, role)), 403, "forbidden")


def merge_in_sql(street: Street, former: Regular, into: Regular) -> None:
    """What a merge leaves of a member: its row says what it became, its names lead there."""
    with psycopg.connect(street.service.database.superuser_url) as connection:
        row = connection.execute("select lane, member from members where public_id = %s", [into.id]).fetchone()
        assert row is not None
        gone = connection.execute(
            "update members set status = 'merged', into_lane = %s, into_member = %s where public_id = %s"
            " returning lane, member",
            [*row, former.id],
        ).fetchone()
        assert gone is not None
        connection.execute(
            "update member_names set lane = %s, member = %s where lane = %s and member = %s", [*row, *gone]
        )
