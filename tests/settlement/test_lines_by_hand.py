"""Batches worked by hand: every line and every account, in fen."""

import pytest
from msgspec.structs import replace

from ledger.errors import ContractMissing
from ledger.rules.accounts import AccountKind
from ledger.rules.journal import Posting
from settlement.flows import FlowKind
from tests.rarer_builders import exchange_rate
from tests.settlement.contracts_by_hand import (
    AGENCY,
    BANK,
    CINEMA,
    HOTEL,
    OF_AGENCY,
    OF_BANK,
    OF_HOTEL,
    OF_OWN,
    OF_SHOP,
    OWN,
    SHARED,
    SHARED_WITH_OWN,
    SHOP,
    batch,
    contract,
    exchanged,
    flow,
    ledger,
    lines,
    redeemed,
    returned,
)

ISSUE, CLAWBACK, RECOVERY, EXPIRE = FlowKind.ISSUE, FlowKind.CLAWBACK, FlowKind.RECOVERY, FlowKind.EXPIRE

OF_THE_BANK = contract(BANK, reserve_micros=9_500, fee_micros=2_500)
OF_THE_SHOP = contract(
    SHOP, reserve_micros=10_000, fee_micros=2_000, reimbursement_micros=10_000, commission_micros=20_000
)
OF_THE_CINEMA = contract(CINEMA, reimbursement_micros=9_000, commission_micros=17_500)
ROUND = contract(BANK, reserve_micros=10_000, fee_micros=2_000)


def test_a_shared_lot_that_two_acceptors_take_is_divided_by_its_shares() -> None:
    # issue 1001: charge 12.012 -> 1201 fen, 3:1 = 900.75 : 300.25 -> 901 : 300
    #             reserve 9.5095 -> 951 fen, 3:1 = 713.25 : 237.75 -> 713 : 238; fee 1201 - 951 = 250
    # cinema 600: gross 5.40, commission 0.0945 -> 9; reserve 5.70, so 5120 gains 30
    # shop 333:   gross 3.33, commission 0.0666 -> 7; reserve 3.1635 -> 316, so 5120 loses 17
    # left 68:    0.646 -> 65 = 951 - 570 - 316, nothing to true up
    figures = batch(
        [OF_THE_BANK, OF_THE_SHOP, OF_THE_CINEMA],
        [flow(ISSUE, SHARED, 1001), redeemed(CINEMA, SHARED, 600), redeemed(SHOP, SHARED, 333)],
    )
    assert lines(figures) == {
        (BANK, "issue_charge"): 901,
        (SHOP, "issue_charge"): 300,
        (SHOP, "redemption_gross"): 333,
        (SHOP, "redemption_commission"): 7,
        (CINEMA, "redemption_gross"): 540,
        (CINEMA, "redemption_commission"): 9,
    }
    assert figures.nets == {BANK: -901, SHOP: 26, CINEMA: 531}
    assert ledger(figures) == {
        (1100, BANK): 901,
        (1100, SHOP): 300,
        (2100, SHOP): -326,
        (2100, CINEMA): -531,
        2000: -65,
        4000: -250,
        4010: -16,
        5120: -13,
    }
    assert [line.reserve_minor for line in figures.lines if line.kind == "issue_charge"] == [713, 238]
    # -(-901 + 26 + 531) = 344 = 65 + 250 + 16 + 13
    assert -sum(figures.nets.values()) == 65 + 250 + 16 + 13
    assert figures.points == (
        Posting(AccountKind.REDEEMED, SHOP, AccountKind.ISSUANCE, SHARED, 333),
        Posting(AccountKind.REDEEMED, CINEMA, AccountKind.ISSUANCE, SHARED, 600),
    )


