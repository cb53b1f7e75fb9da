"""Why a line stands in the statement, in the language of the page.

The English sentences are those of every answer (``ledger/reading/explanations.py``), whose words belong to the
answers' format, with the partner's name for its code; the Chinese ones here say the same.
"""

from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from api.pages.portal.portal_texts import PORTAL
from ledger.reading.explanations import explain
from ledger.reading.transaction_views import TransactionView
from ledger.rules.business_day import to_datetime
from ledger.rules.money import from_minor

_CHANNELS = {
    "app": "手机应用",
    "web": "网页",
    "pos": "收银台",
    "branch": "网点",
    "phone": "电话",
    "file": "文件",
}


class _Told(NamedTuple):
    """A transaction, and how its partner calls itself."""

    view: TransactionView
    partner: str


def explanation(view: TransactionView, language: str, partner_name: str | None) -> str:
    """The sentences that explain a transaction to its member, in ``en`` or ``zh``."""
    if language != "zh":
        return explain(replace(view, partner=partner_name))
    told = _Told(view, partner_name or "本系统")
    return _WHAT_HAPPENED[view.kind](told) + _spend(view)


def _is_gift_received(view: TransactionView) -> bool:
    return any(posting.debit.kind == "in_transit" for posting in view.postings)


def _spend(view: TransactionView) -> str:
    if view.spend_minor is None or view.rate is None or view.spend_minor == 0:
        return ""
    spend = _money(view.spend_minor, view)
    rule = (
        f"按照{view.programme}规则第{view.programme_version}版，每满{_money(view.rate.per_minor, view)}"
        f"得{view.rate.points}积分："
    )
    if view.kind == "reverse":
        return f"{rule}退回{spend}，少得{view.points}积分。"
    return f"{rule}消费{spend}，得{view.points}积分。"


def _earn(told: _Told) -> str:
    view = told.view
    stated = "" if view.spend_minor is not None else "，积分数由其自行确定"
    return f"{told.partner}发放{view.points}积分{_where(view)}{stated}。{_repaid(view)}"


def _redeem(told: _Told) -> str:
    return f"在{told.partner}使用{told.view.points}积分{_where(told.view)}{_cash(told.view)}。"


def _reverse(told: _Told) -> str:
    view = told.view
    if any(posting.debit.kind == "redeemed" for posting in view.postings):
        return f"{told.partner}退回{view.points}积分，原使用编号{view.reverses}。{_repaid(view)}"
    owed = sum(posting.points for posting in view.postings if posting.debit.kind == "shortfall")
    used_up = f"其中{owed}积分此前已使用，记为待抵扣。" if owed else ""
    return f"{told.partner}收回{view.points}积分，原获得编号{view.reverses}。{used_up}"


def _expire(told: _Told) -> str:
    view = told.view
    if view.is_given_up:
        return f"销户时放弃{view.points}积分。"
    last_days = "、".join(lot.expires_on.isoformat() for lot in view.lots if lot.expires_on is not None)
    return f"{view.points}积分到期，最后可用日为{last_days}。"


def _hold(told: _Told) -> str:
    view = told.view
    return f"为{told.partner}预留{view.points}积分{_where(view)}{_until(view)}。"


def _capture(told: _Told) -> str:
    view = told.view
    used = f"从编号{view.hold}的预留中，在{told.partner}使用{view.points}积分{_where(view)}{_cash(view)}。"
    if view.released == 0:
        return used
    return f"{used}这是最后一次使用，其余{view.released}积分已释放。{_repaid(view)}{_lapsed(view)}"


def _void(told: _Told) -> str:
    view = told.view
    return f"{told.partner}释放编号{view.hold}中的{view.points}积分。{_repaid(view)}{_lapsed(view)}"


def _hold_expire(told: _Told) -> str:
    view = told.view
    return f"为{told.partner}预留的编号{view.hold}已到时，{view.points}积分释放。{_repaid(view)}{_lapsed(view)}"


