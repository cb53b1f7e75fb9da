"""The worker that ``citypoints serve`` brings: a process beside those that answer requests."""

import os
import subprocess
import sys
import threading
from types import TracebackType
from typing import Self

from api.cli.output import DONE, FOUND_SOMETHING_WRONG, warn
from api.cli.own_processes import own_process

RESTART_SECONDS = 3.0
# Attempts and jobs that run may end by themselves; what hangs is killed after this.
STOP_LIMIT_SECONDS = 45

_COMMAND = own_process("api.cli.worker_process")


class WorkerProcess:
    """Runs a worker as long as the context lasts; one that ends by itself is started again."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._change = threading.Lock()
        self._thread = threading.Thread(target=self._supervise, name="worker", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._change:
            self._stopping.set()
            process = self._process
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        self._thread.join()

    def _supervise(self) -> None:
        while True:
            with self._change:
                if self._stopping.is_set():
                    return
                # A group of its own: Ctrl-C in a terminal is for serve, which asks the worker to stop.
                self._process = subprocess.Popen([*_COMMAND, str(os.getpid())], process_group=0)  # noqa: S603 - our own module
            code = self._process.wait()
            if self._stopping.is_set():
                return
            warn(f"The worker ended with exit code {code}; it is started again.")
            self._stopping.wait(RESTART_SECONDS)


def main(parent: int) -> int:
    """Run a worker with the settings of the environment until it is told to stop or its parent is gone."""
    import uvloop

    from api.logs import configure_logs
    from api.settings import Settings, SettingsError
    from api.worker.process import run_worker_until_signal
    from ledger.errors import LedgerError

    try:
        settings = Settings.from_environment()
        configure_logs(settings.log_level)
        uvloop.run(run_worker_until_signal(os.environ["DATABASE_URL"], settings, parent=parent))
    except (SettingsError, LedgerError) as error:
        warn(f"The worker does not start: {error}")
        return FOUND_SOMETHING_WRONG
    return DONE


if __name__ == "__main__":
    sys.exit(main(parent=int(sys.argv[1])))
