"""The words around pages for people who are signed in, and of signing in: English and Simplified Chinese."""

from collections.abc import Mapping

FRAME: Mapping[str, tuple[str, str]] = {
    "name": ("City Points", "城市积分"),
    "version": ("Version", "版本"),
    "skip": ("Skip to the content", "跳到正文"),
    "sections": ("Sections", "栏目"),
    "display": ("Display", "显示"),
    "large_on": ("Larger type", "大字版"),
    "large_off": ("Normal type", "标准字号"),
    "sign_in": ("Sign in", "登录"),
    "sign_out": ("Sign out", "退出登录"),
    "sandbox_title": ("This is a sandbox.", "这是沙盒。"),
    "sandbox": ("Nothing in it is real.", "其中没有真实数据。"),
    "demo_sign_in_title": ("Demo.", "演示。"),
    "demo_sign_in": (
        "Anybody on this machine can sign in as anybody; people and points are made up.",
        "本机上的任何人都可以任意身份登录；人物和积分均为虚构。",
    ),
    "start": ("Start page", "首页"),
    "back": ("Back", "返回"),
    "nav_balance": ("Balance", "余额"),
    "nav_code": ("My code", "会员码"),
    "nav_statement": ("Statement", "流水"),
    "nav_flows": ("In and out", "来源去向"),
    "nav_gift": ("Gift", "转赠"),
    "nav_notices": ("Expiry notices", "到期提醒"),
    "nav_appeals": ("Appeals", "申诉"),
    "nav_consents": ("Consents", "授权同意"),
    "nav_data": ("My data", "我的数据"),
    "nav_account": ("Sign-in", "登录信息"),
}

