"""Steps that do what their input file says, so that one script drives a server in any process."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

from emsync.cue import Cue, CueSheet, Hit
from emsync.emotion import EmotionCurve, EmotionPoint, ValenceArousal
from emsync.errors import MediaError
from emsync.family import Family
from emsync.picture import Boundary, BoundaryKind, PictureInfo
from emsync.score import Landing, Meter, Take, TempoAnchor, TempoMap
from emsync.settings import ComposeSettings, RenderSettings, SpotSettings
from emsync.stem import GainCurve, LoudnessTarget, Stem, StemSet
from emsync.timecode import RationalTime, TimeRange
from emsync.wire.calls import Model
from emsync_server.outputs import working_folder
from emsync_server.progress import Progress

RATE = Fraction(24000, 1001)
SLOW_STEPS = 2000
SLOW_STEP_S = 0.01


def sheet_of(source: Path) -> CueSheet:
    """A cue sheet of ten seconds with one locked hit."""
    still = ValenceArousal(0.1, 0.1)
    start, end = RationalTime(0, RATE), RationalTime(240, RATE)
    hit = Hit(RationalTime(100, RATE), 1.0, True)
    curve = EmotionCurve((EmotionPoint(start, ValenceArousal(0.5, -0.5), still),))
    return CueSheet(
        PictureInfo(str(source), RATE, end, start),
        (Boundary(hit.time, BoundaryKind.CUT, 1.0),),
        (Cue("film", TimeRange(start, end), (hit,), curve),),
    )


class FakeSteps:
    """Does what the source file, or the cue's name, says: quick, slow, deaf, broken, …."""

    def spot(self, source: Path, settings: SpotSettings, progress: Progress) -> CueSheet:
        """A cue sheet, after what the file says."""
        _act(source.read_text(encoding="utf-8"), progress)
        return sheet_of(source)

    def compose(
        self,
        sheet: CueSheet,
        cue_name: str,
        folder: Path,
        settings: ComposeSettings,
        progress: Progress,
    ) -> tuple[Take, ...]:
        """A take beside a file, after what the cue's name says."""
        with working_folder(folder) as working:
            (working / "score.mid").write_bytes(b"half of it")
            progress.ready(working / "score.mid", 2.5)
            _act(cue_name, progress)
            (working / "score.mid").replace(folder / "score.mid")
        tempo = TempoMap(
            (
                TempoAnchor(Fraction(0), Fraction(0)),
                TempoAnchor(Fraction(20), sheet.cues[0].range.duration.seconds),
            ),
            (Meter(Fraction(0), 4, 4),),
        )
        landing = Landing(Fraction(1001, 240), Fraction(8), 0.0001)
        return (
            Take(
                sheet.picture, sheet.cues[0], 1, settings.seed, "fake", "0", "score.mid",
                tempo, (landing,), (("likelihood", -1.5),),
            ),
        )  # fmt: skip

    def render(
        self, take_path: Path, folder: Path, settings: RenderSettings, progress: Progress
    ) -> StemSet:
        """A stem set, after what the take's file says."""
        _act(take_path.read_text(encoding="utf-8"), progress)
        return StemSet(
            "film", (Stem(Family.STRINGS, "stems/strings.wav", float("-inf")),), "mix.wav",
            48000, 480480, 0, -23.0, -1.0, LoudnessTarget.EBU_R128, GainCurve(), "fake",
        )  # fmt: skip

    def models(self) -> tuple[Model, ...]:
        """One network."""
        return (Model("composer", True, "0" * 64, "Apache-2.0"),)


def _act(script: str, progress: Progress) -> None:
    if script == "broken":
        raise MediaError("'film.mp4' is no film: its first bytes are text. Name a film.")
    if script == "hungry":
        raise MemoryError("Unable to allocate 6.00 GiB")
    if script == "unforeseen":
        raise ZeroDivisionError("division by zero")
    if script == "deaf":  # busy in one long call that reports nothing
        time.sleep(1.5)
    steps = SLOW_STEPS if script == "slow" else 3
    for step in range(steps):
        progress.report(step / steps, f"step {step + 1}")
        time.sleep(SLOW_STEP_S)
    progress.report(1.0, "done")
