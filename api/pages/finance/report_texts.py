"""The words around the finance console's reports, in English and Chinese; what reports say is in their own texts."""

from collections.abc import Mapping

REPORTS_PAGE: Mapping[str, tuple[str, str]] = {
    "reports_title": ("Reports", "报表"),
    "reports_lead": (
        "Each report is about one batch. What you see here is what the files hold.",
        "每份报表对应一个结算批次。页面所示与下载文件内容一致。",
    ),
    "reports_none": (
        "No batch has been run yet. Close a day and run its batch; then its reports are here.",
        "尚无结算批次。请先日结并生成批次，随后即可查看报表。",
    ),
    "to_days": ("To the days", "前往日结"),
    "about_trial-balance": (
        "Debits and credits of every account, which must be equal, as they stand now.",
        "各科目当前借贷余额，借贷必须相等。",
    ),
    "about_roll-forward": (
        "How outstanding points came from their opening to their closing.",
        "未兑付积分从期初到期末的变动过程。",
    ),
    "about_ageing": (
        "When the points that are outstanding now will expire, and what is kept for them.",
        "当前未兑付积分的到期时间分布及对应准备金。",
    ),
    "about_reserve-proof": (
        "What members could redeem, against what is booked and what lies at the bank.",
        "会员可兑付金额与账面义务、银行存款的核对。",
    ),
    "about_breakage": (
        "Points that expired, what they were worth, and what their issuers got back.",
        "已过期积分、对应价值及返还发行方的金额。",
    ),
    "about_shortfalls": (
        "Points that were taken back after they were spent, and are still owed.",
        "已使用后被撤销、尚未追回的积分。",
    ),
    "choose_batch": ("Batch", "批次"),
    "since": ("From", "起始日"),
    "choose_since": ("From (roll-forward and breakage)", "起始日（仅变动表与过期报表）"),
    "since_wrong": (
        "This is no day that the report can begin with. Choose a day up to the batch's last one.",
        "起始日无效，请选择不晚于批次截止日的日期。",
    ),
    "show": ("Show", "查看"),
    "open_report": ("Open", "打开"),
    "all_reports": ("All reports", "全部报表"),
    "chart_of": ("Chart; the tables beneath hold the same figures.", "图表；下方表格为相同数据。"),
    "chart_trial-balance": ("Balances by account", "各科目余额"),
    "chart_roll-forward": ("From opening to closing, in points", "期初至期末变动（积分）"),
    "chart_ageing": ("Points by the month in which they expire", "按到期月份的积分"),
    "chart_reserve-proof": ("Obligation and cover", "兑付义务与资金覆盖"),
    "chart_breakage": ("Expired points' reserve by month", "各月过期积分准备金"),
    "chart_shortfalls": ("Points still owed, by issuer", "各发行方尚欠积分"),
    "legend": ("What the numbers stand for", "图例"),
    "others": ("Others", "其他"),
    "nothing_drawn": ("There is nothing to draw.", "暂无可绘制的数据。"),
    "file_xlsx": ("Workbook (XLSX)", "工作簿（XLSX）"),
    "file_pdf": ("To print (PDF)", "打印版（PDF）"),
    "file_json": ("For programs (JSON)", "供程序读取（JSON）"),
    "no_rows_here": ("Nothing in this table.", "本表无数据。"),
    "more_rows": (
        "Only the first rows are shown here; the workbook has them all.",
        "此处仅显示部分行，完整数据见工作簿。",
    ),
}
