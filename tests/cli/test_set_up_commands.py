from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from ledger.store.bearer_secrets import parse_secret
from tests.command_line import CommandLine
from tests.databases import LedgerDatabase


def programme(command: CommandLine, code: str) -> dict[str, Any]:
    [found] = [one for one in command.json("programmes", "list")["programmes"] if one["code"] == code]
    return dict(found)


def test_a_programme_is_added_with_all_its_terms(live: CommandLine) -> None:
    terms = ("--zone", "Europe/London", "--currency", "GBP", "--cut-off", "22:30", "--validity-days", "90")
    more = ("--earn-rate", "3/2", "--maximum-age-days", "none", "--restore-grace-days", "7", "--shortfall", "issuer")
    gifts = ("--gift-points-a-month", "100")
    assert live.done("programmes", "add", "SHOP", *terms, *more, *gifts) == (
        "Added programme SHOP: 3 per GBP 2.00, good for 90 days, Europe/London."
    )
    assert programme(live, "SHOP") == {
        "code": "SHOP",
        "is_open": True,
        "currency": "GBP",
        "zone": "Europe/London",
        "cut_off": "22:30",
        "maximum_age_days": None,
        "restore_grace_days": 7,
        "shortfall": "issuer",
        "gift_points_a_month": 100,
        "rules": [
            {"starts_on": "1970-01-01", "points": 3, "per": "2.00", "validity_months": None, "validity_days": 90}
        ],
    }


def test_validity_is_24_months_unless_told_otherwise(live: CommandLine) -> None:
    live.done("programmes", "add", "USUAL")
    live.done("programmes", "add", "YEN", "--currency", "JPY", "--no-expiry")
    [usual] = programme(live, "USUAL")["rules"]
    [yen] = programme(live, "YEN")["rules"]
    assert (usual["validity_months"], usual["validity_days"]) == (24, None)
    assert (yen["per"], yen["validity_months"], yen["validity_days"]) == ("1", None, None)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("A B",), "CODE: got 'A B', wanted 1 to 32 letters"),
        (("X", "--zone", "Mars/Olympus"), "--zone: got 'Mars/Olympus', wanted an IANA time zone"),
        (("X", "--zone", "Europe"), "--zone: got 'Europe', wanted an IANA time zone"),
        (("X", "--currency", "cny"), "--currency: got 'cny', wanted an ISO 4217 code"),
        (("X", "--cut-off", "24:00"), "--cut-off: got '24:00', wanted HH:MM"),
        (("X", "--earn-rate", "0"), "--earn-rate: got '0', wanted points"),
        (("X", "--earn-rate", "1/0"), "--earn-rate: got '1/0', wanted points"),
        (("X", "--earn-rate", "1.5"), "--earn-rate: got '1.5', wanted points"),
        (("X", "--maximum-age-days", "never"), "--maximum-age-days: got 'never', wanted 0 to 36500 or none"),
        (("X", "--validity-days", "0"), "--validity-days"),
        (("X", "--validity-days", "9", "--no-expiry"), "got several of --validity-months"),
        (("X", "--shortfall", "bank"), "--shortfall"),
    ],
)
def test_a_wrong_term_is_usage_and_says_what_is_wanted(
    nowhere: CommandLine, arguments: tuple[str, ...], wanted: str
) -> None:
    assert wanted in nowhere.fails("programmes", "add", *arguments, code=2)


def test_a_programme_is_never_overwritten(live: CommandLine) -> None:
    before = programme(live, "CITY")
    assert "A programme with code CITY exists already." in live.fails("programmes", "add", "CITY", "--currency", "EUR")
    assert programme(live, "CITY") == before


def test_a_programme_closes_and_opens_again(live: CommandLine) -> None:
    assert live.done("programmes", "close", "CITY") == "Programme CITY is closed now."
    assert live.json("programmes", "close", "CITY") == {"code": "CITY", "is_open": False, "changed": False}
    assert programme(live, "CITY")["is_open"] is False
    assert live.json("programmes", "open", "CITY") == {"code": "CITY", "is_open": True, "changed": True}
    assert live.done("programmes", "open", "CITY") == "Programme CITY was open already."
    assert "no programme has the code 'TOWN'" in live.fails("programmes", "close", "TOWN")


