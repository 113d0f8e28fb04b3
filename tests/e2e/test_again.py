"""A score made again after a re-edit, with the composer and synthesiser that ship."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.timelines import R24, clip, saved, timeline, track

from emsync import wire
from emsync.errors import InputError, NotFoundError
from emsync.settings import ComposeSettings, SpotSettings
from emsync.timecode import RationalTime, TimeRange
from emsync_server.again import score_again
from emsync_server.app import ScoreSettings, score
from emsync_server.midi import read_midi
from emsync_server.progress import silent_progress
from emsync_server.rpc.steps import LocalSteps

SHOTS = [("a", 0, 120), ("b", 100, 120), ("c", 0, 144), ("d", 50, 168)]


def edit(path: Path, shots: list[tuple[str, int, int]]) -> Path:
    items = [clip(name, n, R24, start=at, media=f"/offline/{name}.mov") for name, at, n in shots]
    return saved(timeline(track(*items), rate=R24, start=86_400), path)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the score of the first edit."""
    folder = tmp_path_factory.mktemp("first")
    source = edit(folder / "cut.otio", SHOTS)
    settings = ScoreSettings(compose=ComposeSettings(takes=2))
    score(source, folder / "score", settings, silent_progress())
    return folder / "score"


@pytest.mark.slow
def test_an_unchanged_cue_is_the_same_bytes(first: Path, tmp_path: Path):
    source = edit(tmp_path / "renamed.otio", SHOTS)
    again = score_again(source, first, tmp_path / "out", ScoreSettings(), silent_progress())
    assert again.unchanged_cues == ("renamed",)  # called after the timeline, as spotting does
    stems = [Path("stems") / path.name for path in (first / "stems").iterdir()]
    for name in (Path("score.mid"), Path("score-2.mid"), Path("mix.wav"), *stems):
        assert (tmp_path / "out" / name).read_bytes() == (first / name).read_bytes()
    other = wire.read_take(tmp_path / "out/take-2.json")
    assert (other.number, other.midi, other.cue.name) == (2, "score-2.mid", "renamed")


@pytest.mark.slow
def test_bars_over_the_same_picture_keep_their_notes_and_hits_land_again(
    first: Path, tmp_path: Path
):
    source = edit(tmp_path / "longer.otio", [*SHOTS[:2], ("new", 0, 150), *SHOTS[2:]])
    again = score_again(source, first, tmp_path / "out", ScoreSettings(), silent_progress())
    assert 0 < again.kept_bars < again.all_bars
    (take,) = again.scored.takes
    assert take.landings
    assert all(abs(landing.error_s) < 1 / 48 for landing in take.landings)
    old, new = _onsets(first), _onsets(tmp_path / "out")
    shift = 150 / 24
    # Two bars on either side of the change may be new; nothing else is.
    kept = {note for note in old if note[0] < 10 - 5} | {
        (round(at + shift, 3), *rest) for at, *rest in old if at > 10 + 5
    }
    assert kept
    assert kept <= new
    placed = again.scored.folder / "timeline.otio"
    assert wire.read_take(again.scored.folder / "take.json").cue.range.duration.value == 702
    assert placed.is_file()


@pytest.mark.slow
def test_a_new_marker_is_landed_on(first: Path, tmp_path: Path):
    source = edit(tmp_path / "marked.otio", SHOTS)
    import opentimelineio as otio

    made = otio.adapters.read_from_file(str(source))
    made.tracks.markers.append(
        otio.schema.Marker("hit", otio.opentime.TimeRange(otio.opentime.RationalTime(301, 24)))
    )
    saved(made, source)
    again = score_again(source, first, tmp_path / "out", ScoreSettings(), silent_progress())
    (take,) = again.scored.takes
    assert 301 in [hit.time.value for hit in take.cue.hits if hit.locked]
    assert 0 < again.kept_bars < again.all_bars


def test_films_and_folders_without_a_score_are_refused(tmp_path: Path):
    settings = ScoreSettings(SpotSettings())
    with pytest.raises(InputError, match="is a film"):
        score_again(tmp_path / "x.mp4", tmp_path, tmp_path / "o", settings, silent_progress())
    source = edit(tmp_path / "cut.otio", SHOTS)
    with pytest.raises(NotFoundError, match=r"no cues\.json"):
        score_again(source, tmp_path, tmp_path / "o", settings, silent_progress())
    assert not (tmp_path / "o").exists()


def _onsets(folder: Path) -> set[tuple[float, int, int]]:
    take = wire.read_take(folder / "take.json")
    read = read_midi(folder / take.midi)
    return {
        (round(float(take.tempo_map.seconds_at(note.start_q)), 3), part.program, note.pitch)
        for part in read.parts
        for note in part.notes
    }


@pytest.mark.slow
def test_of_two_cues_the_one_whose_picture_only_moved_is_the_same_bytes(tmp_path: Path):
    source = edit(tmp_path / "cut.otio", SHOTS)
    spotted = LocalSteps().spot(source, SpotSettings(), silent_progress())
    (cue,) = spotted.cues
    halves = tuple(
        replace(
            cue,
            name=name,
            range=TimeRange(RationalTime(start, R24), RationalTime(end - start, R24)),
            hits=tuple(hit for hit in cue.hits if start <= hit.time.value < end),
        )
        for name, start, end in (("one", 0, 240), ("two", 240, 552))
    )
    sheet = replace(spotted, cues=halves)
    score(source, tmp_path / "first", ScoreSettings(), silent_progress(), sheet=sheet)
    changed = edit(tmp_path / "changed.otio", [SHOTS[0], ("new", 0, 96), *SHOTS[2:]])
    again = score_again(
        changed, tmp_path / "first", tmp_path / "out", ScoreSettings(), silent_progress()
    )
    assert again.unchanged_cues == ("two",)
    starts = [one.range.start.value for one in again.scored.sheet.cues]
    assert starts == [0, 216]
    files = [path.relative_to(tmp_path) for path in (tmp_path / "first/two/stems").iterdir()]
    for old in (*files, Path("first/two/score.mid")):
        new = tmp_path / "out" / old.relative_to("first")
        assert new.read_bytes() == (tmp_path / old).read_bytes()
    for take in again.scored.takes:
        assert all(abs(landing.error_s) < 1 / 48 for landing in take.landings)
