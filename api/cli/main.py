"""The command ``citypoints``: its parts, and how every error becomes one line and an exit code.

Exit codes: 0 done, 1 something is wrong, 2 the command line or the environment cannot be used.
"""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

from api.cli import (
    campaigns,
    caps,
    clock,
    keys,
    members,
    partners,
    programmes,
    settling,
    settling_disputes,
    settling_payments,
    settling_set_up,
    terms,
)
from api.cli.auditing import audit
from api.cli.backing_up import backup
from api.cli.demonstrating import demo
from api.cli.epochs import new_epoch
from api.cli.expiring import expire
from api.cli.importing import import_file
from api.cli.output import DONE, FOUND_SOMETHING_WRONG, USAGE, warn
from api.cli.proving import verify_proof
from api.cli.reporting import report
from api.cli.restoring import restore
from api.cli.sealing import seal
from api.cli.serving import serve
from api.cli.setting_up import init, migrate
from api.cli.working import worker
from api.settings import SettingsError
from ledger.errors import LedgerError

INTERRUPTED = 130
EPOCH_EXAMPLE = 'Example: citypoints new-epoch --reason "restored the snapshot of 02:00"'
IMPORT_EXAMPLE = "Example: citypoints import invoices.csv --partner SHOP --mapping invoices.toml"
REPORT_EXAMPLE = "Example: citypoints settle report statement --batch CITY-20261123-1 --party CINEMA --format pdf"
VERIFY_EXAMPLE = "Example: citypoints verify-proof proof.json --public-key key.json"

app = typer.Typer(
    help="City Points Ledger. CITYPOINTS_DATA (default ./var) and DATABASE_URL say which ledger is meant.",
    epilog="Example: citypoints serve --demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve", epilog="Example: citypoints serve --port 8080 --demo")(serve)
app.command("init", epilog="Example: citypoints init --sandbox")(init)
app.command("migrate", epilog="Example: MIGRATE_DATABASE_URL=postgresql://... citypoints migrate")(migrate)
app.command("demo", epilog="Example: citypoints demo")(demo)
app.command("import", epilog=IMPORT_EXAMPLE)(import_file)
app.command("audit", epilog="Example: citypoints audit --json")(audit)
app.command("seal", epilog="Example: citypoints seal --json")(seal)
app.command("backup", epilog="Example: citypoints backup --keep 3")(backup)
app.command("restore", epilog="Example: citypoints restore --from /mnt/backup")(restore)
app.command("new-epoch", epilog=EPOCH_EXAMPLE)(new_epoch)
app.command("verify-proof", epilog=VERIFY_EXAMPLE)(verify_proof)
app.command("worker", epilog="Example: citypoints worker")(worker)
app.command("expire", epilog="Example: citypoints expire --day 2026-03-31")(expire)
app.add_typer(clock.app, name="clock")
app.add_typer(programmes.app, name="programmes")
app.add_typer(partners.app, name="partners")
app.add_typer(keys.app, name="keys")
app.add_typer(caps.app, name="caps")
app.add_typer(campaigns.app, name="campaigns")
app.add_typer(members.app, name="members")
app.add_typer(terms.app, name="terms")
settling_payments.add_to(settling.app)
settling_disputes.add_to(settling.app)
settling_set_up.add_to(settling.app)
settling.app.command("report", epilog=REPORT_EXAMPLE)(report)
app.add_typer(settling.app, name="settle")


def main() -> NoReturn:
    """Run the command of this process and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; errors are one line on standard error.

    With CITYPOINTS_DEBUG=1 an unexpected error shows its traceback.
    """
    try:
        result = app(list(arguments), prog_name="citypoints", standalone_mode=False)
    except typer.TyperException as error:
        # Without a message: help was shown, as no command was named.
        if message := error.format_message():
            warn(f"Error: {message} (--help shows what is wanted)")
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except SettingsError as error:
        warn(f"Error: {error}")
        return USAGE
    except LedgerError as error:
        warn(f"Error: {error.detail}")
        return FOUND_SOMETHING_WRONG
    except Exception as error:
        if os.environ.get("CITYPOINTS_DEBUG") == "1":
            raise
        warn(f"Error: {_described(error)}")
        return FOUND_SOMETHING_WRONG
    return result if isinstance(result, int) else DONE


def _described(error: Exception) -> str:
    from ledger.embedded import EmbeddedPostgresError

    if isinstance(error, EmbeddedPostgresError):
        return str(error)
    return f"{type(error).__name__}: {error} (CITYPOINTS_DEBUG=1 shows where)"
