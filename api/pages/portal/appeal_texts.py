"""The words of appeals: on the citizen portal and, where they are the same, on the operator's pages."""

from collections.abc import Mapping

ANSWER_WITHIN_WORKING_DAYS = 10
"""What the member is told."""

APPEALS: Mapping[str, tuple[str, str]] = {
    "appeals_title": ("Appeals", "申诉"),
    "appeals_lead": (
        (
            "Were points taken back, or is your account frozen, and you think it is wrong? "
            "Appeal: a person looks at it and answers you here."
        ),
        "如对积分被收回或账户被冻结有异议，可提出申诉，由专人核查并在此答复。",
    ),
    "appeals_none": (
        "You have not appealed against anything. Each line of the statement that took points back has a link for it.",
        "您尚未提出申诉。在流水中，每条“收回”记录下均有申诉入口。",
    ),
    "promise": (
        "You are answered within {days} working days.",
        "我们将在 {days} 个工作日内答复。",
    ),
    "made": ("Your appeal has been received.", "您的申诉已受理。"),
    "about_points": ("Points taken back", "积分被收回"),
    "about_freeze": ("The freeze of the account", "账户被冻结"),
    "appeal_open": ("being looked at", "核查中"),
    "appeal_upheld": ("upheld", "申诉成立"),
    "appeal_rejected": ("rejected", "申诉不成立"),
    "appealed_on": ("Appealed on", "申诉时间"),
    "decided_on": ("Answered on", "答复时间"),
    "state": ("State", "状态"),
    "grounds": ("What you wrote", "申诉理由"),
    "answer": ("Answer", "答复"),
    "new_title": ("Appeal", "提出申诉"),
    "taken_line": ("What it is about", "申诉事项"),
    "taken_points": ("Points taken", "被收回的积分"),
    "taken_when": ("When", "时间"),
    "taken_why": ("Why it was done", "收回原因"),
    "write": ("Why do you think it is wrong?", "您为什么认为有误？"),
    "write_note": (
        "In your own words, at most {most} characters. No names or numbers of documents are needed.",
        "请用自己的话说明，最多 {most} 字，无需填写姓名或证件号码。",
    ),
    "send": ("Send the appeal", "提交申诉"),
    "write_wrong": (
        "Wanted are 1 to {most} characters; there are {count}.",
        "请输入 1 至 {most} 字，当前为 {count} 字。",
    ),
    "not_open": (
        "An appeal against this is open already, or there is nothing to appeal against any more.",
        "对此事项的申诉正在核查中，或已无可申诉的内容。",
    ),
    "key_reused": (
        "This form was sent before with other words. Open the page anew.",
        "此表单已以其他内容提交过，请重新打开页面。",
    ),
    "to_appeals": ("To my appeals", "查看我的申诉"),
}