def test_a_party_in_baht_has_every_line_in_both_currencies() -> None:
    # 1 CNY is 4.9321 THB.
    # bank issues 5000:      60.00 = 50.00 + 10.00
    # hotel issues 100:      1.20 = 1.00 + 0.20 CNY; in THB 5.91852 -> 592
    # redeemed there, 1234:  12.34, commission 0.2468 -> 25 fen; in THB 60.862114 -> 6086 and 1.233025 -> 123
    # left 3866: 38.66
    hotel = contract(
        HOTEL,
        currency="THB",
        reserve_micros=10_000,
        fee_micros=2_000,
        reimbursement_micros=10_000,
        commission_micros=20_000,
    )
    flows = [flow(ISSUE, OF_BANK, 5_000), flow(ISSUE, OF_HOTEL, 100), redeemed(HOTEL, OF_BANK, 1_234)]
    figures = batch([ROUND, hotel], flows, quotes={"THB": 493_210_000})
    assert figures.nets == {BANK: -6_000, HOTEL: 1_234 - 25 - 120}
    assert ledger(figures) == {
        (1100, BANK): 6_000,
        (9100, HOTEL): 120 - 1_209,
        2000: -3_866,
        4000: -1_020,
        4010: -25,
    }
    assert ledger(figures, "THB") == {(1100, HOTEL): 592, (2100, HOTEL): -5_963, (9100, HOTEL): 5_963 - 592}


def test_tax_is_on_fee_and_commission_and_an_attribution_fee_goes_to_who_brought_the_customer() -> None:
    # shop issues 10000:  125.00, of it fee 25.00, VAT 6% 1.50
    # claw-back of 100:   1.25, fee 0.25, VAT 0.015: 1.5 fen -> 2
    # cinema takes 7000:  63.00; commission 1.1025 -> 110; VAT 0.06615 -> 7; attribution 0.5% 0.315: 31.5 -> 32
    # 1000 returned:      9.00; commission 0.1575 -> 16; VAT 0.00945 -> 1; attribution 0.045: 4.5 -> 4
    # left 3900:          39.00; 5120 has 70.00 - 63.00 less 10.00 - 9.00
    shop = contract(SHOP, reserve_micros=10_000, fee_micros=2_500, tax_micros=60_000)
    cinema = contract(
        CINEMA,
        reimbursement_micros=9_000,
        commission_micros=17_500,
        tax_micros=60_000,
        attribution_micros=5_000,
        attribution_partner=BANK,
    )
    flows = [
        flow(ISSUE, OF_SHOP, 10_000),
        flow(CLAWBACK, OF_SHOP, 100),
        redeemed(CINEMA, OF_SHOP, 7_000),
        returned(CINEMA, OF_SHOP, 1_000),
    ]
    figures = batch([shop, cinema, contract(BANK)], flows)
    assert lines(figures) == {
        (SHOP, "issue_charge"): 12_500,
        (SHOP, "vat_on_fee"): 150,
        (SHOP, "clawback_refund"): 125,
        (SHOP, "vat_on_fee_returned"): 2,
        (CINEMA, "redemption_gross"): 6_300,
        (CINEMA, "redemption_commission"): 110,
        (CINEMA, "vat_on_commission"): 7,
        (CINEMA, "attribution_fee"): 32,
        (BANK, "attribution_income"): 32,
        (CINEMA, "return_gross"): 900,
        (CINEMA, "return_commission"): 16,
        (CINEMA, "vat_on_commission_returned"): 1,
        (CINEMA, "attribution_fee_returned"): 4,
        (BANK, "attribution_income_returned"): 4,
    }
    assert figures.nets == {BANK: 28, SHOP: -12_523, CINEMA: 5_272}
    assert ledger(figures) == {
        (1100, SHOP): 12_523,
        (2100, CINEMA): -5_272,
        (2100, BANK): -28,
        2000: -3_900,
        2200: -(150 - 2 + 7 - 1),
        4000: -(2_500 - 25),
        4010: -(110 - 16),
        5120: -(700 - 100),
    }


