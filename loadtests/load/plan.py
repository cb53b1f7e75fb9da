"""What the clients are told before they begin, and where they write."""

from pathlib import Path

import msgspec

from loadtests.load.town import Town

PLAN_VARIABLE = "CITYPOINTS_LOAD_PLAN"
PLAN_FILE = "plan.json"
BEGUN_FILE = "begun"


class Plan(msgspec.Struct, frozen=True):
    """A run: how long, how many clients at its peak, in which town; ``folder`` takes their record."""

    seconds: int
    users: int
    folder: str
    town: Town

    @property
    def records(self) -> Path:
        """Where each client process writes its own record."""
        return Path(self.folder) / "records"

    def write(self) -> Path:
        """Write the plan into its folder."""
        self.records.mkdir(exist_ok=True)
        path = Path(self.folder) / PLAN_FILE
        path.write_bytes(msgspec.json.encode(self))
        return path


def read_plan(path: Path) -> Plan:
    """The plan of a run; raises OSError or ValidationError where there is none."""
    return msgspec.json.decode(path.read_bytes(), type=Plan)
