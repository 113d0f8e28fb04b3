"""The words in a subtitle: without its markup, and without what nobody says.

libav gives every format as an ASS event; what it does not know of SubRip's and WebVTT's tags stays
in the text.
"""

from __future__ import annotations

import html
import re

__all__ = ["spoken_words"]

FIELDS_BEFORE_TEXT = 8
"""Of an ASS event as libav writes it: read order, layer, style, name, three margins, effect."""
MOST_LETTERS = 4096
"""Of an event. Longer ones are damaged, and an expression may look at each letter from each."""
DRAWING = re.compile(r"\{[^{}]*\\p[1-9][^{}]*\}.*?(?=\{[^{}]*\\p0[^{}]*\}|$)", re.DOTALL)
"""Vector shapes: 'm 0 0 l 100 0' is no text."""
OVERRIDES = re.compile(r"\{[^{}]*\}")
BREAK, SPACE = re.compile(r"\\[Nn]"), re.compile(r"\\h")
TAG = re.compile(r"</?[A-Za-z][^<>]*>|<\d[\d:.]*>")
"""HTML-like tags, WebVTT's voices and classes, and the times of its karaoke."""
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")
"""Marks of direction and joining: what reads right to left is stored in the order it is said."""
NOTE = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|（[^（）]*）|［[^［］]*］|【[^【】]*】")
"""What the hard of hearing are told: [door slams], (sighs)."""
MUSIC = re.compile(r"[♪♫♬♩🎵🎶]")
DASH = re.compile(r"^\s*[-–—‐]+\s*")
CAPITALS = "A-ZÀ-ÖØ-Þ"
SPEAKER = re.compile(rf"^\s*[{CAPITALS}][{CAPITALS}0-9 .'#-]{{1,29}}:\s+")
"""'JOHN:', 'MAN 2:', 'DR. WHO:': in capitals, before a colon."""


def spoken_words(event: str) -> str:
    """What is said in an ASS event, its lines on one; empty where nobody says anything.

    Lines with a note sign are sung: the film's own music, not dialogue.
    """
    text = INVISIBLE.sub("", event.split(",", FIELDS_BEFORE_TEXT)[-1][:MOST_LETTERS])
    text = OVERRIDES.sub("", DRAWING.sub("", text))
    text = html.unescape(TAG.sub("", SPACE.sub(" ", BREAK.sub("\n", text))))
    text = INVISIBLE.sub("", text.replace("\u00a0", " "))  # what was spelled &lrm; and &nbsp;
    if MUSIC.search(text):
        text = "\n".join(line for line in _sung_apart(text) if not MUSIC.search(line))
    said = (SPEAKER.sub("", DASH.sub("", line)) for line in NOTE.sub(" ", text).split("\n"))
    words = " ".join(" ".join(said).split())
    return words if any(letter.isalnum() for letter in words) else ""


def _sung_apart(text: str) -> list[str]:
    """Lines; what stands between two note signs is one, however it was broken."""
    parts = MUSIC.split(text)
    if len(parts) % 2 == 0:  # a sign that is not closed: the song goes on
        return text.split("\n")
    return [line for part in parts[::2] for line in part.split("\n")]
