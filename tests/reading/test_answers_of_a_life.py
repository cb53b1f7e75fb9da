"""The bytes of the answers to holds, gifts, merges and corrections: version 1 is held still for each kind."""

from datetime import date

import msgspec
import pytest

from api.answers import journal_answer, render_transaction
from api.hold_answers import hold_answer, holds_answer
from api.notice_answers import notices_answer
from ledger.ids import Place
from ledger.reading.holds import read_hold, read_open_holds
from ledger.reading.notices import read_notices
from ledger.reading.transaction_views import NoticeFacts
from ledger.reading.transactions import AccountView, LotView, PostingView, TransactionView
from tests.reading.lives import capture, counter_of, gift, hold, id_of, notify
from tests.reading.test_answers import EARN, LOT, LOT_JSON, MEMBER, SPLIT_LOT, SPLIT_LOT_JSON, head
from tests.reading.town import KEY, Town

HOLD_ID = "019a8f4e-5d21-8001-8000-000000c00001"
OTHER_ID = "019a8f4e-5d21-8002-8000-000000c00009"
APPROVAL = "7d8f4a52-7f3b-4b70-9d6c-0f5d4f6f3a11"


def posted(debit: str, credit: str, lot: LotView = LOT, points: int = 90) -> PostingView:
    return PostingView(AccountView(debit, MEMBER), AccountView(credit, MEMBER), points, lot.id)


POSTED = msgspec.structs.replace(
    EARN, spend_minor=None, programme_version=None, rate=None, occurred_at=EARN.recorded_at, answer_format=2
)
HOLD = msgspec.structs.replace(
    EARN,
    kind="hold",
    spend_minor=None,
    programme_version=None,
    rate=None,
    expires_at=1_769_072_461_000_000,
    postings=(posted("available", "held"),),
)
CAPTURE = msgspec.structs.replace(
    POSTED, kind="capture", hold=HOLD_ID, answer_format=3, postings=(posted("held", "redeemed"),)
)
FINAL = msgspec.structs.replace(
    CAPTURE,
    lots=(LOT, SPLIT_LOT),
    postings=(
        posted("held", "redeemed"),
        posted("held", "redeemed", SPLIT_LOT, 5),
        posted("held", "available", SPLIT_LOT, 12),
    ),
)
VOID = msgspec.structs.replace(POSTED, kind="void", hold=HOLD_ID, postings=(posted("held", "available"),))
ENDED = msgspec.structs.replace(VOID, kind="hold-expire", answer_format=3)
GIVEN = msgspec.structs.replace(
    POSTED, kind="gift", counter=OTHER_ID, answer_format=3, postings=(posted("available", "in_transit"),)
)
RECEIVED = msgspec.structs.replace(GIVEN, postings=(posted("in_transit", "available"),))
MERGED = msgspec.structs.replace(
    POSTED, kind="merge", programme=None, currency=None, partner=None, points=0, lots=(), postings=(), counter=OTHER_ID
)
MOVED = msgspec.structs.replace(MERGED, kind="move")
ADJUSTED = msgspec.structs.replace(
    POSTED, kind="adjust", approval=APPROVAL, postings=(posted("issuance", "available"),), programme_version=1
)
WRITTEN_OFF = msgspec.structs.replace(
    POSTED, kind="write-off", partner=None, approval=APPROVAL, postings=(posted("issuance", "shortfall"),)
)
FROZEN = msgspec.structs.replace(MERGED, kind="freeze", counter=None)
NOTICE = msgspec.structs.replace(
    POSTED, kind="notice", partner=None, lots=(), postings=(), notice=NoticeFacts(date(2026, 4, 5), 30)
)
GRANTED = msgspec.structs.replace(
    POSTED,
    kind="cap",
    member=None,
    lots=(),
    postings=(PostingView(AccountView("authorised", "SPRING"), AccountView("pool", "SPRING"), 90, None),),
)

WHOLE = b'"points":90,"lots":[' + LOT_JSON + b"],"
NOTHING = b'"points":0,"lots":[],'
BALANCE = b'"balance":{"available":115,"held":0,"pending":7},'
OCCURRED = b'"occurred_at":"2026-01-15T09:01:01.000000Z",'
NOW = b'"occurred_at":"2026-01-15T09:01:02.000001Z",'
REST = b'"recorded_at":"2026-01-15T09:01:02.000001Z","lane":1,"sequence":4'
OF_HOLD = b',"hold":"019a8f4e-5d21-8001-8000-000000c00001"'
NO_PROGRAMME = (
    b'{"id":"019a8f4e-5d21-8001-8000-000001000001","kind":"%b","programme":null,"member":"%b","partner":null,'
)


def of_a_member(kind: bytes) -> bytes:
    return NO_PROGRAMME % (kind, MEMBER.encode()) + NOTHING + NOW + REST + b"}"


