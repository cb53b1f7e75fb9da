"""The request as our handlers see it: a strictly decoded body, and who sent it.

Litestar would decode a body to plain values first and convert leniently: "12" would pass for 12. Here
the bytes go straight into the handler's Struct, strictly, in one step.
"""

from functools import cache
from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from api.authentication import Caller
from api.malformed_requests import fault_of_body
from ledger.errors import IdempotencyKeyMalformed, MalformedRequest

_JSON = "application/json"
LONGEST_KEY = 255


class CityRequest(Request[Caller, Any, State]):
    """A request whose JSON body is decoded into the type of the handler's ``data``."""

    async def json(self) -> Any:  # noqa: ANN401 - as Litestar declares it
        """Decode the body.

        Raises msgspec's DecodeError, MalformedRequest for one nested too deeply, and HTTPException 415 for
        another media type.
        """
        content_type = self.headers.get("content-type", "")
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type != _JSON:
            raise HTTPException(f"Content-Type: got {media_type[:100] or 'nothing'}, wanted {_JSON}.", status_code=415)
        body = await self.body()
        field = self.route_handler.parsed_data_field
        if field is None:
            return body
        try:
            return _decoder(field.annotation).decode(body)
        except RecursionError as error:
            fault = fault_of_body(error)
            raise MalformedRequest(fault.detail, **fault.facts) from error


@cache
def _decoder(body_type: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - a type or a union of types
    return msgspec.json.Decoder(body_type)


def refuse_key(key: str) -> None:
    """Raise IdempotencyKeyMalformed where a key is not 1 to 255 visible ASCII characters."""
    if 1 <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable() and " " not in key:
        return
    got, wanted = f"{len(key)} characters", f"1 to {LONGEST_KEY} visible ASCII characters"
    raise IdempotencyKeyMalformed(f"Idempotency-Key: got {got}, wanted {wanted}.", got=got, wanted=wanted)
