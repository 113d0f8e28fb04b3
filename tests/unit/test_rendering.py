"""Rendering's laws: equal stems, their sum the mix, the promised loudness, all or nothing."""

from __future__ import annotations

import errno
import json
import shutil
import sys
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import soundfile
from tests.films import draw_film
from tests.unit.rendered_scores import (
    BRASS,
    DRUMS,
    STRINGS,
    SineSynthesizer,
    part,
    samples_of,
    write_take,
)

from emsync import wire
from emsync.errors import (
    DiskFullError,
    InputError,
    JobCancelledError,
    NotFoundError,
    OutputError,
)
from emsync.family import Family
from emsync.settings import RenderSettings
from emsync.stem import GainCurve, LoudnessTarget, SampleFormat, StemSet
from emsync_server.progress import ProgressSink, silent_progress
from emsync_server.rendering import render, wave_file
from emsync_server.rendering.ducking import gain_factors

PLAIN = RenderSettings(target=LoudnessTarget.EBU_R128)
render_module = sys.modules["emsync_server.rendering.render"]  # the function has the same name


@pytest.fixture(autouse=True)
def sines(monkeypatch):
    """Sines instead of a synthesiser; tests that want the real one undo it."""
    monkeypatch.setattr(render_module, "choose_synthesizer", lambda wanted: SineSynthesizer())


def stems_of(folder: Path, stems: StemSet, bits: int = 24) -> list[np.ndarray]:
    return [samples_of(folder / stem.path, bits) for stem in stems.stems]


def rendered(folder: Path, settings: RenderSettings = PLAIN, **take: object) -> StemSet:
    return render(write_take(folder, **take), folder, settings, silent_progress())


# The sum law


@pytest.mark.parametrize(
    ("sample_format", "bits"),
    [
        pytest.param(SampleFormat.PCM_16, 16, id="16 bit"),
        pytest.param(SampleFormat.PCM_24, 24, id="24 bit"),
    ],
)
def test_the_stems_sum_to_the_mix_exactly(tmp_path, sample_format, bits):
    stems = rendered(tmp_path, replace(PLAIN, sample_format=sample_format))
    assert [stem.family for stem in stems.stems] == [
        Family.STRINGS,
        Family.BRASS,
        Family.PERCUSSION,
    ]
    mix = samples_of(tmp_path / stems.mix, bits)
    assert np.array_equal(sum(stems_of(tmp_path, stems, bits)), mix)
    assert np.abs(mix).max() > 0


def test_float_stems_sum_to_the_mix(tmp_path):
    stems = rendered(tmp_path, replace(PLAIN, sample_format=SampleFormat.FLOAT_32))
    parts = [soundfile.read(tmp_path / stem.path, dtype="float32")[0] for stem in stems.stems]
    mix, _ = soundfile.read(tmp_path / stems.mix, dtype="float32")
    assert soundfile.info(tmp_path / stems.mix).subtype == "FLOAT"
    assert np.abs(np.sum(parts, axis=0, dtype=np.float64) - mix).max() < 2**-23


def test_with_ducking_the_mix_is_the_sum_times_the_curve_within_one_step(tmp_path):
    film = tmp_path / "film.mp4"
    draw_film(film, seconds=3.0, cuts_s=(1.0,))
    stems = rendered(tmp_path, RenderSettings(), source=str(film))
    assert stems.target is LoudnessTarget.UNDER_DIALOGUE
    assert stems.ducking.points, "the film's tone is production sound"
    total = sum(stems_of(tmp_path, stems))
    factors = gain_factors(stems.ducking, 0, len(total), stems.sample_rate_hz)[:, None]
    mix = samples_of(tmp_path / stems.mix)
    assert np.abs(mix - total * factors).max() <= 1.0
    assert np.abs(mix - total).max() > 1000, "the curve was applied to the mix"
    points = json.loads((tmp_path / "ducking.json").read_text())
    assert points == wire.to_dict(stems.ducking)


def test_the_sum_law_holds_where_the_limiter_works(tmp_path, monkeypatch):
    monkeypatch.setattr(render_module, "choose_synthesizer", lambda wanted: SineSynthesizer(3.0))
    peaky = part(Family.STRINGS, 48, (36, 40, 43, 48, 52, 55, 60, 64, 67, 72), (0, 2))
    stems = rendered(
        tmp_path, RenderSettings(target=LoudnessTarget.STREAMING), parts=[peaky, DRUMS]
    )
    mix = samples_of(tmp_path / stems.mix)
    assert np.array_equal(sum(stems_of(tmp_path, stems)), mix)
    assert stems.true_peak_db <= -1.0
    assert stems.loudness_lufs == pytest.approx(-14.0, abs=0.3)
    assert np.abs(mix).max() < 2**23 - 1, "nothing clips"


