"""What must hold between the clients' record and the journal: one module a promise, each a pure function."""
