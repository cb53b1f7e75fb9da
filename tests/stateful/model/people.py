"""Members: their status, their accounts, and what they give each other."""

from dataclasses import dataclass, field
from datetime import date

from tests.stateful.model.accounts import Account
from tests.stateful.model.terms import Programme

Month = tuple[str, date]
"""A programme and the first day of a month."""


@dataclass(eq=False)
class Person:
    """``into`` is whom a merge or move has made of it."""

    name: str
    status: str = "active"
    into: "Person | None" = None
    accounts: dict[str, Account] = field(default_factory=dict)
    given: dict[Month, int] = field(default_factory=dict)
    received: dict[Month, int] = field(default_factory=dict)

    def present(self) -> "Person":
        return self if self.into is None else self.into.present()

    def account(self, code: str, programme: Programme) -> Account:
        return self.accounts.setdefault(code, Account(self, code, programme))
