"""The cookies of signing in. Scripts cannot read them, and other sites' requests do not carry them along.

By https their names begin with ``__Host-``: browsers then take them from this very host alone, so that no
neighbour under the same domain can plant one.
"""

from litestar.datastructures import Cookie

from api.requests import CityRequest
from api.signing_in.pending import PENDING_SECONDS
from ledger.store.sessions import LONGEST_SECONDS

SESSION, PENDING = "session", "sign-in"

_LIFETIMES = {SESSION: LONGEST_SECONDS, PENDING: PENDING_SECONDS}


def read_cookie(request: CityRequest, name: str, *, is_secure: bool) -> str | None:
    """What the browser sent under one of our names."""
    return request.cookies.get(_full_name(name, is_secure=is_secure))


def cookie(name: str, value: str, *, is_secure: bool) -> Cookie:
    """A cookie to set."""
    return Cookie(
        _full_name(name, is_secure=is_secure),
        value=value,
        path="/",
        max_age=_LIFETIMES[name],
        secure=is_secure,
        httponly=True,
        samesite="lax",
    )


def no_cookie(name: str, *, is_secure: bool) -> Cookie:
    """Take a cookie from the browser."""
    full_name = _full_name(name, is_secure=is_secure)
    return Cookie(full_name, value="", path="/", max_age=0, secure=is_secure, httponly=True, samesite="lax")


def _full_name(name: str, *, is_secure: bool) -> str:
    return f"__Host-{name}" if is_secure else name
