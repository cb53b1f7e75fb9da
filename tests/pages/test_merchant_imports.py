"""The merchant console: a file sent by a form, its progress, and the lines that were not posted."""

import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.pages.browsing import Browser, Page
from tests.pages.conftest import City
from tests.pages.merchants import MAPPING, Shop, open_shop, upload

PATIENCE_SECONDS = 30.0


@pytest.fixture
def shop(city: City) -> Shop:
    return open_shop(city)


def a_file(lines: int = 3, *more: str) -> bytes:
    rows = [f"{uuid4().hex},{uuid4().hex},{number + 1}.00" for number in range(lines)]
    return "\n".join(["invoice,customer,amount", *rows, *more, ""]).encode()


def until_done(browser: Browser, path: str) -> Page:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        page = browser.get(path)
        if "progress.js" not in page.html:
            return page
        assert '<noscript><meta http-equiv="refresh"' in page.html, "without script it brings itself up to date, too"
        time.sleep(0.1)
    raise AssertionError("the import does not come to its end")


def uploads_left(city: City) -> list[Path]:
    return list((city.service.data_directory / "imports").glob("receiving-*"))


def figures(page: Page) -> dict[str, str]:
    rows = [one for one in page.root.one("dl", **{"class": "figures"}).inside if one.tag == "div"]
    return {row.one("dt").text: row.every("dd")[0].text for row in rows}


def test_a_file_is_posted_and_its_page_and_the_list_tell_so(shop: Shop) -> None:
    assert "No import yet" in shop.browser.get("/merchant/imports").text
    answer = upload(shop.browser, a_file())
    assert answer.status == 303
    page = until_done(shop.browser, answer.location)
    assert page.heading == "sales.csv"
    assert figures(page) == {"Lines done": "3", "Posted": "3", "Refused": "0", "Unreadable": "0"}
    assert "Every line is posted." in page.text
    listed = shop.browser.get("/merchant/imports")
    [row] = listed.root.one("section").one("tbody").every("tr")
    assert [cell.text for cell in row.every("td")][1:] == ["Done", "3", "3", "0"]
    assert listed.root.one("textarea").text == " ".join(MAPPING.split()), "what was used last stands in the form"
    assert "Points issued" in shop.browser.get("/merchant").text


def test_lines_that_were_not_posted_are_downloaded_with_their_reasons(shop: Shop) -> None:
    page = until_done(
        shop.browser, upload(shop.browser, a_file(2, "inv-x,cust-x,nothing", "inv-y,cust-y,0.00")).location
    )
    assert figures(page)["Posted"] == "2"
    link = page.root.one("a", download="").attributes["href"]
    answer = shop.browser.get(link).response
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    lines = answer.text.splitlines()
    assert len(lines) == 3
    assert "malformed-line" in lines[1]
    assert "zero-points" in lines[2]


def test_the_same_file_again_is_the_same_import(shop: Shop) -> None:
    content = a_file()
    first = upload(shop.browser, content)
    until_done(shop.browser, first.location)
    assert upload(shop.browser, content, name="another.csv").location == first.location


def test_two_partners_never_see_each_others_imports(city: City, shop: Shop) -> None:
    path = upload(shop.browser, a_file()).location
    until_done(shop.browser, path)
    other = open_shop(city).browser
    for address in (path, f"{path}/lines", f"/merchant/imports/{uuid4()}", "/merchant/imports/x"):
        assert other.get(address).status == 404
    assert "sales.csv" not in other.get("/merchant/imports").html
    assert shop.browser.get(f"{path}/lines").status == 200


