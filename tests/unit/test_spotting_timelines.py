"""Spotting timelines: the edit tells the boundaries, the media the emotion."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest
from films_of_known_times import write_film
from tests.films import draw_film, srt_of

from emsync.cue import HitSource
from emsync.errors import InputError, TimelineError
from emsync.settings import MarkerRule, MarkerUse, SpotSettings
from emsync_server.media import Film
from emsync_server.progress import silent_progress
from emsync_server.spotting import spot

RATE = Fraction(24)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """bright.mp4 is colourful and light, dark.mp4 nearly black; ten seconds each."""
    folder = tmp_path_factory.mktemp("media")
    random = np.random.default_rng(8)
    pattern = np.kron(random.integers(0, 60, (8, 12, 1)), np.ones((8, 8, 1)))
    for name, colour in (("bright", (250, 190, 90)), ("dark", (36, 34, 40))):
        still = np.clip(pattern * (0.5 if name == "dark" else 1) + colour, 0, 255).astype(np.uint8)
        write_film(folder / f"{name}.mp4", range(240), images=[still] * 240)
    return folder


def timeline(folder: Path, names: list[str], markers: tuple[float, ...] = ()) -> Path:
    """An edit of six-second shots; names of media that is not there are offline."""
    edit = otio.schema.Timeline("edit")
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    edit.tracks.append(track)
    for name in names:
        media = otio.schema.ExternalReference(
            target_url=str(folder / f"{name}.mp4"),
            available_range=otio.opentime.TimeRange(
                otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(240, 24)
            ),
        )
        used = otio.opentime.TimeRange(
            otio.opentime.RationalTime(48, 24), otio.opentime.RationalTime(144, 24)
        )
        track.append(otio.schema.Clip(name, media, used))
    for moment in markers:
        edit.tracks.markers.append(
            otio.schema.Marker(
                "hit", otio.opentime.TimeRange(otio.opentime.RationalTime(moment * 24, 24))
            )
        )
    path = folder / "edit.otio"
    otio.adapters.write_to_file(edit, str(path))
    return path


def test_boundaries_come_from_the_edit_and_emotion_from_the_media(folder):
    path = timeline(folder, ["bright", "dark", "bright"])
    sheet = spot(path, SpotSettings(), silent_progress())
    assert [float(each.time.seconds) for each in sheet.boundaries] == [6.0, 12.0]
    (cue,) = sheet.cues
    assert cue.name == "edit"
    assert float(cue.range.duration.seconds) == 18.0
    bright, dark, _ = (
        next(vote.emotion.valence for vote in shot.votes if vote.expert == "movement")
        for shot in sheet.shots
    )
    assert bright > dark + 0.03
    assert sheet.picture.warnings == ()


def test_subtitles_of_the_media_are_words_of_the_shots_that_play_it(tmp_path):
    draw_film(tmp_path / "talk.mp4", seconds=10, cuts_s=(), sound=False)
    draw_film(tmp_path / "mute.mp4", seconds=10, cuts_s=(), sound=False)
    lines = ((500, 1500, "not in the cut"), (3000, 4000, "it is here"), (7500, 9000, "there, too"))
    (tmp_path / "talk.en.srt").write_text(srt_of(lines), encoding="utf-8")
    edit = timeline(tmp_path, ["mute", "talk", "mute"])
    sheet = spot(edit, SpotSettings(), silent_progress())
    assert [shot.text for shot in sheet.shots] == ["", "it is here there, too", ""]
    assert sheet.words_from == ("Words are from the subtitles 'talk.en.srt' (English).",)
    assert spot(edit, SpotSettings(draft=True), silent_progress()).words_from == ()


@pytest.mark.parametrize("at_s", [0, 3600], ids=["from the first frame", "by its timecode"])
def test_subtitles_beside_a_timeline_are_those_of_the_cut(tmp_path, at_s):
    draw_film(tmp_path / "talk.mp4", seconds=10, cuts_s=(), sound=False)
    (tmp_path / "talk.en.srt").write_text(srt_of(((3000, 4000, "rushes"),)), encoding="utf-8")
    edit = timeline(tmp_path, ["talk", "talk"])
    start = otio.adapters.read_from_file(str(edit))
    start.global_start_time = otio.opentime.RationalTime(at_s * 24, 24)
    otio.adapters.write_to_file(start, str(edit))
    lines = ((at_s * 1000 + 1000, at_s * 1000 + 3000, "one"),
             (at_s * 1000 + 7000, at_s * 1000 + 9000, "two"))  # fmt: skip
    (tmp_path / "edit.en.srt").write_text(srt_of(lines), encoding="utf-8")
    sheet = spot(edit, SpotSettings(), silent_progress())
    assert [shot.text for shot in sheet.shots] == ["one", "two"]
    assert sheet.words_from == ("Words are from the subtitles 'edit.en.srt' (English).",)
    assert sheet.picture.warnings == ()


def test_offline_media_is_scored_from_the_edit_and_said(folder):
    path = timeline(folder, ["bright", "missing", "bright"])
    sheet = spot(path, SpotSettings(), silent_progress())
    assert any("offline" in warning for warning in sheet.picture.warnings)
    seen, unseen = (
        sheet.cues[0].emotion.nearest(shot.range.start.seconds) for shot in sheet.shots[:2]
    )
    assert unseen.uncertainty.valence > seen.uncertainty.valence + 0.02


def test_media_that_cannot_be_read_is_scored_from_the_edit_and_said(folder):
    (folder / "broken.mp4").write_text("no film\n" * 50)
    path = timeline(folder, ["bright", "broken"])
    sheet = spot(path, SpotSettings(), silent_progress())
    assert any("broken.mp4" in warning for warning in sheet.picture.warnings)


def test_markers_are_locked_hits_of_full_weight(folder):
    path = timeline(folder, ["bright", "dark", "bright"], markers=(3.0, 12.5))
    (cue,) = spot(path, SpotSettings(), silent_progress()).cues
    marked = [hit for hit in cue.hits if hit.source is HitSource.MARKER]
    assert [float(hit.time.seconds) for hit in marked] == [3.0, 12.5]
    assert all(hit.locked and hit.weight == 1.0 for hit in marked)
    assert 12.0 not in [float(hit.time.seconds) for hit in cue.hits]


def test_a_broken_timeline_gets_a_sentence(tmp_path):
    (tmp_path / "edit.otio").write_text("{")
    with pytest.raises(TimelineError):
        spot(tmp_path / "edit.otio", SpotSettings(), silent_progress())


def test_a_changed_edit_looks_only_at_what_it_uses_anew(folder, monkeypatch):
    looked = []
    frames_from = Film.frames_from

    def watched(film, start_s, end_s):
        looked.append(film.path.stem)
        return frames_from(film, start_s, end_s)

    monkeypatch.setattr(Film, "frames_from", watched)
    first = spot(timeline(folder, ["bright", "dark"]), SpotSettings(), silent_progress())
    assert looked == ["bright", "dark"]
    again = spot(timeline(folder, ["bright", "dark"]), SpotSettings(), silent_progress())
    assert again == first
    spot(timeline(folder, ["dark", "bright", "dark"]), SpotSettings(), silent_progress())
    assert looked == ["bright", "dark"]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (MarkerRule(MarkerUse.NAMED, "door*"), "is called 'door\\*'"),
        (MarkerRule(MarkerUse.COLORED, "cyan"), "has the colour 'cyan'"),
    ],
    ids=["a name", "a colour"],
)
def test_markers_that_were_named_must_be_there(folder, rule, why):
    path = timeline(folder, ["bright"], markers=(2.0,))
    with pytest.raises(InputError, match=f"No marker in the picture of 'edit.otio' {why}"):
        spot(path, SpotSettings(markers=rule), silent_progress())
    with pytest.raises(InputError, match="is a film, and a film has no markers"):
        spot(folder / "dark.mp4", SpotSettings(markers=rule), silent_progress())
    found = MarkerRule(MarkerUse.NAMED, "h*")
    assert len(spot(path, SpotSettings(markers=found, draft=True), silent_progress()).cues) == 1


def test_the_cuts_of_a_film_that_lies_uncut_on_a_timeline_are_found_in_the_film(tmp_path):
    cuts = draw_film(tmp_path / "lock.mp4", seconds=10.0, cuts_s=(1.0, 3.5, 6.0), size=(320, 180))
    sheet = spot(timeline(tmp_path, ["lock"]), SpotSettings(), silent_progress())
    assert [each.time.value for each in sheet.boundaries] == [cut - 48 for cut in cuts[1:]]
    assert all(hit.locked for hit in sheet.cues[0].hits)


def test_a_film_that_is_cut_on_the_timeline_is_not_looked_through(tmp_path):
    draw_film(tmp_path / "lock.mp4", seconds=10.0, cuts_s=(1.0, 3.5, 6.0), size=(320, 180))
    sheet = spot(timeline(tmp_path, ["lock", "lock"]), SpotSettings(), silent_progress())
    assert [float(each.time.seconds) for each in sheet.boundaries] == [6.0]
