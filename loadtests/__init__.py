"""Benchmarks of the ledger; load tests stand beside them."""
