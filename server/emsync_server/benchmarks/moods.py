"""Moods of real clips against a table that one person made by hand, from stills and from knowing
the films, before results were looked at (`film_moods.csv`; it says who would disagree).

A few clips judged by one person are no measure of quality. They show what is taken for what.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from fractions import Fraction
from importlib import resources
from pathlib import Path

import numpy as np

from emsync.cue import CueSheet
from emsync.emotion import ValenceArousal
from emsync.errors import NotFoundError
from emsync.settings import SpotSettings
from emsync_server.benchmarks.mood_bands import (
    BAND_DEVIATIONS,
    JudgedBand,
    bands_table,
    judged_band,
)
from emsync_server.benchmarks.mood_votes import StretchVotes, votes_in, votes_table
from emsync_server.benchmarks.tables import Table, signed, write_table
from emsync_server.progress import Progress
from emsync_server.spotting import spot

__all__ = [
    "FilmMood",
    "MoodFindings",
    "MoodStretch",
    "benchmark_moods",
    "hand_made_moods",
    "mood_of",
    "spotted_moods",
]

TABLE = "film_moods.csv"
STEP_S = 0.25
LEAST = 0.15
"""Nearer to the middle on both axes, nothing in particular is felt."""


class FilmMood(Enum):
    """The corners of the circumplex, and its middle."""

    JOY = "joy"
    CALM = "calm"
    TENSION = "tension"
    GLOOM = "gloom"
    PLAIN = "plain"


SIDES = {
    FilmMood.JOY: (1, 1),
    FilmMood.CALM: (1, -1),
    FilmMood.TENSION: (-1, 1),
    FilmMood.GLOOM: (-1, -1),
    FilmMood.PLAIN: (0, 0),
}
"""Of the circumplex, in valence and in arousal."""


@dataclass(frozen=True, slots=True)
class MoodStretch:
    """A row of the table."""

    clip: str
    film: str
    """Clips of one film are no two witnesses."""
    start_s: float
    end_s: float
    mood: str
    why: str
    disagrees: str


@dataclass(frozen=True, slots=True)
class _Judged:
    """A stretch and what spotting says of it."""

    stretch: MoodStretch
    said: str
    valence: float
    arousal: float
    band: tuple[float, float]
    """Half the width of the 80 % band, valence and arousal."""
    is_inside: bool
    """Whether the hand-made mood's side of the circumplex lies in the band."""


def hand_made_moods() -> list[MoodStretch]:
    """The table."""
    text = resources.files("emsync_server.benchmarks").joinpath(TABLE).read_text("utf-8")
    return [
        MoodStretch(row["clip"], row["film"], float(row["start_s"]), float(row["end_s"]),
                 FilmMood(row["mood"]).value, row["why"], row["who would disagree"])
        for row in csv.DictReader(text.splitlines())
    ]  # fmt: skip


def mood_of(emotion: ValenceArousal) -> FilmMood:
    """Which of the five a place on the circumplex is."""
    if max(abs(emotion.valence), abs(emotion.arousal)) < LEAST:
        return FilmMood.PLAIN
    if emotion.valence >= 0:
        return FilmMood.JOY if emotion.arousal >= 0 else FilmMood.CALM
    return FilmMood.TENSION if emotion.arousal >= 0 else FilmMood.GLOOM


@dataclass(frozen=True, slots=True)
class MoodFindings:
    """What was said of all stretches, one after another."""

    judged: tuple[_Judged, ...]
    votes: tuple[StretchVotes, ...]
    bands: tuple[JudgedBand, ...]


