"""The diagram as SVG: elements of XML, so that nothing in a name can become markup."""

from __future__ import annotations

from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

from backstory.model.elements import Id, Model
from backstory.model.export.picture import COLUMN, HEIGHT, WIDTH, Box, Picture, picture
from backstory.told import cut, plain

NAMESPACE = "http://www.w3.org/2000/svg"

FORMS = {
    "reaction": "M{x} {m}l10 -{h2}h{w2}l10 {h2}l-10 {h2}h-{w2}z",
    "command": "M{x} {y}m8 0h{w1}a8 8 0 0 1 8 8v{h1}a8 8 0 0 1 -8 8h-{w1}a8 8 0 0 1 -8 -8v-{h1}a8 8 0 0 1 8 -8z",
    "event": "M{x} {y}h{w3}l12 12v{h3}h-{w}z",
    "state": "M{x} {y}h{w}v{h}h-{w}zM{x} {y4}h{w}",
}
"""The outline of a box, by the kind of its element."""

STYLE = """\
svg{font:500 12px system-ui,sans-serif;background:var(--paper)}
text{fill:var(--ink)}
.lane{fill:var(--well);stroke:var(--line)}
.lane-name,.detail{fill:var(--soft);font-size:11px}
.slice-name{font-weight:600;font-size:13px}
.slice-edge{stroke:var(--line);stroke-dasharray:3 4}
.flow{stroke:var(--soft);fill:none;stroke-width:1.5}
.flow-head{fill:var(--soft)}
.box path{stroke-width:1.25;fill:var(--paper)}
.box.is-again path{stroke-opacity:.55}
.box.is-unseen path{stroke-dasharray:4 3}
.box.is-reaction path{stroke:#9a5bd0}
.box.is-command path{stroke:#3f7fd8}
.box.is-event path{stroke:#d98a1f}
.box.is-state path{stroke:#3f9a57}
a:hover path,a:focus path{stroke-width:2.5}
:root{--paper:#fff;--well:#f6f5f1;--line:#dcd9d0;--ink:#1d1f24;--soft:#5c5f66}
@media(prefers-color-scheme:dark){:root{--paper:#161920;--well:#0e1015;--line:#2e333d;--ink:#eceef2;--soft:#a3a8b3}}
"""
"""Light and dark, by the scheme of who looks at it."""


def svg(model: Model) -> str:
    """The diagram as a file of its own."""
    drawn = drawing(picture(model), model.app)
    style = Element("style")
    style.text = STYLE
    drawn.insert(1, style)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(drawn, encoding="unicode")}\n'


def drawing(found: Picture, name: str) -> Element:
    """The diagram. A click on a box leads to `#` and the id of its element."""
    height = str(found.height)
    root = Element(
        "svg", xmlns=NAMESPACE, width=str(found.width), height=height, viewBox=f"0 0 {found.width} {height}"
    )
    SubElement(root, "title").text = plain(f"The event model of {name}")
    definitions = SubElement(root, "defs")
    head = {
        "id": "head",
        "viewBox": "0 0 8 6",
        "refX": "4",
        "refY": "5",
        "markerWidth": "8",
        "markerHeight": "6",
    }
    marker = SubElement(definitions, "marker", {**head, "markerUnits": "userSpaceOnUse"})
    SubElement(marker, "path", {"class": "flow-head", "d": "M0 0h8L4 6z"})
    for lane in found.lanes:
        place = {"x": "0", "y": str(lane.y), "width": str(found.width), "height": str(lane.height), "rx": "8"}
        SubElement(root, "rect", {"class": "lane", **place})
        for row, words in enumerate(lane.name.split(" and ")):
            text = words if row or " and " not in lane.name else f"{words} and"
            _text(root, "lane-name", 12, lane.y + 24 + 15 * row, text)
    for column in found.columns:
        SubElement(root, "path", {"class": "slice-edge", "d": f"M{column.x - 14} 4V{found.height - 8}"})
        _text(root, "slice-name", column.x, 20, plain(cut(column.title, COLUMN // 8)))
        for path in column.flows:
            SubElement(root, "path", {"class": "flow", "marker-end": "url(#head)", "d": path})
        for box in column.boxes:
            _box(root, box)
    return root


def _box(root: Element, box: Box) -> None:
    again = " is-again" if box.again else ""
    unseen = " is-unseen" if box.unseen else ""
    link = SubElement(root, "a", {"href": f"#{anchor(box.id)}", "class": f"box is-{box.kind}{again}{unseen}"})
    SubElement(link, "title").text = plain(box.label)
    SubElement(link, "path", {"d": outline(box)})
    middle = box.y + (18 if box.detail else 25)
    _text(link, "", box.x + 12, middle, plain(box.short))
    if box.detail:
        _text(link, "detail", box.x + 12, box.y + 33, box.detail)


def anchor(id: Id) -> str:
    """The id of an element as it stands in a page, and in links to it."""
    return quote(id, safe=":._-")


def outline(box: Box) -> str:
    """The form of a box, as a path."""
    return FORMS[box.kind].format(
        x=box.x, y=box.y, m=box.y + HEIGHT // 2, w=WIDTH, h=HEIGHT, h2=HEIGHT // 2, w2=WIDTH - 20,
        w1=WIDTH - 16, h1=HEIGHT - 16, w3=WIDTH - 12, h3=HEIGHT - 12, y4=box.y + 4,
    )  # fmt: skip


def _text(root: Element, kind: str, x: int, y: int, text: str) -> None:
    place = {"x": str(x), "y": str(y)}
    SubElement(root, "text", {"class": kind, **place} if kind else place).text = text