def test_lists_are_tables_with_tabs_when_they_are_piped(live: CommandLine) -> None:
    live.done("partners", "add", "TEA", "--kind", "merchant", "--name", "老街茶馆 Tea")
    lines = live.run("partners", "list").output.splitlines()
    assert [line.split("\t") for line in lines] == [
        ["CODE", "KIND", "NAME", "ISSUES IN", "ACCEPTS IN"],
        ["TEA", "merchant", "老街茶馆 Tea", "CITY", "CITY"],
    ]
    assert live.run("programmes", "list").output.splitlines()[1].startswith("CITY\topen\tCNY\tAsia/Shanghai\t1 per")


def test_a_partner_takes_part_in_all_open_programmes_unless_some_are_named(live: CommandLine) -> None:
    live.done("programmes", "add", "SHOP")
    live.done("programmes", "add", "OLD")
    live.done("programmes", "close", "OLD")
    added = live.json("partners", "add", "TEA", "--kind", "merchant", "--name", "Tea")
    assert added["created"] is True
    assert sorted(added["programmes"]) == ["CITY", "SHOP"]
    assert live.done("partners", "add", "BANK", "--kind", "bank", "--name", "Bank", "--programme", "SHOP") == (
        "Added bank BANK, which may issue and accept in SHOP."
    )
    [bank, tea] = live.json("partners", "list")["partners"]
    assert (bank["code"], bank["issues_in"], bank["accepts_in"]) == ("BANK", ["SHOP"], ["SHOP"])
    assert (tea["code"], tea["issues_in"], tea["accepts_in"]) == ("TEA", ["CITY", "SHOP"], ["CITY", "SHOP"])


def test_the_same_partner_again_is_permitted_in_more_programmes(live: CommandLine) -> None:
    who = ("partners", "add", "TEA", "--kind", "merchant", "--name", "Tea", "--programme")
    live.done("programmes", "add", "SHOP")
    live.done(*who, "CITY")
    assert live.json(*who, "SHOP") == {"code": "TEA", "created": False, "programmes": ["SHOP"]}
    [tea] = live.json("partners", "list")["partners"]
    assert tea["issues_in"] == ["CITY", "SHOP"]


def test_a_partner_is_never_overwritten(live: CommandLine) -> None:
    live.done("partners", "add", "TEA", "--kind", "merchant", "--name", "Tea")
    assert "exists already as merchant 'Tea'" in live.fails("partners", "add", "TEA", "--kind", "bank", "--name", "Tea")
    assert "exists already as merchant 'Tea'" in live.fails(
        "partners", "add", "TEA", "--kind", "merchant", "--name", "Coffee"
    )


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("TEA", "--kind", "shop", "--name", "Tea"), "--kind"),
        (("TEA", "--kind", "merchant"), "--name"),
        (("TEA", "--kind", "merchant", "--name", " "), "--name: got ' ', wanted 1 to 200 printable characters"),
        (("TEA", "--kind", "merchant", "--name", "a\tb"), "--name: got 'a\\tb', wanted"),
        (("T/A", "--kind", "merchant", "--name", "Tea"), "CODE: got 'T/A', wanted"),
    ],
)
def test_a_wrong_partner_is_usage(nowhere: CommandLine, arguments: tuple[str, ...], wanted: str) -> None:
    assert wanted in nowhere.fails("partners", "add", *arguments, code=2)


def test_a_partner_in_an_unknown_programme_is_not_added(live: CommandLine) -> None:
    who = ("partners", "add", "TEA", "--kind", "merchant", "--name", "Tea")
    assert "no programme has the code 'TOWN'" in live.fails(*who, "--programme", "CITY", "--programme", "TOWN")
    assert live.json("partners", "list") == {"partners": []}


