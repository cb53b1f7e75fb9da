"""The words of the finance console: English and Simplified Chinese."""

from collections.abc import Mapping

FINANCE: Mapping[str, tuple[str, str]] = {
    "nav_days": ("Days", "日结"),
    "nav_reports": ("Reports", "报表"),
    "nav_reconciliation": ("Reconciliation", "对账"),
    "nav_suspense": ("Suspense", "待处理款项"),
    "nav_disputes": ("Disputes", "争议"),
    "nav_proposals": ("Proposals", "变更审批"),
    "nav_periods": ("Periods", "结账"),
    "nav_batches": ("Batches", "结算批次"),
    "days_title": ("Days", "日结"),
    "first_page": ("First page", "第一页"),
    "reason_note": ("1 to 200 characters; it is kept with what you do.", "1 至 200 个字符，将随操作留存。"),
    "reason_wrong": ("Say why, in 1 to 200 characters on one line.", "请填写原因，1 至 200 个字符，不可换行。"),
    "readers_only": (
        "You see everything here, and change nothing: your role reads.",
        "您可以查看全部内容；您的角色为只读，不能执行操作。",
    ),
    "another_decides": (
        "You prepared this: another person decides.",
        "此项由您发起，须由另一位人员审批。",
    ),
    "nothing_wrong_kept": ("Nothing was done. What you typed is still here.", "未执行任何操作，您填写的内容已保留。"),
}
