"""Exchanges: two legs of one member in one lane, at a rate that was in force on the day."""

from ledger.audit.books import AVAILABLE, EXCHANGE, ISSUANCE
from ledger.audit.caps import check_draw
from ledger.audit.case import Case
from ledger.audit.covers import LONGEST_LEAD
from ledger.audit.crossing import Claim, Leg
from ledger.audit.gifts_and_moves import other_leg
from ledger.audit.repayment import Repayment
from ledger.rules.exchanges import burnt_at_rate, earned_at_rate, rate_on
from ledger.rules.journal import LotOpening, Particulars, Posting
from ledger.rules.programmes import ExchangeRate


def check_exchange(case: Case) -> None:
    """Points go back to whoever funded them in one programme, and new ones are issued in the other."""
    counter = other_leg(case)
    rate = case.set_up.registry.exchange_rates.get(case.particulars.exchange_rate or 0)
    if counter is None or rate is None:
        case.differ("rate of the exchange", case.particulars.exchange_rate, "one of the set-up, and the other leg")
        return
    transaction = case.transaction
    expected = Particulars(counter_lane=counter.lane, counter_sequence=counter.number, exchange_rate=rate.number)
    case.compare("particulars", case.particulars, expected)
    burns = not transaction.lots
    burnt = transaction.points
    if burns:
        _check_burnt(case, rate)
    else:
        _check_issued(case, rate)
        burnt = burnt_at_rate(rate, transaction.points) if rate.get else 0
    case.crossing.note_leg(Leg(case.place, counter, burns, _claim(case, rate, burnt)), case.findings)


def _check_burnt(case: Case, rate: ExchangeRate) -> None:
    """The usable lots in the order of use, by way of the exchange account, as many as the rate takes whole."""
    transaction = case.transaction
    case.check_frame()
    case.compare("programme", transaction.programme, rate.source)
    _check_in_force(case, rate)
    case.compare("lots opened", len(transaction.lots), 0)
    postings: list[Posting] = []
    exchange = (EXCHANGE, transaction.programme)
    for lot, taken in case.uses(case.points.usable(transaction.recorded_at), transaction.points):
        number, funding = lot.opening.lot, lot.opening.funding
        postings.append(Posting(AVAILABLE, transaction.member, *exchange, taken, number))
        postings.append(Posting(*exchange, ISSUANCE, funding, taken, number))
    case.compare("postings", transaction.postings, tuple(postings))
    if not earned_at_rate(rate, transaction.points):
        case.differ("points", transaction.points, f"a multiple of {rate.give}, for which something is got")


def _check_issued(case: Case, rate: ExchangeRate) -> None:
    """One new lot of the rate's issuer, which repays what is owed there and draws from caps like an earn."""
    transaction = case.transaction
    case.compare("programme and partner", (transaction.programme, transaction.partner), (rate.target, rate.issuer))
    version = case.version(transaction.programme_version)
    issuer = case.set_up.registry.partners.get(rate.issuer)
    if len(transaction.lots) != 1 or version is None or issuer is None:
        case.differ("lots opened and programme version", len(transaction.lots), "one lot, by a version of the rules")
        return
    case.check_frame(version=version.version)
    opening = transaction.lots[0]
    day = case.programme.business_day(transaction.recorded_at)
    expected = LotOpening(
        lot=opening.lot,
        funding=issuer.funding,
        terms_version=None,
        earned_at=transaction.recorded_at,
        available_from=transaction.recorded_at,
        expires_on=version.expires_on(day),
        original=transaction.points,
    )
    case.compare("lot opened", opening, expected)
    credit = Posting(ISSUANCE, opening.funding, AVAILABLE, transaction.member, transaction.points, opening.lot)
    repaid, _ = Repayment(case.points, transaction.member).of(opening, transaction.points)
    own = transaction.postings[: 1 + len(repaid)]
    case.compare("postings", own, (credit, *repaid))
    of_caps = transaction.postings[len(own) :]
    if of_caps or case.books.caps_seen:
        check_draw(case, of_caps)


def _check_in_force(case: Case, rate: ExchangeRate) -> None:
    """The rate is that of the business day; where another was added just then, either of them."""
    recorded_at = case.transaction.recorded_at
    rates = case.set_up.registry.rates_between(rate.source, rate.target)
    day = case.programme.business_day(recorded_at)
    known = [rate_on(rates, day, known_at=at) for at in (recorded_at - LONGEST_LEAD, recorded_at + LONGEST_LEAD)]
    if rate not in known:
        numbers = [None if one is None else one.number for one in known]
        case.differ("rate of the exchange", rate.number, f"the one in force on {day}: {numbers}")


def _claim(case: Case, rate: ExchangeRate, burnt_points: int) -> Claim:
    transaction = case.transaction
    return Claim(
        kind=transaction.kind,
        programme=rate.source,
        partner=rate.issuer,
        points=burnt_points,
        recorded_at=transaction.recorded_at,
        key_digest=transaction.key_digest,
        request_digest=transaction.request_digest,
        memo=(None, None, None),
        parts=(),
        member=transaction.member,
        exchange_rate=rate.number,
    )
