"""How much the portal's first load takes over the wire, and how soon something is to be seen on a slow phone."""

from collections.abc import Callable

import pytest

from tests.browser.visitor import PHONE, Resident, View

MOST_BYTES = 100 * 1024
# As Lighthouse has it for a phone of the middle class on a slow 4G line.
SLOW_LINE = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_638_400 / 8,
    "uploadThroughput": 768_000 / 8,
}
SLOWER_PROCESSOR = 4
# About a second on a quiet machine; other tests may keep both cores busy.
LATEST_FIRST_PAINT_SECONDS = 15.0

_FIRST_PAINT = """() => new Promise(resolve => {
  new PerformanceObserver(list => {
    const [paint] = list.getEntriesByName("first-contentful-paint");
    if (paint) resolve(paint.startTime / 1000);
  }).observe({type: "paint", buffered: true});
})"""


@pytest.mark.parametrize("path", ["/portal", "/portal/statement"])
def test_first_load_of_the_portal_is_light_and_early_on_a_slow_phone(
    resident: Resident, record_property: Callable[[str, object], None], path: str
) -> None:
    page = resident.page_of("citizen", View("zh", PHONE))
    session = page.context.new_cdp_session(page)
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW_LINE)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER_PROCESSOR})
    page.goto(path, wait_until="load")
    first_paint = page.evaluate(_FIRST_PAINT)
    record_property("bytes over the wire", sum(sizes))
    record_property("first contentful paint, seconds", first_paint)
    assert 10_000 < sum(sizes) <= MOST_BYTES
    assert first_paint <= LATEST_FIRST_PAINT_SECONDS
