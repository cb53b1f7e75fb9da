"""The words of the forms by which a batch takes a step: English and Simplified Chinese."""

from collections.abc import Mapping

STEPS: Mapping[str, tuple[str, str]] = {
    "ask_submit": ("Submit {batch}?", "提交 {batch} 复核？"),
    "ask_approve": ("Approve {batch}?", "复核通过 {batch}？"),
    "ask_cancel": ("Cancel {batch}?", "撤销 {batch}？"),
    "ask_instruct": ("Instruct the payments of {batch}?", "发出 {batch} 的付款指令？"),
    "ask_close": ("Close {batch}?", "结清 {batch}？"),
    "will_submit": (
        "A second person is then asked to approve it. You cannot approve it yourself. Nothing is posted yet.",
        "提交后由他人复核，您本人不能复核。此时尚不入账。",
    ),
    "will_approve": (
        (
            "Points and money are posted at once, in one piece, and cannot be taken back. "
            "Payments are planned, and parties that owe are asked to pay."
        ),
        "积分和资金将立即一次性入账，不可撤销；同时生成付款，并向应付方发出收款通知。",
    ),
    "will_cancel": (
        (
            "The batch ends here and its days are free again; the next run is a new revision. Nothing was posted, so "
            "nothing is undone."
        ),
        "批次就此作废，所含营业日可重新结算，下次生成为新版本。此前未入账，因此无需冲正。",
    ),
    "will_instruct": (
        "The payment file is written, once, and the payments are booked. Money leaves when the bank has the file.",
        "生成付款文件（仅一次）并记账。银行收到文件后划款。",
    ),
    "will_close": ("The batch is then finished. Nothing more can be done with it.", "批次办理完毕，不可再作操作。"),
    "now_submit": ("Submit", "确认提交"),
    "now_approve": ("Approve and post", "确认通过并入账"),
    "now_cancel": ("Cancel the batch", "确认撤销"),
    "now_instruct": ("Make the payment file", "生成付款文件"),
    "now_close": ("Close the batch", "确认结清"),
    "usual_submit": ("figures checked", "数据已核对"),
    "usual_approve": ("figures and proofs checked", "数据及勾稽关系已核对"),
    "usual_instruct": ("to be paid", "按批次付款"),
    "usual_close": ("all paid", "付款已全部完成"),
    "reason_label": ("Note for the record", "办理意见"),
    "reason_label_cancel": ("Why is it cancelled?", "撤销原因"),
    "reason_note": ("It is kept with your name in the batch's history.", "将与您的姓名一并记入操作记录。"),
    "paid_to": ("Paid out to {count} parties", "付款（{count} 家）"),
    "asked_from": ("To collect from {count} parties", "收款（{count} 家）"),
    "payments_count": ("Payments in the file", "付款笔数"),
    "to_batch": ("Back to the batch", "返回批次"),
}
