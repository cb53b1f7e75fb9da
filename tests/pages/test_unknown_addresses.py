"""Addresses at which nothing is: a page for people, a problem for programs."""

import pytest

from tests.pages.conftest import City


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/portal/nowhere", 404),
        ("/merchant/no/where", 404),
        ("/finance/nowhere", 404),
        ("/merchant/counter/check", 405),
    ],
)
def test_an_address_of_nothing_among_peoples_pages_is_answered_with_a_page(city: City, path: str, status: int) -> None:
    page = city.browser().get(path)
    assert (page.status, page.heading) == (status, "There is nothing here")
    assert "Nothing was done" in page.text
    assert page.root.one("a", role="button").attributes["href"] == "/sign-in"


def test_an_address_of_nothing_among_programs_requests_is_answered_with_a_problem(city: City) -> None:
    answer = city.browser().client.get("/v1/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
