"""The emotion picture as a page that says why, shot by shot: one file, nothing fetched."""

from __future__ import annotations

import base64
import json
import re
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from emsync.cue import CueSheet
from emsync.emotion import EmotionPoint, ShotNotes, ValenceArousal
from emsync_server.evaluation.emotion_picture import (
    BAND_DEVIATIONS,
    NOTHING,
    draw_emotion_picture,
    felt_shots,
    genre_line,
    is_told,
    shots_and_stretches,
)
from emsync_server.evaluation.film_strip import film_strip
from emsync_server.evaluation.right_to_left import has_joined_letters, paragraphs_of
from emsync_server.evaluation.time_axis import LEFT, TimeAxis
from emsync_server.evaluation.word_rows import UNJOINED, likely_sounds
from emsync_server.outputs import replacing_file, write_text

__all__ = ["emotion_lines", "write_emotion_pages"]

TEMPLATE = "emotion.html"
MOST_EKMAN = 3
MOST_LINES = 12
PART = re.compile(r"\{\{(picture|words|shots)\}\}")


def emotion_lines(sheet: CueSheet) -> list[str]:
    """The curve in words, for a terminal: a line for each of the longest stretches, in their order,
    what was left out, and the genres where a network told them."""
    pairs = felt_shots(sheet)
    longest = sorted(pairs, key=lambda pair: -float(pair[0].range.duration.seconds))[:MOST_LINES]
    left_out = len(pairs) - len(longest)
    lines = []
    if pairs:
        which = f"; the {MOST_LINES} longest:" if left_out else ":"
        lines.append(f"  {shots_and_stretches(sheet)} (± holds 80 %){which}")
    for note, point in sorted(longest, key=lambda pair: pair[0].range.start.seconds):
        both = _both(point.emotion, point.uncertainty)
        lines.append(
            f"  {float(note.range.start.seconds):8.2f} s  valence {both[0]}  arousal {both[1]}"
            f"{_leading(note)}"
        )
    if left_out:
        lines.append(f"  … and {left_out} more in the cue sheet")
    if sheet.genres:
        lines.append(f"  genres, as your network tells them: {genre_line(sheet)}")
    return lines


def _leading(note: ShotNotes) -> str:
    """Who counts most, if anybody was asked."""
    if not note.votes:
        return ""
    lead = max(note.votes, key=lambda vote: vote.share)
    if not is_told(lead):
        return f" ({NOTHING})"
    return f" ({lead.expert.replace('_', ' ')} {lead.share:.0%})"


def write_emotion_pages(sheet: CueSheet, sheet_path: Path) -> tuple[Path, Path]:
    """Write `NAME.emotion.png` and `NAME.emotion.html` beside a cue sheet; returns their paths."""
    canvas = draw_emotion_picture(sheet, film_strip(sheet))
    picture = canvas.png()
    png, html = (
        sheet_path.with_name(f"{sheet_path.stem}.emotion.{end}") for end in ("png", "html")
    )
    with replacing_file(png) as working:
        working.write_bytes(picture)
    page = resources.files("emsync_server.evaluation").joinpath(TEMPLATE).read_text("utf-8")
    said = list(sheet.words_from)
    if any(has_joined_letters(note.text) for note in sheet.shots):
        said.append(f"{UNJOINED}; below it they are.")
    told = "".join(f"<p>{escape(each)}</p>\n" for each in said)
    drawn = base64.b64encode(picture).decode("ascii")
    parts = {"picture": drawn, "words": told, "shots": _data(sheet)}
    # All at once: what the film says may look like one of these, too.
    write_text(html, PART.sub(lambda part: parts[part[1]], page))
    return png, html


def _data(sheet: CueSheet) -> str:
    """The notes for the page's script. What the film says cannot end the script."""
    axis = TimeAxis.of_length(float(sheet.picture.duration.seconds))
    shots = [_shot(*pair) for pair in felt_shots(sheet)]
    data = {"shots": shots, "genres": genre_line(sheet), "left": LEFT, "plot": axis.plot_width,
            "length": axis.length_s}  # fmt: skip
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")


def _shot(note: ShotNotes, point: EmotionPoint) -> dict[str, Any]:
    likely = sorted(note.ekman, key=lambda each: -each[1])[:MOST_EKMAN]
    return {
        "start": float(note.range.start.seconds),
        "end": float(note.range.end.seconds),
        "valence": _with_band(point.emotion.valence, point.uncertainty.valence),
        "arousal": _with_band(point.emotion.arousal, point.uncertainty.arousal),
        "votes": [
            [vote.expert.replace("_", " "), *_both(vote.emotion, vote.uncertainty),
             f"{vote.share:.0%}"]
            for vote in filter(is_told, note.votes)
        ],
        "nothing": NOTHING if note.votes and not any(map(is_told, note.votes)) else "",
        "ekman": ", ".join(f"{name} {value:.0%}" for name, value in likely),
        "tags": ", ".join(likely_sounds(note)),
        "text": "\n".join(paragraphs_of(note.text)),
    }  # fmt: skip


def _both(emotion: ValenceArousal, off: ValenceArousal) -> tuple[str, str]:
    return _with_band(emotion.valence, off.valence), _with_band(emotion.arousal, off.arousal)


def _with_band(value: float, off: float) -> str:
    return f"{value:+.2f} ± {BAND_DEVIATIONS * off:.2f}"
