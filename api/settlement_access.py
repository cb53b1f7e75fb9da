"""Who settles over HTTP: the person behind a request, and the programme that it names."""

from api.access import staff_of
from api.requests import CityRequest
from api.wiring import Wiring
from ledger.errors import ProgrammeNotFound
from ledger.rules.programmes import Programme
from settlement.people import Person
from settlement.vocabulary import APPROVER, CLERK, MANAGER

FINANCE = ("finance-clerk", "finance-approver", "manager", "auditor", "operator")
"""Staff who may read settlement; what each may do, the steps say."""


def person_of(request: CityRequest) -> Person:
    """The staff person behind a request, as settlement knows it."""
    staff = staff_of(request)
    return Person(staff.name, frozenset(staff.roles))


def sees_accounts(request: CityRequest) -> bool:
    """Whether the person behind a request is shown whole account numbers: who pays, and who answers for it."""
    return not person_of(request).roles.isdisjoint({CLERK, APPROVER, MANAGER})


async def programme_coded(wiring: Wiring, code: str) -> Programme:
    """The programme with a code; raises ProgrammeNotFound."""
    registry = await wiring.fresh_registry()
    programme = registry.programmes.get(code)
    if programme is None:
        raise ProgrammeNotFound("No programme has this code.", programme=code)
    return programme
