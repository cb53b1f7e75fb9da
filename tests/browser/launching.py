"""A running Chromium that draws with the fonts of our own wheel, so a page looks the same on every machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from noto_cjk_sans_otc import FONT_PATH
from playwright.sync_api import Browser, sync_playwright

LAUNCH_LIMIT_MILLISECONDS = 60_000
# Whatever a page or the browser itself asks of another host finds no address.
ARGUMENTS = (
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-gpu",
    "--disable-lcd-text",
    "--font-render-hinting=none",
)

# Every generic family is one of the wheel's, Latin letters too. Its other faces draw some characters as Japan, Korea,
# Taiwan and Hong Kong do.
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
  <selectfont>
    {rejected}
  </selectfont>
  {aliases}
</fontconfig>
"""
_REJECTED = '<rejectfont><pattern><patelt name="family"><string>{family}</string></patelt></pattern></rejectfont>'
_OTHER_FACES = [f"Noto Sans {kind}CJK {place}" for kind in ("", "Mono ") for place in ("JP", "KR", "TC", "HK")]
_ALIAS = """<match target="pattern">
    <test qual="any" name="family"><string>{generic}</string></test>
    <edit name="family" mode="assign" binding="strong"><string>{family}</string></edit>
  </match>"""
_FAMILIES = {
    "sans-serif": "Noto Sans CJK SC",
    "serif": "Noto Sans CJK SC",
    "system-ui": "Noto Sans CJK SC",
    "monospace": "Noto Sans Mono CJK SC",
}


@contextmanager
def launched(program: Path, folder: Path) -> Iterator[Browser]:
    """Run the browser until the end of the block; the folder is for its font settings.

    Playwright's synchronous calls keep a loop of theirs in this thread as long as the browser runs: asynchronous
    tests have to wait until then.
    """
    settings = folder / "fonts.conf"
    settings.write_text(
        _FONTS.format(
            fonts=Path(str(FONT_PATH)).parent,
            cache=folder / "font-cache",
            rejected="\n    ".join(_REJECTED.format(family=family) for family in _OTHER_FACES),
            aliases="\n  ".join(_ALIAS.format(generic=generic, family=name) for generic, name in _FAMILIES.items()),
        ),
        encoding="utf-8",
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=ARGUMENTS,
            # Only our own pages are shown, and containers seldom allow the namespaces that a sandbox needs.
            chromium_sandbox=False,
            headless=not os.environ.get("HEADED"),
            env={**os.environ, "FONTCONFIG_FILE": str(settings)},
            timeout=LAUNCH_LIMIT_MILLISECONDS,
        )
        try:
            yield browser
        finally:
            browser.close()
