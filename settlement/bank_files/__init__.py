"""Files to and from a bank, ISO 20022: bytes on one side, Structs on the other; no database, no clock, no network.

Amounts are minor units of their currency, instants microseconds since 1970 UTC, days the bank's own.
"""
