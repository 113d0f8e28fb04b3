"""What a score made again after a re-edit keeps, and what it costs beside the first.

One cut of six drawn shots (media offline, so that the edit alone decides) and what editors do to
it: each row is `emsync score --again` of the changed cut, from the score of the first.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import opentimelineio as otio

from emsync.errors import EmsyncError
from emsync_server.again import Again, score_again
from emsync_server.app import ScoreSettings, score
from emsync_server.benchmarks.tables import Table, percent, write_table
from emsync_server.progress import Progress, silent_progress

__all__ = ["RE_EDITS", "Cut", "benchmark_re_edits", "written_cut"]

Shot = tuple[str, int, int]
"""Film, first frame, length in frames."""
SHOTS: tuple[Shot, ...] = (
    ("a", 0, 192),
    ("b", 100, 168),
    ("c", 0, 216),
    ("d", 50, 192),
    ("e", 400, 216),
    ("f", 10, 168),
)


SETTINGS = ScoreSettings()


@dataclass(frozen=True, slots=True)
class Cut:
    """An edit, and how it counts."""

    shots: tuple[Shot, ...] = SHOTS
    folder: str = "/offline"
    rate: int = 24
    start_h: int = 1


RE_EDITS = {
    "nothing": Cut(),
    "media moved to another disk": Cut(folder="/Volumes/other disk"),
    "start timecode 10:00:00:00": Cut(start_h=10),
    "a shot inserted at the head, which shifts all": Cut((("new", 0, 120), *SHOTS)),
    "a shot replaced by a shorter one": Cut((*SHOTS[:2], ("new", 0, 120), *SHOTS[3:])),
    "a shot taken out": Cut((*SHOTS[:3], *SHOTS[4:])),
    "a shot cut in two, the second half behind the next": Cut(
        (*SHOTS[:2], ("c", 0, 96), SHOTS[3], ("c", 96, 120), *SHOTS[4:])
    ),
    "two shots swapped": Cut((*SHOTS[:2], SHOTS[3], SHOTS[2], *SHOTS[4:])),
    "the tail cut off": Cut(SHOTS[:-1]),
    "the rate changed to 25": Cut(rate=25),
}
"""By what was done."""


def benchmark_re_edits(output: Path, progress: Progress) -> None:
    """Score the cut, then each changed one again."""
    figures: list[dict[str, object]] = []
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory(prefix="emsync-benchmark-") as scratch:
        folder = Path(scratch)
        begin = process_time()
        score(
            written_cut(Cut(), folder / "cut.otio"), folder / "first", SETTINGS, silent_progress()
        )
        first_s = process_time() - begin
        for number, (what, cut) in enumerate(RE_EDITS.items()):
            progress.report(number / len(RE_EDITS), what)
            source = written_cut(cut, folder / f"v{number}.otio")
            begin = process_time()
            try:
                made = score_again(
                    source, folder / "first", folder / str(number), SETTINGS, silent_progress()
                )
            except EmsyncError as err:
                figures.append({"change": what, "refused": err.sentence})
                rows.append((what, "refused", "–", "–", "–", "–"))
                continue
            share = (process_time() - begin) / first_s
            figures.append({"change": what, "cost": share, **_found(made, folder)})
            rows.append((what, *_row(figures[-1])))
    command = "emsync benchmark re-edits -o re-edits.json"
    columns = (
        "change",
        "bars kept",
        "hits within half a frame",
        "MIDI the same bytes",
        "stems the same bytes",
        "time, of the first score's",
    )
    write_table(Table(command, columns, tuple(rows)), figures, output)


def written_cut(cut: Cut, path: Path) -> Path:
    """The edit as an .otio."""
    rate = float(cut.rate)
    track = otio.schema.Track(name="V1", kind=otio.schema.TrackKind.Video)
    for film, first, length in cut.shots:
        shown = otio.opentime.TimeRange(
            otio.opentime.RationalTime(first, rate), otio.opentime.RationalTime(length, rate)
        )
        media = otio.schema.ExternalReference(f"{cut.folder}/{film}.mov")
        track.append(otio.schema.Clip(film, media, shown))
    made = otio.schema.Timeline(name="cut")
    made.global_start_time = otio.opentime.RationalTime(3_600 * cut.start_h * rate, rate)
    made.tracks.append(track)
    otio.adapters.write_to_file(made, str(path))
    return path


def _found(made: Again, folder: Path) -> dict[str, object]:
    """What of the first score is left in the second, and whether its hits land."""
    (take,) = made.scored.takes
    half_frame_s = float(1 / (2 * take.picture.rate))
    landed = sum(abs(landing.error_s) <= half_frame_s for landing in take.landings)
    old, new = folder / "first", made.scored.folder
    stems = [path.name for path in (new / "stems").iterdir()]
    same = [name for name in stems if _are_same(old / "stems" / name, new / "stems" / name)]
    unchanged = bool(made.unchanged_cues)
    return {
        "unchanged": unchanged,
        "kept_bars": made.kept_bars,
        "all_bars": made.all_bars,
        "landed": landed,
        "hits": len(take.landings),
        "same_midi": _are_same(old / take.midi, new / take.midi),
        "stems": len(stems),
        "same_stems": len(same),
    }


def _row(found: dict[str, object]) -> tuple[str, ...]:
    bars = "all" if found["unchanged"] else f"{found['kept_bars']} of {found['all_bars']}"
    return (
        bars,
        f"{found['landed']} of {found['hits']}",
        "yes" if found["same_midi"] else "no",
        f"{found['same_stems']} of {found['stems']}",
        percent(float(str(found["cost"]))),
    )


def _are_same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()
