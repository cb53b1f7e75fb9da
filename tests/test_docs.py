"""What is public is documented: settings, commands, and every file that the docs name."""

import re
from pathlib import Path

import pytest

from api.cli.main import app
from api.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)[^)]*\)")
PAGES = sorted([*ROOT.glob("*/README.md"), ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def rows_of(page: str) -> set[str]:
    """The first cells, in back-quotes, of a page's tables."""
    return set(re.findall(r"^\| `([^`]+)` \|", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE))


def test_every_setting_stands_in_the_operators_table_and_nothing_else_does() -> None:
    assert {name for name in rows_of("docs/operating.md") if name.isupper()} == set(SETTINGS)


def test_every_command_stands_in_the_readme_and_nothing_else_does() -> None:
    commands = {
        command.name or (command.callback.__name__ if command.callback else "") for command in app.registered_commands
    }
    groups = {group.name for group in app.registered_groups}
    assert {name for name in rows_of("README.md") if not name.endswith("/")} == commands | groups


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
