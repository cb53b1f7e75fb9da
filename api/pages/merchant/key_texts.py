"""The words of the merchant console about API keys: English and Simplified Chinese."""

from collections.abc import Mapping

KEYS: Mapping[str, tuple[str, str]] = {
    "keys_title": ("API keys", "接口密钥"),
    "keys_lead": (
        "With a key your system posts as you. Give each system its own, and end what you no longer use.",
        "持有密钥的系统可以您的名义入账。请为每个系统单独创建密钥，并及时停用不再使用的密钥。",
    ),
    "make_title": ("Make a key", "创建密钥"),
    "lifetime": ("Good for", "有效期"),
    "lifetime_90": ("90 days", "90 天"),
    "lifetime_365": ("one year", "一年"),
    "lifetime_none": ("until it is ended", "长期有效，直至停用"),
    "make": ("Make the key", "创建"),
    "list_title": ("Your keys", "密钥列表"),
    "list_none": (
        "No key yet. Make one for the system that shall post.",
        "暂无密钥。请为需要入账的系统创建一个。",
    ),
    "prefix": ("Begins with", "前缀"),
    "created": ("Made", "创建时间"),
    "expires": ("Good until", "有效至"),
    "action": ("Change", "操作"),
    "never": ("until it is ended", "直至停用"),
    "state_good": ("In use", "使用中"),
    "state_expired": ("Expired", "已过期"),
    "state_revoked": ("Ended", "已停用"),
    "rotate": ("Replace", "更换"),
    "revoke": ("End", "停用"),
    "new_title": ("Your new key", "新密钥"),
    "new_lead": (
        "It is shown this once. Copy it into your system's secret store now; nobody can show it again.",
        "密钥仅显示这一次。请立即复制并妥善保存在您的系统中，之后无法再次查看。",
    ),
    "new_key": ("The key", "密钥"),
    "new_again_title": ("This key was made already", "该密钥已创建"),
    "new_again": (
        "It was shown once, when it was made, and is not stored. If you did not copy it, end it and make another.",
        "密钥仅在创建时显示一次，系统不予保存。如未复制，请停用该密钥并重新创建。",
    ),
    "back_to_keys": ("To the list of keys", "返回密钥列表"),
    "rotate_title": ("Replace a key", "更换密钥"),
    "rotate_lead": (
        "A new key is made with the same lifetime. The old one works on for as long as you say, so that nothing stops.",
        "将创建一个有效期相同的新密钥；旧密钥在您选择的时间内仍可使用，业务不中断。",
    ),
    "overlap": ("The old key works on for", "旧密钥继续有效"),
    "overlap_0": ("no longer: it ends now", "立即停用"),
    "overlap_86400": ("one day", "一天"),
    "overlap_604800": ("seven days", "七天"),
    "rotate_now": ("Make the new key", "创建新密钥"),
    "revoke_title": ("End this key?", "确认停用此密钥？"),
    "revoke_lead": (
        "Whatever still uses it is refused within about a second. This cannot be undone.",
        "仍在使用该密钥的系统将在约一秒内被拒绝。此操作不可撤销。",
    ),
    "revoke_now": ("End it for good", "确认停用"),
    "keep": ("Keep it", "保留"),
    "was_revoked": ("The key is ended.", "密钥已停用。"),
    "choice_wrong": ("Choose one of the possibilities.", "请选择其中一项。"),
}