def _gift(told: _Told) -> str:
    view = told.view
    through = "" if view.partner is None else f"（通过{told.partner}）"
    if _is_gift_received(view):
        return f"收到其他会员转赠的{view.points}积分{through}。{_repaid(view)}"
    return f"向其他会员转赠{view.points}积分{through}。"


def _exchange(told: _Told) -> str:
    both = told.view.exchanged
    if both is None:
        msg = f"transaction {told.view.id} is an exchange and tells no programmes"
        raise ValueError(msg)
    return (
        f"{both.programme}的{both.burnt_points}积分兑换为{both.target_programme}的{both.earned_points}积分。"
        f"{_repaid(told.view)}"
    )


def _merge(told: _Told) -> str:
    view = told.view
    first = view.postings[0]
    is_credited = first.debit.kind == "in_transit"
    kind = first.credit.kind if is_credited else first.debit.kind
    arrives = is_credited != (kind == "shortfall")
    what = {
        "held": f"为{told.partner}预留的{view.points}积分{_until(view)}",
        "shortfall": f"待抵扣的{view.points}积分",
    }.get(kind, f"{view.points}积分")
    if not arrives:
        return f"{what}转入本人的另一账户。"
    return f"{what}由本人的另一账户转入。{_repaid(view) if kind == 'available' else ''}"


def _adjust(told: _Told) -> str:
    view = told.view
    if any(posting.credit.kind == "available" for posting in view.postings):
        return f"经两人复核，由{told.partner}承担，补发{view.points}积分。{_repaid(view)}"
    return f"经两人复核，收回{told.partner}发放的{view.points}积分。"


def _write_off(told: _Told) -> str:
    return f"经两人复核，豁免待抵扣的{told.view.points}积分。"


def _freeze(_: _Told) -> str:
    return "账户已冻结。"


_WHAT_HAPPENED: dict[str, Callable[[_Told], str]] = {
    "freeze": _freeze,
    "earn": _earn,
    "redeem": _redeem,
    "reverse": _reverse,
    "expire": _expire,
    "hold": _hold,
    "capture": _capture,
    "void": _void,
    "hold-expire": _hold_expire,
    "gift": _gift,
    "exchange": _exchange,
    "merge": _merge,
    "adjust": _adjust,
    "write-off": _write_off,
}
"""What can be a line of a member's statement, and the freeze, which can be appealed against.

The rest concerns the account as a whole, or nobody's points.
"""


def _where(view: TransactionView) -> str:
    named = []
    if view.scene is not None:
        named.append(f"场景：{PORTAL[f'scene_{view.scene}'][1]}")
    if view.outlet is not None:
        named.append(f"门店：{view.outlet}")
    if view.channel is not None:
        named.append(f"渠道：{_CHANNELS[view.channel]}")
    return f"（{'，'.join(named)}）" if named else ""


def _cash(view: TransactionView) -> str:
    return "" if view.cash_minor is None else f"，另付现金{_money(view.cash_minor, view)}"


def _repaid(view: TransactionView) -> str:
    repaid = sum(posting.points for posting in view.postings if posting.credit.kind == "shortfall")
    return f"其中{repaid}积分用于抵扣欠分。" if repaid else ""


def _lapsed(view: TransactionView) -> str:
    lapsed = sum(posting.points for posting in view.postings if posting.credit.kind == "expired")
    return f"其中{lapsed}积分已过最后可用日，已到期。" if lapsed else ""


def _until(view: TransactionView) -> str:
    return "" if view.expires_at is None else f"，至{to_datetime(view.expires_at):%Y-%m-%d %H:%M}（UTC）"


def _money(minor: int, view: TransactionView) -> str:
    if view.currency is None:
        msg = f"transaction {view.id} has an amount of money and no programme"
        raise ValueError(msg)
    return f"{from_minor(minor, view.currency)} {view.currency}"
