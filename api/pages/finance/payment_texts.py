"""The words of paying again what came back from the bank: English and Simplified Chinese."""

from collections.abc import Mapping

PAY_AGAIN: Mapping[str, tuple[str, str]] = {
    "again_title": ("Pay {party} again?", "重新向 {party} 付款？"),
    "again_will": (
        "A new payment file is written, once, and the payment is booked. Money leaves when the bank has the file.",
        "将生成新的付款文件（仅一次）并记账。银行收到文件后划款。",
    ),
    "again_look": (
        (
            "It goes to the account in the contract as it stands now. If that account is why the payment came back, "
            "have new terms approved first."
        ),
        "款项将付至现行合同约定的账户。如因账户有误而被退回，请先完成新合同条款的审批。",
    ),
    "again_bank_says": ("What the bank says", "银行说明"),
    "again_to_name": ("Paid to", "收款人"),
    "again_to_account": ("Account", "收款账号"),
    "again_attempt": ("Attempt", "付款次数"),
    "again_now": ("Make the payment file", "生成付款文件"),
    "again_reason": ("Note for the record", "办理意见"),
    "again_usual": ("reason looked into, to be paid again", "退回原因已核实，重新付款"),
    "again_ordered": (
        "This payment was ordered again already: the newer one stands in the batch.",
        "该笔付款已重新发起，新的付款见所属批次。",
    ),
    "again_not_back": (
        "This payment did not come back, so there is nothing to pay again. It is: {state}.",
        "该笔付款未被拒绝或退回，无需重新付款。当前状态：{state}。",
    ),
    "again_to_batch": ("Back to the batch", "返回批次"),
    "again_terms": ("Propose new terms of {party}", "发起 {party} 的合同条款变更"),
}
