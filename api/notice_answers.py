"""What the HTTP interface answers of notices of expiry."""

from datetime import date

import msgspec

from api.answers import rfc3339
from ledger.reading.notices import NoticesPage


class NoticeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A member was told that ``points`` can be used until the end of ``last_day``."""

    id: str
    points: int
    last_day: date
    days_before: int
    recorded_at: str


class NoticesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Notices, newest first, and the cursor of the next page where there is one."""

    notices: tuple[NoticeAnswer, ...]
    next_cursor: str | None


def notices_answer(page: NoticesPage) -> NoticesAnswer:
    """A page of notices."""
    return NoticesAnswer(
        notices=tuple(
            NoticeAnswer(
                id=notice.id,
                points=notice.points,
                last_day=notice.last_day,
                days_before=notice.days_before,
                recorded_at=rfc3339(notice.recorded_at),
            )
            for notice in page.notices
        ),
        next_cursor=page.next_cursor,
    )
