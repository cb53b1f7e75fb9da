"""How a part of the ledger is replaced by a broken one."""

WINDOW_SECONDS = 0.03
"""A pause that lets another process come in between."""


def put(owner: object, name: str, broken: object) -> None:
    """Replace a part of the ledger; AttributeError where there is none of that name any more."""
    getattr(owner, name)
    setattr(owner, name, broken)
