"""``citypoints members``: freeze, unfreeze, close, merge, move to another lane."""

from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from api.cli.output import AsJson, fail, say

if TYPE_CHECKING:
    from ledger.posting.engine import Engine
    from ledger.rules.commands import StaffCommand
    from ledger.rules.outcomes import Outcome

OWNER = "s:cli"
MOST_LANES = 4_096
MOST_REASON_CHARACTERS = 200

app = typer.Typer(help="Freeze, unfreeze, close, merge and move members.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="MEMBER", help="The member's id, or card: and a card number.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept where it can be erased.")]


@app.command("freeze", epilog='Example: citypoints members freeze card:4929000000000000 --reason "card lost"')
def freeze(member: Name, *, reason: Reason, as_json: AsJson = False) -> None:
    """Stop a member's earnings, redemptions, holds and gifts."""
    from ledger.rules.commands import Freeze

    _post(Freeze(member=member, reason=_checked(reason)), f"Froze {member}.", as_json=as_json)


@app.command("unfreeze", epilog='Example: citypoints members unfreeze card:4929000000000000 --reason "card found"')
def unfreeze(member: Name, *, reason: Reason, as_json: AsJson = False) -> None:
    """Let a frozen member's points be used again."""
    from ledger.rules.commands import Unfreeze

    _post(Unfreeze(member=member, reason=_checked(reason)), f"Unfroze {member}.", as_json=as_json)


@app.command("close", epilog='Example: citypoints members close card:4929000000000000 --reason "moved away"')
def close(
    member: Name,
    *,
    reason: Reason,
    give_up_points: Annotated[
        bool, typer.Option("--give-up-points", help="What is left goes back to its issuers.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """End a membership in which nothing is left."""
    from ledger.rules.commands import Close

    command = Close(member=member, gives_up_points=give_up_points, reason=_checked(reason))
    _post(command, f"Closed {member}.", as_json=as_json)


@app.command("merge", epilog='Example: citypoints members merge card:1 --into card:2 --reason "one person, two cards"')
def merge(
    member: Name,
    *,
    into: Annotated[str, typer.Option(metavar="MEMBER", help="The member that it turns out to be.")],
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Take points, holds, debts and names of a member to another one."""
    from ledger.rules.commands import Merge

    command = Merge(member=member, into=into, reason=_checked(reason))
    _post(command, f"Merged {member} into {into}.", as_json=as_json)


@app.command("move-lane", epilog='Example: citypoints members move-lane card:1 --lane 7 --reason "lane 3 is hot"')
def move_lane(
    member: Name,
    *,
    lane: Annotated[int, typer.Option(min=0, max=MOST_LANES - 1, help="The lane to go to.")],
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Take a member with all it has to another lane."""
    from ledger.rules.commands import Move

    command = Move(member=member, to_lane=lane, reason=_checked(reason))
    _post(command, f"Moved {member} to lane {lane}.", as_json=as_json)


def _post(command: "StaffCommand", line: str, *, as_json: bool) -> None:
    from api.cli.installation import run_with_engine
    from ledger.rules.outcomes import Posted, Refused
    from ledger.rules.programmes import LEDGER_ITSELF

    async def work(engine: "Engine") -> "Outcome":
        submission = await engine.intake.prepare(LEDGER_ITSELF, str(uuid4()), command, owner=OWNER)
        return await engine.posters.submit(submission)

    outcome = run_with_engine(work)
    if isinstance(outcome, Refused):
        fail(outcome.detail)
    member = outcome.member_id if isinstance(outcome, Posted) else None
    say(line, {"member": member}, as_json=as_json)


def _checked(reason: str) -> str:
    if not reason.strip() or len(reason) > MOST_REASON_CHARACTERS or not reason.isprintable():
        raise typer.BadParameter(f"--reason: wanted 1 to {MOST_REASON_CHARACTERS} printable characters")
    return reason
