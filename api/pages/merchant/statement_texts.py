"""The words of the merchant console about statements and disputes: English and Simplified Chinese."""

from collections.abc import Mapping

STATEMENTS: Mapping[str, tuple[str, str]] = {
    "statements_title": ("Statements", "对账单"),
    "to_receive": ("Still to receive", "待收款"),
    "to_pay": ("Still to pay", "待缴款"),
    "due_first": ("due from", "最早到期日："),
    "list_title": ("Settled days", "结算批次"),
    "list_none": (
        "No statement yet. There is one for you when a batch of the operator's settles points of yours.",
        "暂无对账单。运营方结算涉及您的积分后，将在此列出。",
    ),
    "list_none_here": ("None of these batches concerns you.", "本页批次均与您无关。"),
    "days": ("Business days", "营业日"),
    "net": ("Net", "净额"),
    "in_favour": ("in your favour", "应收"),
    "against": ("you owe", "应付"),
    "even": ("even", "持平"),
    "money": ("Payment", "资金状态"),
    "payment_planned": ("to be paid to you", "待付给您"),
    "payment_instructed": ("instructed to the bank", "已发付款指令"),
    "payment_accepted": ("accepted by the bank", "银行已受理"),
    "payment_confirmed": ("paid to you", "已付给您"),
    "payment_rejected": ("rejected by the bank; it is tried again", "被银行拒绝，将重新付款"),
    "payment_returned": ("returned by the bank; it is tried again", "被退汇，将重新付款"),
    "notice_open": ("to be paid by you until", "请缴款，到期日："),
    "notice_paid": ("paid by you", "您已缴清"),
    "statement_title": ("Statement", "对账单"),
    "download_as": ("Download", "下载"),
    "back_to_statements": ("All statements", "全部对账单"),
    "nothing_in_table": ("Nothing in this table.", "本表无数据。"),
}

DISPUTES: Mapping[str, tuple[str, str]] = {
    "disputes_title": ("Disputes", "争议"),
    "disputes_lead": (
        (
            "A redemption that the operator's finance office disputes: its money is held out of what you are owed "
            "until a second person decides."
        ),
        "运营方财务对某笔积分收取提出争议后，相应款项暂不付给您，待第二人作出裁决。",
    ),
    "how_to": (
        (
            "Disputes are opened and decided by the finance office. To answer one, or to have a transaction looked at, "
            "tell it the transaction's id and send what proves it, such as the receipt."
        ),
        "争议由运营方财务提出并裁决。如需申诉或核查某笔交易，请向其提供交易编号及小票等凭证。",
    ),
    "find_go": ("Find a transaction", "查询交易"),
    "list_title": ("Disputed redemptions", "争议交易"),
    "list_none": ("None of your redemptions is disputed.", "您的交易没有争议。"),
    "transaction": ("Transaction", "交易"),
    "opened": ("Opened", "提出时间"),
    "decided": ("Decided", "裁决时间"),
    "why_decided": ("Reason of the decision", "裁决理由"),
    "held": ("held out", "已暂扣"),
    "not_held": ("held out once its day is settled", "待该日结算时暂扣"),
    "dispute_open": ("Open", "处理中"),
    "dispute_for-acceptor": ("Decided for you", "裁决支持您"),
    "dispute_against-acceptor": ("Decided against you; reversed", "裁决不支持您，已冲正"),
}
