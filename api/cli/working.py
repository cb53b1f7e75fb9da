"""``citypoints worker``: what happens by itself, as a process of its own."""

import sys

from api.cli.output import AsJson, say
from api.settings import Settings


def worker(*, as_json: AsJson = False) -> None:
    """Post what lapses, deliver webhooks, and do the other jobs, until SIGTERM or Ctrl-C.

    Any number may run, beside ``serve``, which brings one of its own unless told not to.
    """
    import uvloop

    from api.cli.installation import open_database
    from api.logs import configure_logs
    from api.worker.process import run_worker_until_signal

    settings = Settings.from_environment()
    configure_logs(settings.log_level)
    with open_database(settings) as database:
        say("The worker runs. Stop it with Ctrl-C.", {"worker": "running"}, as_json=as_json)
        sys.stdout.flush()
        uvloop.run(run_worker_until_signal(database.service_url, settings))
