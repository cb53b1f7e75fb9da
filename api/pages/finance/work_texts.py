"""The words of the finance console's work lists: suspense, disputes and reconciliation."""

from collections.abc import Mapping

SUSPENSE: Mapping[str, tuple[str, str]] = {
    "suspense_title": ("Suspense", "待处理款项"),
    "suspense_lead": (
        "Money that moved at the bank and that nothing here explains. It stands on account 9000 until it is placed.",
        "银行已入账但无法对应的款项，暂记 9000 科目，待处理后转出。",
    ),
    "suspense_none": (
        "Nothing waits. When a bank file brings money that no notice explains, it is listed here.",
        "暂无待处理款项。银行文件中无法对应缴款通知的款项会列在这里。",
    ),
    "to_reconciliation": ("To the reconciliation", "前往对账"),
    "waiting": ("Waiting", "待处理"),
    "item_sum": ("Sum", "合计"),
    "booked_on": ("Booked on", "记账日"),
    "age": ("Age", "账龄"),
    "day_old": ("day", "天"),
    "days_old": ("days", "天"),
    "payer": ("From or to", "对方"),
    "remittance": ("What the payer wrote", "附言"),
    "direction": ("Direction", "方向"),
    "came_in": ("Came in", "收入"),
    "went_out": ("Went out", "支出"),
    "unnamed": ("not named by the bank", "银行未提供"),
    "nothing_written": ("nothing", "无"),
    "place": ("Place", "处理"),
    "look": ("Look", "查看"),
    "item_title": ("Money that could not be placed", "待处理款项"),
    "placed_title": ("The money is placed", "款项已处理"),
    "placed_by": ("Placed by", "处理人"),
    "placed_to": ("Placed with notice", "对应缴款通知"),
    "candidates": ("Notices that are open", "未结清的缴款通知"),
    "candidates_none": (
        (
            "No notice in this currency is open. Ask the payer what it paid; money that came by mistake is sent "
            "back by the bank, and its return is booked here, too."
        ),
        "没有该币种的未结清缴款通知。请向付款方核实；误付款项由银行退回，退款会同样记录在这里。",
    ),
    "debit_advice": (
        (
            "This money left the account, and no payment of ours explains it. Ask the bank. If it sends it back, the "
            "return is booked here, too. Nothing can be placed with a notice."
        ),
        "该款项已从账户支出，但没有对应的付款指令。请向银行核实；如被退回，退款会同样记录在这里。支出不能对应缴款通知。",
    ),
    "notice_reference": ("Notice", "缴款通知"),
    "asked": ("Asked for", "应缴"),
    "still_open": ("Still open", "未缴"),
    "due_on": ("Due on", "到期日"),
    "is_exact": ("same amount", "金额相同"),
    "reference_label": ("Reference of the notice that it pays", "对应的缴款通知编号"),
    "reference_note": (
        "As it stands in the list. Money over the notice pays the party's other notices, then stands to its credit.",
        "请按列表填写。超出部分依次抵付该方其他通知，剩余部分计入其预收款。",
    ),
    "reference_wrong": (
        "No open notice of this programme and currency has this reference.",
        "本积分计划该币种下没有此编号的缴款通知。",
    ),
    "check": ("Check", "核对"),
    "check_title": ("Place this money?", "确认处理该款项？"),
    "check_lead": (
        "It leaves suspense at once and pays the notice. It cannot be taken back here.",
        "确认后立即转出待处理科目并抵付该通知，此处无法撤回。",
    ),
    "over": ("Over the notice", "超出通知部分"),
    "short": ("Still open afterwards", "抵付后仍未缴"),
    "change": ("Change", "修改"),
}

DISPUTES: Mapping[str, tuple[str, str]] = {
    "disputes_title": ("Disputes", "争议"),
    "disputes_lead": (
        (
            "While a redemption is disputed, its money is held out of what the acceptor is owed. "
            "Who opened a dispute does not decide it."
        ),
        "争议期间，相应款项不计入应付受理方款。发起人不得裁定本人发起的争议。",
    ),
    "disputes_none": ("No redemption is disputed.", "暂无争议。"),
    "acceptor": ("Acceptor", "受理方"),
    "opened": ("Opened", "发起时间"),
    "opened_by": ("Opened by", "发起人"),
    "decided": ("Decided", "裁定时间"),
    "decided_by": ("Decided by", "裁定人"),
    "decision_reason": ("Why", "裁定理由"),
    "held": ("Held out", "已暂扣"),
    "held_yes": ("yes, on 9000", "是（记 9000）"),
    "held_no": ("with the batch that settles it", "随其结算批次暂扣"),
    "state_open": ("Open", "待裁定"),
    "state_for-acceptor": ("For the acceptor", "支持受理方"),
    "state_against-acceptor": ("Against the acceptor", "不支持受理方"),
    "dispute_title": ("Dispute", "争议"),
    "transaction": ("Transaction", "交易编号"),
    "open_title": ("Dispute a redemption", "发起争议"),
    "transaction_note": (
        "The redemption's id, 36 characters, as on a statement's lines.",
        "兑付交易编号，36 个字符，见对账单明细。",
    ),
    "transaction_wrong": ("No transaction has this id.", "没有此编号的交易。"),
    "open_go": ("Open the dispute", "发起争议"),
    "decide_title": ("Decide", "裁定"),
    "decision": ("Decision", "裁定结果"),
    "for_note": (
        "For the acceptor: what was held is paid with the next batch.",
        "支持受理方：暂扣款项随下一批次支付。",
    ),
    "against_note": (
        "Against the acceptor: the redemption is reversed at once, and the member has the points again.",
        "不支持受理方：立即冲正该兑付，积分退回会员。",
    ),
    "choose": ("Choose one.", "请选择一项。"),
    "check": ("Check", "核对"),
    "check_title": ("Decide the dispute so?", "确认裁定？"),
    "check_lead": ("A decision is final.", "裁定后不可更改。"),
    "change": ("Change", "修改"),
}

