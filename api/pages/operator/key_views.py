"""Keys as the operator's pages show them: whose, whether good, and the one moment at which a key itself is seen."""

from http import HTTPStatus

import msgspec
from litestar import Response

from api.pages.operator.key_texts import KEYS
from api.pages.operator.operator_view import OperatorView, operator_page
from api.requests import CityRequest
from api.schemas.partners import KeyAnswer
from ledger.errors import NotFound
from ledger.store.credentials import Credential

_decode = msgspec.json.Decoder(KeyAnswer).decode


class KeyRow(msgspec.Struct, frozen=True):
    """A key without the key itself; ``until`` is None where it has no end."""

    prefix: str
    owner: str
    partner: str | None
    roles: tuple[str, ...]
    made_at: str
    until: str | None
    state: str
    tone: str


def key_row(key: Credential, view: OperatorView, now: int) -> KeyRow:
    """Show a key as it is at an instant."""
    state, tone = ("revoked", "plain") if key.revoked_at is not None else ("expired", "plain")
    if key.is_good(now):
        state, tone = "good", "good"
    partner = None if key.partner is None else view.registry.partners[key.partner]
    return KeyRow(
        prefix=key.prefix,
        owner=(key.staff_name or "") if partner is None else partner.name,
        partner=None if partner is None else partner.code,
        roles=key.roles,
        made_at=view.moment(key.created_at),
        until=None if key.expires_at is None else view.moment(key.expires_at),
        state=state,
        tone=tone,
    )


def key_made(
    request: CityRequest, view: OperatorView, answer: Response[bytes], former: str | None = None
) -> Response[str]:
    """The page with the key itself; where it was shown before, one that says so. Raises NotFound for a refusal."""
    if answer.status_code != HTTPStatus.CREATED:
        raise NotFound("No key that is in use has this prefix.")
    made = _decode(answer.content)
    partner = None if made.partner is None else view.registry.partner_coded(made.partner)
    return operator_page(
        request,
        view,
        "key_made",
        texts=KEYS,
        back="/operator/keys",
        made=made,
        owner=made.staff if partner is None else partner.name,
        former=former,
    )
