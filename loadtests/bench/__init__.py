"""``make bench``: how fast the whole product is, as multiples of pgbench in the same run.

Everything (client, service, PostgreSQL) shares the machine's cores, so a figure is only worth its ratio to
the yardstick of its own run. Benchmarks are not tests: nothing here decides whether a change is right.
"""
