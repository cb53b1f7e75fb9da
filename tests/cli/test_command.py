import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import ROOT, CommandLine

COMMANDS = (
    "serve",
    "init",
    "migrate",
    "demo",
    "import",
    "audit",
    "expire",
    "clock set",
    "clock show",
    "programmes add",
    "programmes list",
    "programmes close",
    "programmes open",
    "partners add",
    "partners list",
    "keys create",
    "keys list",
    "keys rotate",
    "keys revoke",
)


def test_importing_the_command_imports_no_heavy_library() -> None:
    heavy = ("litestar", "sqlalchemy", "alembic", "psycopg", "prometheus_client", "granian", "structlog", "rich")
    program = f"import sys, api.cli.main; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_names_every_command(nowhere: CommandLine) -> None:
    output = nowhere.run("--help").output
    assert all(command.split()[0] in output for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_json(nowhere: CommandLine, command: str) -> None:
    finished = nowhere.run(*command.split(), "--help")
    assert finished.code == 0
    assert "Example: " in finished.output
    assert f"citypoints {command}" in " ".join(finished.output.partition("Example: ")[2].split())
    assert "--json" in finished.output


@pytest.mark.parametrize("group", [(), ("clock",), ("programmes",), ("partners",), ("keys",)])
def test_a_group_without_a_command_shows_help_and_exits_with_usage(
    nowhere: CommandLine, group: tuple[str, ...]
) -> None:
    finished = nowhere.run(*group)
    assert finished.code == 2
    assert "Usage: citypoints" in finished.output + finished.errors


def test_an_unknown_command_is_one_line_and_usage(nowhere: CommandLine) -> None:
    assert "No such command 'settel'" in nowhere.fails("settel", code=2)


@pytest.mark.parametrize(
    "command",
    ["partners list", "programmes list", "keys list", "clock show", "audit", "seal", "expire", "demo", "migrate"],
)
def test_without_a_ledger_commands_say_how_to_make_one_and_make_nothing(nowhere: CommandLine, command: str) -> None:
    assert "`citypoints init` makes one" in nowhere.fails(*command.split())
    assert not nowhere.data_directory.exists()


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("PORT", "http", "PORT: got 'http', wanted a whole number"),
        ("DATABASE_URL", "mysql://x", "DATABASE_URL: got the scheme 'mysql', wanted postgresql://"),
        ("CITYPOINTS_LEDGER_KEY", "abc", "CITYPOINTS_LEDGER_KEY"),
    ],
)
def test_a_bad_setting_is_one_line_and_usage(tmp_path: Path, name: str, value: str, wanted: str) -> None:
    assert wanted in CommandLine(tmp_path, {name: value}).fails("programmes", "list", code=2)


def test_an_unreachable_database_is_one_line(live: CommandLine) -> None:
    away = CommandLine(live.data_directory, {"DATABASE_URL": "postgresql://citypoints_app@127.0.0.1:9/citypoints"})
    assert "The database cannot be reached" in away.fails("programmes", "list")


def test_an_unexpected_error_is_one_line_and_a_traceback_only_for_debugging(tmp_path: Path) -> None:
    # A data folder that cannot be made: a file stands in its way.
    (tmp_path / "file").write_text("")
    stuck = CommandLine(tmp_path / "file" / "data", {})
    assert "Traceback" not in stuck.fails("init")
    assert "Traceback" in stuck.run("init", CITYPOINTS_DEBUG="1").errors


def test_the_service_role_is_wanted_and_the_owner_refused(live: CommandLine) -> None:
    as_owner = CommandLine(live.data_directory, {"DATABASE_URL": live.variables["MIGRATE_DATABASE_URL"]})
    assert "owns the tables" in as_owner.fails("programmes", "list")


def test_another_ledgers_key_is_refused(live: CommandLine) -> None:
    other = CommandLine(live.data_directory, {**live.variables, "CITYPOINTS_LEDGER_KEY": "ab" * 32})
    assert "the ledger key is not the one" in other.fails("programmes", "list")


def test_json_is_one_document_on_one_line(live: CommandLine) -> None:
    finished = live.run("programmes", "list", "--json")
    assert finished.output.count("\n") == 1
    assert [programme["code"] for programme in json.loads(finished.output)["programmes"]] == ["CITY"]
