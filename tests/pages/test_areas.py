"""Who may enter which area of the pages."""

import pytest

from tests.pages.conftest import City

AREAS = ("/portal", "/merchant", "/finance", "/operator")
APPEALS = "/operator/appeals"


@pytest.mark.parametrize(
    ("roles", "areas"),
    [
        (["merchant"], {"/merchant"}),
        (["finance-clerk"], {"/finance"}),
        (["finance-approver"], {"/finance"}),
        (["manager"], {"/finance"}),
        (["operator"], {"/operator"}),
        (["auditor"], {"/finance", "/operator"}),
        (["support"], {"/operator/appeals"}),
    ],
)
def test_each_role_enters_its_own_area_alone(city: City, roles: list[str], areas: set[str]) -> None:
    browser = city.sign_in(to="/account", sub="-".join(roles), citypoints_roles=roles, citypoints_partner="CAFE")
    for area in AREAS:
        page = browser.get(area)
        assert page.status == (200 if area in areas else 403), area
    assert browser.get(APPEALS).status == (200 if {"operator", "auditor", "support"} & set(roles) else 403)
    offered = {link.attributes["href"] for link in browser.get("/account").root.one("main").every("a")}
    assert offered == areas


def test_a_citizen_enters_the_portal_alone(city: City) -> None:
    browser = city.citizen(city.street.new_member())
    assert [browser.get(area).status for area in AREAS] == [200, 403, 403, 403]


@pytest.mark.parametrize(("roles", "home"), [("merchant", "/merchant"), ("finance-clerk", "/finance")])
def test_after_signing_in_each_is_led_to_its_own_area(city: City, roles: str, home: str) -> None:
    browser = city.browser()
    page = city.finish(
        browser, city.begin(browser, "/portal"), sub=roles, citypoints_roles=[roles], citypoints_partner="CAFE"
    )
    assert (page.status, page.location) == (303, home)