SIGN_IN: Mapping[str, tuple[str, str]] = {
    "title": ("Sign in", "登录"),
    "lead": (
        "You sign in at your city's identity provider. We learn who you are here, but not your name or your password.",
        "您将前往城市统一身份认证平台登录。我们只获知您在本系统中的身份，不获取您的姓名和密码。",
    ),
    "lead_demo": (
        "In the demo you choose who you want to be; there are no passwords.",
        "在演示中，您可以选择任意身份，无需密码。",
    ),
    "go": ("Continue to sign in", "前往登录"),
    "ended_title": ("You are signed out", "您已退出登录"),
    "ended": (
        "Your session has ended: you signed out, or made no request for 30 minutes, or 12 hours are over.",
        "会话已结束：30 分钟无操作、登录满 12 小时，或您已退出登录。",
    ),
    "signed_out": (
        "Your session here has ended. On a shared device, sign out at the identity provider and close the browser.",
        "本系统的会话已结束。使用公共设备时，请同时在身份认证平台退出，并关闭浏览器。",
    ),
    "erased": (
        "Your account is closed, and everything that said who you are is erased.",
        "您的账户已关闭，可识别您身份的数据均已删除。",
    ),
    "nothing_sent": ("What you sent was not carried out.", "您提交的内容未被执行。"),
    "off_title": ("Nobody can sign in here", "本服务未开启登录"),
    "off": (
        "The operator has not configured an identity provider.",
        "运营方尚未配置身份认证平台。",
    ),
    "try_again": ("Try again", "重新登录"),
    "failed_title": ("You are not signed in", "登录未完成"),
    "provider-unreachable": (
        "The identity provider cannot be reached at the moment. Try again in a few minutes.",
        "暂时无法连接身份认证平台，请几分钟后再试。",
    ),
    "provider-refused": (
        "The identity provider did not sign you in, or you stopped there.",
        "身份认证平台未完成登录，或您已取消。",
    ),
    "not-our-sign-in": (
        "This answer belongs to no sign-in that this browser began in the last ten minutes, or it was used before.",
        "此登录结果不属于本浏览器在十分钟内发起的登录，或已被使用。",
    ),
    "token-refused": (
        "The identity provider's answer could not be trusted, so it was not used.",
        "身份认证平台返回的结果无法通过校验，未被采用。",
    ),
    "code-refused": (
        "The identity provider no longer accepts this answer: it has expired or was used already.",
        "身份认证平台不再接受此登录结果：已过期或已被使用。",
    ),
    "no-role": (
        "You are known, but you have no role in this service. Ask the office that manages your account.",
        "您的身份已确认，但在本服务中没有角色。请联系您的账号管理部门。",
    ),
    "no-member": (
        "You are known, but your account is linked to no member of the city's points. Ask the card office.",
        "您的身份已确认，但尚未关联城市积分会员。请联系市民卡中心。",
    ),
    "no-partner": (
        "You are known, but your account is linked to no partner of the city's points. Ask the operator.",
        "您的身份已确认，但尚未关联城市积分合作方。请联系运营方。",
    ),
    "forbidden_title": ("This page is not for you", "您无权访问此页面"),
    "forbidden": (
        (
            "You are signed in, but not in a role that this page is for. Nothing was done. "
            "Go back, or sign out and sign in in another role."
        ),
        "您已登录，但当前身份无权访问此页面，未执行任何操作。请返回；如有其他身份，请退出后重新登录。",
    ),
    "forged_title": ("The form was not accepted", "表单未被接受"),
    "forged": (
        "It did not come from a page of this session, so nothing was done. Open the page again and send it once more.",
        "表单并非来自本次会话的页面，未执行任何操作。请重新打开页面后再次提交。",
    ),
    "missing_title": ("There is nothing here", "这里没有内容"),
    "missing": (
        "The address leads to nothing of yours; perhaps it is old or mistyped. Nothing was done. Go back and look.",
        "该地址没有属于您的内容，可能已失效或输入有误，未执行任何操作。请返回后重新查找。",
    ),
    "malformed_title": ("This could not be read", "无法识别"),
    "malformed": (
        (
            "The address or the form holds something that this page cannot use. Nothing was done. "
            "Open the page again and fill it in anew."
        ),
        "地址或表单中含有无法使用的内容，未执行任何操作。请重新打开页面后填写。",
    ),
    "busy_title": ("Not at the moment", "请稍后再试"),
    "busy": (
        "The service cannot answer right now. Nothing was done; try again in a moment.",
        "服务暂时无法响应，未执行任何操作，请稍后再试。",
    ),
    "many_title": ("Too many requests", "请求过于频繁"),
    "many": ("Nothing was done. Wait a minute and try again.", "未执行任何操作，请等待一分钟后再试。"),
    "refused_title": ("This was not done", "未执行"),
    "refused": (
        "The ledger does not allow it at the moment. Nothing was changed. Go back and see how it stands now.",
        "账本目前不允许此操作，未作任何更改。请返回查看最新状态。",
    ),
    "fault_title": ("Something went wrong", "出现故障"),
    "fault": (
        "The fault is ours and was logged. Look whether it was done before you send it again. Its number:",
        "故障出在我们这里，已记录。再次提交前，请先确认是否已办理。编号：",
    ),
    "account_title": ("How you are signed in", "登录信息"),
    "kind": ("Signed in as", "当前身份"),
    "kind_citizen": ("citizen", "市民"),
    "kind_merchant": ("merchant", "商户"),
    "kind_staff": ("staff", "工作人员"),
    "partner": ("Partner", "合作方"),
    "roles": ("Roles", "角色"),
    "until": ("Signed in until", "登录有效至"),
    "until_note": (
        "at the latest; 30 minutes without a request end it earlier.",
        "（最晚）；30 分钟无操作将提前结束。",
    ),
    "no_console": (
        "There are no pages for this role; use the API and the command line with a key.",
        "此身份没有专属页面；请使用密钥通过接口和命令行操作。",
    ),
    "to_portal": ("To my points", "前往我的积分"),
    "to_merchant": ("To the merchant console", "前往商户工作台"),
    "to_finance": ("To the finance console", "前往财务工作台"),
    "to_operator/appeals": ("To the appeals", "前往申诉处理"),
    "to_operator": ("To the operator's page", "前往运营页面"),
    "role_operator": ("operator", "运营"),
    "role_finance-clerk": ("finance clerk", "财务经办"),
    "role_finance-approver": ("second approver", "财务复核"),
    "role_manager": ("manager", "客户经理"),
    "role_auditor": ("auditor", "审计"),
    "role_support": ("support", "客服"),
}