def spotted_moods(media: Path, progress: Progress) -> MoodFindings:
    """Spot each clip of the table."""
    stretches = hand_made_moods()
    clips = list(dict.fromkeys(each.clip for each in stretches))
    judged: list[_Judged] = []
    voted: list[StretchVotes] = []
    bands: list[JudgedBand] = []
    for at, clip in enumerate(clips):
        path = media / "clips" / clip
        if not path.is_file():
            raise NotFoundError(
                f"There is no clip '{path}'. Name the folder of media with --media."
            )
        sheet = spot(path, SpotSettings(), progress.part(at / len(clips), (at + 1) / len(clips)))
        for each in (each for each in stretches if each.clip == clip):
            sides, part = SIDES[FilmMood(each.mood)], (each.start_s, each.end_s)
            judged.append(_judged(each, sheet))
            voted.append(StretchVotes(clip, sides, votes_in(sheet.shots, *part)))
            bands.append(judged_band(each.film, sides, sheet, *part))
    return MoodFindings(tuple(judged), tuple(voted), tuple(bands))


def benchmark_moods(media: Path, output: Path, progress: Progress) -> None:
    """Write what was said of each stretch, the confusion table, whether the bands hold, and how
    each expert alone compares."""
    found = spotted_moods(media, progress)
    command = "emsync benchmark moods --media ../shared/media -o moods.json"
    write_table(_listed(found.judged, command), [asdict(each) for each in found.judged], output)
    with output.with_suffix(".md").open("a", encoding="utf-8") as file:
        for table in (
            _confusion(found.judged, command),
            bands_table(found.bands, command),
            votes_table(found.votes, command),
        ):
            file.write("\n" + table.markdown())


def _judged(stretch: MoodStretch, sheet: CueSheet) -> _Judged:
    cue = sheet.cues[0]
    end_s = min(stretch.end_s, float(cue.range.end.seconds))
    moments = np.arange(stretch.start_s + STEP_S / 2, max(end_s, stretch.start_s + STEP_S), STEP_S)
    felt = [cue.felt.at(float(moment)) for moment in moments]
    inside = [cue.emotion.nearest(Fraction(float(moment))) for moment in moments]
    valence = float(np.mean([each.valence for each in felt]))
    arousal = float(np.mean([each.arousal for each in felt]))
    band = (
        BAND_DEVIATIONS * float(np.mean([p.uncertainty.valence for p in inside])),
        BAND_DEVIATIONS * float(np.mean([p.uncertainty.arousal for p in inside])),
    )
    said = mood_of(ValenceArousal(valence, arousal))
    wanted = FilmMood(stretch.mood)
    return _Judged(stretch, said.value, round(valence, 3), round(arousal, 3),
                   (round(band[0], 3), round(band[1], 3)),
                   _is_possible(wanted, (valence, arousal), band))  # fmt: skip


def _is_possible(mood: FilmMood, said: tuple[float, float], band: tuple[float, float]) -> bool:
    """Whether the band reaches the mood's corner, or the middle."""
    if mood is FilmMood.PLAIN:
        return all(abs(value) <= LEAST + off for value, off in zip(said, band, strict=True))
    return all(sign * value + off >= 0
               for sign, value, off in zip(SIDES[mood], said, band, strict=True))  # fmt: skip


def _listed(judged: Sequence[_Judged], command: str) -> Table:
    columns = ("clip", "seconds", "by hand", "spotting", "valence", "arousal", "band reaches it",
               "who would disagree")  # fmt: skip
    rows = tuple(
        (
            each.stretch.clip,
            f"{each.stretch.start_s:g}–{each.stretch.end_s:g}",
            each.stretch.mood,
            each.said,
            f"{signed(each.valence)} ± {each.band[0]:.2f}",
            f"{signed(each.arousal)} ± {each.band[1]:.2f}",
            "yes" if each.is_inside else "no",
            each.stretch.disagrees,
        )
        for each in judged
    )
    return Table(command, columns, rows)


def _confusion(judged: Sequence[_Judged], command: str) -> Table:
    moods = [each.value for each in FilmMood]
    counted = Counter((each.stretch.mood, each.said) for each in judged)
    rows = tuple(
        (f"**{mood}** by hand", *(str(counted[mood, said] or "·") for said in moods))
        for mood in moods
    )
    return Table(command, ("", *(f"said {mood}" for mood in moods)), rows)
