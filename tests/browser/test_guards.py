"""The guards and checks find what they are for, on pages that are wrong on purpose."""

import pytest
from playwright.sync_api import Browser

from tests.browser.accessibility import axe, small_targets, too_wide, violations
from tests.browser.other_sites import BROKEN, GONE, other_site
from tests.browser.visitor import PHONE, Guard, View, Visitor


def _complaints(browser: Browser, body: str, path: str = "/", expected: tuple[int, str] | None = None) -> list[str]:
    with other_site(body) as origin:
        visitor = Visitor(browser, origin, Guard(origin))
        if expected:
            visitor.expect(*expected)
        visitor.open(path, View())
        visitor.leave()
        return [complaint.replace(origin, "") for complaint in visitor.guard.complaints]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("<img alt='' src='http://elsewhere.example/x.png'>", "to another host: http://elsewhere.example/x.png"),
        ("<script>fetch('http://127.0.0.1:9/').catch(() => 0)</script>", "to another host: http://127.0.0.1:9/"),
        ("<script>new WebSocket('ws://' + location.host)</script>", "a websocket: ws://"),
        ("<script>console.error('so it goes')</script>", "console, so it goes"),
        ("<script>missing()</script>", "an exception: missing is not defined"),
        (f"<img alt='' src='{BROKEN}'>", "answered 500: /broken"),
        (f"<img alt='' src='{GONE}'>", "answered 404: /gone"),
        ("<script>setTimeout(() => console.error('late'), 0)</script>", "console, late"),
    ],
)
def test_guard_notes_what_no_page_may_do(browser: Browser, body: str, complaint: str) -> None:
    assert complaint in "\n".join(_complaints(browser, body))


def test_guard_hears_a_page_that_a_page_has_opened(browser: Browser) -> None:
    with other_site("") as origin:
        visitor = Visitor(browser, origin, Guard(origin))
        page = visitor.open("/", View())
        with page.expect_popup() as opened:
            page.evaluate(f"() => {{ open('{BROKEN}') }}")
        opened.value.wait_for_load_state()
        visitor.leave()
        assert visitor.guard.complaints == [f"answered 500: {origin}{BROKEN}"]


def test_guard_has_nothing_against_a_page_that_is_right(browser: Browser) -> None:
    body = "<img alt='' src='data:image/gif;base64,R0lGODlhAQABAAAAACw='><script>console.log('fine')</script>"
    assert _complaints(browser, body) == []


def test_an_answer_that_is_meant_is_no_complaint_and_any_other_is(browser: Browser) -> None:
    assert _complaints(browser, "", GONE, expected=(404, GONE)) == []
    assert _complaints(browser, "", GONE, expected=(500, GONE)) == ["answered 404: /gone?lang=en"]


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("<main><img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='></main>", "image-alt: img: Fix any"),
        ("<main><p style='color: #aaa; background: #fff'>grey</p></main>", "color-contrast: p: Fix any"),
        ("<main><input></main>", "label: input: Fix any"),
        (f"<main>{'<p><input></p>' * 7}</main>", "label: and 2 elements more"),
        (
            "<main><button style='all: unset; width: 9px; height: 9px'>x</button>"
            "<button style='all: unset; width: 9px; height: 9px'>y</button></main>",
            "target-size: button:nth-child(1)",
        ),
    ],
)
def test_axe_names_rule_and_element(browser: Browser, body: str, rule: str) -> None:
    with other_site(body) as origin:
        visitor = Visitor(browser, origin, Guard(origin))
        page = visitor.open("/", View())
        assert rule in "\n".join(violations(page))
        with pytest.raises(AssertionError, match=rule.partition(":")[0]):
            axe(page)
        visitor.leave()


def test_a_page_that_is_too_wide_and_a_button_that_is_too_small_are_found(browser: Browser) -> None:
    wide = "<main><p class='wide' style='width: 500px'>wide</p></main>"
    inside = "<main><div style='overflow-x: auto'><p style='width: 500px'>wide</p></div></main>"
    small = "<main><button style='height: 20px'>Go</button> <p>See <a href='#'>this</a> link.</p></main>"
    phone = View(width=PHONE)
    for body, finds_width, finds_target in [(wide, True, False), (inside, False, False), (small, False, True)]:
        with other_site(body) as origin:
            visitor = Visitor(browser, origin, Guard(origin))
            page = visitor.open("/", phone)
            assert bool(too_wide(page)) is finds_width, body
            assert bool(small_targets(page)) is finds_target, body
            visitor.leave()
