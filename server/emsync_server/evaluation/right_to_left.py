"""Lines as they are seen where some of their letters run from right to left.

OpenCV sets each letter to the right of the one before. So Hebrew and Arabic are brought into the
order in which they are seen: the Unicode bidirectional algorithm (UAX 9) without explicit
embeddings. Arabic letters stay unjoined, since its fonts have no forms of theirs that join.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby

__all__ = ["as_seen", "has_joined_letters", "paragraphs_of", "running", "runs_right_to_left"]

RIGHT, NUMBERS = frozenset({"R", "AL"}), frozenset({"EN", "AN"})
IN_NUMBERS = frozenset({"CS", "ES"})
MIRRORED = dict(zip("()[]{}<>«»‹›", ")(][}{><»«›‹", strict=True))
UNSEEN = frozenset({"Mn", "Cf"})
"""Vowel marks and signs of direction."""
TO_LEFT, TO_RIGHT, NUMBER = 1, 0, 2
"""Which way a letter runs; a number among letters that run to the left."""
SENTENCE_END = re.compile(r"(?<=[.!?…؟۔])\s+")
MARKS = {True: "\N{RIGHT-TO-LEFT MARK}", False: "\N{LEFT-TO-RIGHT MARK}"}


def runs_right_to_left(line: str) -> bool:
    """Whether a line as a whole does: its first letter that has a direction says so."""
    return _way_of(line) is True


def paragraphs_of(text: str) -> list[str]:
    """A text in parts that run one way each: a sentence that runs the other way than the one before
    it stands by itself."""
    parts: list[tuple[bool | None, str]] = []
    for sentence in SENTENCE_END.split(" ".join(text.split())):
        way = _way_of(sentence)
        if parts and (way is None or parts[-1][0] in (None, way)):
            before, words = parts.pop()
            parts.append((way if before is None else before, f"{words} {sentence}"))
        elif sentence:
            parts.append((way, sentence))
    return [words for _, words in parts]


def running(line: str, *, to_left: bool) -> str:
    """A line of a paragraph, with a sign of direction that is not seen where its own first letter
    runs the other way than the paragraph."""
    return line if runs_right_to_left(line) is to_left else MARKS[to_left] + line


def has_joined_letters(text: str) -> bool:
    """Whether there are letters whose form depends on their neighbours, as in Arabic."""
    return any(unicodedata.bidirectional(letter) == "AL" for letter in text)


def _way_of(text: str) -> bool | None:
    """Whether a text runs to the left; None where no letter says so."""
    kinds = (unicodedata.bidirectional(letter) for letter in text)
    return next((kind in RIGHT for kind in kinds if kind in RIGHT or kind == "L"), None)


def as_seen(line: str) -> str:
    """The letters of a line from left to right, as they are seen."""
    if not any(unicodedata.bidirectional(letter) in RIGHT for letter in line):
        return line
    base = TO_LEFT if runs_right_to_left(line) else TO_RIGHT
    letters = [letter for letter in line if unicodedata.category(letter) not in UNSEEN]
    ways = _without_gaps(_ways(letters, base), base)
    # UAX 9's levels: what runs to the right inside a line that runs to the left is deeper.
    deep = {TO_LEFT: 1, TO_RIGHT: 2 * base, NUMBER: 2}
    seen = [
        (MIRRORED.get(letter, letter) if way == TO_LEFT else letter, deep[way])
        for letter, way in zip(letters, ways, strict=True)
    ]
    for least in (2, 1):
        seen = _turned(seen, least)
    return "".join(letter for letter, _ in seen)


def _turned(seen: list[tuple[str, int]], least: int) -> list[tuple[str, int]]:
    """Runs that stand at least so deep, backwards."""
    turned = []
    for is_deep, run in groupby(seen, key=lambda pair: pair[1] >= least):
        part = list(run)
        turned += part[::-1] if is_deep else part
    return turned


def _ways(letters: list[str], base: int) -> list[int | None]:
    """Which way each letter runs by itself; None: it goes with its neighbours."""
    kinds = [unicodedata.bidirectional(letter) for letter in letters]
    ways: list[int | None] = []
    last = base
    for at, kind in enumerate(kinds):
        if kind in RIGHT or kind == "L":
            last = TO_LEFT if kind in RIGHT else TO_RIGHT
            ways.append(last)
        elif kind in NUMBERS or (kind in IN_NUMBERS and _is_between_numbers(kinds, at)):
            ways.append(NUMBER if last == TO_LEFT else TO_RIGHT)
        else:
            ways.append(None)
    return ways


def _is_between_numbers(kinds: list[str], at: int) -> bool:
    """As the colon of 12:30."""
    return 0 < at < len(kinds) - 1 and kinds[at - 1] in NUMBERS and kinds[at + 1] in NUMBERS


def _without_gaps(ways: list[int | None], base: int) -> list[int]:
    """Spaces and signs run as what stands on both sides does, else as the line."""
    out: list[int] = []
    at = 0
    for is_gap, run in groupby(ways, key=lambda way: way is None):
        part = list(run)
        if not is_gap:
            out += [way for way in part if way is not None]
        else:
            after = ways[at + len(part)] if at + len(part) < len(ways) else base
            sides = {TO_LEFT if way == NUMBER else way for way in (out[-1] if out else base, after)}
            (way,) = sides if len(sides) == 1 else {base}
            out += [base if way is None else way] * len(part)
        at += len(part)
    return out
