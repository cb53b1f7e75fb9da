"""The words of the pages, in English and Simplified Chinese."""

from collections.abc import Mapping

LANGUAGES: Mapping[str, str] = {"en": "English", "zh": "简体中文"}
"""What a reader can choose, each language in its own words."""

LANGUAGE_TAGS: Mapping[str, str] = {"en": "en", "zh": "zh-Hans"}

_TEXTS: Mapping[str, tuple[str, str]] = {
    "name": ("City Points Ledger", "城市积分账本"),
    "lead": (
        (
            "The double-entry ledger behind a city's points. Merchants, public services and bank "
            "products post to it, citizens look into it, and an auditor can prove every point."
        ),
        "城市综合积分背后的复式账本：商户、政务服务和银行产品在此记账，市民随时可查，每一分都可审计、可证明。",
    ),
    "sandbox_title": ("This is a sandbox.", "这是沙盒。"),
    "sandbox": (
        "Its clock is set by the operator, and nothing in it is real. It can never become live.",
        "时钟由运营方设定，其中没有真实数据，也永远不会变为正式账本。",
    ),
    "demo_title": ("This ledger holds a demo city.", "本账本含有演示城市。"),
    "demo": (
        "Its citizens, merchants and points are made up.",
        "其中的市民、商户和积分均为虚构。",
    ),
    "places": ("Where everything is", "入口一览"),
    "docs": ("Every request, to read and to try. Works offline.", "全部接口，可阅读、可试用，离线可用。"),
    "docs_name": ("API browser", "接口浏览"),
    "schema": ("The same for programs: OpenAPI 3.1.", "供程序读取的 OpenAPI 3.1 文档。"),
    "schema_name": ("OpenAPI document", "OpenAPI 文档"),
    "problems": (
        "Every refusal has a code, and every code has a page that says what to do.",
        "每种拒绝都有代码，每个代码都有说明页。",
    ),
    "problems_name": ("Problems", "问题说明"),
    "healthz": ("Is the process alive?", "进程是否存活？"),
    "healthz_name": ("Alive", "存活"),
    "readyz": ("Is the database reached and migrated?", "数据库是否可用、已迁移？"),
    "readyz_name": ("Ready", "就绪"),
    "metrics": ("Latencies, queues and refusals, for Prometheus.", "延迟、队列与拒绝，供 Prometheus 采集。"),
    "metrics_name": ("Metrics", "指标"),
    "rules": ("Three things to rely on", "三项保证"),
    "retry_name": ("Retry without fear.", "放心重试。"),
    "retry": (
        (
            "Every change carries an Idempotency-Key. The same key and request give the same answer "
            "again, and take effect once."
        ),
        "每次变更都带 Idempotency-Key。相同的键和请求得到相同的答复，只生效一次。",
    ),
    "refusal_name": ("A refusal says why.", "拒绝必说明原因。"),
    "refusal": (
        "A code for your program, a sentence for your staff, and the figures behind it.",
        "给程序一个代码，给员工一句话，并附上相关数字。",
    ),
    "history_name": ("History stays.", "历史不可更改。"),
    "history": (
        (
            "Nothing is edited or deleted. A correction is a new transaction that names the old one, "
            "and every row is chained to the one before."
        ),
        "不修改、不删除。更正是一笔指明原交易的新交易，每一行都与前一行相链。",
    ),
    "tour": ("A tour in eleven commands", "十一步快速上手"),
    "tour_lead": (
        (
            "Open a shell in the folder where the service was started, and copy. Run it all twice if "
            "you like: the keys are the same, so the second time changes nothing."
        ),
        "在启动服务的目录中打开终端，逐条复制执行。可以重复执行：键相同，第二次不会改变任何内容。",
    ),
    "step_prepare": ("Say where the service is.", "指定服务地址。"),
    "step_operator": ("Make a key for yourself, the operator.", "为运营方（您自己）创建密钥。"),
    "step_partner": ("Add a merchant, and make a key for it.", "添加一家商户并为其创建密钥。"),
    "step_member": (
        "The merchant brings a member, under a number of its own.",
        "商户以自有编号登记一位会员。",
    ),
    "step_earn": (
        "The member earns 120 points. Run it twice: the second answer says “Idempotency-Replayed: true”.",
        "会员获得 120 积分。执行两次：第二次答复带有“Idempotency-Replayed: true”。",
    ),
    "step_redeem": ("The member redeems 30.", "会员使用 30 积分。"),
    "step_reverse": (
        "Part of it is returned: 10 points go back into the lot they came from.",
        "部分退货：10 积分退回原批次。",
    ),
    "step_balance": ("Read the balance: 100 available.", "查询余额：可用 100。"),
    "step_statement": (
        "Read the statement: three lines, newest first.",
        "查询流水：三行，最新在前。",
    ),
    "step_lookup": (
        "An answer got lost? Ask what became of the key.",
        "答复丢失了？用键查询结果。",
    ),
    "step_audit": (
        "Let the auditor rebuild everything from the journal and compare.",
        "让审计程序依据日记账重建一切并比对。",
    ),
    "problems_lead": (
        (
            "Every error is answered as application/problem+json (RFC 9457). Go by the code; titles "
            "and sentences are for people."
        ),
        "所有错误均以 application/problem+json（RFC 9457）答复。程序请以代码为准，标题和说明供人阅读。",
    ),
    "problems_language": ("", "各问题的说明目前为英文。"),
    "status": ("Status", "状态"),
    "problem": ("Problem", "问题"),
    "try_again": ("Try again?", "可否重试"),
    "yes": ("yes", "可"),
    "no": ("no", "否"),
    "meaning": ("What it means", "含义"),
    "what_to_do": ("What to do", "处理办法"),
    "retryable_yes": (
        "The same request with the same Idempotency-Key may succeed later.",
        "相同的请求和相同的 Idempotency-Key 稍后可能成功。",
    ),
    "retryable_no": (
        "The same request gives the same answer again.",
        "相同的请求会得到相同的答复。",
    ),
    "facts": ("Facts in the answer", "答复中的数据"),
    "example": ("How the answer looks", "答复示例"),
    "unknown_title": ("No such problem", "没有这个问题代码"),
    "unknown": ("is not the code of any problem of this service.", "不是本服务的问题代码。"),
    "all_problems": ("All problems", "全部问题"),
    "start": ("Start page", "首页"),
    "copy_button": ("Copy", "复制"),
    "copied_button": ("Copied", "已复制"),
    "version": ("Version", "版本"),
    "portal": (
        "For citizens: balance, statement, gifts. Sign in to see yours.",
        "面向市民：余额、流水、转赠。登录后查看。",
    ),
    "portal_name": ("My points", "我的积分"),
    "merchant": (
        "For merchants: the counter, today, find and reverse, imports, statements, keys.",
        "面向商户：收银台、今日概况、查询与冲正、文件导入、对账单、密钥。",
    ),
    "merchant_name": ("Merchant console", "商户工作台"),
    "finance": (
        "For finance: close a day, review its batch, pay with a second person, reports.",
        "面向财务：日结、批次复核、双人付款、报表。",
    ),
    "finance_name": ("Finance console", "财务工作台"),
    "operator": (
        "For the operator: whether all is well, programmes, partners, keys, appeals.",
        "面向运营：系统状况、积分计划、合作方、密钥、申诉。",
    ),
    "operator_name": ("Operation", "运营页面"),
    "demo_sign_in_title": ("Demo.", "演示。"),
    "demo_sign_in": (
        "Anybody on this machine can sign in as anybody. It answers on this machine alone.",
        "本机上的任何人都可以任意身份登录；仅限本机访问。",
    ),
    "script_needed": (
        "The API browser needs JavaScript. Without it, read /schema/openapi.json.",
        "接口浏览需要 JavaScript。否则请阅读 /schema/openapi.json。",
    ),
}


def texts_in(language: str) -> dict[str, str]:
    """Every text of the public pages by its key, in ``en`` or ``zh``."""
    return in_language(_TEXTS, language)


def in_language(texts: Mapping[str, tuple[str, str]], language: str) -> dict[str, str]:
    """The texts of an area, each an English and a Chinese one, in ``en`` or ``zh``."""
    column = list(LANGUAGES).index(language)
    return {key: columns[column] for key, columns in texts.items()}
