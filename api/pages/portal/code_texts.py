"""The words of the page with a member's code."""

from collections.abc import Mapping

CODE_TEXTS: Mapping[str, tuple[str, str]] = {
    "code_title": ("My code", "会员码"),
    "code_lead": (
        "Show it at the counter to earn or use points. Whoever you show it to sees your balance.",
        "在收银台出示，即可获得或使用积分。对方可看到您的积分余额。",
    ),
    "code_picture": ("QR code of the digits below", "下方数字的二维码"),
    "code_good_until": ("Good until", "有效至"),
    "code_good_once": ("and for one posting", "仅可使用一次"),
    "code_next_by_itself": ("The next code comes by itself after a minute.", "每分钟自动更换。"),
    "code_waits": (
        "This code is the last that came by itself. Ask for a new one when you need it.",
        "已停止自动更换。需要时请刷新会员码。",
    ),
    "code_new": ("New code", "刷新会员码"),
    "code_care": (
        "Show it to nobody but the cashier, and send it to nobody.",
        "请勿将会员码截图或发送给他人。",
    ),
    "code_until_next": ("Time until the next code", "距下次更换"),
    "code_offline": (
        "No connection. This code may no longer be good.",
        "网络已断开，当前会员码可能已失效。",
    ),
    "code_used_earn": ("You earned {points} points at {partner}.", "您在“{partner}”获得 {points} 积分。"),
    "code_used_redeem": ("You used {points} points at {partner}.", "您在“{partner}”使用 {points} 积分。"),
    "code_used_hold": ("{partner} reserved {points} points of yours.", "“{partner}”已预留您的 {points} 积分。"),
    "code_used_left": ("Available afterwards", "变动后可用积分"),
    "code_none_frozen": (
        "Your account is frozen, so there is no code to show. Ask the card office why.",
        "您的账户已冻结，暂不能出示会员码。如有疑问请联系市民卡中心。",
    ),
    "code_none_closed": ("Your account is closed, so there is no code to show.", "您的账户已关闭，不能出示会员码。"),
}