def test_a_key_is_shown_once_and_stored_as_a_digest(live: CommandLine, database: LedgerDatabase) -> None:
    live.done("partners", "add", "TEA", "--kind", "merchant", "--name", "Tea")
    made = live.json("keys", "create", "--partner", "TEA")
    secret = parse_secret(made["key"])
    assert secret is not None
    assert (made["prefix"], made["owner"]) == (secret.prefix, "TEA")
    with psycopg.connect(database.service_url) as connection:
        [(digest,)] = connection.execute("select secret_digest from credentials").fetchall()
    assert secret.matches(digest)
    assert made["key"].rpartition("_")[2] not in live.run("keys", "list").output


def test_keys_of_the_operator_and_of_staff_carry_their_roles(live: CommandLine) -> None:
    assert " for operator, shown only this once: cpk_" in live.done("keys", "create", "--operator")
    live.done("keys", "create", "--staff", "Ann", "--role", "support", "--role", "auditor", "--expires-days", "3")
    keys = {key["owner"]: key for key in live.json("keys", "list")["keys"]}
    assert keys["operator"]["roles"] == ["operator"]
    assert keys["operator"]["expires_at"] is None
    assert sorted(keys["Ann"]["roles"]) == ["auditor", "support"]
    left = datetime.fromisoformat(keys["Ann"]["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=2, hours=23) < left <= timedelta(days=3)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((), "wanted exactly one of --partner CODE, --operator and --staff NAME"),
        (("--partner", "TEA", "--operator"), "wanted exactly one of"),
        (("--staff", "Ann"), "--staff NAME and --role go together"),
        (("--operator", "--role", "auditor"), "--staff NAME and --role go together"),
        (("--staff", "Ann", "--role", "king"), "--role: got 'king', wanted one of operator, finance-clerk"),
        (("--staff", "", "--role", "auditor"), "--staff: got ''"),
        (("--operator", "--expires-days", "0"), "--expires-days"),
    ],
)
def test_a_wrong_key_is_usage(nowhere: CommandLine, arguments: tuple[str, ...], wanted: str) -> None:
    assert wanted in nowhere.fails("keys", "create", *arguments, code=2)


def test_a_key_of_an_unknown_partner_is_not_made(live: CommandLine) -> None:
    assert "no partner has the code 'TEA'" in live.fails("keys", "create", "--partner", "TEA")
    assert live.json("keys", "list") == {"keys": []}


def test_a_rotated_key_has_the_same_owner_and_the_old_one_ends(live: CommandLine) -> None:
    old = live.json("keys", "create", "--staff", "Ann", "--role", "auditor")
    new = live.json("keys", "rotate", old["prefix"])
    assert new["key"] != old["key"]
    assert new["owner"] == "Ann"
    keys = {key["prefix"]: key for key in live.json("keys", "list")["keys"]}
    assert keys[old["prefix"]]["state"] == "expired"
    assert (keys[new["prefix"]]["state"], keys[new["prefix"]]["roles"]) == ("good", ["auditor"])


def test_a_rotated_key_stays_good_for_the_overlap(live: CommandLine) -> None:
    old = live.json("keys", "create", "--operator")
    assert live.done("keys", "rotate", old["prefix"], "--overlap-hours", "24").startswith(f"Rotated {old['prefix']} to")
    keys = {key["prefix"]: key for key in live.json("keys", "list")["keys"]}
    assert keys[old["prefix"]]["state"] == "good"
    assert datetime.fromisoformat(keys[old["prefix"]]["expires_at"]) < datetime.now(UTC) + timedelta(
        hours=24, minutes=1
    )


def test_a_revoked_key_ends_for_good(live: CommandLine) -> None:
    made = live.json("keys", "create", "--operator")
    assert live.done("keys", "revoke", made["prefix"]) == f"Revoked key {made['prefix']}."
    assert live.json("keys", "revoke", made["prefix"]) == {"prefix": made["prefix"], "state": "revoked"}
    [key] = live.json("keys", "list")["keys"]
    assert key["state"] == "revoked"
    assert "No key that is in use has this prefix." in live.fails("keys", "rotate", made["prefix"])


def test_an_unknown_prefix_is_refused(live: CommandLine) -> None:
    assert "No key has this prefix." in live.fails("keys", "revoke", "0123456789abcdef")
    assert "No key that is in use has this prefix." in live.fails("keys", "rotate", "0123456789abcdef")
