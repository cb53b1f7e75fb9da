"""The words of the citizen portal where something is done: gifts, consents, own data."""

from collections.abc import Mapping

GIFT: Mapping[str, tuple[str, str]] = {
    "gift_title": ("Give points to somebody", "转赠积分"),
    "gift_lead": (
        "The points keep their last day. A gift cannot be taken back, so you check it before it is made.",
        "转赠的积分有效期不变。转赠不可撤回，提交前请核对。",
    ),
    "receiver": ("Receiver's card number", "对方卡号"),
    "receiver_note": ("16 digits, or the member's id", "16 位数字，或对方会员编号"),
    "amount": ("Points", "积分数"),
    "amount_note": ("Available to you:", "可用积分："),
    "month_note": ("In a calendar month at most:", "每个自然月最多可转赠："),
    "check": ("Check", "核对"),
    "check_title": ("Is this right?", "请核对"),
    "to_card": ("To the card", "转赠至卡号"),
    "left_after": ("Available to you afterwards", "转赠后您的可用积分"),
    "confirm": ("Give now", "确认转赠"),
    "change": ("Change", "修改"),
    "done_title": ("Given", "转赠成功"),
    "done": ("The points are with the receiver.", "积分已到对方账户。"),
    "receiver_wrong": ("Wanted is a card number of 16 digits, or a member's id.", "请输入 16 位卡号或会员编号。"),
    "amount_wrong": ("Wanted is a whole number above zero.", "请输入大于零的整数。"),
    "refused_insufficient-points": ("You have fewer points available than that.", "您的可用积分不足。"),
    "refused_receiver-not-found": ("No member has this card.", "没有会员使用此卡号。"),
    "refused_receiver-not-active": ("The receiver cannot take gifts at the moment.", "对方目前不能接收转赠。"),
    "refused_same-member": ("This is your own card.", "这是您自己的卡号。"),
    "refused_limit-exceeded": (
        "That is more than may be given, or received, in a calendar month.",
        "超出每个自然月可转赠或可接收的积分上限。",
    ),
    "refused_member-frozen": ("Your account is frozen.", "您的账户已冻结。"),
    "refused_member-closed": ("Your account is closed.", "您的账户已关闭。"),
    "refused_programme-closed": ("The programme is closed.", "该积分计划已关闭。"),
    "refused_amount-out-of-range": ("That is more than can be given at once.", "超出单次可转赠的积分数。"),
    "refused_other": ("The ledger does not allow it at the moment.", "账本目前不允许此操作。"),
}

CONSENTS: Mapping[str, tuple[str, str]] = {
    "consents_title": ("Consents", "授权同意"),
    "consents_lead": (
        "What you agree to is listed here with its date. You can end each of them at any time; it holds at once.",
        "您的每项授权及其日期列于此处，可随时撤回，立即生效。",
    ),
    "standing": ("In force", "生效中"),
    "ended": ("Ended", "已撤回"),
    "give_title": ("Agree to something", "新增授权"),
    "purpose": ("What for", "用途"),
    "for_partner": ("Whom", "授权对象"),
    "give": ("Agree", "同意授权"),
    "revoke": ("End", "撤回"),
    "given_on": ("given on", "授权时间："),
    "ended_on": ("ended on", "撤回时间："),
    "purpose_balance": ("May read my balance without asking each time", "可随时查询我的余额"),
    "purpose_offers": ("I may be shown offers chosen for me", "可向我推荐个性化权益"),
    "purpose_health": (
        "Data of health services may be used beyond booking the points",
        "健康场景的数据可用于记分以外的用途",
    ),
    "purpose_cross-border": ("My data may be handed to a partner abroad", "我的数据可提供给境外合作方"),
    "purpose_guardian": ("A guardian agrees for a member under 14", "未满 14 周岁会员的监护人同意"),
    "partner_note": ("only for reading the balance", "仅用于“查询余额”"),
    "partner_none": ("nobody in particular", "不指定"),
    "consent_wrong": (
        "Choose what you agree to; for reading the balance also whom.",
        "请选择用途；选择“查询余额”时还需选择授权对象。",
    ),
    "consent_guardian": (
        "You may be under 14: a guardian must agree at the card office first.",
        "您可能未满 14 周岁，请先由监护人到市民卡中心办理同意。",
    ),
    "consent_closed": ("Your account is closed: nothing can be agreed to.", "您的账户已关闭，不能新增授权。"),
}

DATA: Mapping[str, tuple[str, str]] = {
    "data_title": ("My data", "我的数据"),
    "export_title": ("Take it with you", "导出数据"),
    "export_lead": (
        "Everything that is held of you, as one file: profile, consents, balances, every line of the statement.",
        "将您在本系统的全部数据导出为一个文件：资料、授权、余额、全部流水。",
    ),
    "export": ("Download (JSON)", "下载（JSON）"),
    "erase_title": ("Have it erased", "删除数据"),
    "erase_lead": (
        (
            "Your account is closed, and everything that says who you are is erased for good; "
            "the ledger keeps amounts, which name nobody."
        ),
        "账户将被关闭，可识别您身份的数据将被永久删除；账本仅保留不含身份信息的金额。",
    ),
    "erase_go": ("Close and erase", "销户并删除"),
    "held_title": ("What is held", "持有哪些数据"),
    "held_lead": (
        "No name, no telephone number, no address: the ledger knows you by numbers alone.",
        "不含姓名、电话、住址：账本仅以编号识别您。",
    ),
    "member_id": ("Your member's id", "您的会员编号"),
}

ERASURE: Mapping[str, tuple[str, str]] = {
    "erasure_title": ("Close the account and erase my data", "销户并删除我的数据"),
    "erasure_warning": (
        "This cannot be undone. Take your data with you first, if you want to keep it.",
        "此操作不可撤销。如需保留数据，请先导出。",
    ),
    "gives_up": ("Points that you give up", "您将放弃的积分"),
    "sure": (
        "I give these points up, and want everything erased that says who I am.",
        "我放弃上述积分，并要求删除可识别我身份的全部数据。",
    ),
    "erase_now": ("Close and erase for good", "确认销户并永久删除"),
    "keep": ("Keep my account", "保留账户"),
    "not_sure": ("Nothing was done: tick the sentence to confirm it.", "未执行：请勾选以确认。"),
    "not_closed_member-not-empty": (
        "Not yet: points are held for an order, or owed. When that is settled, your account can be closed.",
        "暂不能销户：尚有为订单预留的积分或待抵扣的积分，处理完毕后即可销户。",
    ),
    "not_closed_member-frozen": (
        "Your account is frozen; ask the card office to release it first.",
        "您的账户已冻结，请先联系市民卡中心解冻。",
    ),
    "not_closed_other": ("The ledger does not allow it at the moment.", "账本目前不允许此操作。"),
}
