"""``python -m api.cli.import_sharer IMPORT FILE OFFSET``: the process that ``citypoints import`` starts to help it.

It reads tasks from standard input and answers on standard output; ``ledger/posting/import_sharing.py`` says which.
"""

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec.structs import replace

from api.cli.installation import run_with_engine
from api.cli.output import DONE, FOUND_SOMETHING_WRONG
from api.logs import configure_logs
from ledger.errors import LedgerError

if TYPE_CHECKING:
    from ledger.posting.engine import Engine


def main(import_id: str, file: str, offset: str) -> int:
    """Help with an import from an offset on; the exit code tells whether every task was answered."""
    # Ctrl-C goes to both processes; this one leaves when the one that leads the import closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_logs("warning")

    async def work(engine: "Engine") -> None:
        from ledger.posting.import_sharing import post_share
        from ledger.store.imports import read_import

        async with engine.pool.connection() as connection:
            this = await read_import(connection, UUID(import_id))
        if this is None:
            return
        tasks = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(tasks), sys.stdin)
        await post_share(engine, replace(this, byte_offset=int(offset)), Path(file), tasks, sys.stdout.buffer)

    # What the ledger refuses here needs no word: whoever leads the import goes on alone, and tells what is still wrong.
    code = DONE
    try:
        run_with_engine(work)
    except* LedgerError:
        code = FOUND_SOMETHING_WRONG
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