# Loudness


@pytest.mark.parametrize(
    ("target", "wanted_lufs"),
    [(LoudnessTarget.EBU_R128, -23.0), (LoudnessTarget.ATSC_A85, -24.0)],
    ids=["ebu", "atsc"],
)
def test_the_music_reaches_its_target(tmp_path, target, wanted_lufs):
    import pyloudnorm

    stems = rendered(tmp_path, RenderSettings(target=target))
    mix, rate_hz = soundfile.read(tmp_path / stems.mix)
    second_opinion = pyloudnorm.Meter(rate_hz).integrated_loudness(mix)
    assert stems.loudness_lufs == pytest.approx(wanted_lufs, abs=0.1)
    assert second_opinion == pytest.approx(wanted_lufs, abs=0.2)
    assert stems.true_peak_db <= -1.0


def test_without_production_sound_the_target_is_ebu_r128(tmp_path):
    film = tmp_path / "silent film.mp4"
    draw_film(film, seconds=3.0, cuts_s=(1.0,), sound=False)
    stems = rendered(tmp_path, RenderSettings(), source=str(film))
    assert stems.target is LoudnessTarget.EBU_R128
    assert stems.loudness_lufs == pytest.approx(-23.0, abs=0.1)
    assert stems.ducking == GainCurve()


# Lengths


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
def test_every_file_is_as_long_as_the_cue_when_it_ends_with_the_picture(tmp_path, rate_hz):
    cue_s = Fraction(77, 24)
    stems = rendered(tmp_path, replace(PLAIN, sample_rate_hz=rate_hz), cue_s=cue_s)
    assert (stems.length_samples, stems.tail_samples) == (round(cue_s * rate_hz), 0)
    for name in [stem.path for stem in stems.stems] + [stems.mix]:
        info = soundfile.info(tmp_path / name)
        assert (info.frames, info.samplerate, info.channels) == (stems.length_samples, rate_hz, 2)
    assert not samples_of(tmp_path / stems.mix)[-1].any(), "the release fade ends in silence"


def test_a_cue_inside_the_picture_rings_on_for_four_seconds_at_most(tmp_path):
    stems = rendered(tmp_path, picture_s=Fraction(60))
    assert 0 < stems.tail_samples <= 4 * 48_000
    assert stems.length_samples == 3 * 48_000 + stems.tail_samples
    tail = samples_of(tmp_path / stems.mix)[-stems.tail_samples :]
    assert np.abs(tail).max() > 0 and not tail[-1].any()


def test_a_tail_never_outlasts_the_picture(tmp_path):
    stems = rendered(tmp_path, picture_s=Fraction(7, 2))
    assert 0 < stems.tail_samples <= 24_000


def test_a_score_without_notes_becomes_silence(tmp_path):
    stems = rendered(tmp_path, parts=[])
    assert stems.stems == () and stems.length_samples == 3 * 48_000
    assert not samples_of(tmp_path / stems.mix).any()
    assert wire.read_stem_set(tmp_path / "stems.json") == stems


def test_families_without_notes_have_no_stem(tmp_path):
    stems = rendered(tmp_path, parts=[STRINGS, replace(BRASS, notes=())])
    assert [stem.family for stem in stems.stems] == [Family.STRINGS]


# Files


def test_the_stem_set_on_disk_is_the_one_returned(tmp_path):
    stems = rendered(tmp_path)
    assert wire.read_stem_set(tmp_path / "stems.json") == stems
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    assert files == {
        *("take.json", "score.mid", "mix.wav", "stems.json", "ducking.json"),
        *("stems/strings.wav", "stems/brass.wav", "stems/percussion.wav"),
    }


def test_a_second_rendering_replaces_its_own_stems_and_nothing_else(tmp_path):
    rendered(tmp_path)
    (tmp_path / "stems" / "mine.wav").write_bytes(b"a person's own file")
    rendered(tmp_path, parts=[STRINGS])
    assert {path.name for path in (tmp_path / "stems").iterdir()} == {"strings.wav", "mine.wav"}


def test_two_renderings_are_the_same_byte_for_byte(tmp_path):
    for name in ("one", "two"):
        rendered(tmp_path / name)
    for path in sorted((tmp_path / "one").rglob("*.wav")):
        other = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == other.read_bytes()


