"""Appeals as they are sent and answered."""

from typing import Annotated

import msgspec

from api.answers import rfc3339
from ledger.store.appeals import MOST_CHARACTERS, Appeal, AppealAbout, AppealState, Verdict

Written = Annotated[
    str, msgspec.Meta(min_length=1, max_length=MOST_CHARACTERS, description="In the person's own words; no HTML.")
]


class AppealRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a member says against a ``transaction`` that took points back; without one, against the freeze."""

    grounds: Written
    transaction: str | None = None


class AppealDecision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What staff answer, and why; the member reads the ``answer``."""

    verdict: Verdict
    answer: Written


class AppealMade(msgspec.Struct, frozen=True):
    """An appeal that was kept, or answered."""

    id: str


class AppealAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal and, where it was decided, its answer. ``transaction`` is what it is against, a freeze too."""

    id: str
    member: str
    about: AppealAbout
    transaction: str
    state: AppealState
    grounds: str
    appealed_at: str
    decided_at: str | None
    answer: str | None


class AppealList(msgspec.Struct, frozen=True):
    """All appeals of a member, newest first."""

    appeals: list[AppealAnswer]


class AppealPage(msgspec.Struct, frozen=True):
    """Appeals of any member that wait for an answer, oldest first."""

    appeals: list[AppealAnswer]
    next_cursor: str | None


def shown_appeal(appeal: Appeal, transaction: str) -> AppealAnswer:
    """Show an appeal against a transaction of this id."""
    return AppealAnswer(
        id=str(appeal.appeal_id),
        member=str(appeal.public_id),
        about=appeal.about,
        transaction=transaction,
        state=appeal.state,
        grounds=appeal.grounds,
        appealed_at=rfc3339(appeal.appealed_at),
        decided_at=None if appeal.decided_at is None else rfc3339(appeal.decided_at),
        answer=appeal.answer,
    )
