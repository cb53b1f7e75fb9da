"""Holds past their time: for every reader they are released at once, whether or not that is posted.

They are released as the ledger will post it: the hold that ended first, lot by lot in the order of use,
and what the member owes is repaid first.
"""


def due_lots(now: str) -> str:
    """The query of the lots under the due holds of the member ``p`` (a row of member_points) at ``now``.

    Each with what is released, and what is kept of that once what is owed is repaid. Why the outer query: a
    member without held points, as nearly all are, then costs not even an empty window.
    """
    return f"""
    select released.* from (
        select l.lot, l.expires_on, l.available_from > {now} as is_pending, hl.remaining as released,
               greatest(0, least(hl.remaining, sum(hl.remaining) over (
                   order by h.expires_at, h.sequence, l.expires_on, l.earned_at, l.lot
               ) - p.shortfall))::bigint as kept
        from holds h
        join hold_lots hl on hl.lane = h.lane and hl.hold = h.sequence and hl.remaining > 0
        join lots l on l.lane = hl.lane and l.lot = hl.lot
        where h.lane = p.lane and h.member = p.member and h.programme = p.programme
          and h.remaining > 0 and h.expires_at <= {now}
    ) released where p.held > 0
    """
