import stat
from pathlib import Path

import psycopg

from ledger.embedded import EmbeddedPostgres
from ledger.store.migrate import downgrade
from tests.command_line import CommandLine
from tests.databases import LedgerDatabase


def kinds(database: LedgerDatabase) -> list[tuple[bool, int]]:
    with psycopg.connect(database.service_url) as connection:
        return connection.execute("select is_sandbox, lanes from ledger").fetchall()


def test_init_makes_everything_in_a_fresh_data_folder_and_again_changes_nothing(tmp_path: Path) -> None:
    fresh = CommandLine(tmp_path / "var", {})
    assert fresh.done("init", "--lanes", "8") == f"Made a live ledger in {fresh.data_directory}, with 8 lanes."
    key = fresh.data_directory / "ledger.key"
    text = key.read_text()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(bytes.fromhex(text)) == 32
    assert fresh.json("init", "--lanes", "16") == {"created": False, "is_sandbox": False, "lanes": 8}
    assert "exists already" in fresh.done("init")
    assert key.read_text() == text
    assert "`citypoints init` makes one" not in fresh.done(
        "partners", "add", "TEA", "--kind", "merchant", "--name", "T"
    )


def test_a_command_writes_beside_another_user_of_the_embedded_server(tmp_path: Path) -> None:
    fresh = CommandLine(tmp_path / "var", {})
    fresh.done("init", "--lanes", "1")
    with EmbeddedPostgres.start(fresh.data_directory / "postgres") as server:
        fresh.done("partners", "add", "TEA", "--kind", "merchant", "--name", "Tea")
        with psycopg.connect(server.service_url()) as connection:
            assert connection.execute("select code from partners").fetchall() == [("TEA",)]


def test_a_new_ledger_has_the_city_programme(live: CommandLine) -> None:
    [city] = live.json("programmes", "list")["programmes"]
    assert city == {
        "code": "CITY",
        "is_open": True,
        "currency": "CNY",
        "zone": "Asia/Shanghai",
        "cut_off": "00:00",
        "maximum_age_days": 60,
        "restore_grace_days": 0,
        "shortfall": "member",
        "gift_points_a_month": 5000,
        "rules": [
            {"starts_on": "1970-01-01", "points": 1, "per": "1.00", "validity_months": 24, "validity_days": None}
        ],
    }


def test_a_live_ledger_never_becomes_a_sandbox(live: CommandLine, database: LedgerDatabase) -> None:
    assert "can never become a sandbox" in live.fails("init", "--sandbox")
    assert kinds(database) == [(False, 4)]


def test_a_sandbox_stays_a_sandbox(sandbox: CommandLine, database: LedgerDatabase) -> None:
    assert sandbox.json("init") == {"created": False, "is_sandbox": True, "lanes": 4}
    assert "A sandbox ledger exists already" in sandbox.done("init", "--sandbox")
    assert kinds(database) == [(True, 4)]


def test_a_number_of_lanes_out_of_range_is_usage_and_makes_nothing(bare: CommandLine, database: LedgerDatabase) -> None:
    for lanes in ("0", "4097"):
        assert "--lanes" in bare.fails("init", "--lanes", lanes, code=2)
    assert kinds(database) == []
    assert not bare.data_directory.exists()


def test_a_founding_that_was_cut_short_is_completed(live: CommandLine, database: LedgerDatabase) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("delete from programme_versions")
        owner.execute("delete from programmes")
    assert live.json("init")["created"] is False
    assert [programme["code"] for programme in live.json("programmes", "list")["programmes"]] == ["CITY"]


def test_init_and_migrate_ask_for_the_owner(bare: CommandLine) -> None:
    service_only = CommandLine(bare.data_directory, {"DATABASE_URL": bare.variables["DATABASE_URL"]})
    for command in ("init", "migrate"):
        assert "MIGRATE_DATABASE_URL is not set" in service_only.fails(command, code=2)


def test_an_old_database_is_refused_until_it_is_migrated(live: CommandLine, database: LedgerDatabase) -> None:
    downgrade(database.owner_url, "-1")
    assert "run `citypoints migrate`" in live.fails("programmes", "list")
    revision = live.json("migrate")["revision"]
    assert live.done("migrate") == f"The database is at migration {revision}."
    assert live.json("programmes", "list")["programmes"][0]["code"] == "CITY"


def test_a_database_without_a_ledger_is_refused(bare: CommandLine) -> None:
    keyed = CommandLine(bare.data_directory, {**bare.variables, "CITYPOINTS_LEDGER_KEY": "ab" * 32})
    assert "holds no ledger yet: `citypoints init` makes one" in keyed.fails("programmes", "list")


def test_a_missing_key_file_is_named(live: CommandLine) -> None:
    (live.data_directory / "ledger.key").unlink()
    assert "ledger.key" in live.fails("programmes", "list", code=2)
    assert "ledger.key" in live.fails("init", code=2)
    assert not (live.data_directory / "ledger.key").exists(), "a new key would not open the old ledger"


def test_a_sandbox_clock_moves_freely_while_nothing_is_recorded(sandbox: CommandLine) -> None:
    assert sandbox.done("clock", "set", "2020-01-01T00:00:00+08:00") == (
        "The sandbox clock stands at 2019-12-31T16:00:00+00:00."
    )
    assert sandbox.json("clock", "show") == {"now": "2019-12-31T16:00:00+00:00", "is_sandbox": True}
    assert sandbox.json("clock", "set", "2026-01-01T00:00:00Z") == {"now": "2026-01-01T00:00:00+00:00"}
    assert sandbox.done("clock", "show") == "2026-01-01T00:00:00+00:00 (the sandbox clock stands)"


def test_a_live_clock_runs_and_cannot_be_set(live: CommandLine) -> None:
    assert "this ledger is live" in live.fails("clock", "set", "2026-01-01T00:00:00Z")
    assert live.json("clock", "show")["is_sandbox"] is False
    assert live.done("clock", "show").endswith("(live)")


def test_a_time_that_is_no_time_is_usage(nowhere: CommandLine) -> None:
    for text in ("noon", "2026-01-01T00:00:00", "1999-12-31T23:59:59Z", "9999-01-01T00:00:00Z"):
        assert f"got {text!r}, wanted RFC 3339 with an offset" in nowhere.fails("clock", "set", text, code=2)
