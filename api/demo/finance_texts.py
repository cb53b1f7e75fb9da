"""The words of what only the demo's finance console offers: English and Simplified Chinese."""

from collections.abc import Mapping

DEMO_FINANCE: Mapping[str, tuple[str, str]] = {
    "demo_only": ("Only in the demo", "仅限演示"),
    "demo_clock": ("It is {moment} in the demo city.", "演示城市当前时间：{moment}。"),
    "demo_next_day": ("Let this day end", "进入次日"),
    "demo_next_day_note": (
        "The city's clock moves on to the next morning, so that today can be closed and settled.",
        "城市时钟将拨至次日上午，即可对今日办理日结和结算。",
    ),
    "demo_bank": ("Let the demo bank answer", "让演示银行回复"),
    "demo_bank_note": (
        "A mock bank takes the payment file, pays and collects; its files are imported as a real bank's would be.",
        "模拟银行将接收付款文件、完成付款并收取应收款，其回单按真实银行文件的方式导入。",
    ),
}
