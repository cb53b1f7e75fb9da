"""What all table definitions share: naming, the type of a moment, a check for a vocabulary."""

from sqlalchemy import DateTime, MetaData

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ck": "%(table_name)s_%(constraint_name)s",
        "uq": "%(table_name)s_%(column_0_name)s_unique",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ix": "%(table_name)s_%(column_0_name)s_index",
    }
)

MOMENT = DateTime(timezone=True)


def one_of(column: str, values: tuple[str, ...]) -> str:
    """The text of a check that a column holds one of a few words."""
    return f"{column} in ({', '.join(repr(value) for value in values)})"
