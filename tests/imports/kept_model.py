"""What a file of invoices must come to, told in a few lines, and what the ledger says it came to."""

import csv
from dataclasses import dataclass, field
from pathlib import Path

from tests.databases import LedgerDatabase
from tests.imports.shops import KEY, reports, rows


@dataclass
class KeptEarn:
    """An invoice that earned, and the pence of it that are kept."""

    invoice: str
    at: str
    line: int
    kept_pence: int


@dataclass
class Model:
    """What the year must come to, told in a few lines."""

    earns: dict[str, list[KeptEarn]] = field(default_factory=dict)
    reports: dict[int, str] = field(default_factory=dict)

    def read(self, path: Path) -> None:
        with path.open(encoding="utf-8", newline="") as file:
            for line, row in enumerate(csv.DictReader(file), start=2):
                self._take(line, row)

    def _take(self, line: int, row: dict[str, str]) -> None:
        earns = self.earns.setdefault(row["customer"], [])
        pence, at = int(row["amount_pence"]), row["invoice_at"]
        if not row["invoice"].startswith("C"):
            if pence < 100:
                self.reports[line] = "zero-points"
            else:
                earns.append(KeptEarn(row["invoice"], at, line, pence))
            return
        rest = -pence
        for earn in sorted(earns, key=lambda earn: (earn.at, earn.line), reverse=True):
            if earn.at <= at:
                taken = min(rest, earn.kept_pence)
                earn.kept_pence -= taken
                rest -= taken
        if rest == -pence:
            self.reports[line] = "no-earlier-earn"
        elif rest:
            self.reports[line] = f"partly-posted {rest / 100:.2f}"


def points_of(database: LedgerDatabase) -> dict[bytes, int]:
    """Each member's points, by the digest of the shop's reference."""
    query = """
    select n.digest, coalesce(p.posted, 0) from member_names n
    left join member_points p on p.lane = n.lane and p.member = n.member where n.kind = 'reference'
    """
    return {bytes(digest): points for digest, points in rows(database, query)}


def kept_of(database: LedgerDatabase) -> dict[bytes, tuple[int, int]]:
    """What is kept of each earn, in points and pence, by the digest of its key."""
    query = """
    select t.key_digest, t.points - coalesce(b.points, 0), t.spend_minor - coalesce(b.spend_minor, 0)
    from transactions t left join taken_back b on b.lane = t.lane and b.sequence = t.sequence where t.kind = 1
    """
    return {bytes(digest): (points, pence) for digest, points, pence in rows(database, query)}


def lots_of(database: LedgerDatabase) -> dict[bytes, int]:
    """The rest of each earn's lot, by the digest of its key."""
    query = """
    select t.key_digest, l.remaining from transactions t
    join lots l on l.lane = t.lane and l.sequence = t.sequence where t.kind = 1
    """
    return {bytes(digest): points for digest, points in rows(database, query)}


def reported(database: LedgerDatabase) -> dict[int, str]:
    """The reports as the model writes them."""
    return {
        line: f"{code} {detail.split(', ')[1].split()[0]}" if code == "partly-posted" else code
        for line, _, code, detail, _ in reports(database)
    }


def assert_alike(database: LedgerDatabase, model: Model) -> None:
    """Compare reports line by line, what is kept of every earn, the rest of its lot, and every member's points."""
    assert reported(database) == model.reports
    earns = [earn for each in model.earns.values() for earn in each]
    kept = {KEY.key_digest("p:1", earn.invoice): (earn.kept_pence // 100, earn.kept_pence) for earn in earns}
    assert kept_of(database) == kept
    assert lots_of(database) == {digest: points for digest, (points, _) in kept.items()}
    assert points_of(database) == {
        KEY.member_digest("reference", "1", customer): sum(earn.kept_pence // 100 for earn in each)
        for customer, each in model.earns.items()
    }
