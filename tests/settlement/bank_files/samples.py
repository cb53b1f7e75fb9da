"""Files as banks send them, with the parts that a test changes."""

from textwrap import dedent

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"

ENTRY = """
<Ntry><NtryRef>1</NtryRef><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
  <BookgDt><Dt>2026-11-24</Dt></BookgDt><ValDt><Dt>2026-11-25</Dt></ValDt><AcctSvcrRef>{reference}</AcctSvcrRef>
  <NtryDtls><TxDtls><Refs><EndToEndId>{end_to_end_id}</EndToEndId></Refs>
    <RltdPties><Dbtr><Pty><Nm>某某超市</Nm></Pty></Dbtr><DbtrAcct><Id><Othr><Id>6222001</Id></Othr></Id></DbtrAcct>
      <Cdtr><Pty><Nm>某某咖啡</Nm></Pty></Cdtr><CdtrAcct><Id><Othr><Id>6222002</Id></Othr></Id></CdtrAcct></RltdPties>
    <RmtInf><Ustrd>积分结算</Ustrd><Ustrd>CITY-20261123-1-9</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"""


def entry(
    amount: str = "100.00", direction: str = "CRDT", reference: str = "R-1", end_to_end_id: str = "NOTPROVIDED"
) -> str:
    """One booked entry of a statement in CNY."""
    return ENTRY.format(amount=amount, direction=direction, reference=reference, end_to_end_id=end_to_end_id)


def statement(*entries: str, opening: str = "1000.00", closing: str = "1100.00", version: str = "08") -> bytes:
    """A camt.053 of one account in CNY, whose opening balance may be a debt: ``-1000.00``."""
    return document(
        f"camt.053.001.{version}",
        f"""<BkToCstmrStmt><GrpHdr><MsgId>S-1</MsgId><CreDtTm>2026-11-25T00:00:01</CreDtTm></GrpHdr>
        <Stmt><Id>S-1-1</Id><ElctrncSeqNb>17</ElctrncSeqNb><CreDtTm>2026-11-25T00:00:01</CreDtTm>
        <Acct><Id><Othr><Id>110060149</Id></Othr></Id><Ccy>CNY</Ccy></Acct>
        {_balance("OPBD", opening)}{_balance("CLBD", closing)}{"".join(entries)}</Stmt></BkToCstmrStmt>""",
    )


def payment_return(amounts: tuple[str, ...] = ("12.30",), total: str = "12.30", count: int = 1) -> bytes:
    """A pacs.004 of payments E-1, E-2 and so on."""
    parts = "".join(
        f"""<TxInf><RtrId>RT-{n}</RtrId><OrgnlEndToEndId>E-{n}</OrgnlEndToEndId>
        <RtrdIntrBkSttlmAmt Ccy="CNY">{amount}</RtrdIntrBkSttlmAmt>
        <RtrRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>账户已销户</AddtlInf></RtrRsnInf></TxInf>"""
        for n, amount in enumerate(amounts, start=1)
    )
    return document(
        "pacs.004.001.09",
        f"""<PmtRtr><GrpHdr><MsgId>P-1</MsgId><CreDtTm>2026-11-26T10:00:00+08:00</CreDtTm><NbOfTxs>{count}</NbOfTxs>
        <TtlRtrdIntrBkSttlmAmt Ccy="CNY">{total}</TtlRtrdIntrBkSttlmAmt><IntrBkSttlmDt>2026-11-26</IntrBkSttlmDt>
        <SttlmInf><SttlmMtd>INDA</SttlmMtd></SttlmInf></GrpHdr>
        <OrgnlGrpInf><OrgnlMsgId>CITY-20261123-1</OrgnlMsgId></OrgnlGrpInf>{parts}</PmtRtr>""",
    )


def status_report(body: str) -> bytes:
    """A pain.002 about CITY-20261123-1, with what it says of the file and its payments."""
    return document(
        "pain.002.001.10",
        f"""<CstmrPmtStsRpt><GrpHdr><MsgId>A-1</MsgId><CreDtTm>2026-11-24T01:00:00Z</CreDtTm></GrpHdr>
        {body}</CstmrPmtStsRpt>""",
    )


def document(kind: str, body: str) -> bytes:
    """A message of the kind, such as ``camt.053.001.08``."""
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}{kind}">{dedent(body)}</Document>'
    return text.encode()


def _balance(code: str, amount: str) -> str:
    side = "DBIT" if amount.startswith("-") else "CRDT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{amount.lstrip("-")}</Amt>'
        f"<CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>2026-11-24</Dt></Dt></Bal>"
    )
