"""Intake: from a caller's command to a submission, resolving the names it uses.

Every door comes through here, so a single request, a bulk item and an import line with the same key and
body are the same request.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ledger.ids import LedgerKey, Place, place_of, transaction_id
from ledger.posting.registry_cache import RegistryCache
from ledger.rules.commands import (
    Adjust,
    Atomic,
    Capture,
    Close,
    Earn,
    Exchange,
    Freeze,
    Gift,
    GrantCap,
    GrantCover,
    Merge,
    Move,
    PartnerCommand,
    PlaceHold,
    Redeem,
    Reverse,
    StaffCommand,
    Submission,
    TakeBack,
    Unfreeze,
    VoidHold,
    WriteOff,
    details_document,
    key_digests,
)
from ledger.rules.member_codes import CODE, is_code, names_code
from ledger.store.gathering import Gathering
from ledger.store.member_codes import StoredCode, code_digest, find_codes
from ledger.store.members import Member, find_members, name_digest, next_member_number
from ledger.store.transaction_places import TransactionHead, read_transaction_heads

_OfMember = (
    Earn
    | Redeem
    | TakeBack
    | PlaceHold
    | Gift
    | Exchange
    | Merge
    | Move
    | Freeze
    | Unfreeze
    | Close
    | Adjust
    | WriteOff
)

_OF_ONE_MEMBER = (Earn, Redeem, TakeBack, PlaceHold)

SALT_BYTES = 16
MAXIMUM_CACHED_MEMBERS = 200_000
NAMES_NOT_KEPT = ("card:", CODE)


class Intake:
    """Resolves members and originals and makes submissions.

    A member's place is kept in memory: the poster finds it again under the lane's lock.
    """

    def __init__(
        self,
        pool: AsyncConnectionPool[AsyncConnection],
        key: LedgerKey,
        registry: RegistryCache,
        lanes: int,
    ) -> None:
        self.key = key
        self._pool = pool
        self._registry = registry
        self._lanes = lanes
        self._places: dict[tuple[int, str], Member] = {}
        self._members = Gathering(self._fetch_members)
        self._codes = Gathering(self._fetch_codes)
        self._heads = Gathering(self._fetch_heads)

    async def prepare(
        self,
        partner: int,
        idempotency_key: str,
        command: PartnerCommand | StaffCommand,
        *,
        owner: str | None = None,
        shows_balance: bool = False,
    ) -> Submission:
        """Resolve a command; an unknown name is left for the decision to refuse.

        ``partner`` is LEDGER_ITSELF for staff and members, who then are the ``owner`` of the key.
        """
        key_digest, request_digest = key_digests(self.key, owner or partner_owner(partner), idempotency_key, command)
        submission = Submission(
            command=command,
            partner=partner,
            key_digest=key_digest,
            request_digest=request_digest,
            lane=int.from_bytes(key_digest[:4], "big") % self._lanes,
            shows_balance=shows_balance,
        )
        self._add_details(submission)
        if isinstance(command, _OF_ONE_MEMBER):
            # Most commands are these, of members that are known: nothing is waited for, and nothing else is asked.
            known = self._places.get(self._space(partner, command.member))
            if known is not None:
                submission.member, submission.lane = known.number, known.lane
                return submission
        await self._resolve(submission, owner)
        return submission

    async def _resolve(self, submission: Submission, owner: str | None) -> None:
        """Find what a command names, and with it the lane in which it is posted."""
        command = submission.command
        if isinstance(command, Atomic):
            items = [
                await self.prepare(submission.partner, item.key, item.command, owner=owner) for item in command.items
            ]
            submission.items = tuple(items)
            submission.lane = items[0].lane
        elif isinstance(command, Reverse):
            await self._resolve_original(submission, command.transaction)
        elif isinstance(command, Capture | VoidHold):
            await self._resolve_hold(submission, command.hold)
        elif isinstance(command, GrantCap | GrantCover):
            cap = self._registry.current.cap_coded(command.cap)
            submission.lane = submission.lane if cap is None else cap.home_lane
        elif isinstance(command, _OfMember):
            await self._resolve_members(submission, command)

    async def _resolve_members(self, submission: Submission, command: _OfMember) -> None:
        member = await self.find_member(submission.partner, command.member)
        if member is not None:
            submission.member = member.number
            submission.lane = member.lane
        elif isinstance(command, Earn | Redeem | PlaceHold):
            await self._resolve_code(submission, command.member)
        if isinstance(command, Gift | Merge):
            other = command.receiver if isinstance(command, Gift) else command.into
            receiver = await self.find_member(submission.partner, other)
            if receiver is not None:
                submission.receiver = receiver.number
                submission.receiver_lane = receiver.lane
        if isinstance(command, Move):
            async with self._pool.connection() as connection:
                submission.new_number = await next_member_number(connection)

    async def _resolve_code(self, submission: Submission, name: str) -> None:
        """Find the member whose code a name is, good or not: the decision refuses a used or expired one.

        Who shows a code lets the partner see its balance, so the answer tells it.
        """
        digits = name.removeprefix(CODE)
        if not names_code(name) or not is_code(digits):
            return
        digest = code_digest(self.key, digits)
        found = await self._codes.get(digest)
        if found is not None:
            submission.code = digest
            submission.member = found.member.number
            submission.lane = found.member.lane
            submission.shows_balance = True

    def forget_members(self) -> None:
        """Look members up again: one has been merged or moved."""
        self._places.clear()

    async def find_member(self, partner: int, name: str) -> Member | None:
        """Find a member by an id, ``ref:<reference>`` of the partner, or ``card:<number>``; never by a code.

        Why cards are never kept: a card can be blocked, and must then stop in every process at once.
        """
        space = self._space(partner, name)
        known = self._places.get(space)
        if known is None and not names_code(name):
            known = await self._members.get(name_digest(self.key, partner, name))
            if known is not None and not name.startswith("card:"):
                self._keep(space, known)
        return known

    async def learn_members(self, partner: int, names: Iterable[str]) -> None:
        """Look many names up at once, so that preparing their commands need not wait for each; not those never kept."""
        spaces = {name: self._space(partner, name) for name in names if not name.startswith(NAMES_NOT_KEPT)}
        digests = {
            name_digest(self.key, partner, name): space for name, space in spaces.items() if space not in self._places
        }
        if not digests:
            return
        for digest, member in (await self._fetch_members(list(digests))).items():
            self._keep(digests[digest], member)

    @staticmethod
    def _space(partner: int, name: str) -> tuple[int, str]:
        return (partner if name.startswith("ref:") else 0, name)

    def _keep(self, name: tuple[int, str], member: Member) -> None:
        if len(self._places) >= MAXIMUM_CACHED_MEMBERS:
            self._places.clear()
        self._places[name] = member

    def _add_details(self, submission: Submission) -> None:
        document = details_document(submission.command)
        if document is None:
            return
        submission.details = document
        submission.salt = secrets.token_bytes(SALT_BYTES)
        if submission.command.reference is not None:
            submission.reference_digest = self.key.reference_digest(
                partner_owner(submission.partner), submission.command.reference
            )

    async def _resolve_original(self, submission: Submission, identifier: str) -> None:
        head = await self.find_transaction(identifier)
        if head is None:
            return
        submission.original = Place(head.lane, head.sequence)
        submission.lane = head.lane
        submission.member = head.member
        submission.programme = head.programme

    async def _resolve_hold(self, submission: Submission, identifier: str) -> None:
        head = await self.find_transaction(identifier)
        if head is None:
            return
        submission.hold = Place(head.lane, head.sequence)
        submission.lane = head.lane
        submission.member = head.member
        submission.programme = head.programme

    async def find_transaction(self, identifier: str) -> TransactionHead | None:
        """Find a transaction by its id; an id that only resembles one finds nothing."""
        try:
            wanted = UUID(identifier)
        except ValueError:
            return None
        place = place_of(wanted)
        if place is None:
            return None
        head = await self._heads.get(place)
        if head is None:
            return None
        found = transaction_id(head.recorded_at, head.lane, head.sequence, head.hash)
        return head if found == str(wanted) else None

    async def _fetch_members(self, digests: Sequence[bytes]) -> Mapping[bytes, Member]:
        async with self._pool.connection() as connection:
            return await find_members(connection, digests)

    async def _fetch_codes(self, digests: Sequence[bytes]) -> Mapping[bytes, StoredCode]:
        async with self._pool.connection() as connection:
            return await find_codes(connection, digests)

    async def _fetch_heads(self, places: Sequence[Place]) -> Mapping[Place, TransactionHead]:
        async with self._pool.connection() as connection:
            return await read_transaction_heads(connection, places)


def partner_owner(partner: int) -> str:
    """Whose space of idempotency keys and references a partner's are."""
    return f"p:{partner}"
