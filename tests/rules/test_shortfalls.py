"""Shortfalls: every credit repays first, the oldest first, and the issuance moves with the points."""

from ledger.ids import Place
from ledger.rules.accounts import AccountKind
from ledger.rules.journal import Posting
from tests.builders import BANK, CINEMA, DAY, NOON, SUPERMARKET, earn, programme, redeem, reverse, version
from tests.rules.ledger_in_memory import LedgerInMemory


def in_debt(*debts: tuple[int, int]) -> LedgerInMemory:
    """A ledger in which member 1 owes (issuer, amount) each, the first one longest; its lots are empty.

    Lot n is that of the n-th debt.
    """
    ledger = LedgerInMemory(programme(versions=(version(validity_months=None, validity_days=30),)))
    originals = [ledger.entry(earn(amount), partner=issuer) for issuer, amount in debts]
    ledger.post(redeem(sum(amount for _, amount in debts)), partner=CINEMA)
    for original in originals:
        ledger.post(reverse(original))
    assert ledger.points().posted == 0
    return ledger


def credit(amount: int, lot: int, funding: int = 101) -> Posting:
    """The posting of an earn itself."""
    return Posting(AccountKind.ISSUANCE, funding, AccountKind.AVAILABLE, 1, amount, lot)


def repaid(amount: int, lot: int, owed_lot: int) -> Posting:
    """Points of a lot repay the shortfall of another."""
    return Posting(AccountKind.AVAILABLE, 1, AccountKind.SHORTFALL, 1, amount, lot, owed_lot)


def issuance_moved(amount: int, lot: int, owed_lot: int, *, owed: int, paying: int) -> Posting:
    """The issuer that is owed takes the points over from the one that paid."""
    return Posting(AccountKind.ISSUANCE, owed, AccountKind.ISSUANCE, paying, amount, lot, owed_lot)


def test_an_earn_of_the_same_issuer_repays_and_the_rest_is_usable() -> None:
    ledger = in_debt((BANK, 70))
    transaction = ledger.entry(earn(100)).transaction
    assert transaction.postings == (credit(100, 2), repaid(70, 2, 1))
    assert (transaction.points, transaction.available_after, ledger.points().shortfall) == (100, 30, 0)


def test_an_earn_below_the_debt_is_used_up_by_it() -> None:
    ledger = in_debt((BANK, 70))
    transaction = ledger.entry(earn(30)).transaction
    assert transaction.postings == (credit(30, 2), repaid(30, 2, 1))
    assert (transaction.available_after, ledger.points().shortfall) == (0, 40)


def test_points_of_another_issuer_move_the_issuance_to_the_one_that_is_owed() -> None:
    ledger = in_debt((BANK, 70))
    transaction = ledger.entry(earn(100), partner=SUPERMARKET).transaction
    assert transaction.postings == (
        credit(100, 2, funding=102),
        repaid(70, 2, 1),
        issuance_moved(70, 2, 1, owed=101, paying=102),
    )


def test_the_oldest_debt_is_repaid_first_across_issuers() -> None:
    ledger = in_debt((SUPERMARKET, 20), (BANK, 30))
    first = ledger.entry(earn(25)).transaction
    assert first.postings == (
        credit(25, 3),
        repaid(20, 3, 1),
        issuance_moved(20, 3, 1, owed=102, paying=101),
        repaid(5, 3, 2),
    )
    second = ledger.entry(earn(100)).transaction
    assert second.postings == (credit(100, 4), repaid(25, 4, 2))


def test_two_debts_of_one_lot_are_kept_apart_and_repaid_in_order() -> None:
    ledger = LedgerInMemory()
    original = ledger.entry(earn(100))
    ledger.post(redeem(100))
    first = ledger.entry(reverse(original, points=40)).transaction
    second = ledger.entry(reverse(original, points=60)).transaction
    ledger.post(earn(50))
    rest = {shortfall.sequence: shortfall.remaining for shortfall in ledger.points().shortfalls}
    assert rest == {first.sequence: 0, second.sequence: 50}


def test_a_pending_earn_repays_the_moment_it_is_recorded() -> None:
    ledger = in_debt((BANK, 70))
    transaction = ledger.entry(earn(100, available_from=NOON + DAY)).transaction
    assert transaction.postings == (credit(100, 2), repaid(70, 2, 1))
    assert (transaction.available_after, transaction.pending_after) == (0, 30)


def test_an_earn_that_has_lapsed_on_arrival_repays_too() -> None:
    ledger = in_debt((BANK, 70))
    transaction = ledger.entry(earn(100, occurred_at=NOON - 50 * DAY)).transaction
    assert transaction.postings == (credit(100, 2), repaid(70, 2, 1))
    assert (transaction.available_after, ledger.points().lapsed, ledger.points().shortfall) == (0, 30, 0)


def test_a_debt_belongs_to_one_member_and_one_programme() -> None:
    ledger = LedgerInMemory(programme(), programme(number=2, code="PARK"))
    original = ledger.entry(earn(70))
    ledger.post(redeem(70))
    ledger.post(reverse(original))
    assert ledger.entry(earn(100, programme="PARK")).transaction.available_after == 100
    assert ledger.entry(earn(100, member="m3")).transaction.available_after == 100
    assert ledger.points().shortfall == 70


def test_a_shortfall_keeps_the_lot_funding_and_terms_of_the_earn() -> None:
    ledger = in_debt((SUPERMARKET, 20))
    [shortfall] = ledger.points().shortfalls
    assert (shortfall.lot, shortfall.funding, shortfall.terms_version) == (1, 102, None)
    assert (shortfall.original, shortfall.remaining) == (20, 20)
    assert ledger.state.changed_shortfalls[Place(1, shortfall.sequence)] is shortfall


def test_a_debtor_can_use_only_what_is_left_after_the_debt() -> None:
    ledger = in_debt((BANK, 70))
    ledger.post(earn(100))
    assert ledger.refuse(redeem(31)).facts == {"requested": 31, "available": 30}
    ledger.post(redeem(30))
