"""Forms that change something: from our own page, in this session, and read strictly."""

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

from api.requests import CityRequest
from ledger.errors import Forbidden, MalformedRequest
from ledger.ids import LedgerKey

FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"
CSRF_FIELD = "csrf"
LONGEST_FORM = 20_000
MOST_FIELDS = 30

_LABEL = b"csrf"


class ForgedForm(Forbidden):
    """A form that did not come from our own page in this session: nothing was done."""


def csrf_token(key: LedgerKey, session_digest: bytes) -> str:
    """The token of a session's forms: made from the session, so that no other session's is any good."""
    return key.digest(_LABEL, session_digest).hex()


async def read_form(request: CityRequest) -> Mapping[str, str]:
    """Read a form's fields; raises MalformedRequest for what is none, and for a field that comes twice."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM_MEDIA_TYPE:
        got = media_type[:100] or "nothing"
        raise MalformedRequest(f"Content-Type: got {got}, wanted {FORM_MEDIA_TYPE}.", field="Content-Type", got=got)
    body = await request.body()
    if len(body) > LONGEST_FORM:
        raise MalformedRequest(f"The form has {len(body)} bytes; wanted are {LONGEST_FORM} at most.", field="form")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise MalformedRequest("The form cannot be read.", field="form") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MalformedRequest("A field of the form comes twice.", field="form")
    return fields


def refuse_forged(request: CityRequest, fields: Mapping[str, str], wanted_token: str, public_url: str) -> None:
    """Raise ForgedForm where another site sent the form, or it lacks this session's token.

    Browsers say in Sec-Fetch-Site and Origin where a form comes from; where they do not, the token decides alone.
    """
    fetch_site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin", public_url)
    if fetch_site not in {"same-origin", "none"} or origin.lower() != public_url:
        raise ForgedForm("The form came from another site.")
    if not hmac.compare_digest(fields.get(CSRF_FIELD, "").encode(), wanted_token.encode()):
        raise ForgedForm("The form is not of this session.")
