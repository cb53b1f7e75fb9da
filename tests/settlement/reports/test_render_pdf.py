"""PDFs, read back: the Chinese text is there, the figures are right, and values are no markup."""

import re
from io import BytesIO

import pytest
from pypdf import PdfReader
from pypdf.generic import DictionaryObject, PdfObject

from settlement.reports import render_pdf as rendering
from settlement.reports.document import Report
from settlement.reports.render_pdf import NotTypeset, render_pdf
from tests.settlement.reports.example_report import TRICKY, example, row

A4_SIDES = [595, 842]


def read(report: Report) -> PdfReader:
    return PdfReader(BytesIO(render_pdf(report)))


def text_of(reader: PdfReader) -> str:
    return "\n".join(page.extract_text() for page in reader.pages).replace("\u200b", "")


def dictionary(one: PdfObject) -> DictionaryObject:
    held = one.get_object()
    assert isinstance(held, DictionaryObject)
    return held


def test_chinese_and_figures_are_on_paper() -> None:
    text = text_of(read(example([row("兑付")], totals=(("合计", 7, None, -123_456_789_012, None, None),))))
    for wanted in ("当事方结算对账单", "清分/明细", "兑付", "1,234,567", "0.0095", "-11,510.00", "2026-11-23 10:13:20"):
        assert wanted in text
    assert "CNY -11,510.00" in text
    assert "-1,234,567,890.12" in text
    assert "应收账款以期末余额为准。" in text


def test_values_are_shown_as_they_are_and_never_interpreted() -> None:
    text = text_of(read(example([row(tricky) for tricky in TRICKY[:6]])))
    for tricky in (*TRICKY[:6], "=市商业银行 #import *股份*"):
        assert tricky in text


def test_control_characters_do_not_stop_a_report() -> None:
    assert "兑付" in text_of(read(example([row(TRICKY[6])])))


def test_every_page_is_a4_and_has_its_number_and_the_headings() -> None:
    pages = read(example([row("兑付") for _ in range(200)])).pages
    assert len(pages) > 3
    for number, page in enumerate(pages, start=1):
        text = page.extract_text()
        assert f"第 {number} 页，共 {len(pages)} 页" in text
        assert "清分项目" in text
        assert sorted(round(float(side)) for side in page.mediabox[2:]) == A4_SIDES


def test_only_the_characters_used_are_embedded() -> None:
    content = render_pdf(example([row("兑付")]))
    assert len(content) < 100_000
    fonts = {
        str(dictionary(font)["/BaseFont"])
        for page in PdfReader(BytesIO(content)).pages
        for font in dictionary(dictionary(page["/Resources"])["/Font"]).values()
    }
    assert fonts
    assert all(re.fullmatch(r"/[A-Z]{6}\+NotoSansCJK\S+", name) for name in fonts)


def test_rows_above_the_limit_are_counted_and_pointed_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "MOST_ROWS", 3)
    text = text_of(read(example(row(f"line {n}") for n in range(1_237))))
    assert "line 2" in text
    assert "line 3" not in text
    assert "本表另有 1,234 行未打印，完整数据见本报表的 XLSX 文件。" in text


def test_the_same_report_gives_the_same_bytes() -> None:
    assert render_pdf(example([row("兑付")])) == render_pdf(example([row("兑付")]))


def test_a_typesetter_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "_TYPESETTER", rendering._TYPESETTER.with_name("report.typ"))  # noqa: SLF001
    with pytest.raises(NotTypeset, match="SyntaxError"):
        render_pdf(example([]))
