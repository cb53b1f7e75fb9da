"""Campaigns over HTTP: several partners fund what any of them gives."""

from uuid import uuid4

import httpx

from tests.api.street import PROGRAMME, Street, problem


def add(street: Street, **changes: object) -> httpx.Response:
    body: dict[str, object] = {
        "code": f"K{uuid4().hex[:8]}",
        "programme": PROGRAMME,
        "shares": [{"partner": "CAFE", "parts": 3}, {"partner": "BOOKS", "parts": 1}],
    }
    return street.service.post("/v1/campaigns", body | changes)


def third(street: Street) -> str:
    """A partner more, that nobody has used before."""
    code = f"P{uuid4().hex[:8]}"
    street.service.add_partner(code, [PROGRAMME])
    return code


def test_a_campaigns_points_are_funded_by_all_who_share_in_it(street: Street) -> None:
    added = add(street)
    assert added.status_code == 201, added.text
    campaign = added.json()
    assert campaign["lead"] == "CAFE"
    assert {share["partner"]: share["parts"] for share in campaign["shares"]} == {"CAFE": 3, "BOOKS": 1}
    member = street.new_member()
    earned = member.earn(12, campaign=campaign["code"])
    assert earned.status_code == 201, earned.text
    [lot] = earned.json()["lots"]
    assert lot["funding"] == campaign["shares"]
    shown = street.service.get(f"/v1/transactions/{earned.json()['id']}").json()
    assert campaign["code"] in str(shown["postings"])
    assert member.redeem(5).status_code == 201
    assert member.reverse(earned.json()["id"]).status_code == 201


def test_only_partners_that_share_in_a_campaign_give_its_points_and_see_it(street: Street) -> None:
    shares = [{"partner": code, "parts": 1} for code in ("BOOKS", third(street))]
    code = add(street, shares=shares).json()["code"]
    member = street.new_member()
    problem(member.earn(1, campaign=code), 404, "campaign-not-found")
    problem(member.earn(1, campaign="NONE"), 404, "campaign-not-found")
    assert street.new_member(street.books).earn(1, campaign=code).status_code == 201
    for key, is_shown in ((None, True), (street.cafe, False), (street.books, True)):
        listed = street.service.get("/v1/campaigns?limit=200", key=key).json()["items"]
        assert (code in {campaign["code"] for campaign in listed}) is is_shown


def test_a_campaign_is_added_once_and_never_changes(street: Street) -> None:
    code = add(street).json()["code"]
    problem(add(street, code=code), 409, "already-exists")


def test_a_campaign_of_unknown_parties_or_a_lead_that_bears_nothing_is_refused(street: Street) -> None:
    problem(add(street, programme="NONE"), 404, "programme-not-found")
    nobody = [{"partner": "CAFE", "parts": 1}, {"partner": "NOBODY", "parts": 1}]
    problem(add(street, shares=nobody), 404, "partner-not-found")
    twice = [{"partner": "CAFE", "parts": 1}, {"partner": "CAFE", "parts": 1}]
    assert problem(add(street, shares=twice), 400, "malformed-request")["field"] == "$.shares[1].partner"
    assert problem(add(street, lead=third(street)), 400, "malformed-request")["field"] == "$.lead"


def test_only_operators_add_campaigns(street: Street) -> None:
    answer = street.service.post("/v1/campaigns", {"code": "X"}, key=street.cafe)
    problem(answer, 403, "forbidden")
