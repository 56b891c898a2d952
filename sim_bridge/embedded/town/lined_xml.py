"""XML read so that every element knows its line, for errors that name the place in a stranger's file."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET
from xml.parsers import expat

DEEPEST = 32  # an OpenDRIVE file nests about ten elements; the tree's own code recurses


class Lined(ET.Element):
    """An element with the `line` its start tag is on, counted from 1."""

    line: int = 0


def read(text: str) -> ET.Element:
    """The root. Raises ValueError naming the line for XML that is malformed, nests too deep or carries a DOCTYPE."""
    parser = expat.ParserCreate("utf-8")
    builder = ET.TreeBuilder(element_factory=_factory(parser))
    open_tags = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal open_tags
        open_tags += 1
        if open_tags > DEEPEST:
            raise ValueError(f"expected at most {DEEPEST} nested elements, got more at line {parser.CurrentLineNumber}")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal open_tags
        open_tags -= 1
        builder.end(tag)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise ValueError(f"expected well-formed OpenDRIVE XML: {error}") from error
    return builder.close()


def place(element: ET.Element) -> str:
    """Where an element stands, for an error: its tag, its id where it has one, its line."""
    name = f'<{element.tag} id="{element.get("id")}">' if element.get("id") else f"<{element.tag}>"
    return f"{name} at line {getattr(element, 'line', 0)}"


def _factory(parser: expat.XMLParserType) -> Callable[..., ET.Element]:
    def made(tag: str, attributes: dict[str, str]) -> ET.Element:
        element = Lined(tag, attributes)
        element.line = parser.CurrentLineNumber
        return element

    return made


def _refuse_doctype(*_: object) -> None:
    raise ValueError("expected plain OpenDRIVE, got a document type declaration; remove it")
