"""Who acts: a named staff person with the roles of its credential. The second person is told apart by the name."""

import msgspec

from ledger.errors import Forbidden, SecondPersonRequired


class Person(msgspec.Struct, frozen=True):
    """A staff person, as the credential names it; several keys of one person are one person."""

    name: str
    roles: frozenset[str]

    def refuse_without(self, *roles: str) -> None:
        """Raise Forbidden unless the person has one of the roles."""
        if self.roles.isdisjoint(roles):
            raise Forbidden(f"Wanted is a staff key with one of the roles {', '.join(sorted(roles))}.")


def refuse_same(first: str, second: Person, what: str) -> None:
    """Raise SecondPersonRequired where the second person is the first, under whatever key."""
    if first == second.name:
        raise SecondPersonRequired(f"You {what} it: another person decides.")
