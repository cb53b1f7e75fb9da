"""The tour on the start page: commands for a POSIX shell, in the order to run them."""

import msgspec


class TourStep(msgspec.Struct, frozen=True):
    """One step: the key of its text in ``texts.py``, and its command."""

    name: str
    command: str


_STEPS = (
    TourStep(
        "prepare",
        """\
export PATH="$PWD/.venv/bin:$PATH"
CITY=@ADDRESS@
field() { python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }""",
    ),
    TourStep(
        "operator",
        "OPERATOR=$(citypoints keys create --operator --json | field key)",
    ),
    TourStep(
        "partner",
        """\
citypoints partners add TOUR --kind merchant --name "Corner Cafe"
PARTNER=$(citypoints keys create --partner TOUR --json | field key)""",
    ),
    TourStep(
        "member",
        """\
MEMBER=$(curl -sS $CITY/v1/members \\
  -H "Authorization: Bearer $PARTNER" \\
  -H "Idempotency-Key: tour-member" \\
  -H "Content-Type: application/json" \\
  -d '{"reference": "guest-1"}' | field id)""",
    ),
    TourStep(
        "earn",
        """\
curl -sS -i $CITY/v1/earnings \\
  -H "Authorization: Bearer $PARTNER" \\
  -H "Idempotency-Key: tour-receipt-1" \\
  -H "Content-Type: application/json" \\
  -d '{"programme": "CITY", "member": "ref:guest-1", "points": 120, "scene": "food"}'""",
    ),
    TourStep(
        "redeem",
        """\
REDEMPTION=$(curl -sS $CITY/v1/redemptions \\
  -H "Authorization: Bearer $PARTNER" \\
  -H "Idempotency-Key: tour-receipt-2" \\
  -H "Content-Type: application/json" \\
  -d '{"programme": "CITY", "member": "ref:guest-1", "points": 30, "scene": "food"}' | field id)""",
    ),
    TourStep(
        "reverse",
        """\
curl -sS $CITY/v1/transactions/$REDEMPTION/reversals \\
  -H "Authorization: Bearer $PARTNER" \\
  -H "Idempotency-Key: tour-return-2" \\
  -H "Content-Type: application/json" \\
  -d '{"points": 10, "reason": "one cup returned"}'""",
    ),
    TourStep(
        "balance",
        """\
curl -sS "$CITY/v1/members/$MEMBER/balances?programme=CITY" \\
  -H "Authorization: Bearer $OPERATOR\"""",
    ),
    TourStep(
        "statement",
        """\
curl -sS "$CITY/v1/members/$MEMBER/statement?programme=CITY&limit=10" \\
  -H "Authorization: Bearer $OPERATOR\"""",
    ),
    TourStep(
        "lookup",
        """\
curl -sS "$CITY/v1/transactions?key=tour-receipt-1" \\
  -H "Authorization: Bearer $PARTNER\"""",
    ),
    TourStep("audit", "citypoints audit"),
)


def tour_steps(address: str) -> list[TourStep]:
    """The steps against a service at ``address``, such as ``http://127.0.0.1:8000``."""
    return [TourStep(step.name, step.command.replace("@ADDRESS@", address)) for step in _STEPS]
