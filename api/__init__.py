"""The doors of City Points Ledger: HTTP, pages and the ``citypoints`` command."""
