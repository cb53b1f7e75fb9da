"""Programmes, partners and keys on the operator's pages: the same core as the API, safe to send twice."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.pages.browsing import Browser, Page
from tests.pages.conftest import City

PARTNERS, KEYS, NEW_KEY = "/operator/partners", "/operator/keys", "/operator/keys/new"


@pytest.fixture
def operator(city: City) -> Browser:
    """A browser in which an operator is signed in."""
    return staff(city, "operator")


def staff(city: City, *roles: str) -> Browser:
    return city.sign_in(to="/operator", sub=f"{'-'.join(roles)}-{uuid4().hex[:6]}", citypoints_roles=list(roles))


def new_code() -> str:
    return f"SHOP-{uuid4().hex[:8]}"


def add_partner(browser: Browser, **fields: str) -> Page:
    return browser.send(browser.get(PARTNERS), PARTNERS, **{"kind": "merchant", **fields})


def key_form(browser: Browser, *, of_staff: bool = False) -> Mapping[str, str]:
    """The hidden fields of the form for a partner or for staff."""
    forms = [form for form in browser.get(NEW_KEY).root.every("form") if form.attributes["action"] == KEYS]
    inputs = forms[1 if of_staff else 0].every("input")
    return {
        one.attributes["name"]: one.attributes.get("value", "")
        for one in inputs
        if one.attributes.get("type") != "checkbox"
    }


def test_a_partner_is_added_permitted_and_given_a_key_that_works(city: City, operator: Browser) -> None:
    code = new_code()
    page = operator.follow(add_partner(operator, code=code, name="Corner <b>Shop</b> & Sons"))
    assert page.heading == "Corner <b>Shop</b> & Sons"
    assert "It takes part in no programme." in page.text
    programme = operator.get("/operator/programmes/CITY")
    permit = "/operator/programmes/CITY/partners"
    fields = {"csrf": programme.form(permit)["csrf"], "partner": code, "issue": "yes"}
    done = operator.follow(operator.post(permit, fields))
    [row] = [row for row in done.root.every("tr") if code in row.text]
    assert row.text.endswith("yes no")
    made = operator.post(KEYS, {**key_form(operator), "partner": code})
    assert (made.status, made.heading) == (200, "Copy the key now")
    assert made.response.headers["cache-control"] == "no-store"
    key = made.root.one("code").text
    member = city.street.new_member(key)
    member.earn(7, scene="food").raise_for_status()
    assert member.redeem(1, scene="food").status_code == 403
    operator.post(permit, {**fields, "accept": "yes"})
    member.redeem(1, scene="food").raise_for_status()
    assert f"/operator/keys?partner={code}" in operator.get(f"{PARTNERS}/{code}").html
    listed = operator.get(f"{KEYS}?partner={code}")
    assert key.split("_")[1] in listed.text
    assert key not in listed.html


def test_a_partner_is_added_once_however_often_the_form_is_sent(city: City, operator: Browser) -> None:
    code = new_code()
    fields = {**operator.get(PARTNERS).form(PARTNERS), "code": code, "name": "Twice", "kind": "charity"}
    with ThreadPoolExecutor(3) as executor:
        pages = list(executor.map(lambda _: operator.post(PARTNERS, fields), range(3)))
    assert {page.status for page in pages} == {303}
    other = operator.post(PARTNERS, {**fields, "name": "Another"})
    assert other.status == 422
    taken = add_partner(operator, code=code, name="Another")
    assert (taken.status, "codes are for ever" in taken.text) == (422, True)
    assert taken.form(PARTNERS)["name"] == "Another", "what was typed is kept"
    assert city.ask("select count(*) from partners where code = %s", code) == [(1,)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"code": "no spaces here"}, "Wanted are 1 to 32 letters"),
        ({"code": "X" * 33}, "Wanted are 1 to 32 letters"),
        ({"code": ""}, "Wanted are 1 to 32 letters"),
        ({"name": ""}, "Wanted are 1 to 200 characters."),
        ({"name": "x" * 201}, "Wanted are 1 to 200 characters."),
        ({"name": "a\nb"}, "Wanted are 1 to 200 characters."),
        ({"kind": "pirate"}, "Choose one of the kinds."),
    ],
)
def test_a_partner_that_cannot_be_is_told_by_field(operator: Browser, changes: dict[str, str], said: str) -> None:
    page = add_partner(operator, **{"code": new_code(), "name": "Shop", **changes})
    assert page.status == 422
    assert said in page.text


def test_a_key_is_shown_once_and_a_repeated_form_makes_no_other(city: City, operator: Browser) -> None:
    fields = {**key_form(operator, of_staff=True), "staff": f"Li Hua {uuid4().hex[:6]}", "role_auditor": "yes"}
    with ThreadPoolExecutor(3) as executor:
        pages = list(executor.map(lambda _: operator.post(KEYS, fields), range(3)))
    shown = [page for page in pages if page.heading == "Copy the key now"]
    again = [page for page in pages if page.heading == "The key was shown before"]
    assert (len(shown), len(again)) == (1, 2)
    assert "cpk_" not in again[0].html
    assert city.ask("select roles from credentials where staff_name = %s", fields["staff"]) == [(["auditor"],)]
    key = shown[0].root.one("code").text
    assert city.service.get("/v1/partners", key=key).status_code == 200
    changed = operator.post(KEYS, {**fields, "role_operator": "yes"})
    assert changed.status == 422
    assert city.ask("select count(*) from credentials where staff_name = %s", fields["staff"]) == [(1,)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"partner": "NOBODY"}, "Choose a partner."),
        ({"partner": "CAFE", "days": "0"}, "Wanted is a whole number from 1 to 3,650"),
        ({"partner": "CAFE", "days": "3651"}, "Wanted is a whole number from 1 to 3,650"),
        ({"partner": "CAFE", "days": "soon"}, "Wanted is a whole number from 1 to 3,650"),
        ({"staff": "", "role_auditor": "yes"}, "Wanted are 1 to 200 characters."),
        ({"staff": "x" * 201, "role_auditor": "yes"}, "Wanted are 1 to 200 characters."),
        ({"staff": "Somebody"}, "Tick at least one role."),
        ({"staff": "Somebody", "role_emperor": "yes"}, "Tick at least one role."),
    ],
)
def test_a_key_that_cannot_be_is_told_by_field(operator: Browser, changes: dict[str, str], said: str) -> None:
    page = operator.post(KEYS, {**key_form(operator), **changes})
    assert page.status == 422
    assert said in page.text
    assert "cpk_" not in page.html


def test_a_key_is_replaced_and_revoked_after_a_question(city: City, operator: Browser) -> None:
    name = f"Wang {uuid4().hex[:6]}"
    made = operator.post(KEYS, {**key_form(operator, of_staff=True), "staff": name, "role_support": "yes", "days": ""})
    old = made.root.one("code").text
    address = f"{KEYS}/{old.split('_')[1]}"
    page = operator.get(address)
    assert "support" in page.text
    form = page.form(f"{address}/rotation")
    replaced = operator.post(f"{address}/rotation", {**form, "overlap": "3600"})
    assert replaced.heading == "Copy the key now"
    assert "ends: in an hour" in replaced.text
    new = replaced.root.one("code").text
    assert operator.post(f"{address}/rotation", {**form, "overlap": "3600"}).heading == "The key was shown before"
    assert operator.post(f"{address}/rotation", {**form, "overlap": "7"}).status == 400
    assert [city.service.get("/v1/partners", key=key).status_code for key in (old, new)] == [200, 200]
    question = operator.get(f"{address}/revocation")
    assert f"of {name}?" in question.text
    done = operator.follow(operator.send(question, f"{address}/revocation"))
    assert "The key is revoked." in done.text
    assert f"{address}/rotation" not in done.html
    assert city.ask("select count(*) from credentials where staff_name = %s and revoked_at is null", name) == [(1,)]
    late = operator.post(f"{address}/rotation", {**form, "key": uuid4().hex, "overlap": "0"})
    assert late.status == 404


def test_what_is_not_there_is_missing(operator: Browser) -> None:
    for path in (
        "/operator/programmes/NONE",
        f"{PARTNERS}/NONE",
        f"{KEYS}/none",
        f"{KEYS}/no%20key/revocation",
        f"{KEYS}?partner=NONE",
        f"{KEYS}?after=%27",
    ):
        assert operator.get(path).status == 404, path
    csrf = operator.get(PARTNERS).form(PARTNERS)["csrf"]
    for path in ("/operator/programmes/NONE/partners", f"{KEYS}/none/revocation"):
        assert operator.post(path, {"csrf": csrf, "partner": "CAFE"}).status == 404, path
    assert operator.post("/operator/programmes/CITY/partners", {"csrf": csrf, "partner": "NONE"}).status == 404


CHANGES = (
    PARTNERS,
    KEYS,
    f"{KEYS}/none/rotation",
    f"{KEYS}/none/revocation",
    "/operator/programmes/CITY/partners",
)


def test_the_auditor_sees_all_and_can_change_nothing(city: City) -> None:
    auditor = staff(city, "auditor")
    for path in ("/operator", "/operator/programmes", "/operator/programmes/CITY", PARTNERS, f"{PARTNERS}/CAFE", KEYS):
        page = auditor.get(path)
        assert page.status == 200, path
        posts = {form.attributes["action"] for form in page.root.every("form") if form.attributes["method"] == "post"}
        assert posts == {"/sign-out"}, path
    one = auditor.get(KEYS).root.one("table").every("a")[0].attributes["href"]
    assert "only" not in auditor.get(one).heading
    assert auditor.get(NEW_KEY).status == 403
    assert auditor.get(f"{one}/revocation").status == 403
    csrf = auditor.get("/operator").form("/sign-out")["csrf"]
    for path in CHANGES:
        sent = auditor.post(path, {"csrf": csrf, "key": "k" * 20, "partner": "CAFE", "code": "X", "name": "Y"})
        assert sent.status == 403, path


@pytest.mark.parametrize("role", ["finance-clerk", "finance-approver", "manager", "support"])
def test_other_staff_see_nothing_of_it(city: City, role: str) -> None:
    browser = staff(city, role)
    for path in ("/operator", "/operator/programmes", PARTNERS, KEYS, NEW_KEY):
        assert browser.get(path).status == 403, path
    csrf = browser.get("/account").form("/sign-out")["csrf"]
    for path in CHANGES:
        assert browser.post(path, {"csrf": csrf, "key": "k" * 20}).status == 403, path


def test_forged_forms_change_nothing(city: City, operator: Browser) -> None:
    other = staff(city, "operator")
    token = other.get(PARTNERS).form(PARTNERS)["csrf"]
    for path in CHANGES:
        assert operator.post(path, {"csrf": token, "key": "k" * 20, "partner": "CAFE"}).status == 403, path
        own = operator.get(PARTNERS).form(PARTNERS)["csrf"]
        assert operator.post(path, {"csrf": own, "key": "k" * 20}, Origin="https://evil.example").status == 403, path


def test_partners_are_found_by_code_or_name(operator: Browser) -> None:
    code = new_code()
    add_partner(operator, code=code, name="Lantern <script>alert(1)</script>")
    for sought in (code.lower(), "lantern <SCRIPT>"):
        page = operator.get(PARTNERS, params={"sought": sought})
        assert code in page.root.one("table").text
        assert "CAFE" not in page.root.one("table").text
        assert not page.root.every("script")
