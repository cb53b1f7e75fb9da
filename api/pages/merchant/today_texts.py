"""The words of the merchant console's first page: English and Simplified Chinese."""

from collections.abc import Mapping

TODAY: Mapping[str, tuple[str, str]] = {
    "today_title": ("Today", "今日概况"),
    "today_note": ("posted today by the time of", "按入账时间统计，时区"),
    "issued": ("Points issued", "发放积分"),
    "accepted": ("Points accepted", "收取积分"),
    "reversed": ("Points reversed", "冲正积分"),
    "transactions_count": ("Transactions", "交易笔数"),
    "to_receive": ("Still to receive", "待收款"),
    "to_pay": ("Still to pay", "待缴款"),
    "still_note": ("of settled days", "已结算部分"),
    "find_go": ("Find a transaction", "查询交易"),
    "statements_go": ("Statements", "对账单"),
    "by_hour": ("By the hour", "分时统计"),
    "counter_go": ("To the counter", "前往收银台"),
    "chart_label": ("Transactions by hour; the table beneath has the same figures.", "分时交易笔数；下表为相同数据。"),
    "hour": ("Hour", "时段"),
    "latest": ("Latest transactions", "最新交易"),
    "latest_all": ("All transactions", "全部交易"),
    "quiet_day": (
        "Nothing was posted today so far. What your tills and your system send appears here at once.",
        "今日暂无入账。您的收银台和系统提交的交易将即时显示在这里。",
    ),
    "no_programme": (
        "You take part in no programme yet. The operator lets you in.",
        "您尚未加入任何积分计划，请联系运营方开通。",
    ),
}
