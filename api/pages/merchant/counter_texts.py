"""The words of the counter: what a cashier reads, and says to the customer."""

from collections.abc import Mapping

from api.pages.portal.portal_texts import PORTAL
from ledger.rules.scenes import SCENES

COUNTER: Mapping[str, tuple[str, str]] = {
    **{f"scene_{scene}": PORTAL[f"scene_{scene}"] for scene in SCENES},
    "counter_title": ("Counter", "收银台"),
    "counter_lead": (
        "Scan the customer's code, or type its digits or the card number, and press Enter.",
        "请扫描顾客的会员码，或输入会员码、卡号后按回车键。",
    ),
    "counter_member": ("Code or card", "会员码或卡号"),
    "counter_member_note": (
        "A code has 20 digits and shows the balance; a card has 16 and does not.",
        "会员码为 20 位数字，可显示余额；卡号为 16 位数字，不显示余额。",
    ),
    "counter_go_on": ("Go on", "下一步"),
    "counter_none": (
        "Your shop may give or take points of no programme at present. Ask the operator.",
        "贵店目前未开通任何积分计划的发放或受理，请联系运营方。",
    ),
    # The till.
    "till_title": ("This till", "本收银台设置"),
    "till_lead": (
        "Say once what this till sells. This browser keeps it.",
        "请设置本收银台的经营场景，浏览器将保存此设置。",
    ),
    "till_scene": ("What is sold here", "经营场景"),
    "till_outlet": ("Outlet (if you have several)", "门店编号（选填）"),
    "till_outlet_note": (
        "Your own short name of it: letters, digits, dots and hyphens, such as north-2.",
        "贵店自定的编号，可用字母、数字、点和连字符，例如 north-2。",
    ),
    "till_wrong": (
        "The outlet's name may have up to 32 letters, digits, dots and hyphens.",
        "门店编号最多 32 个字符，仅限字母、数字、点和连字符。",
    ),
    "till_choose": ("Choose", "请选择"),
    "till_scene_wrong": ("Wanted is one of these.", "请选择经营场景。"),
    "till_keep": ("Keep", "保存"),
    "till_change": ("Change the till", "修改设置"),
    # The customer.
    "customer_title": ("Customer", "顾客"),
    "customer_code": ("Code", "会员码"),
    "customer_card": ("Card", "卡号"),
    "customer_available": ("Available points", "可用积分"),
    "customer_hidden": (
        "By the card alone the balance is not shown. The customer's code shows it.",
        "仅凭卡号不显示余额。顾客出示会员码后可查看。",
    ),
    "customer_other": ("Another customer", "更换顾客"),
    "earn_title": ("Give points", "发放积分"),
    "earn_spend": ("Amount paid", "消费金额"),
    "earn_points": ("Or points, where there is no amount", "或直接输入积分数"),
    "earn_check": ("Check what to give", "核对发放"),
    "redeem_title": ("Take points", "使用积分"),
    "redeem_points": ("Points to take", "使用积分数"),
    "redeem_cash": ("Paid in money beside it (if any)", "另付金额（选填）"),
    "redeem_check": ("Check what to take", "核对使用"),
    "points_wrong": ("Wanted is a whole number above zero.", "请输入大于零的整数。"),
    "money_wrong": ("Wanted is an amount above zero, such as 18.50.", "请输入大于零的金额，例如 18.50。"),
    "spend_or_points": ("Wanted is either the amount paid or points.", "消费金额和积分数请填写其中一项。"),
    # The check.
    "check_earn_title": ("Give these points?", "确认发放积分"),
    "check_redeem_title": ("Take these points?", "确认使用积分"),
    "check_points_earn": ("Points given", "发放积分"),
    "check_points_redeem": ("Points taken", "使用积分"),
    "check_spend": ("Amount paid", "消费金额"),
    "check_cash": ("Paid in money", "另付金额"),
    "check_left": ("Customer's points afterwards", "交易后可用积分"),
    "check_outlet": ("Outlet", "门店"),
    "check_scene": ("Scene", "场景"),
    "confirm_earn": ("Give {points} points", "确认发放 {points} 积分"),
    "confirm_redeem": ("Take {points} points", "确认使用 {points} 积分"),
    "check_change": ("Change", "修改"),
    "check_safe": (
        "If the line drops now, send this form again or reload the page: it is posted once.",
        "如网络中断，请重新提交或刷新本页，不会重复入账。",
    ),
    "alike": (
        "The same was posted for this customer a moment ago. If the line had dropped, it is done: do not repeat it.",
        "刚才已为该顾客入账一笔相同的交易。如此前网络中断，该笔交易已成功，请勿重复操作。",
    ),
    "alike_see": ("See what was posted", "查看该笔交易"),
    # The result.
    "done_earn_title": ("Points given", "积分已发放"),
    "done_redeem_title": ("Points taken", "积分已使用"),
    "done_say": ("Tell the customer", "请告知顾客"),
    "done_say_earn": ("You have earned {points} points.", "您已获得 {points} 积分。"),
    "done_say_redeem": ("You have paid {points} points.", "您已使用 {points} 积分。"),
    "done_say_left": ("You have {available} points now.", "当前可用 {available} 积分。"),
    "done_time": ("Time", "时间"),
    "done_number": ("Number", "交易编号"),
    "done_next": ("Next customer", "下一位顾客"),
    # Refusals.
    "counter_member_wrong": (
        "This is no code or card number. A code has 20 digits, a card 16; a slip of one digit is noticed.",
        "会员码或卡号有误。会员码为 20 位数字，卡号为 16 位数字，请核对。",
    ),
    "refused_member-not-found": ("Nobody has this code or card.", "未找到对应的会员。"),
    "refused_code-used": (
        "This code has been used. Nothing was posted now; ask the customer for the next one.",
        "该会员码已使用，本次未入账。请顾客刷新后重新出示。",
    ),
    "refused_code-expired": (
        "This code is no longer good. Nothing was posted; ask the customer for the next one.",
        "该会员码已失效，未入账。请顾客刷新后重新出示。",
    ),
    "used_here": ("This was posted here:", "本店已入账："),
    "refused_member-frozen": (
        "The customer's account is frozen. Send the customer to the card office.",
        "顾客账户已冻结，请顾客联系市民卡中心。",
    ),
    "refused_member-closed": ("The customer's account is closed.", "顾客账户已关闭。"),
    "refused_insufficient-points": ("The customer has fewer points than that.", "顾客的可用积分不足。"),
    "refused_partner-not-permitted": (
        "Your shop may not do this in this programme.",
        "贵店未开通该积分计划的此项业务。",
    ),
    "refused_programme-closed": ("The programme is closed.", "该积分计划已关闭。"),
    "refused_issuer-suspended": (
        "Your shop may give no points until what is overdue has been paid.",
        "贵店有逾期未付款项，暂停发放积分。",
    ),
    "refused_issuer-cover-exhausted": (
        "What your shop has paid in advance is used up.",
        "贵店预存款额度已用完。",
    ),
    "refused_cap-exhausted": ("The budget for these points is used up.", "该项积分预算已用完。"),
    "refused_zero-points": ("For this amount there are no points.", "该消费金额不足以获得积分。"),
    "refused_amount-out-of-range": ("That is more than can be posted at once.", "超出单笔可入账的上限。"),
    "refused_idempotency-key-reused": (
        "This sale was sent before with other figures. Nothing was posted now; check it again.",
        "该笔交易此前已以不同内容提交，本次未入账，请重新核对。",
    ),
    "refused_other": ("The ledger does not allow it at the moment.", "账本目前不允许此操作。"),
}