@pytest.mark.parametrize(
    ("view", "wanted"),
    [
        (HOLD, head(b"hold") + WHOLE + BALANCE + OCCURRED + REST + b',"expires_at":"2026-01-22T09:01:01.000000Z"}'),
        (CAPTURE, head(b"capture") + WHOLE + BALANCE + NOW + REST + OF_HOLD + b"}"),
        (
            FINAL,
            head(b"capture")
            + b'"points":90,"lots":['
            + LOT_JSON
            + b","
            + SPLIT_LOT_JSON
            + b"],"
            + BALANCE
            + NOW
            + REST
            + OF_HOLD
            + b',"released":12}',
        ),
        (VOID, head(b"void") + WHOLE + NOW + REST + OF_HOLD + b"}"),
        (ENDED, head(b"hold-expire") + WHOLE + NOW + REST + OF_HOLD + b"}"),
        (GIVEN, head(b"gift") + WHOLE + BALANCE + NOW + REST + b"}"),
        (RECEIVED, head(b"gift") + WHOLE + NOW + REST + b"}"),
        (MERGED, of_a_member(b"merge")),
        (MOVED, of_a_member(b"move")),
        (FROZEN, of_a_member(b"freeze")),
        (ADJUSTED, head(b"adjust") + WHOLE + NOW + REST + b"}"),
        (WRITTEN_OFF, head(b"write-off", b"null") + WHOLE + NOW + REST + b"}"),
        (NOTICE, head(b"notice", b"null") + b'"points":90,"lots":[],' + NOW + REST + b"}"),
        (
            GRANTED,
            b'{"id":"019a8f4e-5d21-8001-8000-000001000001","kind":"cap","programme":"CITY","member":null,'
            b'"partner":"BAKER","points":90,"lots":[],' + NOW + REST + b"}",
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, TransactionView) else "",
)
def test_version_1_of_the_answer_never_changes_by_a_byte(view: TransactionView, wanted: bytes) -> None:
    assert render_transaction(view) == wanted


@pytest.mark.parametrize("view", [ENDED, RECEIVED], ids=["end of a hold's time", "gift received"])
def test_no_balance_is_shown_where_the_member_gave_no_leave(view: TransactionView) -> None:
    assert view.answer_format % 2 == 1
    assert journal_answer(view).balance is None


@pytest.mark.parametrize("view", [GIVEN, MERGED, ADJUSTED])
def test_only_staff_see_the_other_leg_and_the_approval(view: TransactionView) -> None:
    for_partners, for_staff = journal_answer(view), journal_answer(view, for_staff=True)
    assert (for_partners.counter, for_partners.approval) == (None, None)
    assert (for_staff.counter, for_staff.approval) == (view.counter, view.approval)
    assert OTHER_ID.encode() not in msgspec.json.encode(for_partners)


def test_the_journal_answer_of_a_notice_tells_last_day_and_lead() -> None:
    answer = journal_answer(NOTICE)
    assert (answer.last_day, answer.days_before) == (date(2026, 4, 5), 30)
    assert answer.explanation == "Notice, 30 days before: 90 points can be used until the end of 2026-04-05."


def test_the_journal_answers_of_holds_explain_them() -> None:
    assert journal_answer(HOLD).explanation == (
        "90 points held for BAKER (scene food, outlet A1, channel pos) until 2026-01-22 09:01 UTC."
    )
    assert (journal_answer(FINAL).hold, journal_answer(FINAL).released) == (HOLD_ID, 12)
    assert journal_answer(GRANTED).explanation == "90 points of cap SPRING from authorised to pool."


@pytest.mark.anyio
async def test_a_hold_is_answered_with_its_captures_and_its_times_in_utc(town: Town) -> None:
    await town.earn(100)
    held = await hold(town, 30, "2026-01-09 00:00")
    captured = await capture(town, held, 10)
    member, programme, registry = await town.member(), town.programme(), town.engine.registry.current
    async with town.connection() as connection:
        view = await read_hold(connection, registry, Place(held.lane, held.sequence))
        page = await read_open_holds(connection, KEY, registry, member, programme)
    assert view is not None
    answer = msgspec.json.decode(msgspec.json.encode(hold_answer(view)))
    assert answer == {
        "id": held.id,
        "state": "open",
        "programme": "CITY",
        "member": await id_of(town, "ann"),
        "partner": "BAKER",
        "points": 30,
        "captured": 10,
        "released": 0,
        "remaining": 20,
        "scene": "food",
        "channel": None,
        "outlet": None,
        "placed_at": "2026-01-05T09:00:00.000000Z",
        "expires_at": "2026-01-09T00:00:00.000000Z",
        "captures": [{"id": captured.id, "points": 10, "recorded_at": "2026-01-05T09:00:00.000000Z"}],
        "as_of": "2026-01-05T09:00:00.000000Z",
    }
    assert msgspec.json.decode(msgspec.json.encode(holds_answer(page))) == {"holds": [answer], "next_cursor": None}


@pytest.mark.anyio
async def test_notices_are_answered_as_a_list(town: Town) -> None:
    await town.earn(30)
    notice = await notify(town, "2026-04-05", 60)
    async with town.connection() as connection:
        page = await read_notices(connection, KEY, await town.member(), town.programme())
    assert msgspec.json.decode(msgspec.json.encode(notices_answer(page))) == {
        "notices": [
            {
                "id": notice.id,
                "points": 30,
                "last_day": "2026-04-05",
                "days_before": 60,
                "recorded_at": "2026-01-05T09:00:00.000000Z",
            }
        ],
        "next_cursor": None,
    }


@pytest.mark.anyio
async def test_a_gifts_answer_shows_the_givers_balance_and_the_receivers_leg_shows_none(town: Town) -> None:
    await town.add_member("bob")
    await town.earn(30)
    given = await gift(town, 10)
    answer = msgspec.json.decode(render_transaction(given))
    assert answer["balance"] == {"available": 20, "held": 0, "pending": 0}
    assert "balance" not in msgspec.json.decode(render_transaction(await counter_of(town, given)))