RECONCILIATION: Mapping[str, tuple[str, str]] = {
    "reconciliation_title": ("Reconciliation", "对账"),
    "reconciliation_lead": (
        "Read in what the bank says, then work off what does not fit.",
        "导入银行文件，再逐项处理差异。",
    ),
    "differences": ("What does not fit", "差异"),
    "in_suspense": ("In suspense", "待处理款项"),
    "to_suspense": ("To the work list", "前往待处理清单"),
    "came_back": ("Payments that came back", "被拒绝或退回的付款"),
    "unanswered": ("Payments without an answer", "银行尚未确认的付款"),
    "overdue": ("Notices overdue", "逾期缴款通知"),
    "all_fits": ("Everything fits: nothing waits for the bank or for you.", "全部相符，暂无待办事项。"),
    "unanswered_note": (
        "The oldest first; the bank has not said that they are paid.",
        "按时间先后排列；银行尚未确认付款。",
    ),
    "came_back_note": (
        "They are owed again. Order them anew from their batch.",
        "款项重新列为应付，请在所属批次中重新发起付款。",
    ),
    "notices_title": ("Notices that are open", "未结清的缴款通知"),
    "notices_note": ("What parties were asked to pay, the oldest due first.", "各方应缴款项，按到期日先后排列。"),
    "payment_id": ("Payment", "付款编号"),
    "batch": ("Batch", "批次"),
    "ordered": ("Ordered", "发送时间"),
    "bank_says": ("What the bank says", "银行说明"),
    "due_on": ("Due on", "到期日"),
    "still_open": ("Still open", "未缴"),
    "is_overdue": ("overdue", "逾期"),
    "notice_reference": ("Notice", "缴款通知"),
    "payment_instructed": ("Ordered", "已发指令"),
    "payment_accepted": ("Accepted", "银行已受理"),
    "payment_rejected": ("Rejected", "被拒绝"),
    "payment_returned": ("Returned", "被退汇"),
    "only_first": ("Only the oldest are listed.", "仅列示最早的部分。"),
    "files_title": ("Files that were read in", "已导入的银行文件"),
    "files_note": ("Of all programmes, the last first.", "包含全部积分计划，最近的在前。"),
    "files_none": ("No bank file was read in yet.", "尚未导入银行文件。"),
    "file_kind": ("Kind", "类型"),
    "file_message": ("Message id", "报文编号"),
    "imported_at": ("Read in", "导入时间"),
    "imported_by": ("By", "导入人"),
    "upload_title": ("Read in a bank file", "导入银行文件"),
    "upload_note": (
        "One file of up to 20 MB: pain.002, camt.053, camt.054 or pacs.004. The same file again changes nothing.",
        "单个文件不超过 20 MB，支持 pain.002、camt.053、camt.054、pacs.004。重复导入同一文件不会产生变化。",
    ),
    "upload_field": ("File", "文件"),
    "upload_go": ("Read in", "导入"),
    "upload_missing": ("Choose a file first.", "请先选择文件。"),
    "upload_large": (
        "The file is too large: up to 20 MB can be read in. Nothing was kept.",
        "文件过大：不得超过 20 MB。未保存任何内容。",
    ),
    "bad_title": ("The file was not read in", "文件未导入"),
    "bad_where": ("Where", "位置"),
    "bad_got": ("What is there", "实际内容"),
    "bad_wanted": ("What is wanted", "要求"),
    "bad_note": (
        "Nothing of the file was used. Ask the bank for a right one, or choose another file.",
        "未使用文件中的任何内容。请向银行索取正确的文件，或选择其他文件。",
    ),
    "file_title": ("Bank file", "银行文件"),
    "file_done": ("The file was read in.", "文件已导入。"),
    "file_again": (
        "This very file was read in before: nothing was changed. This is what came of it then.",
        "该文件此前已导入，未产生任何变化。以下为当时的结果。",
    ),
    "count_accepted": ("Payments accepted", "已受理付款"),
    "count_confirmed": ("Payments confirmed", "已确认付款"),
    "count_rejected": ("Payments rejected", "被拒绝付款"),
    "count_returned": ("Payments returned", "被退汇付款"),
    "count_received": ("Receipts placed", "已对应收款"),
    "count_suspended": ("Put in suspense", "转入待处理"),
    "count_repeated": ("Told before", "此前已告知"),
}
