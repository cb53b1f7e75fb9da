"""Appeals as the operator's pages show them: how long each waits, and what was done that it is about."""

from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from api.appealing import points_taken
from api.pages import formats
from api.pages.operator.appeal_texts import STAFF_APPEALS
from api.pages.operator.health_checks import ANSWER_WITHIN_DAYS
from api.pages.operator.operator_view import MICROSECONDS, OperatorView
from api.pages.portal.lines import kind_name
from api.pages.portal.portal_texts import PORTAL
from ledger.ids import Place, place_of
from ledger.reading.personal_data import read_texts
from ledger.reading.transaction_views import TransactionView
from ledger.rules.programmes import LEDGER_ITSELF
from ledger.store.appeals import Appeal
from ledger.store.members import Member
from ledger.store.transaction_places import read_transaction_heads

TONES = {"open": "plain", "upheld": "good", "rejected": "warn"}

_SECONDS_PER_DAY = 86_400


class AppealRow(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal in the list; ``about`` and ``state`` are keys, ``waits`` is empty once it was answered."""

    id: str
    about: str
    points: int
    partner: str | None
    appealed: str
    state: str
    tone: str
    waits: str
    is_late: bool


class _WithReason(msgspec.Struct, frozen=True):
    reason: str | None = None


_decode_reason = msgspec.json.Decoder(_WithReason).decode


async def appeal_row(appeal: Appeal, view: OperatorView, now: int) -> AppealRow:
    """Show an appeal at an instant of the ledger's time."""
    taken = await view.wiring.view(appeal.place)
    waited = max(0, now - appeal.appealed_at) // MICROSECONDS
    is_open = appeal.state == "open"
    waits = view.words(STAFF_APPEALS)["waits"].format(length=view.length(waited)) if is_open else ""
    return AppealRow(
        id=str(appeal.appeal_id),
        about=f"about_{appeal.about}",
        points=points_taken(taken),
        partner=partner_name(taken, view),
        appealed=view.moment(appeal.appealed_at),
        state=f"appeal_{appeal.state}",
        tone=TONES[appeal.state],
        waits=waits,
        is_late=is_open and waited > ANSWER_WITHIN_DAYS * _SECONDS_PER_DAY,
    )


def partner_name(taken: TransactionView, view: OperatorView) -> str | None:
    """How the partner behind a transaction calls itself; None for what the ledger or staff did."""
    if taken.partner is None:
        return None
    partner = view.registry.partner_coded(taken.partner)
    return taken.partner if partner is None else partner.name


async def reason_given(connection: AsyncConnection, place: Place) -> str | None:
    """The reason that was written with a transaction; None where none was, or where it is erased."""
    heads = await read_transaction_heads(connection, [place])
    for head in heads.values():
        member = Member(head.lane, head.member)
        for text in await read_texts(connection, member, after=place.number - 1, limit=1):
            if text.sequence == place.number:
                return _decode_reason(text.document).reason
    return None


async def original_of(taken: TransactionView, view: OperatorView) -> str | None:
    """The transaction that was taken back, in words; None where there is none."""
    place = None if taken.reverses is None else place_of(UUID(taken.reverses))
    if place is None:
        return None
    original = await view.wiring.view(place)
    words = view.words({**PORTAL, **STAFF_APPEALS})
    kind = words[kind_name(original.kind, comes_in=original.change("available") > 0)]
    when = view.moment(original.occurred_at)
    return words["original_is"].format(kind=kind, points=formats.number(original.points), when=when)


async def status_of(appeal: Appeal, view: OperatorView) -> str:
    """The status of the account that an appeal is of, as it is now."""
    member = await view.wiring.engine.intake.find_member(LEDGER_ITSELF, str(appeal.public_id))
    return "closed" if member is None else (await view.wiring.profile(member)).status
