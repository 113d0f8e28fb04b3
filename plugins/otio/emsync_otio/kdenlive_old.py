"""What other generations of MLT projects say in other places: Kdenlive up to 19, and Shotcut."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from xml.etree.ElementTree import Element

__all__ = ["old_guides"]

_GUIDE = re.compile(r"kdenlive:guides?\.(\d+(?:\.\d+)?)")
"""In the bin's properties, by the guide's time in seconds."""


def old_guides(
    root: Element, sequence: Element, frames: Callable[[str], int]
) -> Iterator[tuple[int, str]]:
    """Guides that are not written as JSON: their frame and name. `frames` reads a position."""
    for guide in root.iterfind("./kdenlivedoc/guides/guide"):
        yield _frame_of(guide.get("time", ""), frames), guide.get("comment", "")
    for said in root.iterfind("./playlist/property"):
        match = _GUIDE.fullmatch(said.get("name", ""))
        if match:
            yield _frame_of(match.group(1), frames), (said.text or "").strip()
    for marker in sequence.iterfind("./properties[@name='shotcut:markers']/properties"):
        told = {each.get("name"): (each.text or "").strip() for each in marker}
        yield frames(told.get("start") or "0"), told.get("text", "")


def _frame_of(seconds: str, frames: Callable[[str], int]) -> int:
    """A count of seconds, by the clock that positions are written in."""
    whole, _, part = seconds.partition(".")
    minutes, rest = divmod(int(whole or 0), 60)
    return frames(f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}.{part or 0}")
