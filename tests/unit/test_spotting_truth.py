"""Real films with annotated cuts: floors under what is found, not targets to tune to."""

from __future__ import annotations

import json
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conftest import MEDIA

from emsync.cue import CueSheet
from emsync.settings import SpotSettings
from emsync_server.media import open_film
from emsync_server.progress import silent_progress
from emsync_server.spotting import spot

pytestmark = pytest.mark.media


@dataclass(frozen=True)
class Truth:
    """Frames, 0-based. Graduals and ignored stretches are inclusive."""

    cuts: list[int]
    gradual: list[tuple[int, int]]
    ignored: list[tuple[int, int]]


@dataclass(frozen=True)
class Score:
    found: int = 0
    cuts: int = 0
    wrong: int = 0
    graduals_found: int = 0
    graduals: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.found + other.found,
            self.cuts + other.cuts,
            self.wrong + other.wrong,
            self.graduals_found + other.graduals_found,
            self.graduals + other.graduals,
        )

    @property
    def f1(self) -> float:
        return 2 * self.found / (self.cuts + self.found + self.wrong)


def films() -> dict[Path, Truth]:
    """Every film with known cuts."""
    found: dict[Path, Truth] = {}
    clips = MEDIA / "clips"
    if not (clips / "truth.json").exists():
        return found
    for name, told in json.loads((clips / "truth.json").read_text())["clips"].items():
        gradual = [(first, last) for first, last, *_ in told["gradual"]]
        found[clips / name] = Truth(told["cuts"], gradual, told["ignore"])
    for path in sorted((MEDIA / "montages").glob("*.truth.json")):
        told = json.loads(path.read_text())
        cuts = [each["frame"] for each in told["boundaries"] if each["type"] == "cut"]
        gradual = [(b["s"], b["e"]) for b in told["boundaries"] if b["type"] != "cut"]
        film = path.with_name(f"{told['name']}.mp4")
        found[film] = Truth(cuts, gradual, told.get("ignore", []))
    return found


def frames_of(sheet: CueSheet) -> list[int]:
    """The boundaries as frame indices; of a variable-rate film by counting its frames."""
    rate, times = sheet.picture.rate, [each.time.seconds for each in sheet.boundaries]
    if sheet.picture.duration.rate == rate:
        return [round(time * rate) for time in times]
    with open_film(Path(sheet.picture.source)) as film:
        shown = [frame.tick * film.tick_s for frame in film.frames()]
    return [bisect_left(shown, time) for time in times]


def score(sheet: CueSheet, truth: Truth, tolerance: int = 1) -> Score:
    """Cuts matched one to one; what lies in a gradual change or an ignored stretch is not wrong."""
    left = frames_of(sheet)
    found = 0
    for cut in truth.cuts:
        near = [frame for frame in left if abs(frame - cut) <= tolerance]
        if near:
            left.remove(min(near, key=lambda frame: abs(frame - cut)))
            found += 1

    def inside(frame: int, stretches: list[tuple[int, int]]) -> bool:
        return any(s - 1 - tolerance <= frame <= e + 1 + tolerance for s, e in stretches)

    wrong = [f for f in left if not inside(f, truth.gradual) and not inside(f, truth.ignored)]
    graduals = sum(any(inside(frame, [stretch]) for frame in left) for stretch in truth.gradual)
    return Score(found, len(truth.cuts), len(wrong), graduals, len(truth.gradual))


def test_the_chrome_advert_is_cut_where_it_is_cut(media: Path):
    path = media / "clips" / "chrome_ad.mp4"
    of = score(spot(path, SpotSettings(), silent_progress()), films()[path])
    assert of.found == of.cuts == 6
    assert of.wrong == 0
    assert of.graduals_found >= 2


@pytest.mark.slow
def test_cuts_of_all_annotated_films_are_found(capsys):
    total = Score()
    for path, truth in films().items():
        of = score(spot(path, SpotSettings(), silent_progress()), truth)
        total += of
        with capsys.disabled():
            print(f"\n{path.name:26} F1 {of.f1:.3f} {of}", end="")
    with capsys.disabled():
        print(f"\nall: F1 {total.f1:.3f} {total}")
    assert total.f1 > 0.95
    assert total.graduals_found / total.graduals > 0.35


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", sorted((MEDIA / "clips").glob("*.*[!n]")), ids=lambda path: path.name
)
def test_every_clip_is_spotted(path: Path):
    sheet = spot(path, SpotSettings(), silent_progress())
    assert sheet.picture.warnings == ()
    assert sheet.cues[0].emotion.points
