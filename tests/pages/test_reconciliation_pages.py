"""Reconciliation: a bank's file is read in once, a bad one names what is wrong, and what does not fit is listed."""

from uuid import uuid4

import pytest

from settlement.reconciliation import LARGEST_BYTES
from tests.pages.browsing import Page
from tests.pages.bureau import Bureau, movement, notification, upload


def files(bureau: Bureau) -> int:
    return int(bureau.city.ask("select count(*) from bank_files")[0][0])


def test_a_file_is_read_in_and_says_what_came_of_it(bureau: Bureau) -> None:
    clerk = bureau.staff("finance-clerk", name="Zhou")
    message = f"M-{uuid4().hex[:10]}"
    content = notification(movement("5.00"), message=message)
    page = clerk.follow(upload(clerk, clerk.get("/finance/reconciliation"), content))
    for said in ("The file was read in.", "Put in suspense 1", "camt.054", message, "Zhou"):
        assert said in page.text
    assert message in bureau.staff("auditor").get("/finance/reconciliation").text


def test_the_same_file_twice_changes_nothing_and_says_so(bureau: Bureau) -> None:
    clerk, other = bureau.staff("finance-clerk"), bureau.staff("manager")
    content = notification(movement("6.00"))
    first = clerk.follow(upload(clerk, clerk.get("/finance/reconciliation"), content))
    before = (files(bureau), bureau.office.balances())
    again = other.follow(upload(other, other.get("/finance/reconciliation"), content))
    assert "read in before: nothing was changed" in again.text
    assert "read in before" not in first.text
    assert (files(bureau), bureau.office.balances()) == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no xml at all", "XML"),
        (b"<a/>", "urn:iso:std:iso:20022"),
        (notification(movement("7.00"), account="999999"), "an account of ours"),
        (notification(movement("7.00"))[:-40], "XML"),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "the file"),
    ],
)
def test_a_bad_file_is_a_page_that_names_what_is_wrong_and_changes_nothing(
    bureau: Bureau, content: bytes, said: str
) -> None:
    clerk = bureau.staff("finance-clerk")
    before = (files(bureau), bureau.office.balances())
    page = upload(clerk, clerk.get("/finance/reconciliation"), content, name="<b>bad</b>.xml")
    assert page.status == 422
    assert page.heading == "The file was not read in"
    assert said in page.text
    assert "<b>bad</b>" not in page.html
    assert (files(bureau), bureau.office.balances()) == before


def test_a_file_with_a_known_message_id_and_other_content_is_refused(bureau: Bureau) -> None:
    clerk, message = bureau.staff("finance-clerk"), f"M-{uuid4().hex[:10]}"
    page = clerk.get("/finance/reconciliation")
    assert upload(clerk, page, notification(movement("8.00"), message=message)).status == 303
    answer = upload(clerk, page, notification(movement("9.00"), message=message))
    assert answer.status == 422
    assert "imported before with other content" in answer.text


def test_no_file_and_an_empty_one_ask_for_a_file(bureau: Bureau) -> None:
    clerk = bureau.staff("finance-clerk")
    page = upload(clerk, clerk.get("/finance/reconciliation"), b"", name="empty.xml")
    assert page.status == 422
    assert "Choose a file first." in page.text


def test_a_file_that_is_too_large_is_a_clear_page(bureau: Bureau) -> None:
    clerk = bureau.staff("finance-clerk")
    before = files(bureau)
    for more in (1, 1_000_000):
        page = upload(clerk, clerk.get("/finance/reconciliation"), b" " * (LARGEST_BYTES + more))
        assert page.status == 413
        assert "The file is too large" in page.text
    assert files(bureau) == before


def _forged(bureau: Bureau, how: str) -> Page:
    clerk = bureau.staff("finance-clerk")
    page, content = clerk.get("/finance/reconciliation"), notification(movement("10.00"))
    if how == "no token":
        return upload(clerk, page, content, csrf="")
    if how == "another session's":
        other = bureau.staff("finance-clerk").get("/finance/reconciliation").form("/sign-out")
        return upload(clerk, page, content, csrf=other["csrf"])
    return upload(clerk, page, content, headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"})


@pytest.mark.parametrize("how", ["no token", "another session's", "another site"])
def test_a_forged_upload_is_refused_before_anything_is_kept(bureau: Bureau, how: str) -> None:
    before = (files(bureau), bureau.office.balances())
    answer = _forged(bureau, how)
    assert (answer.status, answer.heading) == (403, "The form was not accepted")
    assert (files(bureau), bureau.office.balances()) == before


def test_a_token_that_comes_after_the_file_is_no_token(bureau: Bureau) -> None:
    clerk = bureau.staff("finance-clerk")
    token = clerk.get("/finance/reconciliation").form("/sign-out")["csrf"]
    before = files(bureau)
    parts = [("file", ("bank.xml", notification(movement("11.00")))), ("csrf", (None, token.encode()))]
    headers = {"Origin": clerk.base_url, "Sec-Fetch-Site": "same-origin"}
    answer = clerk.client.post("/finance/reconciliation", files=parts, headers=headers)
    assert answer.status_code == 403
    assert files(bureau) == before


@pytest.mark.parametrize("role", ["auditor", "finance-approver"])
def test_who_does_not_prepare_has_no_form_and_is_refused(bureau: Bureau, role: str) -> None:
    clerk, reader = bureau.staff("finance-clerk"), bureau.staff(role)
    page = reader.get("/finance/reconciliation")
    assert "your role reads" in page.text
    assert not page.root.every("input")[1:]
    before = files(bureau)
    token = page.form("/sign-out")["csrf"]
    answer = upload(reader, clerk.get("/finance/reconciliation"), notification(movement("12.00")), csrf=token)
    assert (answer.status, answer.heading) == (403, "This page is not for you")
    assert files(bureau) == before


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"csrf=1"),
        ({"Content-Type": "multipart/form-data"}, b""),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--y\r\n"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b""),
        ({}, b"<Document/>"),
    ],
)
def test_what_is_no_upload_is_a_page_and_no_fault(bureau: Bureau, headers: dict[str, str], body: bytes) -> None:
    clerk = bureau.staff("finance-clerk")
    answer = clerk.client.post("/finance/reconciliation", content=body, headers=headers)
    assert answer.status_code in {400, 403}
    assert "<h1>" in answer.text


def test_payments_without_an_answer_are_listed_until_the_bank_confirms_them(bureau: Bureau) -> None:
    """The first day's batch pays the café; notices say what the bank owes."""
    page = bureau.staff("finance-clerk").get("/finance/reconciliation")
    assert "Payments without an answer" in [one.text for one in page.root.every("h2")]
    assert "CAFE" in page.text
    assert bureau.batch in page.text
    assert bureau.notices()[0]["reference"] in page.text


@pytest.mark.parametrize("name", ["x", "0" * 64, "g" * 64, "²" * 64, "<script>"])
def test_a_file_that_is_none_is_a_clear_page(bureau: Bureau, name: str) -> None:
    assert bureau.staff("finance-clerk").get(f"/finance/reconciliation/files/{name}").status == 404
