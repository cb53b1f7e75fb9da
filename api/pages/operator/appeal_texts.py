"""The words of appeals on the operator's pages: English and Simplified Chinese."""

from collections.abc import Mapping

STAFF_APPEALS: Mapping[str, tuple[str, str]] = {
    "list_title": ("Appeals", "申诉处理"),
    "list_lead": (
        "The oldest first. Members are told that they are answered within {days} working days.",
        "按提出时间先后排列。已承诺在 {days} 个工作日内答复会员。",
    ),
    "list_open": ("Waiting", "待处理"),
    "list_decided": ("Answered", "已答复"),
    "list_first": ("Back to the first", "返回第一页"),
    "open_none": ("No appeal waits. New ones are listed here.", "没有待处理的申诉，新申诉会列在此处。"),
    "decided_none": ("None has been answered yet.", "尚无已答复的申诉。"),
    "what": ("What it is about", "申诉事项"),
    "waits": ("waits for {length}", "已等待 {length}"),
    "late": ("late", "已超期"),
    "one_title": ("Appeal", "申诉详情"),
    "member_says": ("What the member says", "会员陈述"),
    "facts": ("What was done", "事项记录"),
    "reason_given": ("Reason that was given", "操作时填写的原因"),
    "reason_none": ("none", "未填写"),
    "original": ("It concerns", "对应原交易"),
    "original_is": ("{kind}, {points} points, {when}", "{kind}，{points} 分，{when}"),
    "account_now": ("The account now", "账户现状"),
    "status_active": ("active", "正常"),
    "status_frozen": ("frozen", "已冻结"),
    "status_closed": ("closed", "已关闭"),
    "status_merged": ("merged into another", "已合并至其他账户"),
    "numbers": ("Numbers to copy", "相关编号"),
    "transaction": ("Transaction", "交易"),
    "member": ("Member", "会员"),
    "decide": ("Decide", "作出决定"),
    "answer_label": ("Reason, which the member reads", "理由（会员可见）"),
    "answer_note": (
        "In plain words, at most {most} characters. It cannot be changed afterwards.",
        "请用通俗的话说明，最多 {most} 字，提交后不可修改。",
    ),
    "answer_wrong": (
        "Wanted are 1 to {most} characters; there are {count}.",
        "请输入 1 至 {most} 字，当前为 {count} 字。",
    ),
    "verdict": ("Is the member right?", "申诉是否成立"),
    "verdict_upheld": ("Yes: the appeal is upheld", "成立"),
    "verdict_rejected": ("No: the appeal is rejected", "不成立"),
    "verdict_wrong": ("Say whether the member is right.", "请选择申诉是否成立。"),
    "decide_now": ("Answer the member", "提交答复"),
    "decided_before": (
        "It has been decided meanwhile; the decision is below. Yours was not taken.",
        "该申诉已由他人作出决定，结果如下；您的决定未被采用。",
    ),
    "next": ("What follows", "后续处理"),
    "next_freeze": (
        "The account is still frozen: release it now.",
        "账户仍处于冻结状态，请解冻。",
    ),
    "next_nothing": ("The account is not frozen any more. Nothing is left to do.", "账户已解冻，无需进一步处理。"),
    "unfreeze": ("Release the account", "解冻账户"),
    "unfreeze_refused": (
        "The ledger did not release the account.",
        "账本未能解冻该账户，请查看账户状态。",
    ),
    "next_points": (
        "Points are given back by two persons. Propose it here; nothing is posted before another person approves.",
        "退还积分须由两人完成：在此提出调整申请，经另一人批准后方入账。",
    ),
    "next_by_hand": (
        "No partner took these points, so say who bears them: POST /v1/adjustments; a second person approves.",
        "该笔积分并非由合作方收回，请通过 POST /v1/adjustments 指明承担方，再由另一人批准。",
    ),
    "propose": ("Propose to give {points} points back", "申请退还 {points} 分"),
    "proposed": ("An adjustment is proposed:", "已提出调整申请："),
    "proposed_by": ("Proposed by", "申请人："),
    "proposal_decided_by": ("decided by", "审批人："),
    "proposal_number": ("Number of the proposal", "申请编号"),
    "next_second": (
        (
            "Another person approves it: an operator on this page, a second approver or manager by "
            "POST /v1/approvals/{number}/approval, where it can be rejected, too."
        ),
        (
            "须由另一人批准：运营人员可在本页办理；财务复核或客户经理通过 "
            "POST /v1/approvals/{number}/approval 办理，亦可驳回。"
        ),
    ),
    "approve": ("Approve: give {points} points back", "批准退还 {points} 分"),
    "approve_note": (
        "You are the second person. The points are there at once, and the posting cannot be taken back.",
        "您作为第二人办理。批准后积分立即到账，不可撤销。",
    ),
    "approve_refused": (
        "A rule of the ledger did not let the points be given back. Look at the account.",
        "因账本规则限制，未能退还积分，请查看账户。",
    ),
    "approve_second": (
        "You proposed this yourself, so another person approves it. Nothing was posted.",
        "此申请由您提出，须由另一人批准。未入账。",
    ),
    "approve_decided": (
        "It was rejected meanwhile. Nothing was posted.",
        "该申请已被驳回，未入账。",
    ),
    "approval_waiting": ("waits for a second person", "待另一人审批"),
    "approval_approved": ("approved", "已批准"),
    "approval_posted": ("points given back", "积分已退还"),
    "approval_refused": ("refused by a rule", "规则不允许"),
    "approval_rejected": ("rejected", "已驳回"),
    "to_list": ("To all appeals", "返回申诉列表"),
    "only_looking": (
        "You see everything here and change nothing: that takes the role operator or support.",
        "您可查看全部内容，但不能处理；处理需要“运营”或“客服”角色。",
    ),
}
