"""Real films with annotated cuts: floors under what is found, not targets to tune to."""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path

import pytest
from tests.conftest import MEDIA

from emsync.cue import CueSheet
from emsync.settings import ShotDetector, SpotSettings
from emsync_server.benchmarks.shot_truth import Score, Truth, read_truths, score
from emsync_server.media import open_film
from emsync_server.progress import silent_progress
from emsync_server.spotting import spot
from emsync_server.spotting.films import look

pytestmark = pytest.mark.media


def films() -> dict[Path, Truth]:
    """Every film with known cuts."""
    return {
        film: truth
        for annotated in read_truths(MEDIA).values()
        for film, truth in annotated.items()
        if truth.cuts
    }


def frames_of(sheet: CueSheet) -> list[int]:
    """The boundaries as frame indices; of a variable-rate film by counting its frames."""
    rate, times = sheet.picture.rate, [each.time.seconds for each in sheet.boundaries]
    if sheet.picture.duration.rate == rate:
        return [round(time * rate) for time in times]
    with open_film(Path(sheet.picture.source)) as film:
        shown = [frame.tick * film.tick_s for frame in film.frames()]
    return [bisect_left(shown, time) for time in times]


def test_the_chrome_advert_is_cut_where_it_is_cut(media: Path):
    path = media / "clips" / "chrome_ad.mp4"
    of = score(frames_of(spot(path, SpotSettings(), silent_progress())), films()[path])
    assert of.found == of.cuts == 6
    assert of.wrong == 0
    assert of.graduals_found >= 2


@pytest.mark.slow
def test_cuts_of_all_annotated_films_are_found(capsys):
    total = Score()
    for path, truth in films().items():
        of = score(frames_of(spot(path, SpotSettings(), silent_progress())), truth)
        total += of
        with capsys.disabled():
            print(f"\n{path.name:26} F1 {of.cut_f1:.3f} {of}", end="")
    with capsys.disabled():
        print(f"\nall: F1 {total.cut_f1:.3f}, all {total.all_f1:.3f} {total}")
    assert total.cut_f1 > 0.93
    assert total.all_f1 > 0.90
    assert total.graduals_found / total.graduals > 0.75


@pytest.mark.slow
def test_a_second_look_finds_more_of_what_changes_gradually():
    total, exact = Score(), Score()
    for path, truth in films().items():
        with open_film(path) as film:
            seen = look(film, SpotSettings(shots=ShotDetector.ACCURATE), silent_progress())
            moments = [each.time.seconds for each in seen.boundaries]
            shown = None if film.clock.on_grid else [
                float(frame.tick * film.tick_s) for frame in film.frames()
            ]  # fmt: skip
            frames = [
                round(moment * film.clock.rate) if shown is None
                else bisect_left(shown, float(moment) - 1e-6)
                for moment in moments
            ]  # fmt: skip
        total, exact = total + score(frames, truth), exact + score(frames, truth, tolerance=0)
    assert total.cut_f1 >= 0.95
    assert exact.cut_f1 >= 0.93
    assert total.all_f1 >= 0.93
    assert total.graduals_found / total.graduals >= 0.80


@pytest.mark.slow
def test_a_draft_finds_four_cuts_of_five():
    total = Score()
    for path, truth in films().items():
        sheet = spot(path, SpotSettings(draft=True), silent_progress())
        total += score(frames_of(sheet), truth)
    assert total.cut_recall > 0.80


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", sorted((MEDIA / "clips").glob("*.*[!n]")), ids=lambda path: path.name
)
def test_every_clip_is_spotted(path: Path):
    sheet = spot(path, SpotSettings(), silent_progress())
    assert sheet.picture.warnings == ()
    assert sheet.cues[0].emotion.points
