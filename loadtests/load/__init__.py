"""``make load``: a city's day under load, and the proof that every answer the clients saw is true.

Clients (Locust) keep a record of each attempt; when they are done, the record and the journal must explain each
other. See "Load tests" in docs/development.md.
"""
