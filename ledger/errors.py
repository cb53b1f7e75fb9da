"""Every error of the ledger that a caller can be told about.

A *refusal* (a rule of the ledger says no) is a value that ``decide`` returns and the ledger
records; the exceptions here are what stops a request before or beside a decision: malformed
input, an unknown resource, a busy or unreachable ledger. Each has a stable ``code``; the table
in ``api/problems.py`` maps the code to a status and a page.
"""


class LedgerError(Exception):
    """An error with a stable code, a sentence for people and facts for programs."""

    code = "internal-error"

    def __init__(self, detail: str, **facts: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts: dict[str, object] = facts


class MalformedRequest(LedgerError):
    """Input that cannot be understood: the fact ``field`` says where."""

    code = "malformed-request"


class MalformedCursor(LedgerError):
    """A paging cursor that this ledger did not issue, or that was altered."""

    code = "malformed-cursor"


class CursorBeforeRestore(LedgerError):
    """A cursor of a time before the ledger was restored: the facts say from where on it may have changed."""

    code = "cursor-before-restore"


class IdempotencyKeyMissing(LedgerError):
    """A request that changes state came without an Idempotency-Key."""

    code = "idempotency-key-missing"


class IdempotencyKeyMalformed(LedgerError):
    """The key is not 1 to 255 visible ASCII characters."""

    code = "idempotency-key-malformed"


class IdempotencyKeyReused(LedgerError):
    """The key was used before with another request, member or operation."""

    code = "idempotency-key-reused"


class Unauthenticated(LedgerError):
    """No credential, or one that is unknown, expired or revoked."""

    code = "unauthenticated"


class Forbidden(LedgerError):
    """The credential is good and does not allow this."""

    code = "forbidden"


class NotFound(LedgerError):
    """Unknown, or another party's: the two look the same."""

    code = "not-found"


class MemberNotFound(LedgerError):
    """No member is known to this partner by that id, reference or card."""

    code = "member-not-found"


class MemberClosed(LedgerError):
    """The member's account is closed: nothing more is kept about the person."""

    code = "member-closed"


class MemberFrozen(LedgerError):
    """What is asked for is of active members only, and staff have frozen this one."""

    code = "member-frozen"


class CodeUsed(LedgerError):
    """A member's code that has been used for a posting: the member shows another one."""

    code = "code-used"


class CodeExpired(LedgerError):
    """A member's code whose two minutes are over: the member shows another one."""

    code = "code-expired"


class MemberNotClosed(LedgerError):
    """A member can be erased only when its account is closed."""

    code = "member-not-closed"


class GuardianConsentNeeded(LedgerError):
    """The member may be under 14, and no guardian has agreed."""

    code = "guardian-consent-needed"


class TransactionNotFound(LedgerError):
    """No transaction that the caller may see has that id."""

    code = "transaction-not-found"


class HoldNotFound(LedgerError):
    """No hold that the caller may see has that id."""

    code = "hold-not-found"


class CapNotFound(LedgerError):
    """No cap that the caller may see has that code."""

    code = "cap-not-found"


class PartnerNotFound(LedgerError):
    """No partner has that code."""

    code = "partner-not-found"


class SecondPersonRequired(LedgerError):
    """Whoever asked for it may not decide on it."""

    code = "second-person-required"


class ApprovalDecided(LedgerError):
    """An approval was decided the other way before."""

    code = "approval-decided"


class NotAppealable(LedgerError):
    """It took no points of the member's and is no freeze that stands, or an appeal against it is open."""

    code = "not-appealable"


class AppealDecided(LedgerError):
    """An appeal was decided the other way before."""

    code = "appeal-decided"


class ProgrammeNotFound(LedgerError):
    """No programme has that code."""

    code = "programme-not-found"


class AlreadyExists(LedgerError):
    """A code or reference is taken by something else."""

    code = "already-exists"


class PeriodClosed(LedgerError):
    """The day lies in a period that is closed."""

    code = "period-closed"


class NoCoverPrice(LedgerError):
    """An issuer without a contract can have no cover: nothing says what its points cost."""

    code = "no-cover-price"


class AmountOutOfRange(LedgerError):
    """An amount above what the ledger takes."""

    code = "amount-out-of-range"


class ImportMappingInvalid(LedgerError):
    """A mapping file does not describe its columns correctly."""

    code = "import-mapping-invalid"


class BankFileInvalid(LedgerError, ValueError):
    """A file to or from a bank holds what it may not: ``field`` says where, ``got`` and ``wanted`` what."""

    code = "bank-file-invalid"

    def __init__(self, field: str, got: str, wanted: str) -> None:
        super().__init__(f"{field} is {got}; wanted is {wanted}.", field=field, got=got, wanted=wanted)


class SandboxOnly(LedgerError):
    """The clock of a live ledger cannot be set."""

    code = "sandbox-only"


class ClockCannotGoBack(LedgerError):
    """A sandbox clock moves only forward once a transaction is recorded."""

    code = "clock-cannot-go-back"


class ClockBehind(LedgerError):
    """A lane's last record is more than a minute ahead of the database clock."""

    code = "clock-behind"


class Busy(LedgerError):
    """The queue is full; nothing was recorded, the same key may be tried again."""

    code = "busy"


class ShuttingDown(LedgerError):
    """The service is leaving and takes nothing new."""

    code = "shutting-down"


class DatabaseUnavailable(LedgerError):
    """The database cannot be reached; the same key may be tried again."""

    code = "database-unavailable"


class UnsafeDatabase(LedgerError):
    """The database's settings, role or key would break a promise of the ledger."""

    code = "internal-error"


class NotSealedYet(LedgerError):
    """No seal covers the transaction yet; the next one will."""

    code = "not-sealed-yet"


class LedgerAltered(LedgerError):
    """What is stored is not what was sealed: something changed it behind the service."""

    code = "internal-error"


class ContractMissing(LedgerError):
    """A partner has no contract terms for what it has issued or accepted."""

    code = "contract-missing"


class DayStillOpen(LedgerError):
    """A business day cannot be closed before its cut-off."""

    code = "day-not-over"


class DayNotNext(LedgerError):
    """Business days are closed in order."""

    code = "day-not-next"


class BatchInTheWay(LedgerError):
    """Another batch of the programme is not approved yet."""

    code = "batch-in-the-way"


class NothingToSettle(LedgerError):
    """No closed day waits to be settled."""

    code = "nothing-to-settle"


class BatchNotInState(LedgerError):
    """A batch's state does not allow the step."""

    code = "batch-not-in-state"


class BatchOutdated(LedgerError):
    """What a batch rests on has changed since it was run."""

    code = "batch-outdated"


class LimitExceeded(LedgerError):
    """More than the person may approve."""

    code = "approval-limit-exceeded"


class TermsInThePast(LedgerError):
    """New terms must start after the last closed day and after the version before."""

    code = "terms-in-the-past"


class TermsChanged(LedgerError):
    """A contract is not what its proposer has read."""

    code = "precondition-failed"


class QuoteMissing(LedgerError):
    """No rate was quoted for a foreign party's currency."""

    code = "quote-missing"


class ProposalDecided(LedgerError):
    """Another person has decided a proposal already."""

    code = "proposal-decided"


class AccountMissing(LedgerError):
    """No account of the operator's own is set up for a currency."""

    code = "account-missing"


class BeneficiaryMissing(LedgerError):
    """A contract does not say where its party is paid."""

    code = "beneficiary-missing"


class NotDisputable(LedgerError):
    """A transaction cannot be disputed, or not be reversed any more."""

    code = "not-disputable"


class DisputeDecided(LedgerError):
    """A dispute was decided otherwise already."""

    code = "dispute-decided"
