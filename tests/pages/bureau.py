"""A finance bureau with pages: a sandbox whose first day is traded and settled, and staff who sign in."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

from tests.api.street import Street
from tests.pages.browsing import Browser, Page
from tests.pages.city_provider import CityProvider
from tests.pages.conftest import City
from tests.service import Service
from tests.settlement.bank_files.samples import document
from tests.settlement.finance_office import PROGRAMME, FinanceOffice

DAY = "2026-11-23"
OURS = {"name": "城市积分清算有限公司", "account": "110060149", "clearing_code": "102100000012"}
# An account of the bank's for nobody, so that no receipt is placed by it.
PAYER = "6222009"


@dataclass
class Bureau:
    """The office with its keys, and browsers of its people; ``batch`` is that of the first day, approved."""

    city: City
    office: FinanceOffice
    batch: str = field(init=False)

    @classmethod
    def open(cls, service: Service, provider: CityProvider) -> "Bureau":
        """Agree on contracts, trade a day, settle it and order its payments."""
        office = FinanceOffice(service)
        city = City(cast("Street", SimpleNamespace(service=service)), provider)
        bureau = cls(city, office)
        for partner in ("BANK", "CAFE"):
            office.agree(office.terms(partner, starts_on="2026-11-01"))
        office.agree(office.propose(operation="account", currency="CNY", beneficiary=OURS))
        bureau.earn(10_000)
        bureau.redeem(3_000)
        batch = office.settle_day(DAY)
        bureau.batch = batch["id"]
        office.step(bureau.batch, "submit").raise_for_status()
        office.step(bureau.batch, "approve", by="finance-approver").raise_for_status()
        office.step(bureau.batch, "instruct").raise_for_status()
        return bureau

    def staff(self, *roles: str, name: str | None = None) -> Browser:
        """A browser in which somebody with roles is signed in; everybody is somebody else unless named."""
        return self.city.sign_in(to="/finance", sub=name or f"{roles[0]}-{uuid4().hex[:8]}", citypoints_roles=[*roles])

    def earn(self, points: int) -> str:
        """Have the bank give points to the member; returns the transaction's id."""
        return self._trade("/v1/earnings", points, "BANK")

    def redeem(self, points: int) -> str:
        """Have the café take points of the member; returns the transaction's id."""
        return self._trade("/v1/redemptions", points, "CAFE")

    def notices(self) -> list[dict[str, Any]]:
        """The notices of the first day's batch."""
        answer = self.office.send("GET", f"/v1/settlement-batches/{self.batch}")
        found: list[dict[str, Any]] = answer.raise_for_status().json()["notices"]
        return found

    def _trade(self, path: str, points: int, by: str) -> str:
        body = {"programme": PROGRAMME, "member": self.office.member, "scene": "food", "points": points}
        answer = self.office.send("POST", path, body, by=by)
        return str(answer.raise_for_status().json()["id"])


def notification(*entries: str, message: str | None = None, account: str = OURS["account"]) -> bytes:
    """A camt.054 of one account of ours."""
    return document(
        "camt.054.001.08",
        f"""<BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>{message or f"N-{uuid4().hex[:12]}"}</MsgId>
        <CreDtTm>2026-11-24T09:00:00+08:00</CreDtTm></GrpHdr>
        <Ntfctn><Id>N-1-1</Id><Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>CNY</Ccy></Acct>{"".join(entries)}
        </Ntfctn></BkToCstmrDbtCdtNtfctn>""",
    )


def movement(amount: str, *, direction: str = "CRDT", payer: str = "某某超市", written: str = "积分结算") -> str:
    """A booked entry that names no notice."""
    return f"""<Ntry><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
      <BookgDt><Dt>2026-11-24</Dt></BookgDt><AcctSvcrRef>R-{uuid4().hex[:12]}</AcctSvcrRef>
      <NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>
        <RltdPties><Dbtr><Pty><Nm>{payer}</Nm></Pty></Dbtr><DbtrAcct><Id><Othr><Id>{PAYER}</Id></Othr></Id></DbtrAcct>
        </RltdPties><RmtInf><Ustrd>{written}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"""


def upload(
    browser: Browser, page: Page, content: bytes, *, name: str = "bank.xml", headers: Any = None, **fields: str
) -> Page:
    """Send the form of the reconciliation with a file, as a browser does."""
    form = page.root.one("form", enctype="multipart/form-data")
    hidden = {one.attributes["name"]: one.attributes.get("value", "") for one in form.every("input")}
    hidden.pop("file")
    sent = {"Origin": browser.base_url, "Sec-Fetch-Site": "same-origin"} | (headers or {})
    parts = {field: value for field, value in (hidden | fields).items() if value}
    answer = browser.client.post(
        form.attributes["action"], data=parts, files={"file": (name, content, "application/xml")}, headers=sent
    )
    return Page(answer)
