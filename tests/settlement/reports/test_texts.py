"""Labels: each is there in both languages, with the same values to put in."""

import re
from pathlib import Path
from typing import get_args

import settlement.reports
from ledger.rules.accounts import CHART, AccountKind
from ledger.rules.money_postings import MoneyAccount
from settlement.lines import LineKind
from settlement.reports.catalogue import REPORTS
from settlement.reports.texts import TEXTS, text
from settlement.vocabulary import BATCH_STATES, NOTICE_STATES, PAYMENT_STATES

REPORT_SOURCES = sorted(Path(settlement.reports.__path__[0]).glob("*.py"))

PLACE = re.compile(r"\{\w+\}")
CHINESE = re.compile("[\u4e00-\u9fff]")


def test_every_label_is_in_both_languages() -> None:
    assert [key for key, pair in TEXTS.items() if not all(pair)] == []
    assert [key for key, (english, _) in TEXTS.items() if CHINESE.search(english)] == []
    assert [key for key, (_, chinese) in TEXTS.items() if not CHINESE.search(chinese)] == []


def test_both_languages_take_the_same_values() -> None:
    found = [key for key, (en, zh) in TEXTS.items() if sorted(PLACE.findall(en)) != sorted(PLACE.findall(zh))]
    assert found == []


def test_values_are_put_in() -> None:
    assert text("cut_off", "zh", left="1,000").startswith("本表另有 1,000 行")
    assert text("cut_off", "en", left="1,000").startswith("1,000 more rows")


def test_whatever_a_report_may_name_has_a_label() -> None:
    wanted = [f"title_{name}" for name in (*REPORTS, "statement", "line")]
    wanted += [f"line_{kind}" for kind in get_args(LineKind) if not kind.startswith("vat_")]
    wanted += [f"account_{account.value}" for account in MoneyAccount]
    wanted += [f"points_{kind.value}" for kind in AccountKind if CHART[kind].owner != "cap"]
    wanted += [f"state_{state}" for state in BATCH_STATES]
    wanted += [f"payment_{state}" for state in PAYMENT_STATES]
    wanted += [f"notice_{state}" for state in NOTICE_STATES]
    assert [key for key in wanted if key not in TEXTS] == []


def test_no_label_is_left_over() -> None:
    sources = "".join(file.read_text(encoding="utf-8") for file in REPORT_SOURCES if file.name != "texts.py")
    families = ("title_", "line_", "account_", "points_", "state_", "payment_", "notice_", "move_", "proof_")
    unused = [key for key in TEXTS if not key.startswith(families) and f'"{key}"' not in sources]
    assert unused == []
