"""A partner's posting that looks like one it is about to make: perhaps the same sale, whose answer was lost."""

from psycopg import AsyncConnection

from ledger.ids import Place
from ledger.reading.transaction_views import TransactionView
from ledger.rules.journal import TransactionKind
from ledger.store.members import Member

_READ_ALIKE = """
select t.lane, t.sequence from transactions t
where t.lane = %(lane)s and t.member = %(member)s and t.partner = %(partner)s and t.programme = %(programme)s
  and t.kind = %(kind)s and t.points = %(points)s and t.spend_minor is not distinct from %(spend_minor)s
  and t.cash_minor is not distinct from %(cash_minor)s
  and t.recorded_at > ledger_now() - make_interval(secs => %(within_seconds)s)
order by t.sequence desc limit 1
"""


async def read_alike(
    connection: AsyncConnection,
    member: Member,
    like: TransactionView,
    *,
    partner: int,
    programme: int,
    within_seconds: int,
) -> Place | None:
    """Find the newest transaction of the same kind, points and money as ``like``, of the last seconds."""
    cursor = await connection.execute(
        _READ_ALIKE,
        {
            "lane": member.lane,
            "member": member.number,
            "partner": partner,
            "programme": programme,
            "kind": int(TransactionKind[like.kind.upper()]),
            "points": like.points,
            "spend_minor": like.spend_minor,
            "cash_minor": like.cash_minor,
            "within_seconds": within_seconds,
        },
    )
    row = await cursor.fetchone()
    return None if row is None else Place(*row)
