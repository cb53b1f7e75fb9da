"""The bytes of answers. Version 1 is held still here: a replay years later must give the same bytes."""

from datetime import date

import msgspec
import pytest

from api.answers import (
    balance_answer,
    journal_answer,
    lots_answer,
    render_transaction,
    rfc3339,
    statement_answer,
)
from ledger.reading.balances import BalanceReader, BalanceView
from ledger.reading.lots import read_lots
from ledger.reading.statement import read_statement
from ledger.reading.transactions import AccountView, LotView, PostingView, TransactionView
from ledger.rules.programmes import EarnRate
from tests.reading.town import KEY, Town, instant

MEMBER = "019a8f4e-5d21-8001-8000-000001c00007"
LOT = LotView("019a8f4e-5d21-8001-8000-000001400003", (("BAKER", 1),), 90, date(2028, 1, 31))
SPLIT_LOT = LotView("019a8f4e-5d21-8001-8000-000001800003", (("BANK", 2), ("CITYHALL", 1)), 5, None)

EARN = TransactionView(
    id="019a8f4e-5d21-8001-8000-000001000001",
    kind="earn",
    programme="CITY",
    member=MEMBER,
    partner="BAKER",
    points=90,
    lots=(LOT,),
    available=115,
    held=0,
    pending=7,
    answer_format=3,
    occurred_at=1_768_467_661_000_000,
    recorded_at=1_768_467_662_000_001,
    lane=1,
    sequence=4,
    spend_minor=9_050,
    cash_minor=None,
    currency="CNY",
    scene="food",
    channel="pos",
    outlet="A1",
    programme_version=1,
    rate=EarnRate(1, 100),
    reverses=None,
    hash=bytes(range(32)),
    postings=(PostingView(AccountView("issuance", "BAKER"), AccountView("available", MEMBER), 90, LOT.id),),
)
STATED = msgspec.structs.replace(EARN, spend_minor=None, lots=(SPLIT_LOT,), points=5, answer_format=2)
REDEEM = msgspec.structs.replace(
    EARN, kind="redeem", spend_minor=None, cash_minor=1_200, programme_version=None, rate=None, lots=(LOT, SPLIT_LOT)
)
REVERSE = msgspec.structs.replace(EARN, kind="reverse", reverses="019a8f4e-5d21-8001-8000-000000c00001")
NOTHING_MOVED = msgspec.structs.replace(REVERSE, spend_minor=0, lots=(), postings=(), answer_format=2)
EXPIRE = msgspec.structs.replace(
    EARN, kind="expire", partner=None, spend_minor=None, programme_version=None, rate=None, scene=None, answer_format=2
)

LOT_JSON = (
    b'{"id":"019a8f4e-5d21-8001-8000-000001400003","funding":[{"partner":"BAKER","parts":1}],"points":90,'
    b'"expires_on":"2028-01-31"}'
)
SPLIT_LOT_JSON = (
    b'{"id":"019a8f4e-5d21-8001-8000-000001800003","funding":[{"partner":"BANK","parts":2},'
    b'{"partner":"CITYHALL","parts":1}],"points":5,"expires_on":null}'
)
HEAD = b'{"id":"019a8f4e-5d21-8001-8000-000001000001","kind":"%b","programme":"CITY","member":"%b","partner":%b,'
TIMES = b'"occurred_at":"2026-01-15T09:01:01.000000Z","recorded_at":"2026-01-15T09:01:02.000001Z","lane":1,"sequence":4'
BALANCE = b'"balance":{"available":115,"held":0,"pending":7},'
RULE = b"Version 1 of the rules of CITY gives 1 point for each whole 1.00 CNY: "
REVERSES = b',"reverses":"019a8f4e-5d21-8001-8000-000000c00001"'


def head(kind: bytes, partner: bytes = b'"BAKER"') -> bytes:
    return HEAD % (kind, MEMBER.encode(), partner)


