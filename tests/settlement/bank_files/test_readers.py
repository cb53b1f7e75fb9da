"""Reading what banks send: whole files are read to the fen, all others are refused by name."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BankFileInvalid
from settlement.bank_files.entries import Entry, StatusReason
from settlement.bank_files.payment_returns import PaymentReturn
from settlement.bank_files.readers import read_bank_file
from settlement.bank_files.statements import NotificationFile, Statement, StatementFile
from settlement.bank_files.status_report import PaymentStatusReport
from tests.settlement.bank_files.samples import NAMESPACE, document, entry, payment_return, statement, status_report

GROUP = "<OrgnlGrpInfAndSts><OrgnlMsgId>CITY-20261123-1</OrgnlMsgId>{}</OrgnlGrpInfAndSts>"


def only_statement(content: bytes) -> Statement:
    read = read_bank_file(content)
    assert isinstance(read, StatementFile)
    (found,) = read.statements
    return found


def test_a_statement_is_read_to_the_fen() -> None:
    read = read_bank_file(statement(entry()))
    assert read == StatementFile(
        message_id="S-1",
        created_at=1_795_536_001_000_000,  # 00:00:01 in Shanghai
        statements=(
            Statement(
                statement_id="S-1-1",
                account="110060149",
                currency="CNY",
                sequence=17,
                closed_on=date(2026, 11, 24),
                opening_minor=100_000,
                closing_minor=110_000,
                entries=(
                    Entry(
                        direction="credit",
                        amount_minor=10_000,
                        currency="CNY",
                        booked_on=date(2026, 11, 24),
                        valued_on=date(2026, 11, 25),
                        bank_reference="R-1",
                        end_to_end_id="",
                        counterparty_name="某某超市",
                        counterparty_account="6222001",
                        remittance=("积分结算", "CITY-20261123-1-9"),
                        creditor_reference="",
                        reason=None,
                    ),
                ),
            ),
        ),
    )


def test_a_debit_names_whom_it_went_to_and_a_debt_is_negative() -> None:
    found = only_statement(
        statement(entry("1100.01", "DBIT", end_to_end_id="E-7"), opening="1000.00", closing="-100.01")
    )
    assert (found.opening_minor, found.closing_minor) == (100_000, -10_001)
    assert (found.entries[0].signed_minor, found.entries[0].end_to_end_id) == (-110_001, "E-7")
    assert (found.entries[0].counterparty_name, found.entries[0].counterparty_account) == ("某某咖啡", "6222002")


def test_an_older_version_is_read_the_same() -> None:
    older = statement(entry(), version="02").replace(b"<Sts><Cd>BOOK</Cd></Sts>", b"<Sts>BOOK</Sts>")
    older = older.replace(b"<Pty>", b"").replace(b"</Pty>", b"")
    assert only_statement(older) == only_statement(statement(entry()))


@pytest.mark.parametrize("encoding", ["GBK", "gb18030", "UTF-16"])
def test_a_file_in_another_encoding_is_read_the_same(encoding: str) -> None:
    text = statement(entry()).decode().replace("UTF-8", encoding)
    assert only_statement(text.encode(encoding)) == only_statement(statement(entry()))


def test_zeros_that_a_bank_fills_up_with_change_nothing() -> None:
    assert only_statement(statement(entry("100.00000"))).entries[0].amount_minor == 10_000


def test_what_is_only_expected_and_entries_of_nothing_are_left_out() -> None:
    pending = entry(reference="R-2").replace("BOOK", "PDNG")
    found = only_statement(statement(pending, entry("0.00", reference="R-3"), entry()))
    assert [e.bank_reference for e in found.entries] == ["R-1"]


def test_a_statement_of_a_day_without_entries_is_read() -> None:
    assert only_statement(statement(closing="1000.00")).entries == ()


@pytest.mark.parametrize("closing", ["1099.99", "1100.01"])
def test_a_statement_that_is_one_fen_off_is_refused_with_its_figures(closing: str) -> None:
    with pytest.raises(BankFileInvalid) as caught:
        read_bank_file(statement(entry(), closing=closing))
    assert closing in str(caught.value)
    assert "1100.00: opening 1000.00 and entries of 100.00" in str(caught.value)


def test_a_collected_entry_is_read_as_its_payments() -> None:
    details = "".join(
        f'<TxDtls><Refs><EndToEndId>E-{n}</EndToEndId></Refs><Amt Ccy="CNY">{amount}</Amt></TxDtls>'
        for n, amount in [(1, "30.01"), (2, "69.99")]
    )
    collected = entry().partition("<NtryDtls>")[0] + f"<NtryDtls>{details}</NtryDtls></Ntry>"
    found = only_statement(statement(collected)).entries
    assert [(e.bank_reference, e.end_to_end_id, e.amount_minor) for e in found] == [
        ("R-1#1", "E-1", 3_001),
        ("R-1#2", "E-2", 6_999),
    ]
    with pytest.raises(BankFileInvalid, match="the sum of its payments"):
        read_bank_file(statement(collected.replace("69.99", "69.98")))
    without_amounts = collected.replace('<Amt Ccy="CNY">30.01</Amt>', "")
    (whole,) = only_statement(statement(without_amounts)).entries
    assert (whole.bank_reference, whole.amount_minor, whole.end_to_end_id) == ("R-1", 10_000, "")


def test_a_payment_that_comes_back_says_why() -> None:
    returned = entry(end_to_end_id="E-7").replace(
        "</TxDtls>", "<RtrInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>closed</AddtlInf></RtrInf></TxDtls>"
    )
    assert only_statement(statement(returned)).entries[0].reason == StatusReason("AC04", "closed")


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        (">100.00</Amt><CdtDbtInd>CRDT", ">100.001</Amt><CdtDbtInd>CRDT", "Ntry\\[1\\]/Amt.* is '100.001'"),
        (">100.00</Amt><CdtDbtInd>CRDT", ">-100.00</Amt><CdtDbtInd>CRDT", "is '-100.00'"),
        (">100.00</Amt><CdtDbtInd>CRDT", ">1e2</Amt><CdtDbtInd>CRDT", "is '1e2'"),
        (">100.00</Amt><CdtDbtInd>CRDT", "></Amt><CdtDbtInd>CRDT", "is ''"),
        ('Ccy="CNY">100.00', 'Ccy="THB">100.00', "@Ccy is THB; wanted is CNY, the account's"),
        ('Ccy="CNY">100.00', 'Ccy="XYZ">100.00', "@Ccy is 'XYZ'"),
        (
            "<CdtDbtInd>CRDT</CdtDbtInd><Sts>",
            "<CdtDbtInd>C</CdtDbtInd><Sts>",
            "CdtDbtInd is 'C'; wanted is CRDT or DBIT",
        ),
        ("<AcctSvcrRef>R-1</AcctSvcrRef>", "", None),
        ("<AcctSvcrRef>R-1</AcctSvcrRef>|<NtryRef>1</NtryRef>", "", "AcctSvcrRef or NtryRef is missing"),
        ("<BookgDt><Dt>2026-11-24", "<BookgDt><Dt>2026-02-30", "is '2026-02-30'; wanted is a day"),
        ("<MsgId>S-1</MsgId>", "", "GrpHdr.*/MsgId is missing"),
        ("2026-11-25T00:00:01", "yesterday", "is 'yesterday'; wanted is a time"),
        ("<Cd>OPBD</Cd>", "<Cd>ITBD</Cd>", "a balance OPBD or PRCD"),
        ("<Cd>CLBD</Cd>", "<Cd>ITBD</Cd>", "a balance CLBD"),
        ("<Id><Othr><Id>110060149</Id></Othr></Id>", "", "Acct/Id is missing"),
        ("<ElctrncSeqNb>17", "<ElctrncSeqNb>1.7", "is '1.7'; wanted is a whole number"),
        ("某某超市", "某" * 1001, "1001 characters"),
    ],
)
def test_a_statement_with_a_wrong_element_is_refused_by_its_place(was: str, becomes: str, said: str | None) -> None:
    text = statement(entry()).decode()
    for part in was.split("|"):
        assert part in text
        text = text.replace(part, becomes)
    if said is None:
        assert only_statement(text.encode()).entries[0].bank_reference == "1"
        return
    with pytest.raises(BankFileInvalid, match=said):
        read_bank_file(text.encode())


def test_a_bank_reference_that_is_there_twice_is_refused() -> None:
    with pytest.raises(BankFileInvalid, match="'R-1' twice"):
        read_bank_file(statement(entry(), entry(), closing="1200.00"))


def test_a_notification_is_read_without_balances() -> None:
    content = document(
        "camt.054.001.08",
        f"""<BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>N-1</MsgId><CreDtTm>2026-11-24T09:00:00+08:00</CreDtTm></GrpHdr>
        <Ntfctn><Id>N-1-1</Id><Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct>{entry()}</Ntfctn>
        </BkToCstmrDbtCdtNtfctn>""",
    )
    read = read_bank_file(content)
    assert isinstance(read, NotificationFile)
    assert (read.notifications[0].account, read.notifications[0].currency) == ("DE89370400440532013000", "CNY")
    assert read.notifications[0].entries == only_statement(statement(entry())).entries


def test_a_status_report_gives_the_status_of_the_file_its_parts_and_payments() -> None:
    read = read_bank_file(
        status_report(
            GROUP.format("<GrpSts>PART</GrpSts>")
            + """<OrgnlPmtInfAndSts><OrgnlPmtInfId>CITY-20261123-1-CNY</OrgnlPmtInfId><PmtInfSts>PART</PmtInfSts>
            <TxInfAndSts><OrgnlEndToEndId>E-1</OrgnlEndToEndId><TxSts>ACSC</TxSts></TxInfAndSts>
            <TxInfAndSts><OrgnlEndToEndId>E-2</OrgnlEndToEndId><TxSts>RJCT</TxSts>
            <StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>账户</AddtlInf><AddtlInf>已销户</AddtlInf></StsRsnInf>
            </TxInfAndSts></OrgnlPmtInfAndSts>"""
        )
    )
    assert isinstance(read, PaymentStatusReport)
    assert (read.message_id, read.original_message_id, read.group_status) == ("A-1", "CITY-20261123-1", "PART")
    assert [(part.part_id, part.status) for part in read.parts] == [("CITY-20261123-1-CNY", "PART")]
    assert [(p.end_to_end_id, p.status, p.reason) for p in read.payments] == [
        ("E-1", "ACSC", None),
        ("E-2", "RJCT", StatusReason("AC04", "账户 已销户")),
    ]


def test_a_whole_file_that_is_rejected_says_why_and_one_without_any_status_is_refused() -> None:
    reason = "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Prtry>格式错</Prtry></Rsn></StsRsnInf>"
    read = read_bank_file(status_report(GROUP.format(reason)))
    assert isinstance(read, PaymentStatusReport)
    assert (read.group_status, read.group_reason, read.payments) == ("RJCT", StatusReason("格式错", ""), ())
    with pytest.raises(BankFileInvalid, match="no status"):
        read_bank_file(status_report(GROUP.format("")))


def test_a_return_gives_what_comes_back_and_why() -> None:
    read = read_bank_file(payment_return(("12.30", "0.01"), total="12.31", count=2))
    assert isinstance(read, PaymentReturn)
    assert read.original_message_id == "CITY-20261123-1"
    assert [(p.original_end_to_end_id, p.amount_minor, p.settled_on) for p in read.payments] == [
        ("E-1", 1_230, date(2026, 11, 26)),
        ("E-2", 1, date(2026, 11, 26)),
    ]
    assert read.payments[0].reason == StatusReason("AC04", "账户已销户")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (payment_return(total="12.31"), "12.31 CNY; wanted is 12.30"),
        (payment_return(count=2), "NbOfTxs is 2; wanted is 1"),
        (payment_return((), count=0), "NbOfTxs is 0; wanted is 1"),
        (payment_return(("0.00",), total="0.00"), "more than nothing"),
        (payment_return(("1", "1"), "2", 2).replace(b"RT-2", b"RT-1"), "'RT-1' twice"),
    ],
)
def test_a_return_that_does_not_add_up_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(BankFileInvalid, match=said):
        read_bank_file(content)


BOMB = b"".join(
    [b'<?xml version="1.0"?><!DOCTYPE Document [<!ENTITY a0 "lol">']
    + [b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)]
    + [b"]><Document>&a9;</Document>"]
)
OUTSIDE = (
    b'<?xml version="1.0"?><!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/hostname">]><Document>&x;</Document>'
)
GOOD = statement(entry())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"not XML", "broken or cut off"),
        (GOOD[:-20], "broken or cut off"),
        (GOOD[: len(GOOD) // 2], "broken or cut off"),
        (GOOD + GOOD, "broken or cut off"),
        (GOOD.replace(b"S-1-1", b"\xff"), "broken or cut off"),
        (GOOD.replace(b"UTF-8", b"klingon"), "broken or cut off"),
        (GOOD.replace(b"UTF-8", b"GBK").replace(b"S-1-1", b"\xff"), "broken or cut off"),
        (GOOD.replace(b"S-1-1", b"&unknown;"), "broken or cut off"),
        (BOMB, "a document type definition or an entity"),
        (OUTSIDE, "a document type definition or an entity"),
        (GOOD.replace(b"<Document", b"<!DOCTYPE Document><Document"), "a document type definition or an entity"),
        (b"<html/>", "the outermost element is 'html'"),
        (GOOD.replace(b"Document", b"Dokument"), "the outermost element"),
        (GOOD.replace(NAMESPACE.encode(), b"urn:elsewhere:"), "the outermost element"),
        (document("camt.052.001.08", "<BkToCstmrAcctRpt/>"), "a camt.052 with Document/BkToCstmrAcctRpt"),
        (document("pain.001.001.09", "<CstmrCdtTrfInitn/>"), "a pain.001"),
        (document("camt.054.001.08", "<BkToCstmrStmt/>"), "a camt.054 with Document/BkToCstmrStmt"),
        (document("camt.053.001.08", ""), "Document is 0 messages"),
        (document("camt.053.001.08", "<BkToCstmrStmt/>"), "Stmt is missing"),
        (document("camt.054.001.08", "<BkToCstmrDbtCdtNtfctn/>"), "Ntfctn is missing"),
        (document("pain.002.001.03", "<CstmrPmtStsRpt/>"), "GrpHdr is missing"),
        (document("pacs.004.001.02", "<PmtRtr/>"), "GrpHdr is missing"),
    ],
)
def test_hostile_broken_and_foreign_files_are_refused_by_name(content: bytes, said: str) -> None:
    with pytest.raises(BankFileInvalid, match=said):
        read_bank_file(content)


def test_elements_of_another_namespace_are_not_taken_for_the_banks() -> None:
    foreign = GOOD.replace(b"<Ntry>", b'<Ntry xmlns="urn:elsewhere">')
    with pytest.raises(BankFileInvalid, match=r"1100\.00 CNY; wanted is 1000\.00"):
        read_bank_file(foreign)


def test_a_file_above_the_limit_is_refused_before_it_is_parsed() -> None:
    assert read_bank_file(GOOD, largest_bytes=len(GOOD)) == read_bank_file(GOOD)
    with pytest.raises(BankFileInvalid, match=f"{len(GOOD)} bytes; wanted is at most {len(GOOD) - 1}"):
        read_bank_file(GOOD, largest_bytes=len(GOOD) - 1)


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=3), st.integers(0, 40))
def test_whatever_is_changed_in_a_file_it_is_read_or_refused_and_never_fails_otherwise(
    start: int, put_in: bytes, taken_out: int
) -> None:
    changed = GOOD[:start] + put_in + GOOD[start + taken_out :]
    try:
        read = read_bank_file(changed)
    except BankFileInvalid:
        return
    assert isinstance(read, StatementFile)
    for found in read.statements:
        assert found.opening_minor + sum(e.signed_minor for e in found.entries) == found.closing_minor
