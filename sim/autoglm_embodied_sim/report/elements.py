"""HTML and SVG built as a tree, so that whatever text goes in is escaped when the tree is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, tostring

Child = Element | str


def element(tag: str, *children: Child, **attributes: object) -> Element:
    """An element; `class_` stands for `class`, other underscores for hyphens, numbers are rounded to hundredths."""
    made = Element(tag, {_name(name): _value(value) for name, value in attributes.items()})
    for child in children:
        append(made, child)
    return made


def append(parent: Element, child: Child) -> None:
    """Put an element or a text behind what `parent` holds."""
    if isinstance(child, Element):
        parent.append(child)
    elif len(parent):
        parent[-1].tail = (parent[-1].tail or "") + child
    else:
        parent.text = (parent.text or "") + child


def table(caption: str, head: Sequence[Child], rows: Iterable[Sequence[Child]], **attributes: object) -> Element:
    """A table whose first column names its rows; `td` and `th` elements among the cells are taken as they are."""
    body = [_row(cells) for cells in rows]
    columns = element("tr", *(_cell("th", cell, scope="col") for cell in head))
    inner = element(
        "table",
        element("caption", caption),
        element("thead", columns),
        element("tbody", *body),
        **attributes,
    )
    return element("div", inner, class_="wide")


def section(title: str, *children: Child) -> Element:
    """A part of the page under a heading."""
    return element("section", element("h2", title), *children)


def code(command: str) -> Element:
    """A command, which is broken between its words alone."""
    return element("code", *(part for word in command.split(" ") for part in (element("span", word), " ")))


def document(title: str, style: str, *children: Child) -> str:
    """A whole page of HTML that asks for nothing outside itself but its images."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", style),
    )
    page = element("html", head, element("body", element("main", *children)), lang="en")
    return "<!doctype html>\n" + tostring(page, encoding="unicode", method="html") + "\n"


def _row(cells: Sequence[Child]) -> Element:
    first, *others = cells
    return element("tr", _cell("th", first, scope="row"), *(_cell("td", cell) for cell in others))


def _cell(tag: str, cell: Child, **attributes: object) -> Element:
    return cell if isinstance(cell, Element) and cell.tag in ("td", "th") else element(tag, cell, **attributes)


def _name(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _value(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
