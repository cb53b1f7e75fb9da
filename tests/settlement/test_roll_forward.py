"""Outstanding points from batch to batch, worked by hand."""

from settlement.flows import FlowKind
from settlement.roll_forward import Position, roll_forward
from tests.settlement.contracts_by_hand import CINEMA, OF_AGENCY, OF_BANK, flow, redeemed, returned


def test_every_kind_of_flow_has_its_field_and_the_position_closes() -> None:
    # 1000 + 40 and 2 back - 100 - 300 - 7 - 60 = 575; owed 500 - 25 forgiven = 475
    flows = [
        flow(FlowKind.ISSUE, OF_BANK, 1_000),
        flow(FlowKind.CLAWBACK, OF_BANK, 100),
        redeemed(CINEMA, OF_BANK, 300),
        returned(CINEMA, OF_BANK, 40),
        flow(FlowKind.DECIDED_RETURN, OF_BANK, 2, acceptor=CINEMA, acceptor_version=1),
        flow(FlowKind.EXPIRE, OF_BANK, 7),
        flow(FlowKind.RECOVERY, OF_BANK, 60, debtor_funding=OF_AGENCY, debtor_version=1),
        flow(FlowKind.OWED, OF_BANK, 500),
        flow(FlowKind.FORGIVEN, OF_BANK, 25),
    ]
    [bank, agency] = roll_forward([Position(funding=OF_AGENCY, version=1, owed_opening=80)], flows)
    assert bank == Position(
        funding=OF_BANK,
        version=1,
        issued=1_000,
        clawed_back=100,
        recovered=60,
        redeemed=300,
        restored=42,
        expired=7,
        owed=500,
        forgiven=25,
    )
    assert (bank.closing, bank.owed_closing) == (575, 475)
    assert (agency.repaid, agency.closing, agency.owed_closing) == (60, 0, 20)


def test_a_position_opens_where_the_last_one_closed() -> None:
    first = roll_forward([], [flow(FlowKind.ISSUE, OF_BANK, 10), flow(FlowKind.OWED, OF_BANK, 3)])
    [quiet] = roll_forward(first, [])
    assert quiet == Position(funding=OF_BANK, version=1, opening=10, owed_opening=3)
    assert (quiet.closing, quiet.owed_closing) == (10, 3)


def test_a_position_with_nothing_left_is_forgotten_in_the_next_batch() -> None:
    spent = roll_forward([], [flow(FlowKind.ISSUE, OF_BANK, 10), redeemed(CINEMA, OF_BANK, 10)])
    assert [position.closing for position in spent] == [0]
    assert roll_forward(spent, []) == ()