@pytest.mark.parametrize(
    ("mapping", "entry"),
    [
        (MAPPING.replace("CITY", "NONE"), "programme"),
        (MAPPING.replace("amount", "sum"), "spend.column"),
        ("not toml at all <script>alert(1)</script>", "mapping"),
        (MAPPING + "\n[colour]\ncolumn = 'x'\n", "colour"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_said_by_its_entry_and_kept(shop: Shop, mapping: str, entry: str) -> None:
    page = upload(shop.browser, a_file(), mapping=mapping)
    assert page.status == 422
    assert page.root.one("div", role="alert").every("code")[0].text == entry
    assert page.root.one("textarea").text == " ".join(mapping.split())
    assert "<script>alert" not in page.html
    assert "No import yet" in page.text
    assert not uploads_left(shop.city)


def test_a_form_without_a_file_says_so(shop: Shop) -> None:
    page = upload(shop.browser, b"", name="")
    assert (page.status, "The file cannot be used" in page.text) == (422, True)


@pytest.mark.parametrize("token", ["", "0" * 64, "x" * 5000])
def test_a_forged_upload_stores_nothing(city: City, shop: Shop, token: str) -> None:
    page = upload(shop.browser, a_file(200), csrf=token)
    assert (page.status, page.heading) == (403, "The form was not accepted")
    assert not uploads_left(city)
    assert "No import yet" in shop.browser.get("/merchant/imports").text


def test_an_upload_from_another_site_or_session_stores_nothing(city: City, shop: Shop) -> None:
    mine = shop.browser.get("/merchant/imports").form("/merchant/imports")["csrf"]
    theirs = open_shop(city).browser.get("/merchant/imports").form("/merchant/imports")["csrf"]
    files = {"file": ("sales.csv", a_file(), "text/csv")}
    for token, headers in (
        (mine, {"Origin": "https://evil.example"}),
        (mine, {"Sec-Fetch-Site": "cross-site"}),
        (theirs, {}),
    ):
        answer = shop.browser.client.post(
            "/merchant/imports", data={"csrf": token, "mapping": MAPPING}, files=files, headers=headers
        )
        assert answer.status_code == 403
    assert city.browser().client.post("/merchant/imports", files=files).status_code == 401
    citizen = city.citizen(city.street.new_member())
    assert citizen.client.post("/merchant/imports", files=files).status_code == 403
    assert not uploads_left(city)


def test_a_file_before_its_token_is_refused_before_it_is_stored(city: City, shop: Shop) -> None:
    token = shop.browser.get("/merchant/imports").form("/merchant/imports")["csrf"]
    parts: list[tuple[str, Any]] = [
        ("file", ("sales.csv", a_file(), "text/csv")),
        ("mapping", (None, MAPPING)),
        ("csrf", (None, token)),
    ]
    answer = shop.browser.client.post("/merchant/imports", files=parts)
    assert answer.status_code == 403
    assert not uploads_left(city)


def test_other_bodies_than_the_forms_are_refused(shop: Shop) -> None:
    form = shop.browser.get("/merchant/imports").form("/merchant/imports")
    assert shop.browser.post("/merchant/imports", form).status == 415
    assert upload(shop.browser, a_file(), extra="x").status == 400


def test_a_files_name_is_shown_as_text(shop: Shop) -> None:
    page = until_done(shop.browser, upload(shop.browser, a_file(), name='<img src=x onerror="1">.csv').location)
    assert page.heading.startswith("<img")
    assert "<img src=x" not in page.html


def test_the_form_begins_with_the_partners_own_programme(city: City) -> None:
    code = f"P{uuid4().hex[:8].upper()}"
    city.service.add_programme(code)
    page = open_shop(city, code).browser.get("/merchant/imports")
    assert f'programme = "{code}"' in page.root.one("textarea").text


def test_the_api_takes_no_token_and_refuses_one(shop: Shop) -> None:
    service = shop.city.service
    files: dict[str, Any] = {
        "file": ("sales.csv", a_file(), "text/csv"),
        "mapping": (None, MAPPING),
        "csrf": (None, "x"),
    }
    answer = shop.browser.client.post(
        f"{service.base_url}/v1/imports", files=files, headers={"Authorization": f"Bearer {shop.key}"}
    )
    assert answer.status_code == 400