@pytest.mark.parametrize(
    ("view", "wanted"),
    [
        (
            EARN,
            head(b"earn")
            + b'"points":90,"lots":['
            + LOT_JSON
            + b"],"
            + BALANCE
            + TIMES
            + b',"explanation":"'
            + RULE
            + b'90.50 CNY earn 90 points."}',
        ),
        (STATED, head(b"earn") + b'"points":5,"lots":[' + SPLIT_LOT_JSON + b"]," + TIMES + b"}"),
        (
            REDEEM,
            head(b"redeem")
            + b'"points":90,"lots":['
            + LOT_JSON
            + b","
            + SPLIT_LOT_JSON
            + b"],"
            + BALANCE
            + TIMES
            + b"}",
        ),
        (
            REVERSE,
            head(b"reverse")
            + b'"points":90,"lots":['
            + LOT_JSON
            + b"],"
            + BALANCE
            + TIMES
            + REVERSES
            + b',"explanation":"'
            + RULE
            + b'with 90.50 CNY taken back, 90 points are no longer earned."}',
        ),
        (NOTHING_MOVED, head(b"reverse") + b'"points":90,"lots":[],' + TIMES + REVERSES + b"}"),
        (EXPIRE, head(b"expire", b"null") + b'"points":90,"lots":[' + LOT_JSON + b"]," + TIMES + b"}"),
    ],
    ids=["earn", "stated earn", "redeem", "reverse", "reversal that moves nothing", "expire"],
)
def test_version_1_of_the_answer_never_changes_by_a_byte(view: TransactionView, wanted: bytes) -> None:
    assert render_transaction(view) == wanted


def test_an_answer_of_an_unknown_version_is_not_guessed() -> None:
    with pytest.raises(KeyError):
        render_transaction(msgspec.structs.replace(EARN, answer_format=4))


@pytest.mark.parametrize(
    ("moment", "wanted"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (1_768_467_661_120_000, "2026-01-15T09:01:01.120000Z"),
        (32_503_679_999_999_999, "2999-12-31T23:59:59.999999Z"),
    ],
)
def test_an_instant_is_written_in_utc_with_six_decimals(moment: int, wanted: str) -> None:
    assert rfc3339(moment) == wanted


def test_the_journal_answer_has_postings_money_and_hash() -> None:
    answer = msgspec.json.decode(msgspec.json.encode(journal_answer(REDEEM, ("later",))))
    assert answer["cash"] == {"currency": "CNY", "amount": "12.00"}
    assert answer["postings"] == [
        {
            "debit": {"kind": "issuance", "owner": "BAKER"},
            "credit": {"kind": "available", "owner": MEMBER},
            "points": 90,
            "lot": LOT.id,
        }
    ]
    assert answer["hash"] == bytes(range(32)).hex()
    assert answer["reversed_by"] == ["later"]
    assert (answer["scene"], answer["outlet"], answer["channel"]) == ("food", "A1", "pos")
    assert "spend" not in answer
    assert msgspec.json.decode(msgspec.json.encode(journal_answer(EARN)))["spend"]["amount"] == "90.50"


def test_the_journal_answer_hides_the_balance_as_the_first_answer_did() -> None:
    assert journal_answer(EARN).balance is not None
    assert journal_answer(STATED).balance is None


@pytest.mark.anyio
async def test_what_readers_find_is_answered_in_snake_case_with_times_in_utc(town: Town) -> None:
    earn = await town.earn(30)
    await town.earn(5, available_from=instant("2026-02-01 00:00"))
    member, programme, registry = await town.member(), town.programme(), town.engine.registry.current
    view: BalanceView = await BalanceReader(town.engine.pool).get(member, programme)
    async with town.connection() as connection:
        statement = await read_statement(connection, KEY, registry, member, programme, limit=1)
        lots = await read_lots(connection, KEY, registry, member, programme, limit=1)
    assert msgspec.json.decode(msgspec.json.encode(balance_answer(view, earn.member or "", programme))) == {
        "member": earn.member,
        "programme": "CITY",
        "available": 30,
        "held": 0,
        "pending": 5,
        "shortfall": 0,
        "expiring": [{"on": "2026-04-05", "points": 35}],
        "as_of": "2026-01-05T09:00:00.000000Z",
    }
    answered = msgspec.json.decode(msgspec.json.encode(statement_answer(statement)))
    assert answered["next_cursor"] == statement.next_cursor
    assert answered["lapsing"] == 0
    assert answered["lines"][0]["points"] == 5
    assert answered["lines"][0]["recorded_at"] == "2026-01-05T09:00:00.000000Z"
    [lot] = msgspec.json.decode(msgspec.json.encode(lots_answer(lots)))["lots"]
    assert lot == {
        "id": earn.lots[0].id,
        "funding": [{"partner": "BAKER", "parts": 1}],
        "original": 30,
        "remaining": 30,
        "held": 0,
        "available_from": "2026-01-05T09:00:00.000000Z",
        "expires_on": "2026-04-05",
        "state": "usable",
        "restored_from": None,
        "moved_from": None,
    }
