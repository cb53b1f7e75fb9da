"""The words that every page of the operator's shares: English and Simplified Chinese."""

from collections.abc import Mapping

OPERATOR: Mapping[str, tuple[str, str]] = {
    "nav_overview": ("Overview", "运行总览"),
    "nav_programmes": ("Programmes", "积分计划"),
    "nav_partners": ("Partners", "合作方"),
    "nav_keys": ("API keys", "接口密钥"),
    "length_days": ("{number} days", "{number} 天"),
    "length_hours": ("{number} hours", "{number} 小时"),
    "length_minutes": ("{number} minutes", "{number} 分钟"),
    "length_seconds": ("{number} seconds", "{number} 秒"),
    "only_looking": (
        "You see everything here and change nothing: that takes the role operator.",
        "您可查看全部内容，但不能修改；修改需要“运营”角色。",
    ),
    "code": ("Code", "代码"),
    "its_name": ("Name", "名称"),
    "kind": ("Kind", "类型"),
    "kind_merchant": ("merchant", "商户"),
    "kind_government": ("government service", "政务服务"),
    "kind_bank": ("bank product", "银行产品"),
    "kind_charity": ("charity", "公益机构"),
    "code_note": (
        "1 to 32 letters, digits, dots, hyphens and underscores; it is for ever",
        "1 至 32 个字母、数字、点、连字符或下划线；一经使用不可更改",
    ),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    "done": ("Done.", "已完成。"),
}
