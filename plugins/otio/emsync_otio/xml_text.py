"""XML as its author wrote it: where each element stands in the bytes, and edits of nothing else.

A parser that writes a document anew loses comments, attribute order, quotes and the doctype. Here
the bytes of the file stay, and only what is inserted or taken out differs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.parsers import expat

from emsync.errors import TimelineError

__all__ = ["Node", "XmlText"]

_TAG_END = re.compile(rb"""(?:[^>"']|"[^"]*"|'[^']*')*>""")
_STEP = "    "


@dataclass(eq=False)
class Node:
    """An element, and the bytes that it takes."""

    tag: str
    attributes: dict[str, str]
    start: int
    """Of its '<'."""
    inside: int
    """First byte after its start tag."""
    close: int = 0
    """Of its end tag; equal to `end` where it has none (<gap/>)."""
    end: int = 0
    """First byte after it."""
    text: str = ""
    """Its own characters, without those of its children."""
    children: list[Node] = field(default_factory=list)
    parent: Node | None = None

    def get(self, name: str, default: str = "") -> str:
        """An attribute."""
        return self.attributes.get(name, default)

    def iter(self, tag: str = "") -> Iterator[Node]:
        """This element and all below it, in the order of the file."""
        if not tag or self.tag == tag:
            yield self
        for child in self.children:
            yield from child.iter(tag)

    def all(self, *tags: str) -> list[Node]:
        """Children of these names."""
        return [child for child in self.children if child.tag in tags]

    def first(self, *path: str) -> Node | None:
        """The first element down a path of names."""
        node: Node | None = self
        for tag in path:
            node = (
                next((child for child in node.children if child.tag == tag), None) if node else None
            )
        return node


class XmlText:
    """A document and the changes to it, in bytes of the original."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._changes: list[tuple[int, int, int, bytes]] = []
        self._gone: set[int] = set()
        self._filled: dict[int, list[bytes]] = {}
        self.root = _parsed(data)

    def append(self, parent: Node, element: ElementTree.Element) -> None:
        """Put an element behind all others in `parent`."""
        self.insert(parent, len(parent.children), element)

    def insert(self, parent: Node, index: int, element: ElementTree.Element) -> None:
        """Put an element before the child that has this index."""
        sibling = parent.children[index - 1] if index else None
        indent = (
            self._indent(parent.children[0]) if parent.children else self._indent(parent) + _STEP
        )
        written = ("\n" + indent + _written(element, indent)).encode("ascii")
        if parent.close == parent.end:  # <x/> has no inside yet
            self._filled.setdefault(parent.start, []).append(written)
            return
        at = sibling.end if sibling is not None else parent.inside
        self._change(at, at, written)

    def remove(self, node: Node) -> None:
        """Take an element out, with the line break and indent before it."""
        start = node.start
        while start and self._data[start - 1 : start].isspace():
            start -= 1
        self._gone.add(id(node))
        self._change(start, node.end, b"")

    def is_removed(self, node: Node | None) -> bool:
        """Whether an element, or one that holds it, is taken out."""
        while node is not None:
            if id(node) in self._gone:
                return True
            node = node.parent
        return False

    def set_text(self, node: Node, text: str) -> None:
        """Give an element without children other characters."""
        carrier = ElementTree.Element("x")
        carrier.text = text
        escaped = ElementTree.tostring(carrier, encoding="us-ascii")[3:-4] if text else b""
        if node.close == node.end:
            self._filled.setdefault(node.start, []).append(escaped)
            return
        self._change(node.inside, node.close, escaped)

    def set_attribute(self, node: Node, name: str, value: str) -> None:
        """Give an element's attribute another value, or one that it has not."""
        carrier = ElementTree.Element("x", {name: value})
        written = ElementTree.tostring(carrier, encoding="us-ascii")[3:-3]  # name="value"
        tag = self._data[node.start : node.inside]
        found = re.search(rb"\s(" + name.encode("ascii") + rb"""\s*=\s*("[^"]*"|'[^']*'))""", tag)
        if found is not None:
            self._change(node.start + found.start(1), node.start + found.end(1), written)
            return
        named = node.start + 1 + len(node.tag.encode("utf-8"))
        self._change(named, named, b" " + written)

    def result(self) -> bytes:
        """The document with all changes."""
        for node in self.root.iter():
            if node.start in self._filled:
                self._open_up(node, self._filled.pop(node.start))
        pieces, at = [], 0
        for start, _, end, new in sorted(self._changes):
            if start < at and end <= at and not new:
                continue  # inside what is already taken out
            pieces += [self._data[at:start], new]
            at = max(at, end)
        return b"".join([*pieces, self._data[at:]])

    def _open_up(self, node: Node, written: list[bytes]) -> None:
        """<x a="1"/> becomes <x a="1">…</x>."""
        tag = self._data[node.start : node.end]
        body = tag[:-2].rstrip()
        name = body[1:].split(None, 1)[0]
        has_elements = any(piece.startswith(b"\n") for piece in written)
        indent = self._indent(node).encode("ascii")
        tail = b"\n" + indent if has_elements else b""
        self._change(
            node.start + len(body), node.end, b">" + b"".join(written) + tail + b"</" + name + b">"
        )

    def _change(self, start: int, end: int, new: bytes) -> None:
        self._changes.append((start, len(self._changes), end, new))

    def _indent(self, node: Node) -> str:
        line = self._data[self._data.rfind(b"\n", 0, node.start) + 1 : node.start]
        return line.decode("ascii") if not line.strip() else ""


def _written(element: ElementTree.Element, indent: str) -> str:
    """An element as text; what is not ASCII as references, so that any encoding can hold it."""
    ElementTree.indent(element, _STEP)
    text = str(ElementTree.tostring(element, encoding="us-ascii"), "ascii")
    return text.strip().replace("\n", "\n" + indent)


def _parsed(data: bytes) -> Node:
    """The tree of a document. Raises TimelineError for UTF-16."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:64]:
        raise TimelineError(
            "The timeline is written in UTF-16, which cannot be added to. Export it as UTF-8."
        )
    parser = expat.ParserCreate()
    top = Node("", {}, 0, 0)
    open_nodes = [top]

    def start(tag: str, attributes: dict[str, str]) -> None:
        begin = parser.CurrentByteIndex
        match = _TAG_END.match(data, begin)
        inside = match.end() if match else begin
        parent = open_nodes[-1]
        node = Node(tag, attributes, begin, inside, parent=parent if parent is not top else None)
        parent.children.append(node)
        open_nodes.append(node)

    def end(tag: str) -> None:
        node = open_nodes.pop()
        if data[node.inside - 2 : node.inside] == b"/>":
            node.close = node.end = node.inside
            return
        node.close = parser.CurrentByteIndex
        node.end = data.index(b">", node.close) + 1

    def characters(text: str) -> None:
        open_nodes[-1].text += text

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.Parse(data, True)
    return top.children[0]
