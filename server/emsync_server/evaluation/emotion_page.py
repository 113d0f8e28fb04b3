"""The emotion picture as a page that says why, shot by shot: one file, nothing fetched."""

from __future__ import annotations

import base64
import json
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from emsync.cue import CueSheet
from emsync.emotion import EmotionPoint, ShotNotes, ValenceArousal
from emsync_server.evaluation.emotion_picture import (
    BAND_DEVIATIONS,
    draw_emotion_picture,
    felt_shots,
    genre_line,
)
from emsync_server.evaluation.film_strip import film_strip
from emsync_server.evaluation.time_axis import LEFT, TimeAxis
from emsync_server.outputs import replacing_file, write_text

__all__ = ["emotion_lines", "write_emotion_pages"]

TEMPLATE = "emotion.html"
MOST_EKMAN = 3
MOST_LINES = 12


def emotion_lines(sheet: CueSheet) -> list[str]:
    """The curve in words, for a terminal: a line for each of the longest shots, in their order, and
    one for the genres where a network told them."""
    pairs = felt_shots(sheet)
    longest = sorted(pairs, key=lambda pair: -float(pair[0].range.duration.seconds))[:MOST_LINES]
    lines = []
    for note, point in sorted(longest, key=lambda pair: pair[0].range.start.seconds):
        both = _both(point.emotion, point.uncertainty)
        lead = max(note.votes, key=lambda vote: vote.share, default=None)
        why = f" ({lead.expert.replace('_', ' ')} {lead.share:.0%})" if lead else ""
        lines.append(
            f"  {float(note.range.start.seconds):8.2f} s  valence {both[0]}  arousal {both[1]}{why}"
        )
    if sheet.genres:
        lines.append(f"  genres, as your network tells them: {genre_line(sheet)}")
    return lines


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
    page = page.replace("{{picture}}", base64.b64encode(picture).decode("ascii"))
    told = "".join(f"<p>{escape(each)}</p>\n" for each in sheet.words_from)
    write_text(html, page.replace("{{words}}", told).replace("{{shots}}", _data(sheet)))
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
            for vote in note.votes
        ],
        "ekman": ", ".join(f"{name} {value:.0%}" for name, value in likely),
        "tags": ", ".join(f"{name} {value:.0%}" for name, value in note.tags),
        "text": note.text,
    }  # fmt: skip


def _both(emotion: ValenceArousal, off: ValenceArousal) -> tuple[str, str]:
    return _with_band(emotion.valence, off.valence), _with_band(emotion.arousal, off.arousal)


def _with_band(value: float, off: float) -> str:
    return f"{value:+.2f} ± {BAND_DEVIATIONS * off:.2f}"
