"""Who takes part in the demo city: partners with their habits, and citizens, who are only references."""

from typing import Literal

import msgspec

from ledger.rules.programmes import PartnerKind

PROGRAMME = "CITY"
ZONE = "Asia/Shanghai"
CITIZENS = 300

# Hours at which people come; an hour that stands twice draws twice as many.
BREAKFAST = (7, 7, 8, 8, 9)
MEALS = (11, 12, 12, 12, 13, 17, 18, 18, 18, 19, 20)
COMMUTE = (7, 8, 8, 9, 17, 18, 18, 19)
AFTER_WORK = (10, 15, 17, 18, 19, 19, 20, 20)
EVENING = (14, 16, 18, 19, 19, 20, 20, 21)
OFFICE = (9, 10, 10, 11, 13, 14, 15, 16)
ANY_HOUR = (8, 10, 12, 13, 15, 17, 19, 20, 21, 22)

Channel = Literal["app", "web", "pos", "branch"]


class DemoPartner(msgspec.Struct, frozen=True, kw_only=True):
    """A partner and how the city uses it.

    ``weekday`` and ``weekend`` are shares of all visits. A merchant's visit is a spend between the two
    amounts of ``spend_yuan``; any other partner gives one of ``awards`` (points), which can be used
    after ``pending_days``.
    """

    code: str
    name: str
    scene: str
    kind: PartnerKind = "merchant"
    channel: Channel = "pos"
    outlets: int = 1
    hours: tuple[int, ...] = AFTER_WORK
    weekday: float = 1.0
    weekend: float = 1.0
    spend_yuan: tuple[int, int] = (0, 0)
    awards: tuple[int, ...] = ()
    pending_days: int = 0
    may_issue: bool = True
    may_accept: bool = True


CARD_OFFICE = DemoPartner(
    code="CARD-OFFICE",
    name="市民卡中心 City Card Office",
    kind="government",
    scene="government",
    channel="branch",
    hours=OFFICE,
    weekday=0.3,
    weekend=0.0,
    awards=(50, 100),
    may_accept=False,
)
"""Where citizens are enrolled; the other partners are told about them as they come."""

_MERCHANTS = (
    DemoPartner(
        code="DAWN-BAOZI",
        name="晨光包子铺 Dawn Baozi",
        scene="food",
        outlets=4,
        hours=BREAKFAST,
        weekday=3.0,
        weekend=1.5,
        spend_yuan=(6, 30),
    ),
    DemoPartner(
        code="OLD-STREET-TEA",
        name="老街茶馆 Old Street Tea House",
        scene="food",
        hours=EVENING,
        weekday=1.0,
        weekend=2.5,
        spend_yuan=(18, 120),
    ),
    DemoPartner(
        code="RIVERSIDE-NOODLES",
        name="江边面馆 Riverside Noodles",
        scene="food",
        outlets=3,
        hours=MEALS,
        weekday=3.0,
        weekend=2.0,
        spend_yuan=(15, 60),
    ),
    DemoPartner(
        code="GREEN-BASKET",
        name="绿篮超市 Green Basket Market",
        scene="food",
        outlets=5,
        hours=AFTER_WORK,
        weekday=3.5,
        weekend=5.0,
        spend_yuan=(25, 320),
    ),
    DemoPartner(
        code="LANTERN-COFFEE",
        name="灯笼咖啡 Lantern Coffee",
        scene="food",
        channel="app",
        outlets=2,
        hours=COMMUTE,
        weekday=2.5,
        weekend=1.5,
        spend_yuan=(16, 60),
    ),
    DemoPartner(
        code="SILK-LANE",
        name="丝巷服饰 Silk Lane Clothing",
        scene="clothing",
        outlets=2,
        hours=EVENING,
        weekday=0.5,
        weekend=1.6,
        spend_yuan=(80, 900),
    ),
    DemoPartner(
        code="SMALL-STEPS",
        name="小步童鞋 Small Steps Shoes",
        scene="clothing",
        channel="web",
        hours=ANY_HOUR,
        weekday=0.4,
        weekend=0.9,
        spend_yuan=(60, 400),
    ),
    DemoPartner(
        code="WARM-HOME",
        name="暖居家电 Warm Home Appliances",
        scene="housing",
        hours=EVENING,
        weekday=0.15,
        weekend=0.5,
        spend_yuan=(150, 4000),
    ),
    DemoPartner(
        code="PINE-COURT",
        name="松苑物业 Pine Court Residences",
        scene="housing",
        channel="app",
        hours=ANY_HOUR,
        weekday=0.4,
        weekend=0.4,
        spend_yuan=(80, 600),
    ),
    DemoPartner(
        code="CITY-METRO",
        name="城市地铁 City Metro",
        scene="transport",
        outlets=12,
        hours=COMMUTE,
        weekday=5.0,
        weekend=2.0,
        spend_yuan=(2, 12),
    ),
    DemoPartner(
        code="SWIFT-CAB",
        name="迅行出租 Swift Cab",
        scene="transport",
        channel="app",
        hours=ANY_HOUR,
        weekday=1.0,
        weekend=1.6,
        spend_yuan=(12, 90),
    ),
    DemoPartner(
        code="STARLIGHT-CINEMA",
        name="星光影院 Starlight Cinema",
        scene="leisure",
        channel="app",
        outlets=2,
        hours=EVENING,
        weekday=0.7,
        weekend=2.6,
        spend_yuan=(35, 240),
    ),
    DemoPartner(
        code="LAKE-PARK",
        name="湖滨公园 Lakeside Park",
        scene="leisure",
        hours=OFFICE,
        weekday=0.4,
        weekend=2.4,
        spend_yuan=(10, 120),
    ),
    DemoPartner(
        code="OPEN-COURT",
        name="全民球馆 Open Court Sports",
        scene="leisure",
        hours=EVENING,
        weekday=0.8,
        weekend=1.4,
        spend_yuan=(30, 160),
    ),
    DemoPartner(
        code="WILLOW-PHARMACY",
        name="柳叶药房 Willow Leaf Pharmacy",
        scene="health",
        outlets=3,
        hours=AFTER_WORK,
        weekday=0.9,
        weekend=0.9,
        spend_yuan=(12, 260),
    ),
    DemoPartner(
        code="BRIGHT-EYES",
        name="明目眼镜 Bright Eyes Optics",
        scene="health",
        hours=EVENING,
        weekday=0.1,
        weekend=0.4,
        spend_yuan=(120, 1500),
    ),
    DemoPartner(
        code="INK-BOOKS",
        name="墨香书店 Ink & Paper Books",
        scene="education",
        outlets=2,
        hours=EVENING,
        weekday=0.6,
        weekend=1.6,
        spend_yuan=(20, 220),
    ),
    DemoPartner(
        code="EVENING-SCHOOL",
        name="市民夜校 Citizens' Evening School",
        scene="education",
        channel="web",
        hours=EVENING,
        weekday=0.5,
        weekend=0.2,
        spend_yuan=(100, 800),
    ),
)

