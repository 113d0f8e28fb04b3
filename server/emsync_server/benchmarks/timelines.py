"""What a timeline file costs: seconds to read it, to place stems, and to see that they lie there.

The timelines are drawn here: cuts of one picture track, media offline; eight stems and 200 hits.
Each figure is the processor time of its own step; placing includes reading the source, writing,
reading back and comparing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from time import process_time
from typing import TypeVar

import opentimelineio as otio

from emsync.cue import Cue, CueSheet, Hit, HitSource
from emsync.emotion import EmotionCurve, EmotionPoint, ValenceArousal
from emsync.family import Family
from emsync.score import Landing, Meter, Take, TempoAnchor, TempoMap
from emsync.stem import GainCurve, GainPoint, LoudnessTarget, Stem, StemSet
from emsync.timecode import RationalTime, TimeRange
from emsync_otio import PlacedCue, TimelineEdit, place, read_edit
from emsync_server.benchmarks.tables import Table, write_table
from emsync_server.progress import Progress

__all__ = ["FORMATS", "benchmark_timelines", "drawn_score", "drawn_timeline"]

FORMATS = (".otio", ".otioz", ".fcpxml", ".fcpxmld", ".xml", ".kdenlive", ".xges", ".edl")
RATE = Fraction(24)
SHOT_FRAMES = (24, 28)
FILMS = 200
HITS = 200
SAMPLE_RATE_HZ = 48_000
Result = TypeVar("Result")


def benchmark_timelines(
    output: Path, progress: Progress, clips: Sequence[int] = (1_000, 20_000)
) -> None:
    """Measure every format at each number of clips."""
    figures, rows = [], []
    for number, count in enumerate(clips):
        part = progress.part(number / len(clips), (number + 1) / len(clips))
        for index, suffix in enumerate(FORMATS):
            part.report(index / len(FORMATS), f"{count} clips as {suffix}")
            with tempfile.TemporaryDirectory(prefix="emsync-benchmark-") as scratch:
                seconds = _measured(suffix, count, Path(scratch))
            figures.append({"format": suffix, "clips": count, **seconds})
            rows.append(
                (
                    suffix,
                    f"{count:,}",
                    *(f"{seconds[name]:.1f}" if name in seconds else "–" for name in _COLUMNS),
                )
            )
    command = "emsync benchmark timelines -o timelines.json"
    columns = ("format", "clips", *(f"{name}, s" for name in _COLUMNS))
    write_table(Table(command, columns, tuple(rows)), figures, output)


_COLUMNS = ("read", "place on an .otio", "add to its own file", "verify")


def _measured(suffix: str, count: int, folder: Path) -> dict[str, float]:
    """Processor seconds of each step, for one format."""
    source = folder / "cut.otio"
    otio.adapters.write_to_file(drawn_timeline(count), str(source))
    if suffix == ".edl":
        edl = folder / "cut.edl"
        edl.write_text(_drawn_list(count), encoding="utf-8")
        edit, read_s = _timed(lambda: read_edit(edl, RATE))
        sheet, placed = drawn_score(edit, folder)
        out = folder / "scored.otio"
        _, place_s = _timed(lambda: place(edl, sheet, placed, out, rate=RATE))
        return {"read": read_s, "add to its own file": place_s}
    edit = read_edit(source)
    sheet, placed = drawn_score(edit, folder)
    first, second = folder / f"first{suffix}", folder / f"second{suffix}"
    _, new_s = _timed(lambda: place(source, sheet, placed, first))
    again, read_s = _timed(lambda: read_edit(first))
    _, own_s = _timed(lambda: place(first, sheet, placed, second))
    same, verify_s = _timed(lambda: read_edit(second).boundaries == edit.boundaries)
    assert same, suffix
    assert again.boundaries == edit.boundaries, suffix
    return dict(zip(_COLUMNS, (read_s, new_s, own_s, verify_s), strict=True))


def _timed(step: Callable[[], Result]) -> tuple[Result, float]:
    begin = process_time()
    result = step()
    return result, process_time() - begin


def drawn_timeline(count: int) -> otio.schema.Timeline:
    """So many shots of some films, one after another."""
    rate = float(RATE)
    track = otio.schema.Track(name="V1", kind=otio.schema.TrackKind.Video)
    for number in range(count):
        length = SHOT_FRAMES[number % 2]
        shown = otio.opentime.TimeRange(
            otio.opentime.RationalTime(10 * number % 1_000, rate),
            otio.opentime.RationalTime(length, rate),
        )
        media = otio.schema.ExternalReference(
            f"/offline/film {number % FILMS}.mov",
            otio.opentime.TimeRange(duration=otio.opentime.RationalTime(2_000, rate)),
        )
        track.append(otio.schema.Clip(f"shot {number}", media, shown))
    made = otio.schema.Timeline(name="drawn")
    made.global_start_time = otio.opentime.RationalTime(3_600 * rate, rate)
    made.tracks.append(track)
    return made


def _drawn_list(count: int) -> str:
    """The same cut as an EDL."""
    lines, at = ["TITLE: drawn", "FCM: NON-DROP FRAME"], 3_600 * int(RATE)
    for number in range(count):
        length, begin = SHOT_FRAMES[number % 2], 10 * number % 1_000
        codes = " ".join(_code(frame) for frame in (begin, begin + length, at, at + length))
        lines.append(f"{number + 1:06}  F{number % FILMS:07} V     C        {codes}")
        at += length
    return "\n".join(lines) + "\n"


def _code(frame: int) -> str:
    seconds, frames = divmod(frame, int(RATE))
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frames:02}"


def drawn_score(edit: TimelineEdit, folder: Path) -> tuple[CueSheet, list[PlacedCue]]:
    """One cue over the whole picture, with eight stems as empty files."""
    picture = edit.picture
    step = max(picture.duration.value // (HITS + 1), 1)
    hits = tuple(
        Hit(RationalTime(at, picture.rate), 1.0, True, HitSource.BOUNDARY, "")
        for at in range(step, picture.duration.value, step)[:HITS]
    )
    start = RationalTime(0, picture.rate)
    point = EmotionPoint(start, ValenceArousal(0.0, 0.0), ValenceArousal(0.5, 0.5))
    cue = Cue("cue", TimeRange(start, picture.duration), hits, EmotionCurve((point,)))
    length_s = picture.duration.seconds
    anchors = (TempoAnchor(Fraction(0), Fraction(0)), TempoAnchor(Fraction(16), length_s))
    tempo_map = TempoMap(anchors, (Meter(Fraction(0), 4, 4),))
    landings = tuple(Landing(hit.time.seconds, Fraction(1), 0.0) for hit in hits)
    take = Take(picture, cue, 1, 0, "drawn", "0", "score.mid", tempo_map, landings)
    families = tuple(Family)[:8]
    stems = tuple(Stem(family, f"stems/{family.value}.wav", -3.0) for family in families)
    (folder / "stems").mkdir(parents=True, exist_ok=True)
    for stem in stems:
        (folder / stem.path).write_bytes(b"RIFF")
    curve = GainCurve((GainPoint(0.0, 0.0), GainPoint(1.0, -6.0)))
    length_samples = round(length_s * SAMPLE_RATE_HZ)
    rendered = StemSet(
        "cue",
        stems,
        "mix.wav",
        SAMPLE_RATE_HZ,
        length_samples,
        0,
        -23.0,
        -1.0,
        LoudnessTarget.EBU_R128,
        curve,
        "none",
    )
    return CueSheet(picture, edit.boundaries, (cue,)), [PlacedCue(take, rendered, folder)]
