"""What an answer of the pages must be as HTML, for a parser that forgives nothing."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import html5lib

UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that a reader does not see, and that hide or turn what stands beside them."""

ODD = re.compile("[^\n\t\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd]")
"""Characters that HTML has no way to write, and those beyond 16 bits."""

NAMED = ("input", "select", "textarea", "meter", "progress")
"""Elements that say nothing without a name."""


def parsed(text: str) -> Any:
    """The document of a page. Raises `ParseError` for what a browser would have to guess.

    A field of a form gives back what was typed, whatever that was.
    """
    text = re.sub(r'(?<= value=")[^"]*', lambda typed: ODD.sub("?", typed[0]), text)
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)


def faults(text: str) -> list[str]:
    """What is wrong with a page."""
    root = parsed(text)
    elements = list(root.iter())
    found = [f"{count} times the id {id}" for id, count in Counter(_ids(elements)).items() if count > 1]
    found += _headings(elements) + _names(root, elements)
    known = set(_ids(elements))
    for element in elements:
        if not isinstance(element.tag, str):
            continue
        for name, value in element.attrib.items():
            if name == "style" or name.startswith("on"):
                found.append(f"<{element.tag} {name}={value!r}>")
            if name in ("href", "src", "action", "formaction") and not re.match(r"[/#?]|$", value):
                found.append(f"<{element.tag} {name}={value!r}> leads away")
            if name in ("for", "aria-labelledby", "aria-describedby", "aria-controls"):
                found += [f"{name}={each}, which is not there" for each in value.split() if each not in known]
        if (
            element.tag == "script"
            and "src" not in element.attrib
            and element.get("type") != "application/json"
        ):
            found.append("a script in the page")
        if element.tag == "style":
            found.append("a <style> in the page")
    text = re.sub(r'(?<= value=")[^"]*', "", text)
    if unseen := UNSEEN.search(text):
        found.append(
            f"a character that nobody sees: {unseen[0]!r} in {text[max(0, unseen.start() - 40) :][:80]!r}"
        )
    return found


class Links(HTMLParser):
    """The addresses that a page leads to, and its forms that only ask, with the values that their fields have."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.forms: list[tuple[str, list[tuple[str, str]]]] = []
        self._fields: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        given = {name: value or "" for name, value in attrs}
        self.addresses += [given[name] for name in ("href", "src") if given.get(name)]
        if tag == "form":
            self._fields = []
            if given.get("method", "get").lower() == "get":
                self.forms.append((given.get("action", ""), self._fields))
        elif (
            tag == "input" and given.get("name") and given.get("type") not in ("radio", "checkbox", "submit")
        ):
            self._fields.append((given["name"], given.get("value", "")))


def _ids(elements: list[Any]) -> list[str]:
    return [element.get("id") for element in elements if element.get("id")]


def _headings(elements: list[Any]) -> list[str]:
    levels = [int(each.tag[1]) for each in elements if re.fullmatch("h[1-6]", str(each.tag))]
    found = [] if levels.count(1) == 1 else [f"{levels.count(1)} headings of the first level"]
    skipped = [f"h{b} after h{a}" for a, b in pairwise(levels) if b > a + 1]
    return found + skipped


def _names(root: Any, elements: list[Any]) -> list[str]:
    """Controls and links without a name."""
    inside = {id(each) for label in root.iter("label") for each in label.iter()}
    labels = {label.get("for") for label in root.iter("label")}
    found = []
    for element in elements:
        named = any(element.get(name) for name in ("aria-label", "aria-labelledby", "title"))
        if element.tag in NAMED and element.get("type") not in ("hidden", "submit"):
            if not named and id(element) not in inside and element.get("id") not in labels:
                found.append(f"<{element.tag} name={element.get('name')!r}> has no label")
        elif element.tag in ("a", "button") and not named and not "".join(element.itertext()).strip():
            found.append(f"<{element.tag} {dict(element.attrib)}> has no name")
        elif element.tag == "svg" and element.get("role") == "img" and not named:
            found.append("a picture has no name")
        elif element.tag == "svg" and not element.get("role") and element.get("aria-hidden") != "true":
            found.append("a picture is neither named nor hidden")
    return found
