"""Where to go after signing in: a path of our own pages, and never another site."""

import re
from collections.abc import Sequence

HOMES = ("/portal", "/merchant", "/finance", "/operator", "/account")
LONGEST_PATH = 500

# What a path and its query may hold. No backslash and no second slash at the start: browsers read both as a host.
_OWN_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*", re.ASCII)


def own_path(text: str | None, homes: Sequence[str] = HOMES) -> str | None:
    """The path where it leads to one of our pages for people who are signed in; None for anything else."""
    if text is None or len(text) > LONGEST_PATH or not _OWN_PATH.fullmatch(text):
        return None
    path = text.partition("?")[0]
    return text if any(path == home or path.startswith(home + "/") for home in homes) else None
