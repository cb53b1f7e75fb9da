"""The words of the operator's overview: what is well, what is not, and what to do then."""

from collections.abc import Mapping

_RUN_AUDIT = (
    "Run `citypoints audit`; it may run beside live traffic.",
    "请运行 `citypoints audit`，可与线上业务同时进行。",
)
_TO_OWNER = (
    (
        "Keep the database as it is, and find out who had the owner's role. "
        "`citypoints audit --json` names every difference with what was found and expected."
    ),
    "请保持数据库现状，并查明谁使用过库属主角色。`citypoints audit --json` 会列出每处差异的实际值与应有值。",
)

HEALTH: Mapping[str, tuple[str, str]] = {
    "overview_title": ("Is all well?", "运行是否正常"),
    "all_well": ("All is well.", "一切正常。"),
    "not_well": ("Things to look at: {count}.", "有 {count} 项需要处理。"),
    "times_note": ("Times are of the zone {zone}. Looked at {now}.", "时间按 {zone} 时区显示。查询时间：{now}。"),
    "mark_good": ("good", "正常"),
    "mark_warn": ("look at it", "请关注"),
    "mark_bad": ("wrong", "异常"),
    "mark_plain": ("for information", "提示"),
    "to_do": ("What to do:", "处理办法："),
    "to_appeals": ("To the appeals", "查看申诉"),
    "reload": ("Look again", "重新查询"),
    # The sentences, each with what to do where it is not good.
    "database_good": (
        "The database answers and is at migration {revision}, as this release wants.",
        "数据库可用，结构版本为 {revision}，与本版本一致。",
    ),
    "database_bad": (
        "The database is at migration {revision}; this release wants {wanted}.",
        "数据库结构版本为 {revision}，本版本需要 {wanted}。",
    ),
    "database_do": (
        "Run `citypoints migrate` as the database's owner; the service goes on by itself then.",
        "请以库属主身份运行 `citypoints migrate`，之后服务会自行恢复。",
    ),
    "partitions_good": (
        "There is room. Empty partitions of the journal ahead: {ahead}.",
        "空间充足：账本后续还有 {ahead} 个空分区。",
    ),
    "partitions_warn": ("Empty partitions of the journal ahead: only {ahead}.", "账本后续仅剩 {ahead} 个空分区。"),
    "partitions_bad": ("The journal's partitions are nearly full.", "账本分区即将用尽。"),
    "partitions_do": (
        "Run `citypoints migrate` as the database's owner: it makes the next partitions.",
        "请以库属主身份运行 `citypoints migrate`，它会建立后续分区。",
    ),
    "audit_good": (
        "The last audit, {ago} ago, found no difference ({transactions} transactions).",
        "最近一次审计在 {ago}前，未发现差异（共 {transactions} 笔）。",
    ),
    "audit_never": ("No audit has been run yet.", "尚未运行过审计。"),
    "audit_old": (
        "The last audit was {ago} ago; it found no difference. One a day is wanted.",
        "最近一次审计在 {ago}前，未发现差异；应每天一次。",
    ),
    "audit_differs": (
        "Differences found by the audit of {when}: {differences}. The first are:",
        "{when} 的审计发现 {differences} 处差异，前几处为：",
    ),
    "audit_do": (
        "Run `citypoints audit --since-seal` daily, by cron or a timer; it may run beside live traffic.",
        "请通过定时任务每天运行 `citypoints audit --since-seal`，可与线上业务同时进行。",
    ),
    "audit_differs_do": _TO_OWNER,
    "full_audit_good": (
        "The last audit of the whole journal, {ago} ago, found no difference ({transactions} transactions).",
        "最近一次全量审计在 {ago}前，未发现差异（共 {transactions} 笔）。",
    ),
    "full_audit_never": ("The whole journal has not been audited yet.", "尚未运行过全量审计。"),
    "full_audit_old": (
        "The last audit of the whole journal was {ago} ago; it found no difference. One a month is wanted.",
        "最近一次全量审计在 {ago}前，未发现差异；应每月至少一次。",
    ),
    "full_audit_do": _RUN_AUDIT,
    "seal_good": ("The last seal, number {last}, was made {ago} ago.", "最近一次封存为第 {last} 号，在 {ago}前。"),
    "seal_warn": (
        "The last seal, number {last}, was made {ago} ago. One a day is due.",
        "最近一次封存为第 {last} 号，在 {ago}前；应每天一次。",
    ),
    "seal_never": ("Nothing is sealed yet.", "尚未封存过。"),
    "seal_do": (
        "The worker seals at 00:15 UTC: see below whether its job `seal` failed. `citypoints seal` says why, or seals.",
        "后台任务每天 00:15（UTC）封存：请查看下方 `seal` 任务是否失败。运行 `citypoints seal` 可补做或得知原因。",
    ),
    "log_off": (
        "The database stores no log for a backup, so a lost disk loses the ledger unless it is backed up otherwise.",
        "数据库未存储备份日志。如未采用其他备份方式，磁盘损坏将丢失账本。",
    ),
    "log_off_do": (
        "Set CITYPOINTS_BACKUP to a folder on another disk and start again; with your own PostgreSQL, use its means.",
        "请将 CITYPOINTS_BACKUP 设为另一块磁盘上的文件夹并重启；自备 PostgreSQL 时请用其自身的备份方式。",
    ),
    "log_good": ("The database's log is stored, last at {when}.", "数据库日志正常存储，最近一次：{when}。"),
    "log_waits": (
        "The database stores its log; nothing has had to be stored yet.",
        "数据库已开启日志存储，尚无需要存储的内容。",
    ),
    "log_bad": (
        "The database cannot store its log. Last stored: {when}",
        "数据库日志无法存储。最近一次成功：{when}",
    ),
    "log_do": (
        "`postgres/postgres.log` says why: make room, or mount the disk. What waits is stored by itself then.",
        "原因见 `postgres/postgres.log`：请清理空间或挂载磁盘，之后会自动补存。",
    ),
    "base_good": ("The last base backup was taken {ago} ago ({when}).", "最近一次基础备份在 {ago}前（{when}）。"),
    "base_warn": (
        "The last base backup was taken {ago} ago ({when}): a restore would have to replay all since.",
        "最近一次基础备份在 {ago}前（{when}），恢复时需重放其后的全部日志。",
    ),
    "base_never": ("The log is stored, but there is no base backup yet.", "日志已存储，但尚无基础备份。"),
    "base_do": ("Run `citypoints backup --keep 2`, daily.", "请每天运行 `citypoints backup --keep 2`。"),
    "base_unreadable": (
        "The backup folder cannot be read by this process, so nothing is known of base backups.",
        "本进程无法读取备份文件夹，不能得知基础备份情况。",
    ),
    "base_unreadable_do": (
        "`citypoints backup` says what is there, and what is wrong with it.",
        "请运行 `citypoints backup` 查看备份情况及原因。",
    ),
    "jobs_good": (
        "The worker runs; none of its {count} jobs failed or is late.",
        "后台任务正常，{count} 项均未失败或延误。",
    ),
    "jobs_failed": ("These jobs failed the last time: {jobs}.", "以下任务最近一次失败：{jobs}。"),
    "jobs_late": ("No worker seems to run: a job is late by {ago}.", "后台任务似未运行：有任务已延误 {ago}。"),
    "jobs_never": ("No worker has run yet.", "后台任务从未运行。"),
    "jobs_failed_do": (
        "A failed job is tried again every minute; the worker's log names the error.",
        "失败的任务每分钟重试；错误原因见后台进程日志。",
    ),
    "jobs_do": (
        "Start one with `citypoints worker`, or let `citypoints serve` run it (without --no-worker).",
        "请运行 `citypoints worker`，或由 `citypoints serve` 一并运行（不加 --no-worker）。",
    ),
    "epoch_first": ("The ledger has never been restored from a backup.", "账本从未由备份恢复过。"),
    "epoch_later": (
        "The ledger is in its epoch {number}, which began at {when} after a restore.",
        "账本处于第 {number} 纪元，始于 {when} 的一次恢复。",
    ),
    "epoch_do": (
        "Nothing, where you know of the restore. Readers of the feed are told by themselves where to read on.",
        "如已知悉该次恢复，则无需处理。事件流的读取方会自动获知从何处继续。",
    ),
    "queue_good": ("Commands that wait in the queue: {queued}.", "排队中的指令：{queued} 条。"),
    "queue_warn": ("The queue is long. Commands that wait: {queued}.", "排队较长：{queued} 条指令等待处理。"),
    "queue_do": (
        "Look at the database's disk and at locks. Above 20,000 in a process callers are told to try again.",
        "请检查数据库磁盘与锁。单进程超过 20,000 条时，调用方会被要求稍后重试。",
    ),
    "holds_none": ("No hold is past its time.", "没有到时未释放的预留。"),
    "holds_good": (
        "Holds past their time: {count}; the next hourly job releases them.",
        "{count} 笔预留已到时，将由每小时任务释放。",
    ),
    "holds_warn": (
        "Holds past their time: {count}, the first for {ago}. Members see their points released all the same.",
        "{count} 笔预留已到时未处理，最早已过 {ago}。会员查询时仍视为已释放。",
    ),
    "holds_do": (
        "The worker's job `expire` releases them: see below why it did not. `citypoints expire` does it at once.",
        "应由 `expire` 任务释放：请查看下方任务情况；`citypoints expire` 可立即处理。",
    ),
    "deliveries_good": (
        "Deliveries to webhooks that wait: {count}; none is late.",
        "等待推送的通知 {count} 条，均未延误。",
    ),
    "deliveries_late": (
        "Deliveries to webhooks that wait: {count}, the first for {ago}.",
        "等待推送的通知 {count} 条，最早已等待 {ago}。",
    ),
    "deliveries_dead": (
        "Deliveries to webhooks given up: {dead}; that wait: {count}.",
        "{dead} 条通知已放弃推送，{count} 条等待中。",
    ),
    "deliveries_late_do": (
        "See whether the worker runs. A receiver that is slow or dead costs only itself: tell its partner.",
        "请确认后台任务在运行。接收方缓慢或失联只影响其自身，请联系该合作方。",
    ),
    "deliveries_dead_do": (
        "Their partners mend the receiver and replay them; the feed has every event all the same.",
        "请相应合作方修复接收端后重新推送；事件流中仍有全部事件。",
    ),
    "appeals_none": ("No appeal waits.", "没有待处理的申诉。"),
    "appeals_plain": ("Appeals that wait: {count}, the oldest for {ago}.", "待处理申诉 {count} 件，最早已等待 {ago}。"),
    "appeals_warn": (
        "Appeals that wait: {count}, the oldest for {ago}: longer than its member was told.",
        "待处理申诉 {count} 件，最早已等待 {ago}，已超过答复期限。",
    ),
    "appeals_do": ("Answer the oldest first.", "请从最早的一件开始答复。"),
    # Figures.
    "posting_title": ("Posting", "记账情况"),
    "lately": ("Transactions in 5 minutes", "近 5 分钟笔数"),
    "today": ("Transactions today", "今日笔数"),
    "queued": ("In the queue", "排队中"),
    "refusals": ("Refused", "被拒绝"),
    "replays": ("Answered again", "重复请求应答"),
    "since_start": ("since the processes started", "自进程启动以来"),
    "within_50": ("Half within", "半数耗时不超过"),
    "within_95": ("95% within", "95% 耗时不超过"),
    "within_99": ("99% within", "99% 耗时不超过"),
    "seconds": ("{number} ms", "{number} 毫秒"),
    "beyond": ("over 10 s", "10 秒以上"),
    "hours_title": ("Transactions in each of the last 24 hours", "最近 24 小时每小时笔数"),
    "hour": ("Hour from", "起始时间"),
    "count": ("Transactions", "笔数"),
    "jobs_title": ("The worker's jobs", "后台任务"),
    "job": ("Job", "任务"),
    "job_last": ("Ended last", "上次结束"),
    "job_outcome": ("How", "结果"),
    "job_next": ("Due next", "下次运行"),
    "job_failed": ("failed", "失败"),
    "job_ended": ("done", "完成"),
    "job_waits": ("not run yet", "尚未运行"),
    "job_expire": ("Expiry of points and holds", "积分及预留到期"),
    "job_notices": ("Expiry notices", "到期提醒"),
    "job_seal": ("Seal", "封存"),
    "job_prune-deliveries": ("Old deliveries", "清理推送记录"),
    "job_prune-imports": ("Old import files", "清理导入文件"),
    "job_prune-codes": ("Old member codes", "清理会员码"),
    "job_prune-sessions": ("Ended sessions", "清理登录会话"),
    "job_measure-backlog": ("Waiting deliveries", "统计待推送数"),
    "job_covers": ("Covers of issuers", "发行方备付"),
    "job_overdue": ("Overdue issuers", "逾期发行方"),
}
