"""Why a step of settlement was refused, in people's words: English and Simplified Chinese.

Names are ``refused_`` with the problem's code; ``{…}`` are facts of the refusal.
"""

from collections.abc import Mapping

REFUSALS: Mapping[str, tuple[str, str]] = {
    "refused_day-not-over": (
        "The cut-off has not come: {day} can be closed from {moment} on.",
        "日切时点未到：{day}可于 {moment} 起办理日结。",
    ),
    "refused_day-not-next": (
        "Days are closed in order, without a gap. The next one is {next}.",
        "日结须按顺序连续办理，下一个营业日为 {next}。",
    ),
    "refused_nothing-to-settle": (
        "No closed day waits for a batch. Close a day first.",
        "没有待结算的营业日，请先办理日结。",
    ),
    "refused_batch-in-the-way": (
        "Batch {batch} comes first: approve or cancel it, and instruct its payments.",
        "须先处理批次 {batch}：复核或撤销，并发出付款指令。",
    ),
    "refused_contract-missing": (
        (
            "{partner} has given or taken points, but has no contract that says at what price. "
            "Have its terms approved, then run again."
        ),
        "{partner} 发生了积分业务，但没有约定价格的合同条款。请先完成条款审批，再重新生成批次。",
    ),
    "refused_quote-missing": (
        "The exchange rate of {currency} at the end of {day} is missing. Enter it, then run again.",
        "缺少 {currency} 在 {day}日终的汇率。请录入后重新生成批次。",
    ),
    "refused_batch-not-in-state": (
        "The batch has moved on since you opened the form: it is “{state}” now. Look at it again.",
        "您打开页面后，该批次状态已变为“{state}”，请重新查看。",
    ),
    "refused_batch-outdated": (
        "Money has moved since the batch was run, so its figures are old. Cancel it and run again.",
        "批次生成后账上资金已有变动，数据已过时。请撤销后重新生成。",
    ),
    "refused_second-person-required": (
        "You prepared this batch, so another person decides: hand over to an approver. Yours does not count.",
        "您是该批次的经办人，须由他人复核。请交由其他复核人处理，您本人的复核无效。",
    ),
    "refused_approval-limit-exceeded": (
        "The batch pays out more than your role may approve. A person with a higher limit decides.",
        "该批次付款金额超出您的审批限额，请交由更高权限人员处理。",
    ),
    "refused_account-missing": (
        "No account of ours in {currency} is set up to pay from. Have it approved, then instruct again.",
        "尚未设置 {currency} 付款账户。请完成审批后重新发出付款指令。",
    ),
    "refused_beneficiary-missing": (
        "The contract of {partner} does not say where it is paid. Have terms with an account approved, then try again.",
        "{partner} 的合同未约定收款账户。请完成含收款账户的条款审批后，重新发出付款指令。",
    ),
    "refused_bank-file-invalid": (
        "The bank could not carry this file out: something in a name or an account is not allowed in payments.",
        "付款文件不符合银行要求：名称或账号中含有不可用于付款的内容。",
    ),
    "refused_forbidden": (
        "Your role looks on here; this step belongs to another role.",
        "您的角色仅可查看，此步骤由其他角色办理。",
    ),
    "refused_idempotency-key-reused": (
        "This form was sent before with other content, and that counts. Look at the result first.",
        "此表单已提交过且内容不同，以首次提交为准。请先查看结果。",
    ),
    "refused_other": (
        "The ledger does not allow this at the moment. Nothing was changed.",
        "账本目前不允许此操作，未作任何更改。",
    ),
    "reason_wrong": (
        "Wanted are 1 to 200 characters on one line.",
        "请填写 1 至 200 个字符，不得换行。",
    ),
    "key_wrong": ("The form is not whole. Open it again.", "表单不完整，请重新打开。"),
}