def test_an_edited_midi_is_what_sounds(tmp_path):
    take = write_take(tmp_path, [STRINGS])
    write_take(tmp_path / "other", [BRASS])
    (tmp_path / "other" / "score.mid").replace(tmp_path / "score.mid")
    stems = render(take, tmp_path, PLAIN, silent_progress())
    assert [stem.family for stem in stems.stems] == [Family.BRASS]


def test_music_longer_than_four_gigabytes_gets_a_header_that_says_so():
    header = wave_file._header(48_000, SampleFormat.PCM_24, 5 * 3600 * 48_000)
    assert header[:4] == b"RF64" and header[12:16] == b"ds64"
    assert int.from_bytes(header[28:36], "little") == 5 * 3600 * 48_000 * 6


# What goes wrong


@dataclass
class Folder:
    """A folder with a take in it, and what was there before a rendering failed."""

    path: Path

    def __post_init__(self):
        self.take = write_take(self.path)
        self.before = self.listing()

    def listing(self) -> set[Path]:
        return set(self.path.rglob("*"))


@pytest.mark.parametrize("share", [0.0, 0.06, 0.3, 0.8, 0.9])
def test_cancelling_leaves_nothing_behind(tmp_path, share):
    folder = Folder(tmp_path)
    cancelled = Event()

    def cancel(fraction: float, note: str) -> None:
        if fraction >= share:
            cancelled.set()

    with pytest.raises(JobCancelledError):
        render(folder.take, tmp_path, PLAIN, ProgressSink(cancel, cancelled))
    assert folder.listing() == folder.before


@pytest.mark.parametrize("at", ["raw", "wav"])
def test_a_full_disk_is_said_in_a_sentence_and_leaves_nothing(tmp_path, monkeypatch, at):
    folder = Folder(tmp_path)

    def full(*_: object) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    if at == "raw":
        monkeypatch.setattr(wave_file.FloatFile, "_notice", full)
    else:
        monkeypatch.setattr(wave_file, "_encoded", full)
    with pytest.raises(DiskFullError, match="disk is full"):
        render(folder.take, tmp_path, PLAIN, silent_progress())
    assert folder.listing() == folder.before


def test_too_little_space_is_said_before_the_work_begins(tmp_path, monkeypatch):
    folder = Folder(tmp_path)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    said: list[str] = []
    with pytest.raises(DiskFullError, match="Rendering 3 stems needs"):
        render(folder.take, tmp_path, PLAIN, ProgressSink(lambda share, note: said.append(note)))
    assert folder.listing() == folder.before and "playing the instruments" not in said


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    folder = Folder(tmp_path / "in")
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputError, match="cannot be written"):
        render(folder.take, tmp_path / "file" / "out", PLAIN, silent_progress())


def test_a_missing_take_or_score_is_named(tmp_path):
    with pytest.raises(NotFoundError, match="take"):
        render(tmp_path / "take.json", tmp_path, PLAIN, silent_progress())
    take = write_take(tmp_path / "in")
    (tmp_path / "in" / "score.mid").unlink()
    with pytest.raises((NotFoundError, InputError), match=r"score\.mid"):
        render(take, tmp_path / "in", PLAIN, silent_progress())


def test_a_take_cannot_name_a_score_in_another_folder(tmp_path):
    take = write_take(tmp_path / "in")
    (tmp_path / "in" / "score.mid").rename(tmp_path / "score.mid")
    take.write_text(take.read_text().replace('"score.mid"', '"../score.mid"'))
    with pytest.raises(InputError, match="beside"):
        render(take, tmp_path / "in", PLAIN, silent_progress())


def test_progress_rises_from_nothing_to_all(tmp_path):
    said: list[float] = []
    render(
        write_take(tmp_path), tmp_path, PLAIN, ProgressSink(lambda share, note: said.append(share))
    )
    assert said == sorted(said) and said[-1] == 1.0 and len(said) >= 4


# The real synthesiser


def test_real_instruments_land_where_the_score_says(tmp_path, monkeypatch):
    from emsync_server.rendering.choice import choose_synthesizer

    monkeypatch.setattr(render_module, "choose_synthesizer", choose_synthesizer)
    stems = rendered(tmp_path, parts=[part(Family.PERCUSSION, 0, (38,), (1, 2.5, 4))])
    sound = np.abs(samples_of(tmp_path / stems.stems[0].path)).max(axis=1)
    for second in (0.5, 1.25, 2.0):
        at = round(second * 48_000)
        window = sound[at - 2000 : at + 4000]
        onset = int(np.argmax(window > 0.05 * window.max())) - 2000
        assert abs(onset) <= 144, f"{onset} samples off"  # 3 ms, of which the drum takes most
