"""Which field of a request is wrong, what was got and what is wanted, out of the decoders' words.

msgspec and Litestar say it in sentences; partners' programs need it as facts.
"""

import re
from http import HTTPStatus

import msgspec
from litestar.exceptions import HTTPException, SerializationException

_WHOLE_BODY = "$"
_TEXT_LIMIT = 200

_JSON_WORDS = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "null": "null",
    "object": "object",
    "array": "array",
    "datetime": "time (RFC 3339)",
    "date": "date (RFC 3339)",
    "uuid": "id (UUID)",
}

_AT_PATH = re.compile(r"^(?P<sentence>.*?)(?: - at (?:`key` in )?`(?P<path>\$.*)`)?$", re.DOTALL)
_EXPECTED = re.compile(r"^Expected (?P<wanted>.*?)(?:, got (?P<got>`.*`))?$", re.DOTALL)
_MISSING_FIELD = re.compile(r"^Object missing required field `(?P<name>.*)`$", re.DOTALL)
_UNKNOWN_FIELD = re.compile(r"^Object contains unknown field `(?P<name>.*)`$", re.DOTALL)
_MISSING_PARAMETER = re.compile(r"^Missing required (?P<where>query|header|cookie|path) parameter '(?P<name>[^']*)'")


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one field; a member that cannot be told is None.

    ``field`` is a JSON path where ``where`` is ``body``, otherwise the name of a parameter or header.
    """

    field: str | None = _WHOLE_BODY
    where: str = "body"
    got: str | None = None
    wanted: str | None = None
    sentence: str | None = None

    @property
    def detail(self) -> str:
        """The fault as one sentence for people."""
        named = self.field not in {None, _WHOLE_BODY}
        place = f"{self.field} ({self.where})" if named else f"The {self.where}"
        if self.wanted is None:
            return f"{place}: {self.sentence or 'cannot be understood'}."
        if self.got is None:
            return f"{place}: wanted {self.wanted}."
        return f"{place}: got {self.got}, wanted {self.wanted}."

    @property
    def facts(self) -> dict[str, object]:
        """The fault as members of a problem document."""
        return {
            "field": self.field,
            "where": self.where,
            "got": self.got,
            "wanted": self.wanted,
        }


def fault_of_body(error: Exception) -> Fault:
    """Say what a decoder found wrong with a body.

    Takes msgspec's DecodeError and ValidationError, and what escapes it: UnicodeDecodeError for
    bytes that are not UTF-8, RecursionError for a body nested too deeply.
    """
    if isinstance(error, UnicodeDecodeError):
        return Fault(got="bytes that are not UTF-8", wanted="JSON in UTF-8")
    if isinstance(error, RecursionError):
        return Fault(got="a value nested too deeply", wanted="JSON as described at /docs")
    return _fault_of_sentence(str(error))


def fault_of_exception(error: HTTPException) -> Fault:
    """Say what Litestar found wrong with a body, a parameter or a header."""
    cause = error.__cause__
    if isinstance(cause, msgspec.ValidationError):
        return _fault_of_arguments(str(cause), error.extra)
    if missing := _MISSING_PARAMETER.match(error.detail):
        return Fault(missing["name"], missing["where"], got="nothing", wanted="a value")
    if isinstance(cause, SerializationException):
        return _fault_of_sentence(error.detail)
    own_words = error.detail != HTTPStatus(error.status_code).phrase
    return Fault(None, "request", sentence=_short(error.detail) if own_words else None)


def _fault_of_sentence(message: str) -> Fault:
    parts = _AT_PATH.match(message)
    sentence, path = (parts["sentence"], parts["path"]) if parts else (message, None)
    field = _short(path or _WHOLE_BODY)
    if missing := _MISSING_FIELD.match(sentence):
        return Fault(f"{field}.{missing['name']}", got="nothing", wanted="a value")
    if unknown := _UNKNOWN_FIELD.match(sentence):
        return Fault(
            f"{field}.{_short(unknown['name'])}",
            got="an unknown field",
            wanted="no such field",
        )
    if expected := _EXPECTED.match(sentence):
        got = expected["got"]
        return Fault(
            field,
            got=_in_json_words(got) if got else None,
            wanted=_in_json_words(expected["wanted"]),
        )
    return Fault(field, sentence=_short(sentence))


def _fault_of_arguments(message: str, extra: object) -> Fault:
    """Litestar decodes all arguments of a handler as one object, whose field ``data`` is the body."""
    fault = _fault_of_sentence(message)
    argument = str(fault.field).removeprefix("$.")
    if argument == "data" and fault.got == "nothing":
        return Fault(got="an empty body", wanted="a JSON body")
    if argument == "data" or argument.startswith(("data.", "data[")):
        return msgspec.structs.replace(fault, field=_WHOLE_BODY + argument.removeprefix("data"))
    return msgspec.structs.replace(fault, field=argument, where=_where_is(argument, extra))


def _where_is(argument: str, extra: object) -> str:
    for message in extra if isinstance(extra, list) else ():
        if message.get("key") == argument and "source" in message:
            return str(getattr(message["source"], "value", message["source"]))
    return "request"


def _in_json_words(text: str) -> str:
    """Turn "`int | null` >= 1" into "integer or null >= 1"."""

    def translated(quoted: re.Match[str]) -> str:
        return " or ".join(_JSON_WORDS.get(word, word) for word in quoted[1].split(" | "))

    return _short(re.sub(r"`([^`]*)`", translated, text))


def _short(text: str) -> str:
    """What callers sent goes back to them, but not by the megabyte."""
    return text if len(text) <= _TEXT_LIMIT else text[:_TEXT_LIMIT] + "…"
