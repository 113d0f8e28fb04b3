"""`emsync place`: a rendered score on a timeline, or under a film."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from emsync import wire
from emsync.counted import counted
from emsync.cue import CueSheet
from emsync.errors import CueSheetError, EmsyncError, InputError
from emsync_otio import PathStyle, PictureSize, PlacedCue, is_timeline, place
from emsync_server.app import cue_folder, lay_under_film
from emsync_server.cli.console import say, shown_progress, warn
from emsync_server.cli.options import RateOption, whole_path
from emsync_server.media import probe_film

__all__ = ["place_command"]


def place_command(
    source: Annotated[Path, typer.Argument(help="A timeline to lay the stems on, or a film.")],
    score_folder: Annotated[Path, typer.Argument(help="A folder that score or render wrote.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The new timeline, or film.")],
    rate: RateOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also where the score was made for another edit.")
    ] = False,
    paths: Annotated[
        PathStyle, typer.Option(help="How .otio names files: bare for Resolve, url for Premiere.")
    ] = PathStyle.AUTO,
) -> None:
    """Lay rendered stems on a timeline, as new tracks; yours stay as they are. Or the mix under a
    film, as score does: picture bit for bit, its sound kept.

    The new timeline is of the kind that its name says: .otio .otioz .fcpxml .fcpxmld .xml
    .kdenlive .mlt .xges. A film is .mp4, .mov or .mkv; without a suffix, what suits its picture.
    """
    sheet, placed = _rendered(score_folder)
    if is_timeline(source):
        _place_on_timeline(source, sheet, placed, output, rate=rate, force=force, paths=paths)
        return
    if rate is not None or paths is not PathStyle.AUTO:
        raise InputError(
            f"'{source.name}' is a film; --rate and --paths are for timelines. Leave them out."
        )
    with shown_progress("place") as progress:
        film = lay_under_film(
            whole_path(source), sheet, placed, whole_path(output), progress, force=force
        )
    say(f"film:     {film}")


def _rendered(score_folder: Path) -> tuple[CueSheet, list[PlacedCue]]:
    """The cue sheet in a folder, and what was composed and rendered of each cue."""
    if not (score_folder / "cues.json").exists():
        raise CueSheetError(
            f"'{score_folder}' is no folder with a score: it has no cues.json. "
            "Name the folder that 'emsync score' or 'emsync render' wrote."
        )
    sheet = wire.read_cue_sheet(score_folder / "cues.json")
    return sheet, [
        PlacedCue(
            wire.read_take(inside / "take.json"), wire.read_stem_set(inside / "stems.json"), inside
        )
        for inside in (cue_folder(sheet, one, score_folder) for one in sheet.cues)
    ]


def _place_on_timeline(
    source: Path,
    sheet: CueSheet,
    placed: Sequence[PlacedCue],
    output: Path,
    *,
    rate: Fraction | None,
    force: bool,
    paths: PathStyle,
) -> None:
    """Write the new timeline, and say what it holds."""
    report = place(
        source,
        sheet,
        placed,
        output,
        rate=rate,
        force=force,
        paths=paths,
        size_of=_picture_size,
    )
    say(f"{output}: {report.summary}")
    if report.assumed_size is not None:
        warn(
            f"Neither '{source.name}' nor media on this machine says how large the picture is: "
            f"'{output.name}' has {report.assumed_size.width}x{report.assumed_size.height}. "
            "Set the size of the sequence in your editor."
        )
    if report.unmarked:
        warn(
            f"{counted(report.unmarked, 'hit')} got no marker in '{output.name}': a marker of "
            "yours is there, and stays alone. report.json says how the hit landed."
        )
    if report.lost:
        warn(f"'{output.name}' does not hold: {', '.join(report.lost)}. A timeline in .otio does.")


def _picture_size(film: Path) -> PictureSize | None:
    """How large a film's picture is; None of what is no readable film."""
    try:
        probe = probe_film(film)
    except EmsyncError:
        return None
    return PictureSize(probe.width, probe.height)