def test_a_deferred_fee_is_earned_when_points_are_used_or_expire() -> None:
    # reserve 0.010, fee 0.002, deferred; reimbursement of the shop 0.010
    contracts = [contract(BANK, reserve_micros=10_000, fee_micros=2_000, fee_is_deferred=True), OF_THE_SHOP]
    issued = batch(contracts, [flow(ISSUE, OF_BANK, 1_000)])
    assert ledger(issued) == {(1100, BANK): 1_200, 2000: -1_000, 2300: -200}
    assert issued.service_fee_minor == 0
    # 250 used: 750 left, 1.50 still owed, 0.50 earned.
    used = batch(contracts, [redeemed(SHOP, OF_BANK, 250)], issued)
    assert (used.deferred_fee_closing_minor, used.service_fee_minor) == (150, 50)
    # 100 expire, their reserve back; 50 are taken back with their fee, which was never earned: 600 left.
    over = batch(contracts, [flow(EXPIRE, OF_BANK, 100), flow(CLAWBACK, OF_BANK, 50)], used)
    assert (over.deferred_fee_closing_minor, over.service_fee_minor) == (120, 20)
    assert ledger(over) == {(2110, BANK): -100, (1100, BANK): -60, 2000: 150, 2300: 30, 4000: -20}


def test_the_operators_own_points_cost_it_their_reserve_and_no_fee() -> None:
    own = contract(OWN, reserve_micros=10_000, fee_micros=2_000, tax_micros=60_000, is_own_account=True)
    figures = batch(
        [own, OF_THE_CINEMA], [flow(ISSUE, OF_OWN, 500), redeemed(CINEMA, OF_OWN, 100), flow(EXPIRE, OF_OWN, 100)]
    )
    # cinema: 0.90, commission 0.01575 -> 2; reserve 1.00. Expired 1.00 comes back to goodwill.
    assert ledger(figures) == {5000: 400, 2000: -300, (2100, CINEMA): -88, 4010: -2, 5120: -10}
    assert figures.nets == {OWN: 0, CINEMA: 88}
    assert figures.goodwill_minor == 400


def test_of_points_shared_with_the_operator_the_other_party_pays_its_part() -> None:
    # 1001 at 0.012: 12.012 -> 1201, by halves 601 : 600; reserve 10.01 -> 501 : 500.
    own = contract(OWN, reserve_micros=10_000, fee_micros=2_000, is_own_account=True)
    figures = batch([own, ROUND], [flow(ISSUE, SHARED_WITH_OWN, 1_001)])
    assert ledger(figures) == {(1100, BANK): 601, 5000: 500, 2000: -1_001, 4000: -100}
    assert figures.nets == {BANK: -601, OWN: 0}


@pytest.mark.parametrize(
    ("breakage", "moved"),
    [
        # 1000 expire, 200 of them above what the lot's original lets come back.
        ("issuer", {2000: 1_000, (2110, BANK): -800, 5120: -200}),
        ("operator", {2000: 1_000, 4020: -1_000}),
    ],
)
def test_expired_points_go_back_to_their_issuer_but_where_the_contract_says_otherwise(
    breakage: str, moved: dict[object, int]
) -> None:
    contracts = [contract(BANK, reserve_micros=10_000, fee_micros=2_000, breakage=breakage)]
    issued = batch(contracts, [flow(ISSUE, OF_BANK, 5_000)])
    assert ledger(batch(contracts, [flow(EXPIRE, OF_BANK, 1_000, excess=200)], issued)) == moved


def test_points_of_one_issuer_that_repay_what_is_owed_for_anothers_bring_that_one_its_charge_back() -> None:
    # 450 of the agency (0.011) repay 450 of the bank (0.010 + 0.002):
    # 2000 4.95 and 4000 0.90 to 1100(bank) 5.40; 5120 has the difference of reserves, 0.45.
    contracts = [ROUND, contract(AGENCY, reserve_micros=11_000)]
    opened = batch(contracts, [flow(ISSUE, OF_AGENCY, 450), flow(FlowKind.OWED, OF_BANK, 1_000)])
    figures = batch(contracts, [flow(RECOVERY, OF_AGENCY, 450, debtor_funding=OF_BANK, debtor_version=1)], opened)
    assert lines(figures) == {(BANK, "recovery_refund"): 540}
    assert figures.nets == {BANK: 540}
    assert ledger(figures) == {(1100, BANK): -540, 2000: 495, 4000: 90, 5120: -45}
    [bank, agency] = figures.positions
    assert (bank.repaid, bank.owed_closing, bank.closing) == (450, 550, 0)
    assert (agency.recovered, agency.closing) == (450, 0)


