"""What trained networks read: the readings of a stretch of film as arrays, by expert.

Training and spotting both take them from here, so that a network meets in use what it met in
training.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emsync_server.spotting.experts.expert import ExpertRow, Features, Line, Sense
from emsync_server.spotting.experts.readings import Reading

__all__ = ["feature_of_words", "features_in"]

Arrays = dict[str, NDArray[np.floating]]


def features_in(
    groups: Sequence[Sequence[Reading]],
    rows: Sequence[ExpertRow],
    spans_s: Sequence[tuple[float, float]],
) -> list[Features]:
    """Of each group of readings, those of a shot or of a whole film in the order of their time.

    rows: experts of words among them are asked about all words of a group at once, as published:
    what was said, and what was written · spans_s: start and end of each group's stretch
    """
    found = [_sequences(group) for group in groups]
    for row in rows:
        if row.sense is Sense.TEXT and row.is_available():
            _add_words(found, groups, row)
    return [Features(*span_s, arrays) for span_s, arrays in zip(spans_s, found, strict=True)]


def feature_of_words(expert: str, source: str) -> str:
    """The name of what an expert of words makes of the words of another."""
    return f"{expert}_{source}"


def _sequences(group: Sequence[Reading]) -> Arrays:
    rows: dict[str, list[NDArray[np.floating]]] = {}
    for each in group:
        vector = _vector(each)
        if vector is not None:
            rows.setdefault(each.expert, []).append(vector)
    return {name: np.stack(found) for name, found in rows.items()}


def _vector(reading: Reading) -> NDArray[np.floating] | None:
    if reading.embedding is not None:
        return reading.embedding
    if reading.ekman is not None:
        return np.append(reading.ekman.six(), np.float32(reading.ekman.neutral))
    return None


def _add_words(
    found: Sequence[Arrays], groups: Sequence[Sequence[Reading]], row: ExpertRow
) -> None:
    """Adds what an expert of words says to each group's features."""
    lines = [(at, *line) for at, group in enumerate(groups) for line in _lines(group)]
    expert = row.open() if lines else None
    for first in range(0, len(lines), row.batch):
        assert expert is not None
        piece = lines[first : first + row.batch]
        answers = expert.read([line for _, _, line in piece])
        for (at, source, _), answer in zip(piece, answers, strict=True):
            vector = None if answer is None else _vector(answer)
            if vector is not None:
                name = feature_of_words(row.name, source)
                found[at][name] = np.asarray(vector, np.float32)


def _lines(group: Sequence[Reading]) -> list[tuple[str, Line]]:
    """All words of a group as one line, by who heard or saw them."""
    lines = []
    for source in sorted({each.expert for each in group if each.text}):
        spoken = [each for each in group if each.expert == source and each.text]
        words = " ".join(each.text for each in spoken)
        end_s = max(each.end_s for each in spoken)
        lines.append((source, Line(spoken[0].start_s, end_s, words)))
    return lines
