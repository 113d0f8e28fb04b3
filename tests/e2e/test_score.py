"""The main job, run as a person runs it: a film goes in, a scored film comes out."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
import pretty_midi
import pytest
import soundfile
from tests.films import draw_film

from emsync import wire

RATE = Fraction(24)
SECONDS = 12
CUTS_S = (4.0, 8.5)


@dataclass(frozen=True)
class Run:
    film: Path
    folder: Path
    printed: str


def emsync(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "emsync_server", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=240,
    )


def score(film: Path, folder: Path, *options: str | Path) -> Run:
    done = emsync("score", film, "-o", folder, *options)
    assert done.returncode == 0, done.stderr
    return Run(film, folder, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("film with 'quotes' & кино 🎬")
    film = folder / "short film.mp4"
    draw_film(film, seconds=SECONDS, cuts_s=CUTS_S, rate=RATE)
    return score(film, folder / "out", "--seed", "5", "--spacing", "3")


def test_it_leaves_all_that_the_readme_lists(run: Run):
    left = {entry.name for entry in run.folder.iterdir()}
    assert left == {
        "cues.emotion.html",
        "cues.emotion.png",
        "cues.json",
        "ducking.json",
        "hits.png",
        "mix.wav",
        "piano-roll.png",
        "report.json",
        "score.mid",
        "scored.mp4",
        "stems",
        "stems.json",
        "take.json",
        "timeline.otio",
    }


def test_every_cut_is_found_and_every_locked_hit_lands_in_the_midi(run: Run):
    sheet = wire.read_cue_sheet(run.folder / "cues.json")
    assert [float(b.time.seconds) for b in sheet.boundaries] == list(CUTS_S)
    hits = [hit for hit in sheet.cues[0].hits if hit.locked]
    assert [float(hit.time.seconds) for hit in hits] == list(CUTS_S)
    midi = pretty_midi.PrettyMIDI(str(run.folder / "score.mid"))
    onsets = np.array([n.start for i in midi.instruments if not i.is_drum for n in i.notes])
    for hit in hits:
        struck = np.abs(onsets - float(hit.time.seconds)) <= float(1 / RATE / 2)
        assert struck.sum() >= 3


def test_stems_and_mix_are_as_long_as_the_film_to_the_sample(run: Run):
    files = [run.folder / "mix.wav", *(run.folder / "stems").iterdir()]
    assert len(files) > 1
    for file in files:
        info = soundfile.info(file)
        assert (info.frames, info.samplerate, info.subtype) == (SECONDS * 48_000, 48_000, "PCM_24")


def test_the_music_has_no_dead_air_and_does_not_clip(run: Run):
    mix, _ = soundfile.read(run.folder / "mix.wav")
    level = np.sqrt((mix.reshape(-1, 24_000, 2) ** 2).mean(axis=(1, 2)))  # half seconds
    assert np.abs(mix).max() < 1.0
    assert (level[:-2] > 10 ** (-60 / 20)).all()


def test_the_picture_is_copied_bit_for_bit_and_the_sound_is_as_long(run: Run):
    scored = run.folder / "scored.mp4"
    assert picture_packets(scored) == picture_packets(run.film)
    with av.open(str(scored)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
        rate = container.streams.audio[0].rate
    assert abs(samples / rate - SECONDS) <= float(1 / RATE)


def test_the_timeline_carries_stems_markers_and_the_cue_sheet(run: Run):
    timeline = otio.adapters.read_from_file(str(run.folder / "timeline.otio"))
    stems = list((run.folder / "stems").iterdir())
    assert len(timeline.audio_tracks()) >= len(stems)
    assert "emsync" in timeline.metadata
    for clip in timeline.find_clips():
        reference = clip.media_reference
        if hasattr(reference, "target_url") and reference.target_url.endswith(".wav"):
            assert (run.folder / reference.target_url).is_file()


def test_the_report_says_that_all_hits_landed_in_midi_and_sound(run: Run):
    report = json.loads((run.folder / "report.json").read_text(encoding="utf-8"))
    hits = report["hits"]
    assert hits["locked"] == len(CUTS_S)
    assert hits["landed_in_score"] == hits["landed_in_sound"] == 1.0


def test_the_same_seed_gives_the_same_bytes_and_another_other_music(run: Run, tmp_path: Path):
    again = score(run.film, tmp_path / "again", "--seed", "5", "--spacing", "3")
    other = score(run.film, tmp_path / "other", "--seed", "6", "--spacing", "3")
    for name in ("score.mid", "cues.json"):
        assert (again.folder / name).read_bytes() == (run.folder / name).read_bytes()
    assert (other.folder / "score.mid").read_bytes() != (run.folder / "score.mid").read_bytes()


def test_a_film_is_scored_by_the_cue_sheet_that_a_person_edited(run: Run, tmp_path: Path):
    sheet = json.loads((run.folder / "cues.json").read_text(encoding="utf-8"))
    sheet["cues"][0]["hits"] = [{"time": 1.5, "locked": True}]
    edited = tmp_path / "edited.json"
    edited.write_text(json.dumps(sheet), encoding="utf-8")
    mine = score(run.film, tmp_path / "out", "--cues", edited, "--seed", "5")
    report = json.loads((mine.folder / "report.json").read_text(encoding="utf-8"))
    assert [hit["time_s"] for hit in report["hits"]["hits"]] == [1.5]
    assert "replaced" not in mine.printed
    again = score(run.film, mine.folder, "--cues", edited, "--seed", "6")
    assert f"replaced by a new one; its notes are kept as {mine.folder}" in again.printed
    assert (mine.folder / "score.before.mid").is_file()
    other = emsync("score", edited.with_name("no.mp4"), "--cues", edited, "-o", tmp_path / "no")
    assert other.returncode != 0
    assert "The cue sheet is of" in other.stderr
    assert not (tmp_path / "no").exists()


def test_the_steps_alone_take_what_the_step_before_wrote(run: Run, tmp_path: Path):
    cues = tmp_path / "cues.json"
    assert emsync("spot", run.film, "-o", cues).returncode == 0
    edited = json.loads(cues.read_text(encoding="utf-8"))
    edited["cues"][0]["hits"] = edited["cues"][0]["hits"][:1]
    cues.write_text(json.dumps(edited), encoding="utf-8")
    take = tmp_path / "take"
    for arguments in (
        ("compose", cues, "-o", take, "--seed", "2"),
        ("render", take / "take.json", "-o", take),
    ):
        done = emsync(*arguments)
        assert done.returncode == 0, done.stderr
    assert len(wire.read_take(take / "take.json").landings) == 1
    placed = emsync("place", run.folder / "timeline.otio", take, "-o", tmp_path / "placed.otio")
    assert placed.returncode == 0, placed.stderr
    laid = emsync("place", run.film, take, "-o", tmp_path / "scored.mp4")
    assert laid.returncode == 0, laid.stderr
    assert picture_packets(tmp_path / "scored.mp4") == picture_packets(run.film)
    anew = emsync("compose", cues, "-o", take, "--bars", "1:2")
    assert anew.returncode == 0, anew.stderr
    assert "are of the notes before. Render again." in anew.stderr


def test_a_take_laid_under_its_film_is_the_film_that_score_writes(run: Run, tmp_path: Path):
    scored = tmp_path / "scored.mp4"
    laid = emsync("place", run.film, run.folder, "-o", scored)
    assert laid.returncode == 0, laid.stderr
    assert str(scored) in laid.stdout
    assert scored.read_bytes() == (run.folder / "scored.mp4").read_bytes()


def test_what_a_person_put_or_edited_in_the_folder_is_kept(run: Run, tmp_path: Path):
    folder = tmp_path / "out"
    shutil.copytree(run.folder, folder)
    (folder / "stems" / "my own.wav").write_bytes(b"mine")
    edited = (folder / "cues.json").read_text(encoding="utf-8").replace("0.", "0.0", 1)
    (folder / "cues.json").write_text(edited, encoding="utf-8")
    score(run.film, folder, "--seed", "5", "--spacing", "3")
    assert (folder / "stems" / "my own.wav").read_bytes() == b"mine"
    assert (folder / "cues.before.json").read_text(encoding="utf-8") == edited
    assert (folder / "cues.json").read_bytes() == (run.folder / "cues.json").read_bytes()


def test_a_folder_with_the_score_of_another_film_is_refused(run: Run, tmp_path: Path):
    other = tmp_path / "other.mp4"
    draw_film(other, seconds=2, cuts_s=())
    before = (run.folder / "mix.wav").read_bytes()
    done = emsync("score", other, "-o", run.folder)
    assert done.returncode == 5
    assert "short film.mp4" in done.stderr
    assert (run.folder / "mix.wav").read_bytes() == before


def picture_packets(film: Path) -> list[bytes]:
    with av.open(str(film)) as container:
        return [bytes(p) for p in container.demux(video=0) if p.size]