def test_two_versions_of_a_day_are_rounded_each_by_itself() -> None:
    # before midnight 333 at 0.0120: 3.996 -> 400; after it 333 at 0.0095: 3.1635 -> 316. At once it were 7.1595.
    contracts = [OF_THE_BANK, contract(BANK, version=2, reserve_micros=8_000, fee_micros=1_500)]
    figures = batch(contracts, [flow(ISSUE, OF_BANK, 333), flow(ISSUE, OF_BANK, 333, version=2)])
    assert [line.amount_minor for line in figures.lines] == [400, 316]
    # Reserves 3.1635 -> 316 and 2.664 -> 266 come to 582; what is outstanding, 5.8275, rounds to 583.
    assert ledger(figures) == {(1100, BANK): 716, 2000: -583, 4000: -(84 + 50), 5110: 1}
    assert [position.closing for position in figures.positions] == [333, 333]


def test_a_return_is_priced_as_its_redemption_was() -> None:
    # The cinema has 0.0090 at the redemption and 0.0050 when it is returned: all of it goes back.
    contracts = [ROUND, OF_THE_CINEMA, contract(CINEMA, version=2, reimbursement_micros=5_000, commission_micros=0)]
    taken = batch(contracts, [flow(ISSUE, OF_BANK, 2_000), redeemed(CINEMA, OF_BANK, 2_000)])
    back = batch(contracts, [returned(CINEMA, OF_BANK, 2_000)], taken)
    assert back.nets == {CINEMA: -(1_800 - 32)}
    assert taken.nets[CINEMA] == 1_800 - 32
    assert back.points == (Posting(AccountKind.ISSUANCE, OF_BANK, AccountKind.REDEEMED, CINEMA, 2_000),)


def test_a_return_that_a_dispute_decided_moves_points_and_no_money_of_its_own() -> None:
    contracts = [ROUND, OF_THE_CINEMA]
    taken = batch(contracts, [flow(ISSUE, OF_BANK, 2_000), redeemed(CINEMA, OF_BANK, 500)])
    # The decision posted the reserve of the 500, 5.00, back to 2000 when it was made.
    decided = replace(taken, obligation_closing_minor=taken.obligation_closing_minor + 500)
    flows = [flow(FlowKind.DECIDED_RETURN, OF_BANK, 500, acceptor=CINEMA, acceptor_version=1)]
    opened = batch(contracts, flows, decided)
    assert (opened.lines, opened.money, opened.nets) == ((), (), {})
    assert opened.obligation_closing_minor == 2_000
    assert opened.points == (Posting(AccountKind.ISSUANCE, OF_BANK, AccountKind.REDEEMED, CINEMA, 500),)


def test_a_party_without_contract_is_named_whether_it_issues_accepts_shares_or_is_paid_for_bringing() -> None:
    attributing = contract(CINEMA, reimbursement_micros=9_000, attribution_micros=50_000, attribution_partner=AGENCY)
    for contracts, flows, partner, side in (
        ([], [flow(ISSUE, OF_BANK, 1)], BANK, "issuer"),
        ([contract(BANK)], [flow(ISSUE, OF_BANK, 1)], BANK, "issuer"),
        ([OF_THE_BANK], [flow(ISSUE, SHARED, 1)], SHOP, "issuer"),
        ([OF_THE_BANK], [redeemed(CINEMA, OF_BANK, 1)], CINEMA, "acceptor"),
        ([OF_THE_BANK, contract(CINEMA)], [redeemed(CINEMA, OF_BANK, 1)], CINEMA, "acceptor"),
        ([OF_THE_BANK, attributing], [redeemed(CINEMA, OF_BANK, 100)], AGENCY, "acceptor"),
    ):
        with pytest.raises(ContractMissing) as caught:
            batch(contracts, flows)
        assert caught.value.facts == {"partner": partner, "side": side}


def test_a_foreign_party_without_a_quote_stops_the_batch() -> None:
    hotel = contract(HOTEL, currency="THB", reserve_micros=10_000)
    with pytest.raises(KeyError, match="THB"):
        batch([hotel], [flow(ISSUE, OF_HOTEL, 1_000)])


