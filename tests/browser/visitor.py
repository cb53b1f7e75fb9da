"""Somebody who looks at our pages, and a guard who notes everything that no page may do.

def test_x(visitor: Visitor, view: View) -> None:
    page = visitor.open("/problems", view)
    check(page)

The guard speaks at the end of the test: requests to other hosts, answers of 400 and above that were not expected, what
the browser wrote as an error, exceptions of scripts.
"""

from dataclasses import dataclass, field
from itertools import product
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, WebError

PHONE = 360
DESK = 1280
HEIGHTS = {PHONE: 740, DESK: 800}
LOCALES = {"en": "en-GB", "zh": "zh-CN"}
# Other tests and other people share the machine.
STEP_LIMIT_MILLISECONDS = 60_000
FIRST_ERROR_STATUS = 400
# Drawn from the page itself.
OWN_SCHEMES = {"about", "blob", "data"}


@dataclass(frozen=True)
class View:
    """How a page is looked at: the reader's language, the width in pixels, the colour scheme, with scripts or not."""

    language: str = "en"
    width: int = DESK
    scheme: str = "light"
    javascript: bool = True

    def __str__(self) -> str:
        return f"{self.language}-{self.width}-{self.scheme}{'' if self.javascript else '-noscript'}"

    def address(self, path: str) -> str:
        """The path in this language."""
        return f"{path}{'&' if '?' in path else '?'}lang={self.language}"


EVERY_VIEW = [View(*one) for one in product(LOCALES, HEIGHTS, ("light", "dark"))]
"""Both languages, both widths, both colour schemes."""


@dataclass
class Guard:
    """Notes what no page may do."""

    origin: str
    complaints: list[str] = field(default_factory=list)
    expected: set[tuple[int, str]] = field(default_factory=set)

    def watch(self, context: BrowserContext) -> None:
        """Listen to all pages of a context, those that are opened later, too."""
        context.on("request", self._on_request)
        context.on("response", self._on_response)
        context.on("requestfailed", self._on_failed)
        context.on("console", self._on_console)
        context.on("weberror", self._on_exception)
        context.on("page", lambda page: page.on("websocket", lambda socket: self._note("a websocket", socket.url)))

    def _note(self, what: str, where: str) -> None:
        self.complaints.append(f"{what}: {where}")

    def _on_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in OWN_SCHEMES and f"{address.scheme}://{address.netloc}" != self.origin:
            self._note("a request to another host", request.url)

    def _on_response(self, response: Response) -> None:
        path = urlsplit(response.url).path
        if response.status >= FIRST_ERROR_STATUS and (response.status, path) not in self.expected:
            self._note(f"answered {response.status}", response.url)

    def _on_failed(self, request: Request) -> None:
        # Going on to another page, or saving a file, ends a request early.
        if request.failure != "net::ERR_ABORTED":
            self._note(f"failed, {request.failure}", request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        # What could not be loaded is judged by its answer.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self._note(f"an error in the console, {message.text}", message.location.get("url", ""))

    def _on_exception(self, error: WebError) -> None:
        self._note("an exception", str(error.error))


@dataclass
class Visitor:
    """Opens pages of one service in fresh contexts, each without cookies of another."""

    browser: Browser
    origin: str
    guard: Guard
    contexts: list[BrowserContext] = field(default_factory=list)

    def page(self, view: View) -> Page:
        """An empty page in a context of its own; paths given to ``goto`` are the service's."""
        context = self.browser.new_context(
            base_url=self.origin,
            viewport={"width": view.width, "height": HEIGHTS[view.width]},
            color_scheme="dark" if view.scheme == "dark" else "light",
            locale=LOCALES[view.language],
            timezone_id="Asia/Shanghai",
            java_script_enabled=view.javascript,
            reduced_motion="reduce",
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(STEP_LIMIT_MILLISECONDS)
        self.contexts.append(context)
        self.guard.watch(context)
        return context.new_page()

    def open(self, path: str, view: View) -> Page:
        """Open a path in the reader's language, and wait until everything is loaded."""
        page = self.page(view)
        page.goto(view.address(path), wait_until="load")
        return page

    def expect(self, status: int, path: str) -> None:
        """Say that an answer of 400 or above is meant."""
        self.guard.expected.add((status, path))

    def leave(self) -> None:
        """Hear what the pages still had to say, and close them."""
        for context in self.contexts:
            for page in context.pages:
                # An answer comes after everything that happened before it.
                page.evaluate("0")
            context.close()
