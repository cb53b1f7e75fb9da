"""The core of City Points Ledger: rules, storage, posting, reading and audit.

Never imports ``api`` or ``settlement``; see README.md beside this file.
"""
