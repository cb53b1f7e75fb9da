"""Every label of the reports, in English and in Simplified Chinese with the terms that Chinese accountants use."""

from collections.abc import Mapping
from typing import Literal

Language = Literal["en", "zh"]

LANGUAGE_TAGS: Mapping[Language, str] = {"en": "en", "zh": "zh-Hans"}

TEXTS: Mapping[str, tuple[str, str]] = {
    # Paper.
    "cover": ("Summary", "概要"),
    "page": ("Page {page} of {pages}", "第 {page} 页，共 {pages} 页"),
    "made_at": ("Drawn up {instant} ({time_zone})", "编制时间 {instant}（{time_zone}）"),
    "no_rows": ("Nothing in this table.", "本表无数据。"),
    "cut_off": (
        "{left} more rows of this table are not printed: the workbook (XLSX) of this report has them all.",
        "本表另有 {left} 行未打印，完整数据见本报表的 XLSX 文件。",
    ),
    "totals": ("Total", "合计"),
}


def text(key: str, language: Language, **values: str | int) -> str:
    """A label in a language, with its values put in; raises KeyError for one that does not exist."""
    english, chinese = TEXTS[key]
    return (chinese if language == "zh" else english).format(**values)
