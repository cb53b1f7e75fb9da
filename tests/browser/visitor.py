"""Somebody who looks at our pages, and a guard who notes everything that no page may do.

def test_x(visitor: Visitor, view: View) -> None:
    page = visitor.open("/problems", view)
    check(page)

The guard speaks at the end of the test: requests to other hosts, answers of 400 and above that were not expected, what
the browser wrote as an error, exceptions of scripts.

def test_y(resident: Resident) -> None:
    page = resident.signed_in("citizen", View(), "/portal/gift")

A resident is a visitor of the demo, who can sign in there.
"""

import time
from dataclasses import dataclass, field
from itertools import product
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    StorageState,
    WebError,
)

from api.demo.demo_texts import DEMO
from api.pages.frame_texts import SIGN_IN
from api.pages.texts import in_language

PHONE = 360
DESK = 1280
HEIGHTS = {PHONE: 740, DESK: 800}
LOCALES = {"en": "en-GB", "zh": "zh-CN"}
# Other tests and other people share the machine.
STEP_LIMIT_MILLISECONDS = 60_000
FIRST_ERROR_STATUS = 400
# Drawn from the page itself.
OWN_SCHEMES = {"about", "blob", "data"}
# A session ends after half an hour without a request.
SHARED_FOR_SECONDS = 15 * 60


@dataclass(frozen=True)
class View:
    """How a page is looked at: the reader's language, the width in pixels, the colour scheme, with scripts or not.

    ``is_large``: who is signed in has chosen the larger type.
    """

    language: str = "en"
    width: int = DESK
    scheme: str = "light"
    javascript: bool = True
    is_large: bool = False

    def __str__(self) -> str:
        more = f"{'-large' if self.is_large else ''}{'' if self.javascript else '-noscript'}"
        return f"{self.language}-{self.width}-{self.scheme}{more}"

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
    neighbours: set[str] = field(default_factory=set)
    """Origins that a test brings itself: other sites, from which it attacks."""

    refusals: set[str] = field(default_factory=set)
    """Parts of what the browser writes where it refuses something, as it is meant to."""

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
        origin = f"{address.scheme}://{address.netloc}"
        if address.scheme not in OWN_SCHEMES and origin != self.origin and origin not in self.neighbours:
            self._note("a request to another host", request.url)

    def _on_response(self, response: Response) -> None:
        path = urlsplit(response.url).path
        if response.status >= FIRST_ERROR_STATUS and (response.status, path) not in self.expected:
            self._note(f"answered {response.status}", response.url)

    def _on_failed(self, request: Request) -> None:
        # Going on to another page, or saving a file, ends a request early.
        is_meant = any(refusal in str(request.failure) for refusal in self.refusals)
        if request.failure != "net::ERR_ABORTED" and not is_meant:
            self._note(f"failed, {request.failure}", request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        # What could not be loaded is judged by its answer.
        is_meant = any(refusal in message.text for refusal in self.refusals)
        if message.type == "error" and not message.text.startswith("Failed to load resource") and not is_meant:
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

    def page(self, view: View, state: StorageState | None = None) -> Page:
        """An empty page in a context of its own; paths given to ``goto`` are the service's.

        ``state`` are the cookies that the context begins with.
        """
        context = self.browser.new_context(
            storage_state=state,
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


@dataclass
class SharedSignIns:
    """Who has signed in already, so that not every test has to: cookies by role, each with when they were got."""

    states: dict[str, tuple[StorageState, float]] = field(default_factory=dict)

    def get(self, role: str) -> StorageState | None:
        """The cookies of a role's session that is good for a while yet."""
        state, since = self.states.get(role, (None, 0.0))
        return state if time.monotonic() - since < SHARED_FOR_SECONDS else None

    def keep(self, role: str, state: StorageState) -> None:
        """Keep the cookies of a role's new session."""
        self.states[role] = (state, time.monotonic())


@dataclass
class Resident(Visitor):
    """Somebody who can sign in: a visitor of the demo."""

    shared: SharedSignIns = field(default_factory=SharedSignIns)

    def sign_in(self, role: str, view: View, to: str | None = None) -> Page:
        """Sign in by clicking, as a person of the demo, in a context of its own; returns the page that came.

        The language is the one that the browser asks for.
        """
        page = self.page(view)
        page.goto("/sign-in" if to is None else to)
        return self.choose(page, role, view.language)

    def choose(self, page: Page, role: str, language: str) -> Page:
        """Go on from the page that asks to sign in, and choose a person there."""
        page.get_by_role("button", name=in_language(SIGN_IN, language)["go"], exact=True).click()
        page.get_by_role("button", name=in_language(DEMO, language)[f"person_{role}"], exact=True).click()
        page.wait_for_url(lambda address: "sign-in" not in urlsplit(address).path)
        return page

    def page_of(self, role: str, view: View) -> Page:
        """An empty page in a fresh context in which somebody is signed in; nobody may sign out of it.

        Sign-ins are shared, since most tests do not depend on one of their own.
        """
        state = self.shared.get(role)
        if state is None:
            page = self.sign_in(role, View("en"), "/account")
            state = _session_of(page.context)
            self.shared.keep(role, state)
            page.close()
        page = self.page(view, state)
        if view.is_large:
            page.context.add_cookies([{"name": "type", "value": "large", "url": self.origin}])
        return page

    def signed_in(self, role: str, view: View, path: str) -> Page:
        """Open a path as somebody who is signed in, as ``page_of`` has it, and wait until everything is loaded."""
        page = self.page_of(role, view)
        page.goto(path, wait_until="load")
        return page


def _session_of(context: BrowserContext) -> StorageState:
    """The session's cookie alone: language and size of type are the next reader's to choose."""
    state = context.storage_state()
    return {"cookies": [one for one in state["cookies"] if one["name"].endswith("session")], "origins": []}
