"""The worked settlement days: the points of each day must come out exactly, computed from the journal alone."""

from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import pytest

from ledger.audit import audit
from ledger.ids import LedgerKey
from ledger.posting.engine import Engine
from ledger.posting.expiry import post_lapses
from ledger.reading.transactions import view_posted
from ledger.rules.business_day import business_day, to_instant
from ledger.rules.commands import Earn, Redeem, Reverse
from ledger.rules.outcomes import Posted, Refused
from ledger.rules.programmes import EarnRate
from ledger.store.ledger_row import create_ledger, set_sandbox_clock
from ledger.store.members import Member, create_members, link_reference, name_digest
from ledger.store.registry_writes import NewProgramme, NewRules, add_partner, add_programme, permit
from ledger.store.unit_of_work import unit_of_work
from tests.conftest import SHARED
from tests.databases import LedgerDatabase
from tests.shared_input import find_shared

KEY = LedgerKey(b"a key that only these tests know!")

# Every posting of a day, with the kind of its transaction and the issuer that its lot's funding names.
POSTINGS = """
select t.recorded_at, t.kind, p.debit_kind, p.credit_kind, p.amount, l.funding
from transactions t
join postings p on p.lane = t.lane and p.sequence = t.sequence
join lots l on l.lane = p.lane and l.lot = p.lot
"""
LINES = {
    (1, 1, 2): "issued",
    (2, 2, 5): "redeemed",
    (3, 5, 2): "restored",
    (3, 2, 1): "clawed_back",
    (3, 4, 1): "shortfall",
}
ISSUANCE, AVAILABLE, SHORTFALL, EXPIRED = 1, 2, 4, 6


def line_of(kind: int, debit: int, credit: int) -> str | None:
    """The line of the roll-forward that a posting belongs to."""
    if credit == SHORTFALL:
        return "recovered"
    if (debit, credit) == (AVAILABLE, EXPIRED):
        return "expired"
    return LINES.get((kind, debit, credit))


class Worked:
    """One worked file, loaded through real posters on a sandbox ledger whose clock is set per event."""

    def __init__(self, engine: Engine, file: dict[str, Any], partners: dict[str, int]) -> None:
        self.engine = engine
        self.programme = file["programme"]
        self.zone = ZoneInfo(self.programme["time_zone"])
        self.partners = partners
        self.refused: Counter[str] = Counter()
        self.ids: dict[str, tuple[str, int]] = {}

    async def set_clock(self, day: str, time: str) -> None:
        moment = datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=self.zone)
        async with self.engine.pool.connection() as connection:
            await set_sandbox_clock(connection, to_instant(moment))

    async def load(self, event: dict[str, Any]) -> None:
        await self.set_clock(event["day"], event["time"])
        partner, command = self._command(event)
        submission = await self.engine.intake.prepare(partner, event["id"], command)
        outcome = await self.engine.posters.submit(submission)
        if isinstance(outcome, Refused):
            self.refused[event["day"]] += 1
            return
        assert isinstance(outcome, Posted)
        [view] = await view_posted(self.engine.pool, outcome, self.engine.registry.current)
        self.ids[event["id"]] = (str(view.id), partner)

    def _command(self, event: dict[str, Any]) -> tuple[int, Earn | Redeem | Reverse]:
        if event["op"] == "reverse":
            of, partner = self.ids[event["of"]]
            return partner, Reverse(transaction=of, points=event["points"])
        kind = Earn if event["op"] == "earn" else Redeem
        code, member = self.programme["code"], f"ref:{event['member']}"
        command = kind(programme=code, member=member, points=event["points"], scene="leisure")
        return self.partners[event["party"]], command


async def found(engine: Engine, file: dict[str, Any]) -> Worked:
    programme = file["programme"]
    async with engine.pool.connection() as connection, unit_of_work(connection):
        rules = NewRules(EarnRate(1, 100), validity_days=programme["validity_days"])
        number = await add_programme(
            connection,
            NewProgramme(
                code=programme["code"],
                currency=programme["currency"],
                zone=programme["time_zone"],
                rules=rules,
                restore_grace_days=programme["restore_grace_days"],
            ),
        )
        partners = {}
        for code in file["parties"]:
            partners[code] = await add_partner(connection, code, code, "merchant")
            await permit(connection, number, partners[code], may_issue=True, may_accept=True)
        names = sorted({event["member"] for event in file["events"] if "member" in event})
        first, *others = partners.values()
        members = await create_members(connection, KEY, first, names, engine.lanes)
        for name, member in members.items():
            for partner in others:
                digest = name_digest(KEY, partner, f"ref:{name}")
                place = Member(member.lane, member.number)
                assert await link_reference(connection, digest, place, partner)
    return Worked(engine, file, partners)


def roll_forward(url: str, worked: Worked, days: list[str]) -> dict[str, dict[str, Any]]:
    """The points lines of each day, by recorded business day, from opening to closing."""
    lines: dict[str, Counter[str]] = {day: Counter() for day in days}
    by_issuer: dict[str, Counter[str]] = {day: Counter() for day in days}
    codes = {number: code for code, number in worked.partners.items()}
    with psycopg.connect(url) as connection:
        for recorded_at, kind, debit, credit, amount, funding in connection.execute(POSTINGS):
            day = business_day(to_instant(recorded_at), worked.programme["time_zone"], 0).isoformat()
            name = line_of(kind, debit, credit)
            if name is not None:
                lines[day][name] += amount
            if AVAILABLE in (debit, credit):
                by_issuer[day][codes[funding]] += amount if credit == AVAILABLE else -amount
    result, closing, shortfall, issuers = {}, 0, 0, Counter[str]()
    for day in days:
        line = lines[day]
        opening = closing
        closing += line["issued"] + line["restored"] - line["clawed_back"]
        closing -= line["redeemed"] + line["expired"] + line["recovered"]
        shortfall += line["shortfall"] - line["recovered"]
        issuers.update(by_issuer[day])
        result[day] = dict(line) | {
            "opening": opening,
            "closing": closing,
            "closing_by_issuer": {code: points for code, points in sorted(issuers.items()) if points},
            "shortfall_open": shortfall,
            "refused": worked.refused[day],
        }
    return result


@pytest.mark.parametrize("name", ["settlement_day.json", "settlement_hard_days.json"])
async def test_the_points_of_every_worked_day_come_out_exactly(name: str, database: LedgerDatabase) -> None:
    path: Path = find_shared(SHARED / "acceptance", name)
    file = msgspec.json.decode(path.read_bytes())
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, KEY, lanes=4, is_sandbox=True)
    days = list(file["expected"])
    async with Engine.open(database.service_url, KEY) as engine:
        worked = await found(engine, file)
        for day in days:
            await worked.set_clock(day, "00:00")
            await post_lapses(engine)
            for event in (event for event in file["events"] if event["day"] == day):
                await worked.load(event)
        report = await audit(engine.pool)
    assert report.is_clean, report.differences

    computed = roll_forward(database.service_url, worked, days)
    assert len(days) == len({date.fromisoformat(day) for day in days})
    for day in days:
        expected = file["expected"][day]["points"]
        assert {line: computed[day].get(line, 0) for line in expected} == expected, day
