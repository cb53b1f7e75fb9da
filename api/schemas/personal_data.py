"""All that the ledger holds of a member, and the proof that it was erased."""

from typing import Literal

import msgspec

from api.answers import BalanceAnswer, MemberLotAnswer, StatementLineAnswer
from api.schemas.consents import ConsentAnswer
from ledger.reading.personal_data import NameKind
from ledger.store.appeals import AppealAbout, AppealState
from ledger.store.erasing import Eraser, ErasureReason


class ExportedProfile(msgspec.Struct, frozen=True):
    """Personal data as a partner sent it when the member was created."""

    region: str | None
    birth_year: int | None
    created_at: str


class ExportedName(msgspec.Struct, frozen=True):
    """A name that the member is known by. The name itself is not kept: only its keyed digest is."""

    kind: NameKind
    partner: str | None
    created_at: str
    blocked_at: str | None


class ExportedToken(msgspec.Struct, frozen=True):
    """A token of the member's, without its secret."""

    expires_at: str


class ExportedAccount(msgspec.Struct, frozen=True):
    """Points in one programme: all lots and all lines of the statement, newest first."""

    balance: BalanceAnswer
    lots: tuple[MemberLotAnswer, ...]
    statement: tuple[StatementLineAnswer, ...]


class ExportedText(msgspec.Struct, frozen=True):
    """What callers wrote with a transaction: reference, evidence, metadata, reason, as far as given."""

    transaction_id: str
    text: msgspec.Raw


class ExportedAppeal(msgspec.Struct, frozen=True, kw_only=True):
    """What the member appealed against, in its own words, and what it was answered.

    ``transaction_id`` is what took the points, or what froze the account.
    """

    transaction_id: str
    about: AppealAbout
    state: AppealState
    grounds: str
    appealed_at: str
    decided_at: str | None
    answer: str | None


class ExportAnswer(msgspec.Struct, frozen=True):
    """Everything about one member; ``format`` changes when the keys do. Lists are empty where nothing is kept."""

    format: Literal[2]
    id: str
    status: str
    created_at: str
    exported_at: str
    profiles: tuple[ExportedProfile, ...]
    names: tuple[ExportedName, ...]
    tokens: tuple[ExportedToken, ...]
    consents: tuple[ConsentAnswer, ...]
    appeals: tuple[ExportedAppeal, ...]
    accounts: tuple[ExportedAccount, ...]
    texts: tuple[ExportedText, ...]


class ErasureRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a member is erased: one of a few words, no text."""

    reason: ErasureReason


class ErasureAnswer(msgspec.Struct, frozen=True):
    """The proof that a member was erased, by which role and when it was first asked for."""

    id: str
    erased_at: str
    erased_by: Eraser
    reason: ErasureReason