def test_a_line_says_how_many_postings_it_rests_on_and_which_of_its_points_were_late() -> None:
    flows = [flow(ISSUE, SHARED, 1_000), flow(ISSUE, SHARED, 500, late_points=500), redeemed(CINEMA, SHARED, 7)]
    figures = batch([OF_THE_BANK, OF_THE_SHOP, OF_THE_CINEMA], flows)
    said = [(line.party, line.kind, line.points, line.late_points, line.transactions) for line in figures.lines]
    assert said == [
        (BANK, "issue_charge", 1_125, 375, 2),
        (SHOP, "issue_charge", 375, 125, 2),
        (CINEMA, "redemption_gross", 7, 0, 1),
        (CINEMA, "redemption_commission", 7, 0, 1),
    ]


def test_an_exchange_pays_who_issues_the_other_points_and_leaves_the_operator_its_margin() -> None:
    # 1,000 points at a reserve of 0.01 become 800 at 0.0115 each: 10.00 = 9.20 + 0.80.
    rate = exchange_rate(issuer=CINEMA, give=5, get=4, price_micros=11_500)
    flows = [flow(ISSUE, OF_BANK, 1_500), exchanged(rate, OF_BANK, 1_000)]
    figures = batch([ROUND, OF_THE_CINEMA], flows, rates=[rate])
    assert lines(figures) == {(BANK, "issue_charge"): 1_800, (CINEMA, "exchange_price"): 920}
    assert figures.nets == {BANK: -1_800, CINEMA: 920}
    assert ledger(figures) == {(1100, BANK): 1_800, 2000: -500, 4000: -300, (2100, CINEMA): -920, 4030: -80}
    assert figures.exchange_margin_minor == 80
    assert figures.points == (), "nothing is left with anybody that would have to be settled in points"
    [position] = figures.positions
    assert (position.issued, position.exchanged, position.closing) == (1_500, 1_000, 500)


def test_what_two_issuers_points_come_to_is_rounded_once_and_a_loss_is_a_margin_below_zero() -> None:
    # 333 of the bank at 0.0095 and 334 of the shop at 0.01 become 1,334 at 0.0081: 10.8054 -> 1081
    # reserve 3.1635 + 3.34 = 6.5035 -> 650, so 4030 loses 431
    rate = exchange_rate(issuer=CINEMA, give=1, get=2, price_micros=8_100)
    flows = [
        flow(ISSUE, OF_BANK, 333),
        flow(ISSUE, OF_SHOP, 334),
        exchanged(rate, OF_BANK, 333),
        exchanged(rate, OF_SHOP, 334),
    ]
    figures = batch([OF_THE_BANK, OF_THE_SHOP, OF_THE_CINEMA], flows, rates=[rate])
    assert lines(figures)[CINEMA, "exchange_price"] == 1_081
    assert figures.exchange_margin_minor == -431
    assert figures.obligation_closing_minor == 0


def test_who_issues_elsewhere_and_is_paid_in_baht_has_the_price_in_both_currencies() -> None:
    # 100 at 0.02: 2.00; 1 CNY is 4.9321 THB: 9.8642
    rate = exchange_rate(issuer=HOTEL, give=1, get=1, price_micros=20_000)
    hotel = contract(HOTEL, currency="THB", reimbursement_micros=10_000)
    flows = [flow(ISSUE, OF_BANK, 100), exchanged(rate, OF_BANK, 100)]
    figures = batch([ROUND, hotel], flows, quotes={"THB": 493_210_000}, rates=[rate])
    assert ledger(figures) == {(1100, BANK): 120, (9100, HOTEL): -200, 4000: -20, 4030: 100}
    assert ledger(figures, "THB") == {(2100, HOTEL): -986, (9100, HOTEL): 986}


def test_an_exchange_with_a_partner_that_has_no_contract_cannot_be_settled_and_says_whose_is_missing() -> None:
    rate = exchange_rate(issuer=CINEMA)
    with pytest.raises(ContractMissing) as refused:
        batch([ROUND], [flow(ISSUE, OF_BANK, 5), exchanged(rate, OF_BANK, 5)], rates=[rate])
    assert refused.value.facts["partner"] == CINEMA
