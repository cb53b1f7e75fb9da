"""Why a step was refused, as a sentence for people: from the problem that the same request would be answered with."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from litestar import Response

from api.pages import formats
from api.pages.finance.batch_texts import STATES
from api.pages.finance.finance_view import FinanceView
from api.pages.finance.refusal_texts import REFUSALS
from api.pages.texts import in_language
from api.problems import PROBLEM_MEDIA_TYPE, PROBLEM_TYPES
from ledger.errors import LedgerError
from ledger.rules.business_day import to_instant


class Refusal(msgspec.Struct, frozen=True):
    """A refusal: the status of its page, and what it says."""

    status: int
    sentence: str


_DAYS = ("day", "next")


async def taken(view: FinanceView, take: Callable[[], Awaitable[Response[bytes]]]) -> Refusal | None:
    """Take a step; None where it was taken, now or before under the same key. Other faults than refusals are raised."""
    try:
        answer = await take()
    except LedgerError as error:
        if f"refused_{error.code}" not in REFUSALS:
            raise
        return refusal(view, error.code, PROBLEM_TYPES[error.code].status, error.facts)
    if answer.media_type != PROBLEM_MEDIA_TYPE:
        return None
    problem: dict[str, Any] = msgspec.json.decode(answer.content)
    return refusal(view, problem["code"], int(problem["status"]), problem)


def refusal(view: FinanceView, code: str, status: int, facts: Mapping[str, Any]) -> Refusal:
    """The sentence of a refusal, with its facts as people of the language read them."""
    texts = in_language(REFUSALS, view.language)
    sentence = texts.get(f"refused_{code}", texts["refused_other"])
    return Refusal(status, sentence.format_map(_Facts(view, facts)))


class _Facts(dict[str, str]):
    """The facts of a refusal by name; one that is not there is a dash, since a refusal must always be told."""

    def __init__(self, view: FinanceView, facts: Mapping[str, Any]) -> None:
        super().__init__({name: str(value) for name, value in facts.items()})
        for name in _DAYS:
            if name in self:
                self[name] = formats.day(date.fromisoformat(self[name]), view.language)
        if "closes_at" in self:
            instant = to_instant(datetime.fromisoformat(self["closes_at"]))
            self["moment"] = formats.moment(instant, view.programme.zone, view.language)
        if "state" in self:
            self["state"] = in_language(STATES, view.language).get(f"state_{self['state']}", self["state"])
        if "partner" in self:
            partner = view.registry.partner_coded(self["partner"])
            self["partner"] = self["partner"] if partner is None else partner.name

    def __missing__(self, key: str) -> str:
        return "–"
