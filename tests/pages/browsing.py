"""A browser without a screen: keeps cookies, reads pages, sends their forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

TIMEOUT_SECONDS = 30.0
VOID = {"meta", "link", "img", "input", "br", "hr"}
# Of drawings: each may also be closed where it is opened.
SHAPES = {"rect", "line", "path", "circle", "polyline"}


@dataclass
class Element:
    """An element of a page, with the text inside it."""

    tag: str
    attributes: dict[str, str]
    inside: list["Element"] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text inside, with single spaces."""
        return " ".join(" ".join(self.texts).split())

    def every(self, tag: str) -> list["Element"]:
        """All elements of a tag inside, in order."""
        found = []
        for one in self.inside:
            if one.tag == tag:
                found.append(one)
            found += one.every(tag)
        return found

    def one(self, tag: str, **attributes: str) -> "Element":
        """The only element of a tag with these attributes."""
        [found] = [
            one
            for one in self.every(tag)
            if all(one.attributes.get(name) == value for name, value in attributes.items())
        ]
        return found


class _Reader(HTMLParser):
    """Reads a page into elements; what is not well-formed is an error."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = self._add(tag, attrs)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID | SHAPES, f"<{tag}/> stays open in HTML"
        self._add(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> ends <{self.open[-1].tag}>"
        self.open.pop()

    def _add(self, tag: str, attrs: list[tuple[str, str | None]]) -> Element:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute of <{tag}> comes twice"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(element)
        return element

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.texts.append(data)


@dataclass
class Page:
    """An answer to a browser."""

    response: httpx.Response

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def html(self) -> str:
        return self.response.text

    @property
    def location(self) -> str:
        return self.response.headers["location"]

    @property
    def root(self) -> Element:
        """The page, read; fails where it is not well-formed."""
        reader = _Reader()
        reader.feed(self.html)
        reader.close()
        assert [one.tag for one in reader.open] == [""], "something stays open"
        return reader.root

    @property
    def heading(self) -> str:
        return self.root.one("h1").text

    @property
    def text(self) -> str:
        return self.root.one("main").text

    def form(self, action: str) -> dict[str, str]:
        """The fields of a form with what they hold."""
        form = self.root.one("form", action=action, method="post")
        fields = {one.attributes["name"]: one.attributes.get("value", "") for one in form.every("input")}
        for select in form.every("select"):
            fields[select.attributes["name"]] = select.every("option")[0].attributes["value"]
        return fields


class Browser:
    """Keeps cookies, follows nothing by itself, and says where its forms come from as browsers do."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.client = httpx.Client(
            base_url=base_url,
            timeout=TIMEOUT_SECONDS,
            headers={"Accept-Language": "en"},
            verify=False,  # noqa: S501 - no TLS on loopback, and loading certificates takes longer than a request
        )

    def get(self, path: str, **options: Any) -> Page:
        return Page(self.client.get(path, **options))

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Page:
        """Send a form; a header that is empty is left out."""
        usual = {
            "Origin": self.base_url,
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in {**usual, **given}.items() if value}
        return Page(self.client.post(path, content=urlencode(dict(fields)), headers=sent))

    def send(self, page: Page, action: str, **changes: str) -> Page:
        """Fill a form of a page in and send it."""
        return self.post(action, {**page.form(action), **changes})

    def follow(self, page: Page) -> Page:
        """Go where an answer leads, which must be on the same host."""
        assert page.status == 303, (page.status, page.html[:2000])
        parts = urlsplit(page.location)
        assert parts.netloc in {"", urlsplit(self.base_url).netloc}, page.location
        return self.get(page.location)

    def cookie(self, name: str) -> str | None:
        return self.client.cookies.get(name)