_AGENCIES = (
    CARD_OFFICE,
    DemoPartner(
        code="BLOOD-CENTRE",
        name="血液中心 Blood Donation Centre",
        kind="government",
        scene="health",
        channel="branch",
        hours=OFFICE,
        weekday=0.15,
        weekend=0.4,
        awards=(500,),
        may_accept=False,
    ),
    DemoPartner(
        code="GREEN-CITY",
        name="绿色城市办 Green City Office",
        kind="government",
        scene="government",
        channel="app",
        hours=ANY_HOUR,
        weekday=0.8,
        weekend=1.2,
        awards=(10, 20, 30),
        may_accept=False,
    ),
)

_BANK_PRODUCTS = (
    DemoPartner(
        code="BANK-DEBIT",
        name="城市银行借记卡 City Bank Debit Card",
        kind="bank",
        scene="banking",
        channel="app",
        hours=ANY_HOUR,
        weekday=1.0,
        weekend=0.6,
        awards=(20, 40, 60),
    ),
    DemoPartner(
        code="BANK-DEPOSIT",
        name="城市银行定期存款 City Bank Time Deposit",
        kind="bank",
        scene="banking",
        channel="branch",
        hours=OFFICE,
        weekday=0.25,
        weekend=0.0,
        awards=(300, 600, 1000),
        pending_days=14,
    ),
    DemoPartner(
        code="BANK-MOBILE",
        name="城市银行手机银行 City Bank Mobile",
        kind="bank",
        scene="banking",
        channel="app",
        hours=ANY_HOUR,
        weekday=0.8,
        weekend=0.8,
        awards=(5, 10),
    ),
)

CHARITY = DemoPartner(
    code="WARM-HANDS",
    name="暖手公益 Warm Hands Charity",
    kind="charity",
    scene="charity",
    channel="app",
    hours=ANY_HOUR,
    weekday=0.3,
    weekend=0.5,
    may_issue=False,
)
"""Takes donations of points and gives none."""

PARTNERS = (*_MERCHANTS, *_AGENCIES, *_BANK_PRODUCTS, CHARITY)


def citizens() -> list[str]:
    """The citizens' references, the same with every partner."""
    return [f"citizen-{number:03}" for number in range(1, CITIZENS + 1)]
