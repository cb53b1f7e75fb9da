"""Why the core did not do what a person of finance asked for, in words for people: English and Simplified Chinese."""

from collections import defaultdict
from collections.abc import Mapping

from api.pages.guards import for_staff
from api.pages.texts import in_language
from ledger.errors import LedgerError, MalformedRequest
from settlement.people import Person
from settlement.vocabulary import APPROVER, CLERK, MANAGER

REFUSALS: Mapping[str, tuple[str, str]] = {
    "second-person-required": (
        "You prepared this yourself, so another person decides.",
        "此项由您本人发起，须由另一位人员审批。",
    ),
    "proposal-decided": ("It was decided already, by somebody else.", "该变更已由他人处理。"),
    "dispute-decided": ("The dispute was decided already, by somebody else.", "该争议已由他人裁定。"),
    "not-disputable": (
        (
            "This cannot be disputed, or not any more: it must be a whole redemption of which nothing was returned, "
            "settled in the programme's currency."
        ),
        "该交易不可争议或已不可争议：须为未发生退回、以积分计划币种结算的完整兑付。",
    ),
    "terms-in-the-past": (
        "The day is too early: it must be after {after}.",
        "起始日过早，须晚于 {after}。",
    ),
    "precondition-failed": (
        "Somebody changed or proposed something of this contract while you wrote. Look at it again, then propose.",
        "在您填写期间，他人已变更或提出变更该合同。请重新查看后再提交。",
    ),
    "partner-not-found": ("No partner has the code {partner}.", "没有代码为 {partner} 的合作方。"),
    "programme-not-found": ("No programme has the code {programme}.", "没有代码为 {programme} 的积分计划。"),
    "contract-missing": (
        "Partner {partner} has no contract that says what it is paid or charged. Have its terms approved first.",
        "合作方 {partner} 尚无约定价格的合同，请先审批其合同条款。",
    ),
    "day-not-over": ("The day {day} is not closed yet. Close it first.", "营业日 {day} 尚未日结，请先日结。"),
    "batch-in-the-way": (
        "Not every day up to there is in an approved batch. Settle them first.",
        "该日之前尚有营业日未进入已审批的批次，请先完成结算。",
    ),
    "not-found": ("Nothing of this name was found here.", "未找到对应记录。"),
    "idempotency-key-reused": (
        "This form was sent before with something else in it. Open it again.",
        "该表单此前已提交过其他内容，请重新打开。",
    ),
    "malformed-request": (
        "Something in the form cannot be used; look at what is marked.",
        "表单中有无法使用的内容，请查看标出的项目。",
    ),
    "bank-file-invalid": (
        "The file cannot be used: {field} is {got}; wanted is {wanted}. Nothing of it was taken over.",
        "文件无法使用：{field} 为 {got}，要求为 {wanted}。未导入任何内容。",
    ),
}


def refusal_in(error: LedgerError, language: str) -> str:
    """What to say of a refusal; raises it again where a page of its own says it better."""
    words = in_language(REFUSALS, language).get(error.code)
    if words is None:
        raise error
    facts: defaultdict[str, object] = defaultdict(lambda: "—", error.facts)
    return words.format_map(facts)


def field_of(error: LedgerError) -> str | None:
    """The field of the form that a refusal is about, by the name that the API gives it."""
    if not isinstance(error, MalformedRequest):
        return None
    first, _, rest = str(error.facts.get("field", "")).removeprefix("$.").partition(".")
    return (rest if first == "beneficiary" and rest else first) or None


for_preparing = for_staff("finance-clerk", "manager")
"""Lets those pass who prepare what others decide."""

for_deciding = for_staff("finance-approver", "manager")
"""Lets those pass who decide what others prepared."""


def prepares(person: Person) -> bool:
    """Whether somebody may prepare changes, import files, place money and open disputes."""
    return not person.roles.isdisjoint({CLERK, MANAGER})


def decides(person: Person) -> bool:
    """Whether somebody may decide what another person prepared."""
    return not person.roles.isdisjoint({APPROVER, MANAGER})
