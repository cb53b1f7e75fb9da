"""The words of the demo's identity provider: English and Simplified Chinese."""

from collections.abc import Mapping

DEMO: Mapping[str, tuple[str, str]] = {
    "title": ("Who do you want to be?", "您想以谁的身份登录？"),
    "lead": (
        "This stands in for the city's identity provider. Choose a person; there are no passwords.",
        "此处代替城市统一身份认证平台。请选择一个身份，无需密码。",
    ),
    "malformed": (
        "This request to the demo's identity provider is not from this service.",
        "此请求并非来自本服务。",
    ),
    "person_citizen": ("A citizen", "市民"),
    "about_citizen": ("sees balance, statement, and what expires", "查看余额、流水和到期积分"),
    "person_merchant": ("A merchant: Old Street Tea House", "商户：老街茶馆"),
    "about_merchant": ("gives and takes points", "发放和受理积分"),
    "person_finance-clerk": ("The finance clerk", "财务经办"),
    "about_finance-clerk": ("prepares what is settled", "发起结算"),
    "person_finance-approver": ("The second approver", "财务复核"),
    "about_finance-approver": ("checks and approves it", "复核并批准"),
    "person_operator": ("The operator", "运营"),
    "about_operator": ("sets the service up", "管理系统设置"),
}
