"""The words of the merchant console about imports: English and Simplified Chinese."""

from collections.abc import Mapping

IMPORTS: Mapping[str, tuple[str, str]] = {
    "imports_title": ("Imports", "文件导入"),
    "imports_lead": (
        "A CSV or NDJSON file of any size, as your till or your accounts write it. No line is posted twice.",
        "上传收银或账务系统导出的 CSV 或 NDJSON 文件，大小不限，无需修改。同一行不会重复入账。",
    ),
    "file": ("File", "文件"),
    "file_note": ("CSV or NDJSON; lines in the order of time", "CSV 或 NDJSON，按时间先后排列"),
    "mapping": ("Which column is what", "列对应关系"),
    "mapping_note": (
        "TOML. Put in the names of your columns; what you last used stands here.",
        "TOML 格式。请填入您文件中的列名；此处为上次使用的内容。",
    ),
    "upload": ("Upload and post", "上传并入账"),
    "entries_title": ("What the entries mean", "各项含义"),
    "entry": ("Entry", "项"),
    "meaning": ("Meaning", "含义"),
    "entry_key": (
        "column whose value no two lines share, such as the invoice number; a list of columns is joined",
        "每行唯一的列，如单据号；可填写多列组合",
    ),
    "entry_member": (
        "column that names the member; by = reference (your own number), card or id",
        "会员所在列；by 取 reference（商户自有编号）、card（卡号）或 id（会员编号）",
    ),
    "entry_spend": (
        "column with the money spent; unit = decimal (12.50) or minor (1250)",
        "消费金额所在列；unit 取 decimal（12.50）或 minor（1250）",
    ),
    "entry_points": ("instead of spend: column with whole points", "不按消费金额时：积分数所在列"),
    "entry_time": (
        "column with the time; format = iso, or such as %d/%m/%Y %H:%M",
        "交易时间所在列；format 取 iso 或如 %d/%m/%Y %H:%M",
    ),
    "entry_scene": ("one of clothing, food, housing, transport, leisure …, or a column", "场景代码，或场景所在列"),
    "entry_cancellation": (
        "column, with prefix or negative = true: lines that take an earlier spend back",
        "列名加 prefix 或 negative = true：表示冲回此前消费的行",
    ),
    "entry_create": ("true: a reference seen for the first time becomes a member", "true：首次出现的编号自动建立会员"),
    "list_title": ("Your imports", "导入记录"),
    "list_none": (
        "No import yet. Choose a file above; its lines are posted in the background.",
        "暂无导入记录。请在上方选择文件，系统将在后台逐行入账。",
    ),
    "received": ("Received", "接收时间"),
    "finished": ("Finished", "完成时间"),
    "lines_done": ("Lines done", "已处理行数"),
    "lines_posted": ("Posted", "已入账"),
    "lines_partly": ("of them in part", "其中部分入账"),
    "lines_refused": ("Refused", "被拒绝"),
    "lines_failed": ("Unreadable", "无法识别"),
    "state_waiting": ("Waiting", "等待中"),
    "state_running": ("Running", "处理中"),
    "state_done": ("Done", "已完成"),
    "state_failed": ("Stopped", "已中断"),
    "import_title": ("Import", "导入详情"),
    "progress": ("Progress", "进度"),
    "progress_note": ("This page brings itself up to date.", "本页会自动更新。"),
    "failed_note": (
        "A fault of ours stopped it; what is posted stays posted. Send the same file again: it goes on from there.",
        "系统故障导致中断，已入账的行保持有效。重新上传同一文件即可从中断处继续。",
    ),
    "all_posted": ("Every line is posted.", "全部行均已入账。"),
    "nothing_posted_yet": ("The first lines are being worked on.", "正在处理首批数据。"),
    "not_posted": (
        "Some lines were not posted, or not whole. Download them with the reasons; send them corrected as a new file.",
        "部分行未入账或仅部分入账。请下载清单及原因，修正后作为新文件重新上传。",
    ),
    "download_lines": ("Download the lines (CSV)", "下载未入账清单（CSV）"),
    "back_to_imports": ("All imports", "全部导入记录"),
    "no_name": ("(name no longer kept)", "（文件名已过保存期）"),
    "mapping_invalid": ("The mapping cannot be used, so nothing was posted.", "列对应关系无法使用，未入账。"),
    "file_invalid": ("The file cannot be used, so nothing was posted.", "文件无法使用，未入账。"),
    "at_entry": ("Entry", "项"),
    "got": ("Got", "现为"),
    "wanted": ("Wanted", "应为"),
    "file_again": (
        "Put it right and choose the file again: browsers do not keep it.",
        "请更正后重新选择文件：浏览器不会保留已选文件。",
    ),
}
