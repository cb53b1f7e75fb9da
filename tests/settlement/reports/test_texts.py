"""Labels: each is there in both languages, with the same values to put in."""

import re

from settlement.reports.texts import TEXTS, text

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
