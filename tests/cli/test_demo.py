from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import TupleRow

from api.demo.city import PARTNERS, ZONE, citizens
from api.demo.month import DAYS, Return, month
from ledger.embedded import EmbeddedPostgres
from ledger.rules.business_day import civil_day, to_datetime, zone
from ledger.rules.commands import Earn, Redeem
from ledger.store.tables import CHANNELS, SCENES
from tests.command_line import CommandLine

UNTIL = 1_774_958_400_000_000
"""2026-03-31T20:00:00+08:00, in microseconds."""

MakeSandbox = Callable[[str], CommandLine]


@pytest.fixture
def make_sandbox(postgres: EmbeddedPostgres, migrated_template: str, tmp_path: Path) -> MakeSandbox:
    """Makes sandboxes whose clocks stand at the same time."""

    def make(name: str) -> CommandLine:
        database = f"{tmp_path.name}_{name}"
        postgres.create_database(database, template=migrated_template)
        urls = {
            "DATABASE_URL": postgres.service_url(database),
            "MIGRATE_DATABASE_URL": postgres.owner_url(database),
        }
        sandbox = CommandLine(tmp_path / name, urls)
        sandbox.done("init", "--sandbox")
        sandbox.done("clock", "set", "2026-03-31T20:00:00+08:00")
        return sandbox

    return make


def rows(sandbox: CommandLine, query: str) -> list[TupleRow]:
    with psycopg.connect(sandbox.variables["DATABASE_URL"]) as connection:
        return connection.execute(query.encode()).fetchall()


TOTALS = """
select p.code, t.kind, t.scene, t.channel, count(*), sum(t.points)::bigint, sum(t.spend_minor)::bigint,
       min(t.occurred_at), max(t.occurred_at)
from transactions t join partners p on p.partner = t.partner
where t.kind < 3 group by 1, 2, 3, 4 order by 1, 2, 3, 4
"""


def test_the_month_is_the_same_each_time_and_differs_by_seed() -> None:
    assert month(UNTIL) == month(UNTIL)
    assert month(UNTIL, seed=2) != month(UNTIL)
    keys = [happening.key for happening in month(UNTIL)]
    assert len(set(keys)) == len(keys)


def test_the_month_ends_now_and_fills_every_day() -> None:
    happenings = month(UNTIL)
    days = {civil_day(happening.at, ZONE) for happening in happenings}
    last = civil_day(UNTIL, ZONE)
    assert days == {last - timedelta(days=ago) for ago in range(DAYS)}
    assert max(happening.at for happening in happenings) <= UNTIL


def test_the_city_uses_every_partner_and_only_known_words() -> None:
    happenings = month(UNTIL)
    assert {happening.partner for happening in happenings} == {partner.code for partner in PARTNERS}
    assert {partner.scene for partner in PARTNERS} == set(SCENES)
    assert {partner.channel for partner in PARTNERS} <= set(CHANNELS)
    kinds = Counter(partner.kind for partner in PARTNERS)
    assert (kinds["government"], kinds["bank"], kinds["charity"], len(PARTNERS)) == (3, 3, 1, 25)
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in partner.name) for partner in PARTNERS)


def test_the_city_rests_at_night_and_offices_rest_at_weekends() -> None:
    offices = {partner.code for partner in PARTNERS if partner.weekend == 0}
    for happening in month(UNTIL):
        local = to_datetime(happening.at).astimezone(zone(ZONE))
        assert 7 <= local.hour <= 22
        if happening.partner in offices and not isinstance(happening.command, Return):
            assert local.weekday() < 5


def test_nobody_returns_what_was_not_bought_before_and_all_kinds_of_events_occur() -> None:
    bought_on: dict[str, date] = {}
    kinds: Counter[type] = Counter()
    for happening in month(UNTIL):
        kinds[type(happening.command)] += 1
        if isinstance(happening.command, Return):
            assert bought_on[happening.command.original_key] < civil_day(happening.at, ZONE)
        bought_on[happening.key] = civil_day(happening.at, ZONE)
    assert kinds[Earn] > kinds[Redeem] > kinds[Return] > 100


def test_two_ledgers_get_the_same_city_to_the_point(make_sandbox: MakeSandbox) -> None:
    one, other = make_sandbox("one"), make_sandbox("other")
    loaded = one.json("demo")
    assert loaded == other.json("demo")
    assert (loaded["citizens"], loaded["partners"], loaded["refused"]) == (len(citizens()), len(PARTNERS), 0)
    kinds = ("earnings", "redemptions", "returns", "holds", "ended_holds", "gifts", "by_staff")
    assert loaded["posted_now"] == sum(loaded[kind] for kind in kinds) > 9_000
    assert [loaded[kind] for kind in kinds[3:]] == [3, 4, 2, 2]
    totals = rows(one, TOTALS)
    assert totals == rows(other, TOTALS)
    assert len(totals) > len(PARTNERS)


def test_the_city_shows_a_cap_in_use_an_open_hold_gifts_and_a_frozen_member(make_sandbox: MakeSandbox) -> None:
    city = make_sandbox("one")
    city.done("demo")
    assert rows(city, "select points, remaining from holds where remaining > 0") == [(240, 140)]
    assert rows(city, "select status, count(*) from members where status <> 'active' group by 1") == [("frozen", 1)]
    assert rows(city, "select sum(given)::int, sum(received)::int from gift_months") == [(100, 100)]
    [(authorised, used)] = rows(
        city,
        "select (sum(balance) filter (where kind = 13))::int, (sum(balance) filter (where kind = 11))::int"
        " from party_balances",
    )
    assert 0 < used < authorised == 100_000
    assert city.run("audit").code == 0


def test_the_loaded_city_was_audited_once_and_nothing_was_found(make_sandbox: MakeSandbox) -> None:
    city = make_sandbox("one")
    city.done("demo")
    city.done("demo")
    assert rows(city, "select kind, difference_count from audits") == [("full", 0)]


def test_loading_again_changes_nothing_also_later_and_beside_partners_of_your_own(make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox("one")
    first = sandbox.json("demo")
    heads = rows(sandbox, "select lane, next_sequence, head from lanes order by lane")
    sandbox.done("clock", "set", "2026-04-02T09:00:00+08:00")
    sandbox.done("partners", "add", "TEA", "--kind", "merchant", "--name", "Tea")
    assert sandbox.json("demo") == {**first, "posted_now": 0}
    assert "nothing was changed" in sandbox.done("demo")
    assert rows(sandbox, "select lane, next_sequence, head from lanes order by lane") == heads
    assert rows(sandbox, "select has_demo, (select count(*) from members) from ledger") == [(True, len(citizens()))]


def test_the_demo_city_stays_out_of_a_ledger_with_data_of_its_own(live: CommandLine) -> None:
    live.done("partners", "add", "TEA", "--kind", "merchant", "--name", "Tea")
    assert "holds data of its own already" in live.fails("demo")
    assert [partner["code"] for partner in live.json("partners", "list")["partners"]] == ["TEA"]
