"""Words that several consoles use: English and Simplified Chinese."""

from collections.abc import Mapping

CONSOLE: Mapping[str, tuple[str, str]] = {
    "nothing": ("Nothing here.", "暂无记录。"),
    "download": ("Download", "下载"),
    "details": ("Details", "详情"),
    "more": ("More", "更多"),
    "newest": ("Newest", "最新"),
    "confirm": ("Confirm", "确认"),
    "cancel": ("Cancel", "取消"),
    "points": ("Points", "积分"),
    "amount": ("Amount", "金额"),
    "state": ("State", "状态"),
    "day": ("Day", "日期"),
    "time": ("Time", "时间"),
    "programme": ("Programme", "积分计划"),
    "partner": ("Partner", "合作方"),
    "reason": ("Reason", "原因"),
}
