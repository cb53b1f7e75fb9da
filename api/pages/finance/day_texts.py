"""The words of the finance console about days and the next thing to do: English and Simplified Chinese."""

from collections.abc import Mapping

DAYS: Mapping[str, tuple[str, str]] = {
    "days_lead": (
        "A day is closed after its cut-off, in order. Closed days are settled together in a batch.",
        "营业日在日切时点之后按顺序办理日结，已日结的营业日汇总为一个结算批次。",
    ),
    "next_title": ("Next", "当前待办"),
    "next_close-day": ("Close {day}", "办理 {day}的日结"),
    "next_run": ("Run the batch", "生成结算批次"),
    "next_submit": ("Look at {batch} and submit it", "核对 {batch} 并提交复核"),
    "next_approve": ("Check {batch} and approve it", "复核 {batch}"),
    "next_instruct": ("Instruct the payments of {batch}", "发出 {batch} 的付款指令"),
    "next_pay-again": ("A payment of {batch} came back", "{batch} 有付款被拒绝或退回"),
    "next_close": ("Close {batch}", "结清 {batch}"),
    "next_await-bank": ("{batch} waits for the bank", "{batch} 等待银行回单"),
    "next_await-cut-off": ("Nothing to do now", "暂无待办"),
    "about_close-day": (
        "Its cut-off has come. From the closing on nothing can be recorded in it.",
        "日切时点已到。日结后，该日不再入账。",
    ),
    "about_run": (
        "Closed days up to {day} are in no batch yet. Running makes a draft and posts nothing.",
        "截至 {day}的已日结营业日尚未结算。生成批次只产生草稿，不入账。",
    ),
    "about_submit": ("It is a draft. A second person approves it afterwards.", "当前为草稿，提交后由他人复核。"),
    "about_approve": ("It is submitted. Approval posts points and money.", "已提交。复核通过后积分和资金入账。"),
    "about_instruct": ("It is approved. The payment file is made with this step.", "已复核通过。此步骤生成付款文件。"),
    "about_pay-again": (
        "The party is owed it again. Look at why the bank sent it back, then pay it again.",
        "款项已重新列为应付。请查看退回原因，再重新付款。",
    ),
    "about_close": ("All its payments are confirmed.", "所有付款均已确认。"),
    "about_await-bank": (
        "Its payment file is made. Import the bank's answer when it comes.",
        "付款文件已生成，收到银行回单后请导入。",
    ),
    "about_await-cut-off": ("{day} can be closed from {moment} on.", "{day}可于 {moment} 起办理日结。"),
    "for_close-day": ("The finance clerk does this.", "此项由财务经办办理。"),
    "for_run": ("The finance clerk does this.", "此项由财务经办办理。"),
    "for_submit": ("The finance clerk does this.", "此项由财务经办办理。"),
    "for_approve": (
        "Another person decides: hand over to an approver who has not prepared it.",
        "须由他人复核：请交由未经办此批次的复核人处理。",
    ),
    "for_instruct": ("The finance clerk does this.", "此项由财务经办办理。"),
    "for_pay-again": ("The finance clerk does this.", "此项由财务经办办理。"),
    "for_close": ("The finance clerk does this.", "此项由财务经办办理。"),
    "look": ("Look at it", "查看"),
    "days_table": ("The latest days", "近期营业日"),
    "day_state": ("State", "状态"),
    "day_batch": ("Batch", "结算批次"),
    "day_open": ("open", "营业中"),
    "day_open_when": ("can be closed from {moment} on", "{moment} 日切"),
    "day_closable": ("to be closed", "待日结"),
    "day_closable_when": ("can be closed since {moment}", "自 {moment} 起可日结"),
    "day_waits_before": ("over", "已结束"),
    "day_waits_before_when": ("waits for the day before it", "待前一日日结"),
    "day_closed": ("closed", "已日结"),
    "day_no_batch": ("in no batch yet", "尚未结算"),
    "closed_by": ("Closed by", "日结人"),
    "older": ("Older days", "更早"),
    "newer": ("Newest days", "最新"),
    "more_open": ("{count} more days are open after these.", "其后还有 {count} 个营业日未日结。"),
    "never_closed": (
        "No day has been closed yet. The first closing also takes everything that was recorded before it.",
        "尚未办理过日结。首次日结将一并包含此前的全部记录。",
    ),
    "close_title": ("Close {day}?", "办理 {day}的日结？"),
    "close_lead": (
        (
            "What was recorded before {moment} then belongs to this day for good; what arrives later, to a later day. "
            "A closing cannot be taken back; doing it again changes nothing."
        ),
        "{moment} 之前入账的交易即归属该日，此后到达的归属后续营业日。日结不可撤销；重复办理不会产生影响。",
    ),
    "close_now": ("Close the day", "确认日结"),
    "closed_done": ("{day} is closed.", "{day}已日结。"),
    "run_title": ("Run a batch?", "生成结算批次？"),
    "run_lead": (
        (
            "It takes all closed days that no batch has, up to {day}, and computes what each party pays and gets. "
            "The result is a draft: nothing is posted before a second person approves it."
        ),
        "将截至 {day}所有尚未结算的已日结营业日纳入批次，并计算各方应付应收。结果为草稿，经他人复核通过后方可入账。",
    ),
    "run_days": ("Days", "营业日"),
    "run_now": ("Run the batch", "生成批次"),
    "nothing_waits": (
        "No closed day waits for a batch. Close a day first.",
        "没有待结算的营业日，请先办理日结。",
    ),
    "to_days": ("To the days", "返回日结"),
    "not_done_title": ("This was not done", "未执行"),
}
