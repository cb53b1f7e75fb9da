"""Consents as they are sent and answered."""

import msgspec

from api.answers import rfc3339
from api.schemas.fields import Code
from ledger.rules.consents import PurposeName
from ledger.rules.programmes import Registry
from ledger.store.consents import Consent, Giver


class ConsentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A consent to one purpose. ``partner`` is whom ``balance`` allows something; of a partner's call, itself."""

    purpose: PurposeName
    partner: Code | None = None


class RevocationRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing more than the address says."""


class ConsentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A consent, by whom it was given and, where it does not stand any more, revoked."""

    id: str
    purpose: PurposeName
    partner: str | None
    given_at: str
    given_by: Giver
    revoked_at: str | None
    revoked_by: Giver | None


class ConsentPage(msgspec.Struct, frozen=True):
    """Consents in the order in which they were given."""

    consents: list[ConsentAnswer]
    next_cursor: str | None


def consent_answer(consent: Consent, registry: Registry) -> ConsentAnswer:
    """Show a consent. Raises KeyError where the set-up is older than its partner."""
    return ConsentAnswer(
        id=str(consent.consent_id),
        purpose=consent.purpose,
        partner=None if consent.partner is None else registry.partners[consent.partner].code,
        given_at=rfc3339(consent.given_at),
        given_by=consent.given_by,
        revoked_at=None if consent.revoked_at is None else rfc3339(consent.revoked_at),
        revoked_by=consent.revoked_by,
    )
