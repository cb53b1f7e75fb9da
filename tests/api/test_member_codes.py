"""Members' codes: shown at a counter, good for two minutes, for one posting, and for a look at the balance."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.api.street import PROGRAMME, Regular, Street, problem


@pytest.fixture
def member(street: Street) -> Regular:
    """A member with a hundred points."""
    member = street.new_member()
    member.earn(100).raise_for_status()
    return member


def new_code(member: Regular) -> str:
    """The name of a member by a code just made."""
    answer = member.street.service.post(f"/v1/members/{member.id}/codes", None, key=member.token())
    assert answer.status_code == 201, answer.text
    return f"code:{answer.json()['code']}"


def look(street: Street, code: str, key: str | None = None) -> Any:
    return street.service.get(
        f"/v1/presented-code?programme={PROGRAMME}", key=key or street.cafe, headers={"Member-Code": code}
    )


def age(street: Street, seconds: int) -> None:
    """Make every code older."""
    with psycopg.connect(street.service.database.superuser_url) as connection:
        connection.execute(
            "update member_codes set made_at = made_at - make_interval(secs => %(by)s),"
            " expires_at = expires_at - make_interval(secs => %(by)s)",
            {"by": seconds},
        )


def test_a_code_names_a_member_for_one_posting_and_tells_the_balance(street: Street, member: Regular) -> None:
    code = new_code(member)
    answer = member.earn(18, member=code)
    assert answer.status_code == 201, answer.text
    assert answer.json()["member"] == member.id
    assert answer.json()["balance"]["available"] == 118
    problem(member.earn(18, member=code), 409, "code-used")
    problem(member.redeem(18, member=code, key=street.books), 409, "code-used")
    assert member.balance()["available"] == 118


@pytest.mark.parametrize("operation", ["redeem", "hold"])
def test_redemptions_and_holds_take_codes_too(member: Regular, operation: str) -> None:
    code = new_code(member)
    answer = getattr(member, operation)(30, member=code)
    assert (answer.status_code, answer.json()["balance"]["available"]) == (201, 70)
    problem(member.redeem(1, member=code), 409, "code-used")


def test_a_retry_is_answered_as_the_first_time_though_the_code_is_used_expired_or_forgotten(
    street: Street, member: Regular
) -> None:
    code, key = new_code(member), uuid4().hex
    first = member.earn(5, member=code, idempotency_key=key)
    late = member.earn(6, member=code)
    for seconds in (0, 121, 7_200):
        age(street, seconds)
        if seconds == 7_200:
            with psycopg.connect(street.service.database.superuser_url) as connection:
                connection.execute("delete from member_codes")
        again = member.earn(5, member=code, idempotency_key=key)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotency-replayed"] == "true"
    problem(late, 409, "code-used")
    assert member.balance()["available"] == 105


def test_a_refused_posting_does_not_spend_the_code(member: Regular) -> None:
    code = new_code(member)
    refused = problem(member.redeem(101, member=code), 409, "insufficient-points")
    assert refused["available"] == 100, "who is shown a code may see the balance"
    assert member.redeem(100, member=code).status_code == 201


def test_an_expired_code_is_refused_and_tells_nothing(street: Street, member: Regular) -> None:
    code = new_code(member)
    age(street, 121)
    refused = problem(member.redeem(101, member=code), 409, "code-expired")
    assert "available" not in refused
    problem(look(street, code), 409, "code-expired")


@pytest.mark.parametrize("code", ["code:", "code:12345678901234567890", "code:1", "code:" + "9" * 200, "code:a b"])
def test_a_code_that_nobody_has_is_no_member(street: Street, member: Regular, code: str) -> None:
    problem(member.earn(1, member=code), 404, "member-not-found")
    problem(look(street, code), 404, "member-not-found")


def test_a_code_is_no_name_in_an_address_and_none_of_a_receiver(street: Street, member: Regular) -> None:
    code = new_code(member)
    problem(street.service.get(f"/v1/members/{code}", key=street.cafe), 404, "member-not-found")
    giver = street.new_member()
    giver.earn(10).raise_for_status()
    problem(giver.give(code, 1), 404, "receiver-not-found")
    assert look(street, code).status_code == 200


def test_a_look_shows_status_and_balance_and_nothing_else(street: Street, member: Regular) -> None:
    code = new_code(member)
    for name in (code, code.removeprefix("code:")):
        answer = look(street, name, street.books)
        shown = answer.json()
        assert shown.pop("as_of")
        assert shown == {"status": "active", "programme": PROGRAMME, "available": 100, "held": 0, "pending": 0}
    street.set_status(member.id, "frozen")
    assert look(street, code).json()["status"] == "frozen"
    problem(member.earn(1, member=code), 409, "member-frozen")
    street.set_status(member.id, "active")
    member.earn(1, member=code).raise_for_status()
    problem(look(street, code), 409, "code-used")


def test_only_the_member_makes_its_codes(street: Street, member: Regular) -> None:
    stranger = street.new_member()
    path = f"/v1/members/{member.id}/codes"
    problem(street.service.post(path, None, key=stranger.token()), 404, "member-not-found")
    problem(street.service.post(path, None, key=street.cafe), 403, "forbidden")
    problem(street.service.post(path, None), 403, "forbidden")
    for status in ("frozen", "closed"):
        street.set_status(member.id, status)
        problem(street.service.post(path, None, key=member.token()), 409, f"member-{status}")
    street.set_status(member.id, "active")


def test_a_repeated_request_for_a_code_does_not_show_it_again(street: Street, member: Regular) -> None:
    token, key = member.token(), uuid4().hex
    path = f"/v1/members/{member.id}/codes"
    first = street.service.post(path, None, key=token, idempotency_key=key).json()
    assert first["qr"] == f"CP{first['code']}"
    again = street.service.post(path, None, key=token, idempotency_key=key)
    assert again.json() == {"code": None, "qr": None, "expires_at": first["expires_at"]}
    [(stored,)] = rows(street, "select string_agg(convert_from(answer, 'LATIN1'), '') from idempotency_keys")
    assert first["code"] not in stored


def test_the_newest_codes_stay_good_and_older_ones_end(street: Street, member: Regular) -> None:
    codes = [new_code(member) for _ in range(8)]
    assert [look(street, code).status_code for code in codes] == [404] * 2 + [200] * 6


def test_codes_follow_a_member_that_is_merged_or_moved_and_end_with_the_account(
    street: Street, member: Regular
) -> None:
    survivor = street.new_member()
    codes = [new_code(member) for _ in range(4)]
    body = {"into": survivor.id, "reason": "two cards"}
    street.service.post(f"/v1/members/{member.id}/merge", body).raise_for_status()
    answer = member.earn(1, member=codes[0]).json()
    assert (answer["member"], answer["balance"]["available"]) == (survivor.id, 101)
    lane = (answer["lane"] + 1) % 64
    street.service.post(f"/v1/members/{survivor.id}/move-lane", {"lane": lane, "reason": "r"}).raise_for_status()
    assert member.earn(1, member=codes[1]).json()["balance"]["available"] == 102
    problem(member.earn(1, member=codes[1]), 409, "code-used")
    street.close(survivor.id)
    problem(member.earn(1, member=codes[2]), 404, "member-not-found")
    problem(look(street, codes[3]), 404, "member-not-found")


@pytest.fixture
def mixed(member: Regular) -> tuple[str, dict[str, Any]]:
    """A code, and an item of a bulk that names the member by it."""
    code = new_code(member)
    return code, {"operation": "earn", "programme": PROGRAMME, "member": code, "points": 3, "scene": "food"}


def test_in_a_bulk_a_code_is_good_for_one_item(
    street: Street, member: Regular, mixed: tuple[str, dict[str, Any]]
) -> None:
    code, item = mixed
    items = [{**item, "key": uuid4().hex} for _ in range(3)]
    body = {"mode": "atomic", "items": items}
    refused = problem(street.service.post("/v1/bulk", body, key=street.cafe), 409, "bulk-item-refused")
    assert refused["refusal"]["code"] == "code-used"
    assert look(street, code).status_code == 200, "of an atomic bulk that is refused nothing stays"
    answer = street.service.post("/v1/bulk", {"mode": "independent", "items": items}, key=street.cafe).json()
    assert [result["status"] for result in answer["results"]] == [201, 409, 409]
    assert member.balance()["available"] == 103


def test_a_quote_by_a_code_shows_the_balance_and_does_not_spend_it(street: Street, mixed: tuple[str, Any]) -> None:
    code, item = mixed
    for _ in range(2):
        quote = street.service.post("/v1/quotes", item, key=street.cafe).json()
        assert (quote["posts"], quote["transaction"]["balance"]["available"]) == (True, 103)
    assert look(street, code).status_code == 200


def test_two_partners_with_one_code_at_once_post_once(street: Street, member: Regular) -> None:
    for _ in range(5):
        code = new_code(member)
        keys = [street.cafe, street.books] * 4
        with ThreadPoolExecutor(len(keys)) as executor:
            answers = list(executor.map(lambda key, code=code: member.earn(1, member=code, key=key), keys))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"code-used"}
    assert member.balance()["available"] == 105


def test_a_code_is_stored_as_a_digest_alone(street: Street, member: Regular) -> None:
    digits = new_code(member).removeprefix("code:")
    member.earn(1, member=f"code:{digits}", evidence="receipt").raise_for_status()
    for (table,) in rows(street, "select tablename from pg_tables where schemaname = 'public'"):
        found = rows(street, f'select t::text from "{table}" t')  # noqa: S608 - a table that the database names
        assert not [row for (row,) in found if digits in row], table
    assert digits not in street.service.log()


def test_guessing_is_held_up_and_good_codes_are_not(street: Street, member: Regular) -> None:
    code, guesser = new_code(member), street.service.add_partner("GUESSER", [PROGRAMME])
    guesses = [look(street, "code:1", guesser).status_code for _ in range(140)]
    assert set(guesses) == {404, 429}
    postings = [member.earn(1, member="code:2", key=guesser).status_code for _ in range(70)]
    assert 429 in postings
    assert look(street, code, guesser).status_code == 200
    assert member.earn(1, member=code, key=guesser).status_code == 201


def rows(street: Street, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(street.service.database.superuser_url) as connection:
        return connection.execute(query.encode()).fetchall()
