"""What every page keeps to, as checks of one page: well-formed, labelled, nothing inline, a token in every form."""

import re
from collections.abc import Mapping

from tests.pages.browsing import Element, Page

Texts = Mapping[str, tuple[str, str]]

LANGUAGE_TAGS = {"en": "en", "zh": "zh-Hans"}


def refuse_malformed(path: str, page: Page, language: str) -> None:
    """The page is well-formed, has one heading, and everything in it has a name."""
    root = page.root
    assert len(root.every("h1")) == 1, path
    assert root.one("html").attributes["lang"] == LANGUAGE_TAGS[language], path
    assert root.every("title")[0].text, path
    assert len(root.every("main")) == 1, path
    identifiers = re.findall(r'\sid="([^"]*)"', page.html)
    assert len(identifiers) == len(set(identifiers)), path
    labelled = {label.attributes["for"] for label in root.every("label")}
    for tag in ("input", "select", "textarea"):
        for one in root.every(tag):
            if one.attributes.get("type") != "hidden":
                assert one.attributes["id"] in labelled, (path, one)
    for references in re.findall(r'aria-(?:describedby|labelledby)="([^"]*)"', page.html):
        assert set(references.split()) <= set(identifiers), (path, references)
    for heading in root.every("th"):
        assert heading.attributes.get("scope") in {"col", "row"}, path
    for button in [*root.every("button"), *root.every("a")]:
        assert button.text, (path, button)
    for picture in root.every("img"):
        assert "alt" in picture.attributes, path
    assert root.every("a")[0].attributes["href"] == "#main", path


def refuse_inline(path: str, page: Page) -> None:
    """Nothing is inline, nothing is asked of another host, and the policy says so."""
    # By elements: a partner of another test is called like a script, and may be named as text.
    assert "style" not in {one.tag for one in _every(page.root)}, path
    for script in page.root.every("script"):
        assert script.attributes["src"].startswith("/static/"), path
        assert not script.text, path
    names = {name for one in _every(page.root) for name in one.attributes}
    assert not [name for name in names if name == "style" or name.startswith("on")], path
    assert "javascript:" not in page.html, path
    policy = page.response.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert page.response.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r'(?:src|href|action)="(?!/|#)', page.html), path


def refuse_without_token(path: str, page: Page) -> None:
    """Every form that changes something carries the session's token."""
    for form in page.root.every("form"):
        if form.attributes["method"] == "post":
            tokens = [one for one in form.every("input") if one.attributes["name"] == "csrf"]
            assert [len(token.attributes["value"]) for token in tokens] == [64], path


def refuse_other_language(path: str, page: Page, language: str, areas: Mapping[str, Texts]) -> None:
    """No text of the language that was not chosen is shown."""
    shown = page.root.one("body").text
    if language == "en":
        assert not re.search(r"[\u4e00-\u9fff]", re.sub(r"简体中文", "", shown)), path
        return
    for texts in areas.values():
        for key, (english, _) in texts.items():
            assert " " not in english or english not in shown, (path, key)


def _every(element: Element) -> list[Element]:
    return [found for one in element.inside for found in (one, *_every(one))]
